// Takes forgotten words out of the audit and hashes its chain anew behind them.
#include <sqlite3.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "store/audit_chain.h"
#include "store/audit_steps.h"
#include "store/write_pieces.h"

namespace selftune::store {
namespace {

using internal::ChainEnd;
using internal::EventOf;
using internal::HashOf;
using internal::Seam;

constexpr char kNextEvent[] =
    "SELECT event_id, proposal_id, skill_id, action, occurred_ms, details, validation, eval_set, "
    "snapshot, location, sha256_before, sha256_after, run_id, iterations, validation_mode, "
    "validation_agent, evidence_ref, prev_hash, hash, target, event_pk FROM evolution_event "
    "WHERE event_pk>?1 ORDER BY event_pk LIMIT 1";
constexpr char kRewriteEvent[] =
    "UPDATE evolution_event SET details=?2, validation=?3, eval_set=?4, snapshot=?5, "
    "prev_hash=?6, hash=?7 WHERE event_pk=?1";

// The figures of a test and the side of an entry are looked at again by them.
constexpr std::string_view kCodes[] = {"tier", "reason_code", "split"};

// Puts the append-only triggers aside for as long as it lives.
class TriggersOff {
 public:
  explicit TriggersOff(Db& db) : db_(db) { Set(0); }
  ~TriggersOff() { Set(1); }
  TriggersOff(const TriggersOff&) = delete;
  TriggersOff& operator=(const TriggersOff&) = delete;

 private:
  void Set(int on) { sqlite3_db_config(db_.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, on, nullptr); }
  Db& db_;
};

struct Step {
  AuditEvent event;
  std::string before, hash;  // raw
  int64_t number = 0;
};

Step StepOf(const Cursor& row) {
  return {.event = EventOf(row),
          .before = std::string(row.Bytes(17)),
          .hash = std::string(row.Bytes(18)),
          .number = row.Int(20)};
}

// One at a time; others append meanwhile, to the end as it was.
class Eraser {
 public:
  Eraser(Db& db, const Quotes& quotes, const base::Cancel* cancel)
      : db_(db), quotes_(quotes), cancel_(cancel) {}

  StatusOr<int64_t> Run() {
    ST_ASSIGN_OR_RETURN(const std::optional<Seam> left, internal::ReadSeam(db_));
    ST_RETURN_IF_ERROR(Look(left));
    if (whole_ && left.has_value()) {  // a run of before was cut off
      ST_RETURN_IF_ERROR(Rewrite(*left));
      ST_RETURN_IF_ERROR(Look(std::nullopt));
    }
    if (!first_.has_value()) return changed_;
    ST_RETURN_IF_ERROR(Rewrite(*first_));
    return changed_;
  }

 private:
  // In front of the first step that quotes, and whether the chain is whole.
  Status Look(const std::optional<Seam>& seam) {
    ChainEnd found;
    int64_t last = 0;
    whole_ = true;
    first_.reset();
    ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(internal::kAllEvents));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      Step step = StepOf(rows);
      whole_ = whole_ && step.before == found.hash && step.hash == HashOf(found.hash, step.event);
      if (!first_.has_value() && Clean(step.event)) {
        first_ = {.step = last, .old = found.hash, .now = found.hash};
      }
      ++found.count;
      last = step.number;
      found.hash = seam.has_value() ? seam->Follow(last, step.hash) : step.hash;
    }
    ST_ASSIGN_OR_RETURN(const ChainEnd end, internal::ReadEnd(db_));
    // Somebody may have appended since.
    whole_ =
        whole_ && (end.count > found.count || (end.count == found.count && end.hash == found.hash));
    return absl::OkStatus();
  }

  bool Clean(AuditEvent& event) const {
    bool any = false;
    const auto clean = [&](std::string& text, std::span<const std::string_view> codes) {
      std::string without = quotes_.Without(text, codes);
      any = any || without != text;
      text = std::move(without);
    };
    clean(event.details, {});
    clean(event.validation, kCodes);
    clean(event.eval_set, kCodes);
    clean(event.snapshot, {});
    return any;
  }

  // All steps behind it, in turns; with each of them the seam is where it ended.
  Status Rewrite(Seam at) {
    for (bool more = true; more;) {
      ST_ASSIGN_OR_RETURN(WriteTurn turn, WriteTurn::Begin(db_, cancel_));
      const TriggersOff off(db_);
      for (size_t steps = 0; more && steps < kPieceItems && !turn.Over(); ++steps) {
        ST_ASSIGN_OR_RETURN(more, RewriteNext(at));
      }
      ST_RETURN_IF_ERROR(more ? Leave(at) : Finish(at));
      ST_RETURN_IF_ERROR(turn.End(more));
    }
    return absl::OkStatus();
  }

  StatusOr<bool> RewriteNext(Seam& at) {
    Step step;
    {
      ST_ASSIGN_OR_RETURN(Cursor row, db_.Query(kNextEvent, at.step));
      ST_ASSIGN_OR_RETURN(const bool found, row.Next());
      if (!found) return false;
      step = StepOf(row);
    }
    // One that was broken before stays so: what does not fit is not hashed as if it did.
    whole_ = whole_ && step.before == at.old && step.hash == HashOf(at.old, step.event);
    const bool quotes = Clean(step.event);
    changed_ += quotes ? 1 : 0;
    const std::string& before = whole_ ? at.now : step.before;
    const std::string now = whole_ ? HashOf(before, step.event) : step.hash;
    if (quotes || now != step.hash) {
      const AuditEvent& event = step.event;
      ST_RETURN_IF_ERROR(db_.Run(kRewriteEvent, step.number, OrNull{event.details},
                                 OrNull{event.validation}, OrNull{event.eval_set},
                                 OrNull{event.snapshot}, Blob{before}, Blob{now}));
    }
    at = {.step = step.number, .old = step.hash, .now = now};
    return true;
  }

  Status Leave(const Seam& at) {
    return internal::SetSeam(db_, whole_ ? std::optional<Seam>(at) : std::nullopt);
  }

  Status Finish(const Seam& at) {
    ST_RETURN_IF_ERROR(internal::SetSeam(db_, std::nullopt));
    ST_ASSIGN_OR_RETURN(const ChainEnd end, internal::ReadEnd(db_));
    if (!whole_ || end.hash != at.old) return absl::OkStatus();
    return internal::SetEnd(db_, {.count = end.count, .hash = at.now});
  }

  Db& db_;
  const Quotes& quotes_;
  const base::Cancel* cancel_;
  std::optional<Seam> first_;  // where to begin
  int64_t changed_ = 0;
  bool whole_ = true;
};

}  // namespace

StatusOr<int64_t> EraseFromAudit(Db& db, const Quotes& quotes, const base::Cancel* cancel) {
  return Eraser(db, quotes, cancel).Run();
}

}  // namespace selftune::store

#include "store/audit_chain.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/json_value.h"
#include "base/status_macros.h"
#include "store/audit_steps.h"
#include "store/evolution_log.h"

namespace selftune::store {
namespace {

using internal::ChainEnd;
using internal::EventOf;
using internal::HashOf;
using internal::kAllEvents;
using internal::ReadEnd;
using internal::ReadSeam;
using internal::Seam;

constexpr char kInsertEvent[] =
    "INSERT INTO evolution_event(event_id,proposal_id,skill_id,action,occurred_ms,details,"
    "validation,eval_set,snapshot,target,location,sha256_before,sha256_after,run_id,iterations,"
    "validation_mode,validation_agent,evidence_ref,prev_hash,hash) "
    "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?20,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19)";

constexpr char kProposals[] =
    "SELECT p.proposal_id, p.state, o.text, n.text, p.tier, p.gains, p.losses, p.holdout, p.p, "
    "p.alpha FROM proposal p "
    "LEFT JOIN body o ON o.body_id=p.original_body LEFT JOIN body n ON n.body_id=p.proposed_body "
    "ORDER BY p.proposal_id";

constexpr char kBegin[] = "BEGIN";
constexpr char kEnd[] = "COMMIT";
constexpr char kLooks[] = "SELECT proposal_id, look, alpha, gains, losses, p FROM holdout_look";

// What the steps say of one proposal.
struct Told {
  std::string last_action, texts;
  base::JsonValue test;  // figures, null = it was not tested
  base::JsonValue look;  // the step that charged it, null = none did
};

bool Same(const base::JsonValue& told, double found) {
  constexpr double kLastDigit = 1e-12;
  return std::abs(told.AsDouble() - found) <= kLastDigit;
}

// The chain and what is said of it as they are at one moment.
class Snapshot {
 public:
  static StatusOr<Snapshot> Take(Db& db) {
    if (db.in_transaction()) return Snapshot(nullptr);
    ST_RETURN_IF_ERROR(db.Run(kBegin));
    return Snapshot(&db);
  }
  Snapshot(Snapshot&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}
  Snapshot& operator=(Snapshot&&) = delete;
  ~Snapshot() {
    if (db_ == nullptr) return;
    const Status done = db_->Run(kEnd);
    (void)done;  // it only read
  }

 private:
  explicit Snapshot(Db* db) : db_(db) {}
  Db* db_;
};

class Check {
 public:
  explicit Check(Db& db) : db_(db) {}

  StatusOr<std::vector<std::string>> Run() {
    ST_ASSIGN_OR_RETURN(const Snapshot snapshot, Snapshot::Take(db_));
    ST_RETURN_IF_ERROR(Steps());
    ST_RETURN_IF_ERROR(End());
    ST_RETURN_IF_ERROR(Looks());
    ST_RETURN_IF_ERROR(Proposals());
    return std::move(problems_);
  }

 private:
  Status Steps() {
    ST_ASSIGN_OR_RETURN(const std::optional<Seam> seam, ReadSeam(db_));
    ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kAllEvents));
    while (true) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) return absl::OkStatus();
      const AuditEvent event = EventOf(rows);
      const std::string hash(rows.Bytes(18));
      const bool follows = rows.Bytes(17) == found_.hash;
      if (!follows || hash != HashOf(rows.Bytes(17), event)) {
        Add(event.proposal_id, fmt::format("step {} does not continue the chain", event.action));
      }
      if (!ParseProposalState(event.action).has_value()) {
        Add(event.proposal_id, fmt::format("{} is no step", event.action));
      }
      Told& told = told_[event.proposal_id];
      if (told.last_action.empty()) told.texts = event.texts;
      told.last_action = event.action;
      TakeFigures(event, told);
      ++found_.count;
      found_.hash = hash;
      if (seam.has_value()) found_.hash = seam->Follow(rows.Int(20), hash);
    }
  }

  Status End() {
    ST_ASSIGN_OR_RETURN(const ChainEnd end, ReadEnd(db_));
    if (end.count != found_.count || end.hash != found_.hash) {
      problems_.push_back(fmt::format("audit: {} steps were written, {} are there{}", end.count,
                                      found_.count,
                                      end.count == found_.count ? "; the newest is another" : ""));
    }
    return absl::OkStatus();
  }

  static void TakeFigures(const AuditEvent& event, Told& told) {
    if (!event.validation.empty()) {
      auto test = base::JsonValue::Parse(event.validation);
      if (test.ok() && (*test)["tier"].is_string()) told.test = *std::move(test);
    }
    if (!event.eval_set.empty()) {
      auto look = base::JsonValue::Parse(event.eval_set);
      if (look.ok() && (*look)["look"].is_int()) told.look = *std::move(look);
    }
  }

  // Each charged look has its row, and no row is of nobody.
  Status Looks() {
    std::map<std::string, int64_t> rows_of;
    ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kLooks));
    while (true) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      const std::string id = rows.String(0);
      ++rows_of[id];
      const auto told = told_.find(id);
      if (told == told_.end()) {
        Add(id, "it has a look at the held-out entries and no step");
        continue;
      }
      const auto& [action, texts, test, look] = told->second;
      const bool same_look = look.is_null() || (look["look"].AsInt() == rows.Int(1) &&
                                                Same(look["alpha"], rows.Double(2)));
      const bool same_test = test.is_null() || (test["gains"].AsInt() == rows.Int(3) &&
                                                test["losses"].AsInt() == rows.Int(4) &&
                                                Same(test["p"], rows.Double(5)));
      if (!same_look || !same_test) Add(id, "its look is not the one its steps tell of");
    }
    for (const auto& [id, told] : told_) {
      if (!told.look.is_null() && rows_of[id] != 1) {
        Add(id, "its look at the held-out entries is gone");
      }
    }
    return absl::OkStatus();
  }

  void CheckFigures(const std::string& id, const base::JsonValue& test, const Cursor& row) {
    if (test.is_null()) return;
    const bool same = test["tier"].AsString() == row.Text(4) &&
                      test["gains"].AsInt() == row.Int(5) && test["losses"].AsInt() == row.Int(6) &&
                      test["counted"].AsInt() == row.Int(7) && Same(test["p"], row.Double(8)) &&
                      Same(test["alpha"], row.Double(9));
    if (!same) Add(id, "its figures are not those of its test");
  }

  Status Proposals() {
    ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kProposals));
    while (true) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      const std::string id = rows.String(0);
      const auto told = told_.find(id);
      if (told == told_.end()) {
        Add(id, "none of its steps is there");
        continue;
      }
      if (rows.Text(1) != told->second.last_action) {
        Add(id,
            fmt::format("it is {}, its last step is {}", rows.Text(1), told->second.last_action));
      }
      CheckFigures(id, told->second.test, rows);
      // An erased text proves nothing.
      const bool erased = rows.IsNull(2) || rows.IsNull(3);
      if (!erased && told->second.texts != TextsDigest(rows.Text(2), rows.Text(3))) {
        Add(id, "its texts are not those of its first step");
      }
      told_.erase(told);
    }
    for (const auto& [id, told] : told_) Add(id, "it is gone, its steps are there");
    return absl::OkStatus();
  }

  void Add(const std::string& proposal, std::string_view what) {
    problems_.push_back(fmt::format("proposal {}: {}", proposal, what));
  }

  Db& db_;
  ChainEnd found_;
  std::map<std::string, Told> told_;  // by proposal
  std::vector<std::string> problems_;
};

}  // namespace

std::string TextsDigest(std::string_view original, std::string_view proposed) {
  return base::Sha256Hex(original) + " " + base::Sha256Hex(proposed);
}

Status AppendEvent(Db& db, const AuditEvent& event) {
  ST_ASSIGN_OR_RETURN(const ChainEnd end, ReadEnd(db));
  const std::string hash = HashOf(end.hash, event);
  ST_RETURN_IF_ERROR(
      db.Run(kInsertEvent, event.event_id, event.proposal_id, event.skill, event.action, event.at,
             OrNull{event.details}, OrNull{event.validation}, OrNull{event.eval_set},
             OrNull{event.snapshot}, OrNull{event.location}, Blob{event.sha256_before},
             Blob{event.sha256_after}, OrNull{event.run_id}, event.iterations, OrNull{event.mode},
             OrNull{event.agent}, OrNull{event.texts}, Blob{end.hash}, Blob{hash}, event.target));
  return internal::SetEnd(db, {.count = end.count + 1, .hash = hash});
}

StatusOr<std::vector<std::string>> CheckChains(Db& db) { return Check(db).Run(); }

}  // namespace selftune::store

#include "store/audit_chain.h"

#include <sqlite3.h>

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
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/evolution_log.h"

namespace selftune::store {
namespace {

constexpr char kInsertEvent[] =
    "INSERT INTO evolution_event(event_id,proposal_id,skill_id,action,occurred_ms,details,"
    "validation,eval_set,snapshot,target,location,sha256_before,sha256_after,run_id,iterations,"
    "validation_mode,validation_agent,evidence_ref,prev_hash,hash) "
    "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?20,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19)";

constexpr char kAllEvents[] =
    "SELECT event_id, proposal_id, skill_id, action, occurred_ms, details, validation, eval_set, "
    "snapshot, location, sha256_before, sha256_after, run_id, iterations, validation_mode, "
    "validation_agent, evidence_ref, prev_hash, hash, target, event_pk FROM evolution_event "
    "ORDER BY event_pk";
constexpr char kOneEvent[] =
    "SELECT event_id, proposal_id, skill_id, action, occurred_ms, details, validation, eval_set, "
    "snapshot, location, sha256_before, sha256_after, run_id, iterations, validation_mode, "
    "validation_agent, evidence_ref, prev_hash, hash, target FROM evolution_event "
    "WHERE event_pk=?1";
constexpr char kRewriteEvent[] =
    "UPDATE evolution_event SET details=?2, validation=?3, eval_set=?4, snapshot=?5, "
    "prev_hash=?6, hash=?7 WHERE event_pk=?1";

constexpr char kReadEnd[] = "SELECT value FROM meta WHERE key='evolution_chain'";
constexpr char kSetEnd[] =
    "INSERT INTO meta(key,value) VALUES('evolution_chain',?1) "
    "ON CONFLICT DO UPDATE SET value=excluded.value";

constexpr char kProposals[] =
    "SELECT p.proposal_id, p.state, o.text, n.text, p.tier, p.gains, p.losses, p.holdout, p.p, "
    "p.alpha FROM proposal p "
    "LEFT JOIN body o ON o.body_id=p.original_body LEFT JOIN body n ON n.body_id=p.proposed_body "
    "ORDER BY p.proposal_id";

constexpr char kLooks[] = "SELECT proposal_id, look, alpha, gains, losses, p FROM holdout_look";

// Where the chain ends: how many steps there are and the hash of the newest.
struct ChainEnd {
  int64_t count = 0;
  std::string hash;  // raw, "" = none yet
};

StatusOr<ChainEnd> ReadEnd(Db& db) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kReadEnd));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return ChainEnd{};
  const std::string value = row.String(0);
  const std::vector<std::string_view> fields = base::SplitSpace(value);
  if (fields.size() != 2) return Fail(kStoreCorrupt, "reading where the audit ends: {}", value);
  return ChainEnd{.count = base::ParseInt(fields[0]).value_or(-1),
                  .hash = base::FromHex(fields[1]).value_or("")};
}

// The step as text that always comes out the same: fixed keys, fixed order,
// absent and empty alike.
std::string Canonical(const AuditEvent& event) {
  base::JsonWriter out;
  out.BeginObject()
      .Field("event_id", event.event_id)
      .Field("proposal_id", event.proposal_id)
      .Field("skill_id", event.skill)
      .Field("action", event.action)
      .Field("occurred_ms", event.at.value)
      .Field("details", event.details)
      .Field("validation", event.validation)
      .Field("eval_set", event.eval_set)
      .Field("snapshot", event.snapshot)
      .Field("target", event.target)
      .Field("location", event.location)
      .Field("sha256_before", base::Hex(event.sha256_before))
      .Field("sha256_after", base::Hex(event.sha256_after))
      .Field("run_id", event.run_id)
      .Field("iterations", event.iterations.value_or(0))
      .Field("validation_mode", event.mode)
      .Field("validation_agent", event.agent)
      .Field("texts", event.texts)
      .EndObject();
  return std::move(out).Take();
}

std::string HashOf(std::string_view prev_hash, const AuditEvent& event) {
  return base::Sha256Bytes(std::string(prev_hash) + Canonical(event));
}

AuditEvent EventOf(const Cursor& row) {
  return {.event_id = row.String(0),
          .proposal_id = row.String(1),
          .action = row.String(3),
          .details = row.String(5),
          .validation = row.String(6),
          .eval_set = row.String(7),
          .snapshot = row.String(8),
          .location = row.String(9),
          .sha256_before = std::string(row.Bytes(10)),
          .sha256_after = std::string(row.Bytes(11)),
          .run_id = row.String(12),
          .mode = row.String(14),
          .agent = row.String(15),
          .texts = row.String(16),
          .target = row.String(19),
          .skill = row.Int(2),
          .iterations = row.OptInt(13),
          .at = row.Time(4)};
}

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

// The chain once more, with other texts.
class Eraser {
 public:
  Eraser(Db& db, const Quotes& quotes) : db_(db), quotes_(quotes) {}

  StatusOr<bool> Any() {
    ST_RETURN_IF_ERROR(Look());
    return !erased_.empty();
  }

  StatusOr<int64_t> Run() {
    ST_RETURN_IF_ERROR(Look());
    if (erased_.empty()) return int64_t{0};
    const TriggersOff off(db_);
    ChainEnd end;
    for (const int64_t pk : steps_) ST_RETURN_IF_ERROR(Rewrite(pk, end));
    if (whole_) {
      ST_RETURN_IF_ERROR(
          db_.Run(kSetEnd, fmt::format("{} {}", steps_.size(), base::Hex(end.hash))));
    }
    return std::ssize(erased_);
  }

 private:
  // Which steps quote, and whether the chain is whole.
  Status Look() {
    ChainEnd found;
    {
      ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kAllEvents));
      for (;;) {
        ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
        if (!more) break;
        AuditEvent event = EventOf(rows);
        const std::string hash(rows.Bytes(18));
        whole_ = whole_ && rows.Bytes(17) == found.hash && hash == HashOf(found.hash, event);
        ++found.count;
        found.hash = hash;
        steps_.push_back(rows.Int(20));
        if (Clean(event)) erased_.insert(steps_.back());
      }
    }
    ST_ASSIGN_OR_RETURN(const ChainEnd end, ReadEnd(db_));
    whole_ = whole_ && end.count == found.count && end.hash == found.hash;
    return absl::OkStatus();
  }

  bool Clean(AuditEvent& event) const {
    bool any = false;
    for (std::string* text :
         {&event.details, &event.validation, &event.eval_set, &event.snapshot}) {
      std::string clean = quotes_.Without(*text);
      any = any || clean != *text;
      *text = std::move(clean);
    }
    return any;
  }

  Status Rewrite(int64_t pk, ChainEnd& end) {
    AuditEvent event;
    std::string hash, before;
    {
      ST_ASSIGN_OR_RETURN(Cursor row, db_.Query(kOneEvent, pk));
      ST_ASSIGN_OR_RETURN(const bool found, row.Next());
      if (!found) return Fail(kInternal, "reading step {} of the audit", pk);
      event = EventOf(row);
      before = std::string(row.Bytes(17));
      hash = std::string(row.Bytes(18));
    }
    const bool erased = erased_.contains(pk);
    if (erased) Clean(event);
    if (whole_) {
      before = end.hash;
      end.hash = HashOf(before, event);
    }
    const std::string& now = whole_ ? end.hash : hash;
    if (!erased && now == hash) return absl::OkStatus();
    return db_.Run(kRewriteEvent, pk, OrNull{event.details}, OrNull{event.validation},
                   OrNull{event.eval_set}, OrNull{event.snapshot}, Blob{before}, Blob{now});
  }

  Db& db_;
  const Quotes& quotes_;
  std::vector<int64_t> steps_;
  std::set<int64_t> erased_;
  bool whole_ = true;
};

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

class Check {
 public:
  explicit Check(Db& db) : db_(db) {}

  StatusOr<std::vector<std::string>> Run() {
    ST_RETURN_IF_ERROR(Steps());
    ST_RETURN_IF_ERROR(End());
    ST_RETURN_IF_ERROR(Looks());
    ST_RETURN_IF_ERROR(Proposals());
    return std::move(problems_);
  }

 private:
  Status Steps() {
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
  return db.Run(kSetEnd, fmt::format("{} {}", end.count + 1, base::Hex(hash)));
}

StatusOr<bool> AuditQuotes(Db& db, const Quotes& quotes) { return Eraser(db, quotes).Any(); }

StatusOr<int64_t> EraseFromAudit(Db& db, const Quotes& quotes) { return Eraser(db, quotes).Run(); }

StatusOr<std::vector<std::string>> CheckChains(Db& db) { return Check(db).Run(); }

}  // namespace selftune::store

#include "store/integrity.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/audit_chain.h"
#include "store/migrate.h"
#include "store/resolver.h"
#include "store/rollup.h"
#include "store/stored_text.h"

namespace selftune::store {
namespace {

constexpr size_t kMaxProblems = 100;
constexpr size_t kMaxNamed = 3;
constexpr std::string_view kInvariantCheck = "invariant";

constexpr char kQuickCheck[] = "PRAGMA quick_check(20)";
constexpr char kIntegrityCheck[] = "PRAGMA integrity_check(20)";
constexpr char kForeignKeys[] = "PRAGMA foreign_key_check";
constexpr char kTables[] = R"sql(
  SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name)sql";
// Every cell there is or should be.
constexpr char kCells[] = R"sql(
  SELECT skill_id,day FROM skill_day UNION SELECT skill_id,day FROM observation WHERE effective=1 OR polluted=1
  UNION SELECT 0,day FROM skill_day)sql";
constexpr char kDirty[] = R"sql(SELECT count(*) FROM rollup_dirty)sql";
constexpr char kTotals[] = R"sql(
  SELECT t.skill_id, t.checks, coalesce(d.checks,0), t.triggered, coalesce(d.triggered,0), t.missed, coalesce(d.missed,0),
    t.conf_micro, coalesce(d.conf_micro,0), t.sessions, (SELECT count(*) FROM skill_session x WHERE x.skill_id=t.skill_id)
  FROM skill_total t LEFT JOIN (SELECT skill_id, sum(checks) checks, sum(triggered) triggered, sum(missed) missed,
    sum(conf_micro) conf_micro FROM skill_day GROUP BY skill_id) d ON d.skill_id=t.skill_id)sql";
constexpr char kSkillSessions[] = R"sql(
  SELECT count(*) FROM (SELECT skill_id,session_pk,count(*) n FROM observation WHERE effective=1 GROUP BY 1,2
    EXCEPT SELECT skill_id,session_pk,n FROM skill_session))sql";

struct CounterCheck {
  std::string_view name;
  const char* count;
};
constexpr CounterCheck kCounterChecks[] = {
    {"sessions", R"sql(SELECT count(*) FROM session)sql"},
    {"prompts", R"sql(SELECT count(*) FROM prompt WHERE actionable=1)sql"},
    {"observations", R"sql(SELECT count(*) FROM observation WHERE effective=1)sql"},
    {"evidence", R"sql(SELECT count(*) FROM evolution_event)sql"},
    {"telemetry", R"sql(SELECT count(*) FROM session_metric)sql"},
};
constexpr char kCounter[] = R"sql(SELECT value FROM counter WHERE name=?1)sql";

// What must hold on every database (docs/sql-views.md 3): a query that names
// the rows which break it.
struct Invariant {
  std::string_view what;
  const char* violations;
  bool reading_helps = true;  // false: no source says what it is about
};
constexpr Invariant kInvariants[] = {
    {"a prompt of a person outside a main session",
     R"sql(SELECT p.prompt_id FROM prompt p JOIN session s USING(session_pk) WHERE p.kind='user' AND s.kind<>'main' LIMIT 3)sql"},
    {"is_actionable differs from the kind",
     R"sql(SELECT prompt_id FROM prompt WHERE actionable<>(kind='user') LIMIT 3)sql"},
    {"a decision is linked to no prompt of a person in its root session",
     R"sql(SELECT lower(hex(o.occurrence_key)) FROM observation o JOIN session s USING(session_pk)
       LEFT JOIN prompt p ON p.prompt_pk=o.prompt_pk WHERE o.prompt_pk IS NOT NULL AND o.effective=1
       AND (p.prompt_pk IS NULL OR p.actionable=0 OR p.session_pk<>s.root_pk) LIMIT 3)sql"},
    {"tools differ from the session's totals",
     R"sql(SELECT s.session_id FROM session s LEFT JOIN session_metric m USING(session_pk)
       LEFT JOIN (SELECT session_pk,sum(calls) c,sum(errors) e,sum(nonzero_exits) n,sum(denied) d,sum(unfinished) u
         FROM session_tool GROUP BY 1) t USING(session_pk)
       WHERE coalesce(m.total_tool_calls,0)<>coalesce(t.c,0) OR coalesce(m.tool_errors,0)<>coalesce(t.e,0)
         OR coalesce(m.nonzero_exits,0)<>coalesce(t.n,0) OR coalesce(m.denied,0)<>coalesce(t.d,0)
         OR coalesce(m.unfinished_calls,0)<>coalesce(t.u,0) LIMIT 3)sql"},
    {"tool errors out of range",
     R"sql(SELECT tool FROM session_tool WHERE errors>calls OR nonzero_exits+denied>errors OR calls<1 LIMIT 3)sql"},
    {"reasoning exceeds output",
     R"sql(SELECT session_pk FROM session_metric WHERE reasoning_tokens>output_tokens LIMIT 3)sql"},
    {"a root that is none",
     R"sql(SELECT s.session_id FROM session s LEFT JOIN session r ON r.session_pk=s.root_pk
       WHERE r.session_pk IS NULL OR r.root_pk<>r.session_pk OR (r.kind='subagent' AND r.session_pk<>s.session_pk) LIMIT 3)sql"},
    {"a parent that is not there",
     R"sql(SELECT s.session_id FROM session s LEFT JOIN session p ON p.session_pk=s.parent_pk
       WHERE s.parent_pk IS NOT NULL AND p.session_pk IS NULL LIMIT 3)sql"},
    {"a parent prompt outside the root session",
     R"sql(SELECT s.session_id FROM session s LEFT JOIN prompt p ON p.prompt_pk=s.parent_prompt_pk
       WHERE s.parent_prompt_pk IS NOT NULL AND p.session_pk IS NOT s.root_pk LIMIT 3)sql"},
    {"bad lines differ from the source's count",
     R"sql(SELECT f.path FROM source_file f WHERE f.bad_lines<>(SELECT count(*) FROM bad_line b WHERE b.source_id=f.source_id) LIMIT 3)sql"},
    {"the sums of a session are those of a file that no row names",
     R"sql(SELECT s.session_id FROM session s JOIN session_metric m USING(session_pk)
       WHERE s.source_id IS NULL AND s.capture='transcript'
         AND 'lost_source.'||s.session_pk NOT IN (SELECT key FROM meta) LIMIT 3)sql"},
    {"a listing has not the entries it says",
     R"sql(SELECT l.listing_id FROM listing l LEFT JOIN listing_entry e ON e.listing_id=l.listing_id
       GROUP BY l.listing_id HAVING count(e.ord)<>l.skills LIMIT 3)sql"},
    {"a watch differs from its observations",
     R"sql(SELECT w.deploy_id FROM watch w WHERE w.n<>(SELECT count(*) FROM watch_observation o WHERE o.deploy_id=w.deploy_id AND o.x IS NOT NULL) LIMIT 3)sql",
     /*reading_helps=*/false},
};

class Checker {
 public:
  Checker(Db& db, const CheckOptions& options) : db_(db), options_(options) {}

  StatusOr<CheckReport> Run() {
    ST_RETURN_IF_ERROR(Pages());
    // A broken file answers nothing reliably.
    if (!report_.quick_check) return std::move(report_);
    ST_RETURN_IF_ERROR(ForeignKeys());
    ST_RETURN_IF_ERROR(ForeignTables());
    ST_RETURN_IF_ERROR(Cells());
    ST_RETURN_IF_ERROR(Totals());
    ST_RETURN_IF_ERROR(Chains());
    ST_RETURN_IF_ERROR(Counters());
    for (const Invariant& invariant : kInvariants) ST_RETURN_IF_ERROR(Holds(invariant));
    ST_RETURN_IF_ERROR(Resolved());
    if (options_.deep) ST_RETURN_IF_ERROR(BrokenTexts());
    return std::move(report_);
  }

 private:
  void Add(std::string_view check, std::string message, bool reading_helps = false) {
    if (report_.problems.size() >= kMaxProblems) return;
    report_.problems.push_back({std::string(check), std::move(message), reading_helps});
  }

  StatusOr<std::vector<std::string>> Texts(const char* sql) {
    std::vector<std::string> out;
    ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(sql));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) return out;
      out.push_back(rows.String(0));
    }
  }

  Status Pages() {
    const auto found = Texts(options_.deep ? kIntegrityCheck : kQuickCheck);
    if (!found.ok()) {
      if (CodeOf(found.status()).name != kStoreCorrupt.name) return found.status();
      Add("quick_check", std::string(Message(found.status())));
      return absl::OkStatus();
    }
    report_.quick_check = found->size() == 1 && found->front() == "ok";
    if (report_.quick_check) return absl::OkStatus();
    for (const std::string& line : *found) Add("quick_check", line);
    return absl::OkStatus();
  }

  Status ForeignKeys() {
    ST_ASSIGN_OR_RETURN(const std::vector<std::string> found, Texts(kForeignKeys));
    report_.foreign_keys = found.empty();
    for (const std::string& table : found) {
      Add("foreign_keys", fmt::format("a row of {} has no parent", table));
    }
    return absl::OkStatus();
  }

  Status ForeignTables() {
    const std::vector<std::string> known = SchemaTables();
    ST_ASSIGN_OR_RETURN(const std::vector<std::string> found, Texts(kTables));
    for (const std::string& table : found) {
      if (std::binary_search(known.begin(), known.end(), table)) continue;
      report_.foreign_tables.push_back(table);
      Add("foreign_table", fmt::format("table {} was not made by selftune", table));
    }
    return absl::OkStatus();
  }

  Status Cells() {
    ST_ASSIGN_OR_RETURN(const int64_t dirty, db_.QueryInt(kDirty, 0));
    if (dirty > 0) Add("rollup", fmt::format("{} cells wait to be recomputed", dirty));
    std::set<std::pair<int64_t, int64_t>> all;
    {
      ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kCells));
      for (;;) {
        ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
        if (!more) break;
        all.emplace(rows.Int(0), rows.Int(1));
      }
    }
    std::vector<std::pair<int64_t, int64_t>> cells(all.begin(), all.end());
    if (!options_.deep && cells.size() > static_cast<size_t>(options_.cells)) {
      base::Rng rng(options_.seed);
      for (size_t i = 0; i < static_cast<size_t>(options_.cells); ++i) {
        std::swap(cells[i], cells[i + rng.Below(cells.size() - i)]);
      }
      cells.resize(static_cast<size_t>(options_.cells));
    }
    for (const auto& [skill_id, day] : cells) {
      ST_ASSIGN_OR_RETURN(const std::string problem, CheckCell(db_, skill_id, day));
      ++report_.rollups_checked;
      if (problem.empty()) continue;
      ++report_.rollups_bad;
      Add("rollup", fmt::format("skill {} on day {}: {}", skill_id, day, problem));
    }
    return absl::OkStatus();
  }

  Status Totals() {
    ST_ASSIGN_OR_RETURN(const int64_t sessions, db_.QueryInt(kSkillSessions, 0));
    if (sessions > 0) Add("rollup", fmt::format("{} rows of skill_session are wrong", sessions));
    ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kTotals));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) return absl::OkStatus();
      for (int i = 1; i < 11; i += 2) {
        if (rows.Int(i) == rows.Int(i + 1)) continue;
        Add("rollup", fmt::format("totals of skill {}: {} stored, {} computed", rows.Int(0),
                                  rows.Int(i), rows.Int(i + 1)));
      }
    }
  }

  Status Chains() {
    ST_ASSIGN_OR_RETURN(const std::vector<std::string> broken, CheckChains(db_));
    report_.hash_chain = broken.empty();
    for (const std::string& problem : broken) Add("hash_chain", problem);
    return absl::OkStatus();
  }

  Status Counters() {
    for (const CounterCheck& check : kCounterChecks) {
      ST_ASSIGN_OR_RETURN(const int64_t stored, db_.QueryInt(kCounter, 0, check.name));
      ST_ASSIGN_OR_RETURN(const int64_t counted, db_.QueryInt(check.count, 0));
      if (stored == counted) continue;
      Add("counter", fmt::format("{}: {} stored, {} counted", check.name, stored, counted));
    }
    return absl::OkStatus();
  }

  Status Holds(const Invariant& invariant) {
    ST_ASSIGN_OR_RETURN(const std::vector<std::string> rows, Texts(invariant.violations));
    if (!rows.empty()) {
      Add(kInvariantCheck, fmt::format("{}: {}", invariant.what, base::Join(rows, ", ")),
          invariant.reading_helps);
    }
    return absl::OkStatus();
  }

  Status Resolved() {
    ST_ASSIGN_OR_RETURN(std::vector<std::string> keys, UnresolvedOccurrences(db_, kMaxNamed));
    if (keys.empty()) return absl::OkStatus();
    for (std::string& key : keys) key = base::Hex(key);
    Add(kInvariantCheck,
        fmt::format("an occurrence of which the wrong row counts, or none: {}",
                    base::Join(keys, ", ")),
        /*reading_helps=*/true);
    return absl::OkStatus();
  }

  Status BrokenTexts() {
    ST_ASSIGN_OR_RETURN(const std::vector<std::string> columns, ColumnsOfBrokenText(db_));
    for (const std::string& column : columns) {
      Add("text", fmt::format("{} has a text that is no UTF-8", column));
    }
    return absl::OkStatus();
  }

  Db& db_;
  const CheckOptions& options_;
  CheckReport report_;
};

}  // namespace

bool CheckReport::reading_helps() const {
  return !ok() && std::all_of(problems.begin(), problems.end(),
                              [](const Problem& problem) { return problem.reading_helps; });
}

StatusOr<CheckReport> CheckStore(Db& db, const CheckOptions& options) {
  return Checker(db, options).Run();
}

}  // namespace selftune::store

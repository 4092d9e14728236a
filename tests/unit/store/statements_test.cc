// Every statement of the module compiles against the schema and reaches rows
// of evidence through an index.
#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/file.h"
#include "support/test_files.h"
#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::Must;
using testing::Rows;
using testing::TempStore;

std::string SourceDir() { return selftune::testing::TestsDir() + "/../libselftune/src/store"; }

// Reads C++ text far enough to find `constexpr char kName[] = "..." ...;`.
class StatementReader {
 public:
  explicit StatementReader(std::string text) : text_(std::move(text)) {}

  // Name and text of each; a constant made by a macro is expanded.
  std::map<std::string, std::string> Read() {
    ReadMacros();
    std::map<std::string, std::string> out;
    constexpr std::string_view kIntro = "constexpr char k";
    for (size_t at = text_.find(kIntro); at != text_.npos; at = text_.find(kIntro, at + 1)) {
      const size_t name_at = at + kIntro.size() - 1;
      const size_t bracket = text_.find('[', name_at);
      const size_t equals = text_.find('=', bracket);
      std::string value;
      size_t i = equals + 1;
      if (Literals(text_, i, value)) out[text_.substr(name_at, bracket - name_at)] = value;
    }
    return out;
  }

 private:
  void ReadMacros() {
    constexpr std::string_view kDefine = "#define ST_";
    for (size_t at = text_.find(kDefine); at != text_.npos; at = text_.find(kDefine, at + 1)) {
      size_t i = at + 8;
      const size_t begin = i;
      while (std::isalnum(static_cast<unsigned char>(text_[i])) != 0 || text_[i] == '_') ++i;
      const std::string name = text_.substr(begin, i - begin);
      std::string value;
      while (i < text_.size() && text_[i] != '\n') {
        if (text_[i] == '\\' && text_[i + 1] == '\n') {
          i += 2;
        } else if (text_[i] == '"') {
          Quoted(text_, i, value);
        } else {
          ++i;
        }
      }
      macros_[name] = value;
    }
  }

  static void Quoted(const std::string& text, size_t& i, std::string& value) {
    for (++i; text[i] != '"'; ++i) {
      if (text[i] == '\\') ++i;
      value.push_back(text[i]);
    }
    ++i;
  }

  // Adjacent literals up to ';'.
  bool Literals(const std::string& text, size_t& i, std::string& value) {
    while (i < text.size() && text[i] != ';') {
      if (text.compare(i, 6, "R\"sql(") == 0) {
        const size_t end = text.find(")sql\"", i);
        value += text.substr(i + 6, end - i - 6);
        i = end + 5;
      } else if (text[i] == '"') {
        Quoted(text, i, value);
      } else if (std::isspace(static_cast<unsigned char>(text[i])) != 0) {
        ++i;
      } else if (text.compare(i, 3, "ST_") == 0) {
        const size_t begin = i;
        while (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '_') ++i;
        value += macros_[text.substr(begin, i - begin)];
      } else if (text.compare(i, 2, "//") == 0) {
        i = text.find('\n', i);
      } else {
        return false;
      }
    }
    return !value.empty();
  }

  std::string text_;
  std::map<std::string, std::string> macros_;
};

std::map<std::string, std::string> AllStatements() {
  std::map<std::string, std::string> all;
  for (const char* folder : {"", "queries"}) {
    const std::string dir = base::JoinPath(SourceDir(), folder);
    for (const base::DirEntry& entry : Must(base::ListDir(dir))) {
      if (!entry.name.ends_with(".cc")) continue;
      const std::string text = Must(base::ReadFile(base::JoinPath(dir, entry.name), 1 << 20));
      for (auto& [name, sql] : StatementReader(text).Read()) {
        all[entry.name + ":" + name] = sql;
      }
    }
  }
  return all;
}

bool IsStatement(std::string_view sql) {
  for (const std::string_view word : {"SELECT", "INSERT", "UPDATE", "DELETE"}) {
    const size_t at = sql.find_first_not_of(" \n");
    if (at != sql.npos && sql.substr(at).starts_with(word)) return true;
  }
  return false;
}

// Walks over a whole table of evidence; names in the plan are those of the
// query, so aliases are resolved from its text.
std::vector<std::string> Scans(Db& db, const std::string& sql) {
  std::vector<std::string> scans;
  for (const std::string& line : Rows(db, "EXPLAIN QUERY PLAN " + sql, 4)) {
    const size_t at = line.find("SCAN ");
    if (at != line.npos) scans.push_back(line.substr(at));
  }
  return scans;
}

constexpr std::string_view kEvidence[] = {
    "session",       "prompt",         "observation",  "body",          "session_tool",
    "session_event", "session_metric", "exposure",     "listing_entry", "spawn",
    "session_keys",  "session_anchor", "session_part", "label",         "improvement_signal",
    "part_metric",   "part_tool"};

// "SCAN o USING ..." -> the table behind "o" in `sql`.
std::string TableOf(const std::string& sql, std::string_view scan) {
  const size_t end = scan.find(' ', 5);
  const std::string alias(scan.substr(5, end == scan.npos ? end : end - 5));
  for (const std::string_view table : kEvidence) {
    if (alias == table) return alias;
    for (const char* as : {" ", " AS "}) {
      const std::string declared = std::string(table) + as + alias;
      const size_t at = sql.find(declared);
      if (at == sql.npos) continue;
      // "skill_session z" is not "session z".
      if (at > 0 && sql[at - 1] == '_') continue;
      const char after = at + declared.size() < sql.size() ? sql[at + declared.size()] : ' ';
      if (std::isalnum(static_cast<unsigned char>(after)) == 0) return std::string(table);
    }
  }
  return {};
}

// Indexes over open work only: walking one costs what there is to do.
constexpr std::string_view kWorkLists[] = {
    "session_pending", "session_inherit", "session_anchor_open",
    "prompt_hook",     "obs_hook",        "signal_pending"};

bool IsWorkList(std::string_view scan) {
  return std::any_of(std::begin(kWorkLists), std::end(kWorkLists),
                     [&](std::string_view index) { return scan.ends_with(index); });
}

// Indexes in the order in which lists are shown: a walk that LIMIT ends early.
constexpr std::string_view kListOrders[] = {"obs_time", "obs_missed", "session_started",
                                            "prompt_newest"};

bool EndsEarly(const std::string& sql, std::string_view scan) {
  return sql.find("LIMIT") != sql.npos &&
         std::any_of(std::begin(kListOrders), std::end(kListOrders),
                     [&](std::string_view index) { return scan.ends_with(index); });
}

// Questions about the whole store, asked rarely: doctor, counts, listings of
// what is installed, and the grouping of forks.
constexpr std::string_view kWholeStore[] = {
    "integrity.cc:",
    "resolver.cc:kChoices",
    "doctor.cc:kShared",
    "overview.cc:kTableCounts",
    "session_writer.cc:kStillKnown",
    "ingest_writer.cc:kAddSession",
    "fork_groups.cc:kSettleAlone",
    "fork_groups.cc:kOpenAnchors",
    "signal_words.cc:kWithWords",
    "forget.cc:",
    "mend.cc:",
};

}  // namespace

TEST_SUITE("store/statements") {
  TEST_CASE("every statement compiles and none walks over evidence") {
    TempStore store;
    // What forget.cc makes before it asks.
    REQUIRE_OK(store.db().Execute("CREATE TEMP TABLE forget_text(body_id INTEGER PRIMARY KEY)"));
    int seen = 0;
    for (const auto& [name, sql] : AllStatements()) {
      if (!IsStatement(sql)) continue;
      ++seen;
      CAPTURE(name);
      CAPTURE(sql);
      if (std::any_of(std::begin(kWholeStore), std::end(kWholeStore),
                      [&, &n = name](std::string_view prefix) { return n.starts_with(prefix); })) {
        CHECK(Rows(store.db(), "EXPLAIN QUERY PLAN " + sql, 4).size() < 100);
        continue;
      }
      for (const std::string& scan : Scans(store.db(), sql)) {
        const std::string table = TableOf(sql, scan);
        CHECK_MESSAGE((table.empty() || IsWorkList(scan) || EndsEarly(sql, scan)), scan);
      }
    }
    CHECK(seen > 150);
  }

  TEST_CASE("what was judged is found past what was only used") {
    TempStore store;
    const auto all = AllStatements();
    const std::pair<const char*, const char*> cases[] = {
        {"health.cc:kMissedIn", "obs_missed (<expr>"},
        {"health.cc:kMisses", "obs_missed (<expr>"},
        {"health.cc:kStarted", "obs_by_hand (<expr>"},
    };
    for (const auto& [name, index] : cases) {
      CAPTURE(name);
      std::string plan;
      for (const std::string& line : Rows(store.db(), "EXPLAIN QUERY PLAN " + all.at(name), 4)) {
        plan += line + "\n";
      }
      CAPTURE(plan);
      CHECK(plan.find(index) != plan.npos);
    }
  }

  TEST_CASE("documented conditions on the views reach an index") {
    TempStore store;
    const std::map<std::string, std::vector<std::string>> conditions = {
        {"sessions", {"session_id", "root_session_id", "platform", "started_at>"}},
        {"prompts", {"session_id", "root_session_id", "prompt_id", "platform", "occurred_at>"}},
        {"skill_invocations",
         {"session_id", "root_session_id", "matched_prompt_id", "skill_name", "platform",
          "occurred_at>"}},
        {"execution_facts", {"session_id", "root_session_id", "platform", "occurred_at>"}},
        {"tool_calls", {"session_id", "root_session_id", "platform"}},
        {"queries", {"session_id", "prompt_id", "platform", "timestamp>"}},
        {"improvement_signals", {"session_id", "prompt_id", "platform", "timestamp>"}},
        {"evolution_audit", {"skill_name", "proposal_id", "timestamp>"}},
        {"evolution_evidence", {"skill_name", "proposal_id", "timestamp>"}},
        {"orchestrate_runs", {"run_id", "timestamp>"}},
        {"exposures",
         {"session_id", "root_session_id", "prompt_id", "skill_name", "platform", "occurred_at>"}},
    };
    for (const auto& [view, columns] : conditions) {
      for (const std::string& column : columns) {
        const bool range = column.ends_with('>');
        const std::string name = range ? column.substr(0, column.size() - 1) : column;
        const std::string where =
            range ? name + ">='2026-01-01' AND " + name + "<'2026-02-01'" : name + "='x'";
        CAPTURE(view);
        CAPTURE(where);
        for (const std::string& scan :
             Scans(store.db(), "SELECT * FROM " + view + " WHERE " + where)) {
          // A subquery of the row itself (the actions of a run) is no walk.
          CHECK_MESSAGE(scan == "SCAN a", scan);
        }
      }
    }
  }
}

}  // namespace selftune::store

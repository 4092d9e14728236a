// Every statement of the module compiles against the schema and reaches rows
// of evidence through an index.
#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include "base/file.h"
#include "support/test_files.h"
#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::Must;
using testing::Rows;
using testing::TempStore;

std::string SourceDir() { return selftune::testing::TestsDir() + "/../libselftune/src/store"; }

// Reads C++ text far enough to find `constexpr char kName[] = "..." ...;` and
// the statements in tables, `constexpr Row kName[] = {{..., R"sql(...)sql"}, ...}`.
class StatementReader {
 public:
  using Macros = std::map<std::string, std::string>;

  // `macros`: of headers.
  explicit StatementReader(std::string text, Macros macros = {})
      : text_(std::move(text)), macros_(std::move(macros)) {}

  // Name and text of each; a constant made by a macro is expanded, and those of a
  // table are numbered.
  std::map<std::string, std::string> Read() {
    macros_.merge(OwnMacros());
    std::map<std::string, std::string> out;
    constexpr std::string_view kIntro = "constexpr char k";
    size_t literals = 0;  // that constants are made of
    for (size_t at = text_.find(kIntro); at != text_.npos; at = text_.find(kIntro, at + 1)) {
      const size_t name_at = at + kIntro.size() - 1;
      const size_t bracket = text_.find('[', name_at);
      size_t i = text_.find('=', bracket) + 1;
      const size_t begin = i;
      std::string value;
      if (!Literals(text_, i, value)) continue;
      literals += Count(begin, i);
      REQUIRE(out.emplace(text_.substr(name_at, bracket - name_at), value).second);
    }
    for (auto& [name, value] : Tables()) {
      ++literals;
      REQUIRE(out.emplace(name, value).second);
    }
    REQUIRE(literals == Count(0, text_.size()));  // none is passed over
    return out;
  }

  [[nodiscard]] Macros OwnMacros() const {
    Macros out;
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
      out[name] = value;
    }
    return out;
  }

 private:
  static constexpr std::string_view kOpen = "R\"sql(", kClose = ")sql\"";

  [[nodiscard]] size_t Count(size_t begin, size_t end) const {
    size_t count = 0;
    for (size_t at = text_.find(kOpen, begin); at < end; at = text_.find(kOpen, at + 1)) ++count;
    return count;
  }

  // Of each table `constexpr Row kName[] = {`, up to the line that closes it.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Tables() const {
    std::vector<std::pair<std::string, std::string>> out;
    for (size_t at = text_.find("[] = {\n"); at != text_.npos;
         at = text_.find("[] = {\n", at + 1)) {
      const size_t name_at = text_.rfind(' ', at) + 1;
      const std::string name = text_.substr(name_at, at - name_at);
      const size_t end = text_.find("\n};", at);
      int number = 0;
      for (size_t i = text_.find(kOpen, at); i < end; i = text_.find(kOpen, i + 1)) {
        const size_t begin = i + kOpen.size();
        out.emplace_back(fmt::format("{}.{}", name, number++),
                         text_.substr(begin, text_.find(kClose, begin) - begin));
      }
    }
    return out;
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
      if (text.compare(i, kOpen.size(), kOpen) == 0) {
        const size_t begin = i + kOpen.size();
        const size_t end = text.find(kClose, begin);
        value += text.substr(begin, end - begin);
        i = end + kClose.size();
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
  Macros macros_;
};

// The sources below `folder`, with their paths from there.
std::vector<std::pair<std::string, std::string>> Sources(const std::string& folder,
                                                         const std::string& below = "") {
  std::vector<std::pair<std::string, std::string>> out;
  for (const base::DirEntry& entry : Must(base::ListDir(base::JoinPath(folder, below)))) {
    const std::string path = below.empty() ? entry.name : below + "/" + entry.name;
    if (!entry.maybe_file) {
      for (auto& source : Sources(folder, path)) out.push_back(std::move(source));
    } else if (path.ends_with(".cc") || path.ends_with(".h")) {
      out.emplace_back(path, Must(base::ReadFile(base::JoinPath(folder, path), 1 << 20)));
    }
  }
  return out;
}

std::map<std::string, std::string> AllStatements() {
  std::map<std::string, std::string> all;
  const auto sources = Sources(SourceDir());
  StatementReader::Macros shared;
  for (const auto& [path, text] : sources) {
    if (path.ends_with(".h")) shared.merge(StatementReader(text).OwnMacros());
  }
  for (const auto& [path, text] : sources) {
    for (auto& [name, sql] : StatementReader(text, shared).Read()) {
      all[path.substr(path.rfind('/') + 1) + ":" + name] = sql;
    }
  }
  return all;
}

bool IsStatement(std::string_view sql) {
  for (const std::string_view word : {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}) {
    const size_t at = sql.find_first_not_of(" \n");
    if (at != sql.npos && sql.substr(at).starts_with(word)) return true;
  }
  return false;
}

// What grows with what is read from the hosts. All other tables have rows for
// skills, versions, proposals and runs, which are few.
constexpr std::string_view kEvidence[] = {
    "session",        "forgotten",     "import_map",         "prompt",
    "observation",    "body",          "session_tool",       "session_event",
    "session_metric", "exposure",      "listing_entry",      "listing",
    "spawn",          "session_keys",  "session_anchor",     "session_part",
    "label",          "part_metric",   "part_tool",          "source_file",
    "bad_line",       "skill_session", "improvement_signal", "watch_observation",
    "vcs_commit",     "commit_logged", "import_untold"};

constexpr std::string_view kFew[] = {
    "host",          "skill",      "skill_location", "skill_version", "skill_state",
    "workspace",     "eval_entry", "holdout_look",   "proposal",      "evolution_event",
    "replay_result", "deploy",     "deploy_target",  "watch",         "llm_call",
    "llm_cache",     "budget",     "capability",     "job_run",       "job_action",
    "rollup_dirty",  "skill_day",  "skill_total",    "counter",       "meta",
    "change_clock",  "install",    "commit_due",     "skill_rest"};

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Whether `words` stand in `sql`, not as parts of longer ones.
bool Says(const std::string& sql, const std::string& words) {
  for (size_t at = sql.find(words); at != sql.npos; at = sql.find(words, at + 1)) {
    const size_t end = at + words.size();
    const bool begins = at == 0 || !IsWord(words[0]) || !IsWord(sql[at - 1]);
    if (begins && (end == sql.size() || !IsWord(sql[end]))) return true;
  }
  return false;
}

// One walk over the rows of a table or of an index, as the plan names it.
struct Walk {
  std::string line;   // "SCAN o USING INDEX obs_time"
  std::string table;  // "observation"; empty: not a table
};

// Names in a plan are those of the query, so aliases are resolved from its text.
std::string TableOf(const std::string& sql, const std::string& alias) {
  const auto in = [&](const auto& tables) -> std::string {
    for (const std::string_view table : tables) {
      const std::string name(table);
      if (alias == name || Says(sql, name + " " + alias) || Says(sql, name + " AS " + alias)) {
        return name;
      }
    }
    return {};
  };
  const std::string found = in(kEvidence);
  return found.empty() ? in(kFew) : found;
}

bool IsNamedResult(const std::string& sql, const std::string& name) {
  return Says(sql, "WITH " + name) || Says(sql, "WITH RECURSIVE " + name) ||
         Says(sql, ")," + name) || Says(sql, ") " + name) || Says(sql, "), " + name);
}

// The word before `alias`, which it may stand for.
std::string WordBefore(const std::string& sql, const std::string& alias) {
  const size_t at = sql.find(" " + alias + " ");
  if (at == sql.npos) return {};
  size_t begin = at;
  while (begin > 0 && IsWord(sql[begin - 1])) --begin;
  return sql.substr(begin, at - begin);
}

// A result of the query itself, a table-valued function, or the schema.
bool IsNoTable(const std::string& sql, std::string_view line, const std::string& alias) {
  return alias.starts_with("(") || alias == "CONSTANT" || alias.starts_with("sqlite_") ||
         line.find(" VIRTUAL TABLE ") != line.npos || line.find("-ROW") != line.npos ||
         IsNamedResult(sql, alias) || IsNamedResult(sql, WordBefore(sql, alias));
}

// All walks of a statement, of its triggers and of what its foreign keys do.
std::vector<Walk> Walks(Db& db, const std::string& sql) {
  std::vector<Walk> walks;
  for (const std::string& row : Rows(db, "EXPLAIN QUERY PLAN " + sql, 4)) {
    const std::string line = row.substr(row.rfind('|') + 1);
    const bool built = line.find(" AUTOMATIC ") != line.npos;  // an index made of a whole table
    if (!line.starts_with("SCAN ") && !built) continue;
    const size_t begin = line.find(' ') + 1;
    const std::string alias = line.substr(begin, line.find(' ', begin) - begin);
    std::string table = TableOf(sql, alias);
    if (table.empty() && !IsNoTable(sql, line, alias)) table = alias;  // unknown: a finding
    if (!table.empty()) walks.push_back({line, std::move(table)});
  }
  return walks;
}

// Indexes over open work only: walking one costs what there is to do.
constexpr std::string_view kWorkLists[] = {
    "session_pending", "session_inherit", "session_anchor_open", "prompt_hook",
    "obs_hook",        "signal_pending",  "source_kept"};

bool IsWorkList(std::string_view scan) {
  return std::any_of(std::begin(kWorkLists), std::end(kWorkLists), [&](std::string_view index) {
    return scan.ends_with(" " + std::string(index));
  });
}

// Indexes in the order in which lists are shown: a walk that LIMIT ends early.
constexpr std::string_view kListOrders[] = {"obs_time", "obs_missed", "session_started",
                                            "prompt_newest"};

bool EndsEarly(const std::string& sql, std::string_view scan) {
  return sql.find("LIMIT") != sql.npos &&
         std::any_of(std::begin(kListOrders), std::end(kListOrders), [&](std::string_view index) {
           return scan.ends_with(" " + std::string(index));
         });
}

// Statements that look at all rows of evidence, and why they may. A name that
// ends with '*' stands for all that begin so.
struct WholeStore {
  std::string_view name, reason;
};
constexpr WholeStore kWholeStore[] = {
    {"integrity.cc:*", "the check of the whole store, which is asked for"},
    {"resolver.cc:kChoices", "part of that check"},
    {"overview.cc:kOverview", "counts files and their bad lines by an index of the ledger"},
    {"doctor.cc:kFiles", "sums the ledger by an index that holds all it needs"},
    {"doctor.cc:kSchema", "from the newest file on, until one tells"},
    {"sources.cc:kList", "lists the ledger, which is what was asked for"},
    {"sources.cc:kFreshness", "the newest of all files, by an index of the ledger"},
    {"overview.cc:kTableCounts*", "`db info --counts`: to count is to walk"},
    {"merged.cc:*", "`sync --explain`: what was merged is looked for everywhere"},
    {"forgotten.cc:kAny", "whether there is any: the first row answers"},
    {"forget.cc:*", "what a person wants gone is looked for everywhere"},
    {"forget_choice.cc:*", "as is what was said where and when"},
    {"forget_quotes.cc:*", "and where it is quoted"},
    {"forget_texts.cc:*", "and who else said it"},
    {"forget_words.cc:*", "and where else such words stand"},
    {"forget_again.cc:kRemembered", "what was forgotten goes over to another store as a whole"},
    {"forget_again.cc:kErased", "with the keys of the words"},
    {"listing.cc:kIncomplete", "a forced sync looks at every listing"},
    {"mend.cc:*", "what a rebuilt store lacks is looked for everywhere"},
    {"signal_words.cc:kWithWords", "a sync with other rules for signals draws all again"},
};

bool IsNamed(std::string_view name, std::string_view pattern) {
  if (!pattern.ends_with('*')) return name == pattern;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

void ExplainTriggers(Db& db) {
  REQUIRE(sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_TRIGGER_EQP, 1, nullptr) == SQLITE_OK);
}

}  // namespace

TEST_SUITE("store/statements") {
  TEST_CASE("every statement compiles and none walks over evidence") {
    TempStore store;
    ExplainTriggers(store.db());
    // What forget_texts.cc and forget_quotes.cc make before they ask.
    REQUIRE_OK(store.db().Execute(
        "CREATE TEMP TABLE forget_text(body_id INTEGER PRIMARY KEY,said INTEGER,needed INTEGER);"
        "CREATE TEMP TABLE forget_piece(body_id INTEGER PRIMARY KEY,erased_id INTEGER)"));
    REQUIRE_OK(store.db().Execute("CREATE TEMP TABLE forget_session(id TEXT PRIMARY KEY)"));
    int seen = 0;
    std::set<std::string_view> used;
    for (const auto& [name, sql] : AllStatements()) {
      if (!IsStatement(sql)) continue;
      ++seen;
      CAPTURE(name);
      CAPTURE(sql);
      for (const Walk& walk : Walks(store.db(), sql)) {
        if (std::count(std::begin(kFew), std::end(kFew), walk.table) > 0) continue;
        if (IsWorkList(walk.line) || EndsEarly(sql, walk.line)) continue;
        const auto* const allowed = std::find_if(
            std::begin(kWholeStore), std::end(kWholeStore),
            [&, &n = name](const WholeStore& entry) { return IsNamed(n, entry.name); });
        CHECK_MESSAGE(allowed != std::end(kWholeStore), walk.line);
        if (allowed != std::end(kWholeStore)) used.insert(allowed->name);
      }
    }
    CHECK(seen > 330);
    CHECK(used.size() == std::size(kWholeStore));  // an exception that nothing needs is wrong
  }

  TEST_CASE("a walk is found wherever it hides") {
    TempStore store;
    ExplainTriggers(store.db());
    const std::pair<const char*, const char*> cases[] = {
        {"SELECT * FROM prompt", "prompt"},
        {"SELECT p.seq FROM prompt AS p WHERE p.kind='user'", "prompt"},
        {"SELECT count(*) FROM session_tool", "session_tool"},
        {"SELECT 1 FROM skill k JOIN observation x ON x.level=k.name", "observation"},
        {"SELECT skill_id FROM skill WHERE EXISTS(SELECT 1 FROM label l WHERE l.detail=name)",
         "label"},
        // Nothing tells SQLite who refers to a text but a walk over those tables.
        {"DELETE FROM body WHERE body_id=?1", "prompt"},
    };
    for (const auto& [sql, table] : cases) {
      CAPTURE(sql);
      bool found = false;
      for (const Walk& walk : Walks(store.db(), sql)) found = found || walk.table == table;
      CHECK(found);
    }
    CHECK(Walks(store.db(), "SELECT * FROM prompt WHERE session_pk=?1").empty());
  }

  TEST_CASE("each table is one of evidence or one of few rows") {
    TempStore store;
    for (const std::string& table : Rows(
             store.db(),
             "SELECT name FROM sqlite_schema WHERE type='table' AND name NOT GLOB 'sqlite_*'", 1)) {
      CAPTURE(table);
      CHECK(std::count(std::begin(kEvidence), std::end(kEvidence), table) +
                std::count(std::begin(kFew), std::end(kFew), table) ==
            1);
    }
  }

  // The statements above are all there are: SQL that is put together while the
  // program runs is prepared in these places only.
  TEST_CASE("statements are prepared in one place, texts of others in few") {
    const std::map<std::string, std::string> kPlaces = {
        {"store/db.cc", "the constants"},
        {"store/user_query.cc", "what the user asks of the views"},
        {"store/any_statement.cc", "tables of an archive or of a damaged store, by their names"},
        {"store/table_shape.cc", "what tables there are, and their columns"},
        {"store/loose_db.cc", "the database of the reference"},
        {"hosts/common/foreign_db.cc", "databases of hosts"},
    };
    for (const auto& [path, text] : Sources(SourceDir() + "/..")) {
      CAPTURE(path);
      CHECK((text.find("sqlite3_prepare") != text.npos) == (kPlaces.count(path) > 0));
      if (path.starts_with("store/")) continue;
      CHECK(text.find("R\"sql(") == text.npos);
    }
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
        for (const std::string& row :
             Rows(store.db(), "EXPLAIN QUERY PLAN SELECT * FROM " + view + " WHERE " + where, 4)) {
          const std::string line = row.substr(row.rfind('|') + 1);
          // A subquery of the row itself (the actions of a run) is no walk.
          CHECK_MESSAGE((!line.starts_with("SCAN ") || line == "SCAN a"), line);
        }
      }
    }
  }
}

}  // namespace selftune::store

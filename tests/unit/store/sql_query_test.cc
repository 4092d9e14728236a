#include "store/sql_query.h"

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::Must;
using testing::Rows;
using testing::TempStore;

// The columns of docs/sql-views.md; a missing one breaks somebody's notebook.
const std::map<std::string, std::string>& Contract() {
  static const std::map<std::string, std::string> kContract = {
      {"sessions",
       "session_id platform kind source_session_kind parent_session_id root_session_id "
       "parent_prompt_id forked_from "
       "agent_type agent_cli host_version provider model started_at ended_at completion_status "
       "workspace_path "
       "repo_remote branch commit_sha is_archived is_live source_path schema_version normalized_at "
       "normalizer_version capture_mode raw_source_ref"},
      {"prompts",
       "prompt_id session_id root_session_id platform prompt_index occurred_at prompt_kind "
       "is_actionable prompt_text "
       "raw_text command_name command_args command_kind is_active seen_in_transcript seen_in_hook "
       "source_path "
       "source_offset source_record schema_version normalized_at normalizer_version capture_mode "
       "raw_source_ref"},
      {"skill_invocations",
       "skill_invocation_id session_id root_session_id platform skill_name outcome triggered level "
       "route requested_by "
       "invocation_mode confidence reason cause occurred_at matched_prompt_id query tool_name "
       "tool_call_id agent_type "
       "is_forked skill_path skill_scope skill_args body_sha256 description_sha256 source_path "
       "source_offset "
       "source_record source schema_version normalized_at normalizer_version capture_mode "
       "raw_source_ref"},
      {"execution_facts",
       "id session_id root_session_id platform occurred_at prompt_id tool_calls_json "
       "total_tool_calls assistant_turns "
       "errors_encountered nonzero_exits denied_calls unfinished_calls failed_turns interruptions "
       "compactions "
       "input_uncached_tokens cache_read_tokens cache_write_tokens output_tokens "
       "reasoning_output_tokens input_tokens "
       "cached_input_tokens overhead_input_tokens overhead_output_tokens cost_usd duration_ms "
       "files_changed "
       "lines_added lines_removed lines_modified artifact_count session_type completion_status "
       "schema_version "
       "normalized_at normalizer_version capture_mode raw_source_ref"},
      {"tool_calls",
       "session_id root_session_id platform name calls errors nonzero_exits denied unfinished"},
      {"queries", "id timestamp session_id platform prompt_id query source"},
      {"improvement_signals",
       "id timestamp session_id platform prompt_id query signal_type mentioned_skill resolved "
       "state consumed "
       "consumed_at consumed_by_run"},
      {"commit_tracking",
       "session_id platform commit_sha commit_title branch repo_remote timestamp capture"},
      {"grading_results",
       "grading_id session_id platform skill_name run_id status transcript_path graded_at "
       "pass_rate mean_score "
       "score_std_dev passed_count failed_count total_count undetermined_count grader "
       "expectations_json claims_json "
       "eval_feedback_json failure_feedback_json execution_metrics_json"},
      {"imported_rows", "origin table_name row_id verdict reason row_json left_json"},
      {"evolution_audit",
       "id timestamp proposal_id skill_name skill_path target action details eval_snapshot_json "
       "iterations_used "
       "validation_mode validation_agent validation_fixture_id validation_evidence_ref "
       "content_sha256_before "
       "content_sha256_after run_id dry_run prev_hash hash"},
      {"evolution_evidence",
       "id timestamp proposal_id skill_name skill_path target stage rationale details confidence "
       "original_text "
       "proposed_text eval_set_json validation_json"},
      {"orchestrate_runs",
       "run_id timestamp elapsed_ms dry_run approval_mode total_skills evaluated evolved deployed "
       "watched skipped "
       "graded rolled_back signals_consumed llm_calls trigger status error skill_actions_json"},
      {"exposures",
       "session_id root_session_id platform skill_name occurred_at state cause prompt_id "
       "description "
       "description_sha256 skill_path source_path source_offset source_record"},
      {"source_files",
       "source_id platform path kind state size mtime read_offset pending_bytes generation parser "
       "parser_version "
       "host_schema records_seen records_used records_skipped records_unknown bad_lines last_error "
       "last_read_at"},
      {"bad_lines", "source_id generation platform path offset line_no reason excerpt seen_at"},
      {"sql_contract", "version store_schema store_created_at"},
      {"session_telemetry",
       "session_id timestamp cwd transcript_path tool_calls_json total_tool_calls "
       "bash_commands_json "
       "skills_triggered_json skills_invoked_json assistant_turns errors_encountered "
       "transcript_chars "
       "last_user_query source input_tokens output_tokens files_changed lines_added lines_removed "
       "lines_modified "
       "cached_input_tokens reasoning_output_tokens cost_usd artifact_count session_type "
       "agent_summary"},
      {"skill_usage",
       "id timestamp session_id skill_name skill_path skill_scope query triggered source"},
  };
  return kContract;
}

// How a query fares: "ok" or the code of its refusal.
std::string Try(const TempStore& store, std::string_view sql) {
  const auto result = RunUserSql(store.path(), sql, {});
  return result.ok() ? "ok" : std::string(CodeOf(result.status()).name);
}

}  // namespace

TEST_SUITE("store/sql_query") {
  TEST_CASE("every public view exists with every column, and answers when empty") {
    TempStore store;
    CHECK(PublicViews().size() == Contract().size());
    for (const std::string_view view : PublicViews()) {
      CAPTURE(view);
      const auto found = Contract().find(std::string(view));
      REQUIRE(found != Contract().end());
      std::string list;
      std::istringstream columns(found->second);
      for (std::string column; columns >> column;)
        list += (list.empty() ? "\"" : ",\"") + column + "\"";
      CHECK_OK(
          RunUserSql(store.path(), "SELECT " + list + " FROM " + std::string(view), {}).status());
    }
  }

  TEST_CASE("what is not reading a public view is refused") {
    TempStore store;
    for (const char* sql : {
             "SELECT * FROM session",
             "SELECT text FROM body",
             "SELECT s.session_id FROM sessions s JOIN body b ON 1",
             "SELECT (SELECT count(*) FROM prompt) FROM sessions",
             "SELECT * FROM sqlite_schema",
             "SELECT count(*) FROM sqlite_schema",
             "SELECT count(*) FROM sqlite_master",
             "SELECT count(*) FROM session",
             "SELECT 1 FROM body LIMIT 1",
             "SELECT * FROM main.session",
             "SELECT count(*) FROM pragma_table_list",
             "SELECT count(*) FROM dbstat",
             "SELECT * FROM pragma_table_info('session')",
             "DELETE FROM sessions",
             "INSERT INTO meta VALUES('a','b')",
             "UPDATE meta SET value='x'",
             "DROP TABLE meta",
             "CREATE TEMP TABLE t(x)",
             "PRAGMA user_version",
             "PRAGMA user_version=9",
             "ATTACH 'x.db' AS x",
             "VACUUM",
             "VACUUM INTO 'copy.db'",
             "BEGIN",
             "SAVEPOINT a",
             "REINDEX",
             "ANALYZE",
             "EXPLAIN SELECT 1; SELECT 2",
             "EXPLAIN SELECT 1",
             "EXPLAIN QUERY PLAN SELECT * FROM sessions",
             "SELECT zeroblob(100000000)",
             "SELECT 1; SELECT 2",
             "SELECT 1; DROP TABLE meta",
             "SELECT load_extension('x')",
             "WITH t AS (SELECT * FROM observation) SELECT * FROM t",
             "SELECT nonsense FROM sessions",
             "SELEC 1",
             "",
             ";",
             "-- nothing",
         }) {
      CAPTURE(sql);
      CHECK(Try(store, sql) == "QUERY_REFUSED");
    }
    CHECK(testing::One(store.db(), "SELECT count(*) FROM meta WHERE key='a'") == "0");
  }

  TEST_CASE("ordinary questions are answered") {
    TempStore store;
    for (const char* sql : {
             "SELECT 1",
             "SELECT 1;",
             "  SELECT 1 -- with a comment",
             "SELECT count(*), max(started_at) FROM SESSIONS",
             "SELECT i.skill_name, i.platform, count(*) uses, count(DISTINCT i.root_session_id) "
             "sessions FROM "
             "skill_invocations i WHERE i.triggered=1 AND i.occurred_at >= "
             "strftime('%Y-%m-%dT%H:%M:%fZ','now','-30 days')"
             " GROUP BY 1,2 ORDER BY uses DESC",
             "SELECT p.occurred_at, i.skill_name, i.outcome, p.prompt_text, p.source_path, "
             "p.source_offset FROM "
             "skill_invocations i JOIN prompts p ON p.prompt_id = i.matched_prompt_id WHERE "
             "i.outcome IN ('refused','requested')",
             "SELECT root_session_id, sum(input_tokens) input, sum(output_tokens) output, "
             "sum(errors_encountered) errors "
             "FROM execution_facts GROUP BY 1",
             "WITH session AS (SELECT 1 AS x) SELECT count(*) FROM session",
             "SELECT count(*) FROM main.sessions",
             "SELECT f.session_id, j.key, j.value FROM execution_facts f, "
             "json_each(f.tool_calls_json) j",
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<10) SELECT "
             "sum(i) FROM n",
             "SELECT * FROM (SELECT * FROM prompts ORDER BY occurred_at DESC LIMIT 3)",
         }) {
      CAPTURE(sql);
      CHECK_OK(RunUserSql(store.path(), sql, {}).status());
    }
  }

  TEST_CASE("values are bound and come back with their types") {
    TempStore store;
    const std::vector<SqlCell> args = {int64_t{7}, 1.5, std::string("it's"), std::monostate()};
    const SqlResult result = Must(
        RunUserSql(store.path(), "SELECT ?1 AS a, ?2 AS b, ?3 AS c, ?4 AS d, x'0aff' AS e", args));
    CHECK(result.columns == std::vector<std::string>{"a", "b", "c", "d", "e"});
    REQUIRE(result.rows.size() == 1);
    CHECK(result.rows[0] == std::vector<SqlCell>{int64_t{7}, 1.5, std::string("it's"),
                                                 std::monostate(), std::string("0aff")});
    CHECK(!RunUserSql(store.path(), "SELECT ?1", {}).ok());
  }

  TEST_CASE("limits cut the result and say so") {
    TempStore store;
    const SqlResult result = Must(
        RunUserSql(store.path(),
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i FROM n",
                   {}, {.max_rows = 5}));
    CHECK(result.rows.size() == 5);
    CHECK(result.truncated);
    CHECK(!Must(RunUserSql(store.path(), "SELECT 1", {}, {.max_rows = 1})).truncated);
  }

  TEST_CASE("a query without end can be cancelled, and ends by itself") {
    TempStore store;
    base::Cancel cancel;
    cancel.Request();
    const auto result = RunUserSql(
        store.path(),
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n", {},
        {.cancel = &cancel});
    REQUIRE(!result.ok());
    CHECK_MESSAGE(CodeOf(result.status()).name == "CANCELLED", result.status().ToString());
    const auto late = RunUserSql(
        store.path(),
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n", {},
        {.time_limit = std::chrono::milliseconds(20)});
    REQUIRE(!late.ok());
    CHECK_MESSAGE(CodeOf(late.status()).name == "DEADLINE", late.status().ToString());
  }

  TEST_CASE("a session of the future is not live") {
    TempStore store;
    const int64_t now = std::chrono::duration_cast<std::chrono::milliseconds>(
                            std::chrono::system_clock::now().time_since_epoch())
                            .count();
    store.Write([&](IngestWriter& w) {
      for (const auto& [id, at] : {std::pair("old", now - 3'600'000), std::pair("now", now - 1000),
                                   std::pair("never", now + 3'600'000)}) {
        Must(w.UpdateSession(
            {.platform = "codex", .id = id, .started = UtcMillis{at}, .ended = UtcMillis{at}}));
      }
    });
    CHECK(testing::Rows(store.db(), "SELECT session_id FROM sessions WHERE is_live=1", 1) ==
          std::vector<std::string>{"now"});
  }
}

}  // namespace selftune::store

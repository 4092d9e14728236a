#include "store/ingest_writer.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "unit/store/store_fixture.h"

namespace selftune::store {
namespace {

using testing::AddSource;
using testing::Must;
using testing::One;
using testing::Rows;
using testing::TempStore;

SessionUpdate Session(std::string_view id, SourceId source = {}) {
  return {.platform = "claude_code", .id = id, .source = source};
}

PromptRow Prompt(int32_t seq, std::string_view text, SourceId source = {}, int64_t generation = 1) {
  return {.seq = seq,
          .text = text,
          .at = UtcMillis{1'780'000'000'000 + seq * 1000},
          .origin = {.source = source, .generation = generation, .offset = 100U * seq}};
}

ObservationRow Use(std::string_view call, std::string_view skill, int32_t prompt_seq,
                   SourceId source = {}, int64_t generation = 1) {
  return {.key = call,
          .key_is_call_id = true,
          .skill = skill,
          .prompt_seq = prompt_seq,
          .tool_name = "Skill",
          .tool_call_id = call,
          .at = UtcMillis{1'780'000'000'000 + prompt_seq * 1000},
          .origin = {.source = source, .generation = generation, .offset = 7}};
}

}  // namespace

TEST_SUITE("store/ingest_writer") {
  TEST_CASE("a session, its prompts and uses are seen through the views") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      const SourceId source = AddSource(w, "/t/a.jsonl");
      SessionUpdate update = Session("s1", source);
      update.cwd = "/work/x";
      update.model = "m1";
      update.started = UtcMillis{1'780'000'000'000};
      update.ended = UtcMillis{1'780'000'060'000};
      update.completion = Completion::kCompleted;
      const SessionPk s = Must(w.UpdateSession(update));
      CHECK(Must(w.UpsertPrompt(s, Prompt(0, "make a pdf", source))).value == 1);
      CHECK_OK(w.UpsertObservation(s, Use("t1", "PDF", 0, source)));
      const std::vector<ToolDeltaRow> tools = {
          {.name = "Skill", .calls = 1},
          {.name = "Bash", .calls = 3, .errors = 2, .nonzero_exits = 1}};
      CHECK_OK(
          w.AddMetricDelta(s, {.answers = 2, .input_uncached = 10, .output = 5, .tools = tools}));
    });
    Db& db = store.db();
    CHECK(Rows(db,
               "SELECT session_id,kind,root_session_id,workspace_path,model,completion_status,"
               "started_at,source_path FROM sessions",
               8) == std::vector<std::string>{
                         "s1|main|s1|/work/x|m1|completed|2026-05-28T20:26:40.000Z|/t/a.jsonl"});
    CHECK(Rows(db, "SELECT prompt_id,prompt_text,raw_text,is_actionable,source_offset FROM prompts",
               5) == std::vector<std::string>{"s1:p0|make a pdf|-|1|0"});
    CHECK(
        Rows(
            db,
            "SELECT skill_name,outcome,triggered,confidence,matched_prompt_id,query,invocation_mode"
            " FROM skill_invocations",
            7) == std::vector<std::string>{"PDF|triggered|1|1.0|s1:p0|make a pdf|inferred"});
    CHECK(
        Rows(
            db,
            "SELECT total_tool_calls,errors_encountered,nonzero_exits,assistant_turns,input_tokens,"
            "cache_read_tokens,output_tokens,tool_calls_json FROM execution_facts",
            8) == std::vector<std::string>{"4|2|1|2|10|-|5|{\"Bash\":3,\"Skill\":1}"});
    CHECK(One(db, "SELECT value FROM counter WHERE name='prompts'") == "1");
    CHECK(One(db, "SELECT triggered FROM skill_total") == "1");
    CHECK(One(db, "SELECT sessions FROM skill_total") == "1");
    CHECK(One(db, "SELECT version FROM change_clock") == "1");
  }

  TEST_CASE("deltas add up, and unknown stays unknown until something is known") {
    TempStore store;
    for (int i = 0; i < 3; ++i) {
      store.Write([&](IngestWriter& w) {
        const SessionPk s = Must(w.UpdateSession(Session("s1")));
        const std::vector<ToolDeltaRow> tools = {
            {.name = "Bash", .calls = 1, .unfinished = i == 2 ? -1 : 1}};
        MetricDeltaRow delta{.tools = tools};
        if (i == 1) delta.cache_read = 0;
        CHECK_OK(w.AddMetricDelta(s, delta));
      });
    }
    CHECK(
        Rows(store.db(),
             "SELECT total_tool_calls,unfinished_calls,cache_read_tokens,output_tokens,input_tokens"
             " FROM execution_facts",
             5) == std::vector<std::string>{"3|1|0|-|0"});
    CHECK(One(store.db(), "SELECT value FROM counter WHERE name='telemetry'") == "1");
  }

  TEST_CASE("the same prompt number again replaces the text and keeps the key") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      const SessionPk s = Must(w.UpdateSession(Session("s1")));
      const PromptPk first = Must(w.UpsertPrompt(s, Prompt(0, "/deploy")));
      PromptRow better = Prompt(0, "/deploy now");
      better.command_kind = CommandKind::kSkill;
      better.command_name = "deploy";
      better.command_args = "now";
      CHECK(Must(w.UpsertPrompt(s, better)) == first);
    });
    CHECK(Rows(store.db(), "SELECT prompt_text,command_name,command_args,command_kind FROM prompts",
               4) == std::vector<std::string>{"/deploy now|deploy|now|skill"});
    CHECK(One(store.db(), "SELECT value FROM counter WHERE name='prompts'") == "1");
  }

  TEST_CASE("prompt keys do not depend on the order of arrival") {
    const std::vector<std::string> texts = {"go on", "go on", "fix it", "go on", "fix it"};
    const auto keys = [&](const std::vector<int32_t>& order) {
      TempStore store;
      store.Write([&](IngestWriter& w) {
        const SessionPk s = Must(w.UpdateSession(Session("s1")));
        for (const int32_t seq : order) Must(w.UpsertPrompt(s, Prompt(seq, texts[seq])));
      });
      return Rows(store.db(), "SELECT seq||hex(prompt_key) FROM prompt ORDER BY seq", 1);
    };
    const std::vector<std::string> in_order = keys({0, 1, 2, 3, 4});
    CHECK(in_order.size() == 5);
    CHECK(keys({4, 3, 2, 1, 0}) == in_order);
    CHECK(keys({2, 4, 0, 3, 1}) == in_order);
    CHECK(keys({0, 1, 2, 3, 4, 1, 0}) == in_order);
  }

  TEST_CASE("a decision that comes before its prompt is linked when the prompt comes") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      const SessionPk s = Must(w.UpdateSession(Session("s1")));
      CHECK_OK(w.UpsertObservation(s, Use("t1", "pdf", 0)));
      Must(w.UpsertPrompt(s, Prompt(0, "make a pdf")));
    });
    CHECK(One(store.db(), "SELECT matched_prompt_id FROM skill_invocations") == "s1:p0");
    CHECK(One(store.db(), "SELECT linked FROM skill_total") == "1");
  }

  TEST_CASE("a retracted decision leaves nothing, also in the rollups") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      const SessionPk s = Must(w.UpdateSession(Session("s1")));
      Must(w.UpsertPrompt(s, Prompt(0, "make a pdf")));
      CHECK_OK(w.UpsertObservation(s, Use("t1", "pdf", 0)));
    });
    store.Write([](IngestWriter& w) {
      const SessionPk s = Must(w.EnsureSession("claude_code", "s1"));
      CHECK_OK(w.RetractObservation(s, "t1", true, "pdf", Capture::kTranscript));
    });
    CHECK(One(store.db(), "SELECT count(*) FROM skill_invocations") == "0");
    CHECK(One(store.db(), "SELECT count(*) FROM skill_day") == "0");
    CHECK(One(store.db(), "SELECT triggered||':'||sessions FROM skill_total") == "0:0");
    CHECK(One(store.db(), "SELECT value FROM counter WHERE name='observations'") == "0");
  }

  TEST_CASE("reading a source again keeps keys and drops what did not come again") {
    TempStore store;
    SourceId source;
    PromptPk kept;
    store.Write([&](IngestWriter& w) {
      source = AddSource(w, "/t/a.jsonl");
      const SessionPk s = Must(w.UpdateSession(Session("s1", source)));
      kept = Must(w.UpsertPrompt(s, Prompt(0, "one", source)));
      Must(w.UpsertPrompt(s, Prompt(1, "two", source)));
      CHECK_OK(w.UpsertObservation(s, Use("t1", "pdf", 0, source)));
      CHECK_OK(w.UpsertObservation(s, Use("t2", "pdf", 1, source)));
      const std::vector<ToolDeltaRow> tools = {{.name = "Skill", .calls = 2}};
      CHECK_OK(w.AddMetricDelta(s, {.answers = 4, .tools = tools}));
      Must(w.UpdateSession(Session("gone", source)));
      CHECK_OK(w.AddBadLine(source, 1,
                            {.offset = 5, .line_no = 1, .reason = "not_json", .excerpt = "x"}));
    });
    store.Write([&](IngestWriter& w) {
      CHECK_OK(w.StartGeneration(source, 2));
      const SessionPk s = Must(w.EnsureSession("claude_code", "s1"));
      CHECK_OK(w.ResetSession(s, 2));
      SessionUpdate update = Session("s1", source);
      update.generation = 2;
      CHECK(Must(w.UpdateSession(update)) == s);
      CHECK(Must(w.UpsertPrompt(s, Prompt(0, "one", source, 2))) == kept);
      CHECK_OK(w.UpsertObservation(s, Use("t1", "pdf", 0, source, 2)));
      const std::vector<ToolDeltaRow> tools = {{.name = "Skill", .calls = 1}};
      CHECK_OK(w.AddMetricDelta(s, {.answers = 1, .tools = tools}));
      CHECK_OK(w.SweepSource(source, 2));
    });
    Db& db = store.db();
    CHECK(Rows(db, "SELECT prompt_id FROM prompts", 1) == std::vector<std::string>{"s1:p0"});
    CHECK(One(db, "SELECT count(*) FROM skill_invocations") == "1");
    CHECK(One(db, "SELECT total_tool_calls||':'||assistant_turns FROM execution_facts") == "1:1");
    CHECK(One(db, "SELECT count(*) FROM sessions") == "1");
    CHECK(One(db, "SELECT count(*) FROM bad_lines") == "0");
    CHECK(One(db, "SELECT bad_lines||':'||generation FROM source_files") == "0:2");
    CHECK(Rows(db, "SELECT name,value FROM counter ORDER BY name", 2) ==
          std::vector<std::string>{"evidence|0", "observations|1", "prompts|1", "sessions|1",
                                   "telemetry|1"});
  }

  TEST_CASE("reading again draws signals anew and keeps what somebody acted on") {
    TempStore store;
    SourceId source;
    store.Write([&](IngestWriter& w) {
      source = AddSource(w, "/t/a.jsonl");
      const SessionPk s = Must(w.UpdateSession(Session("s1", source)));
      for (int i = 0; i < 2; ++i) {
        const PromptPk prompt = Must(w.UpsertPrompt(s, Prompt(i, "use pdf", source)));
        CHECK(Must(w.AddSignal({.prompt = prompt, .mention = "pdf", .skill = "pdf"})));
        CHECK_OK(w.AddLabel(
            {.prompt = prompt, .skill = "pdf", .label = Label::kShould, .source = "signal:x"}));
        CHECK_OK(w.AddLabel({.prompt = prompt,
                             .skill = "pdf",
                             .label = Label::kShouldNot,
                             .reason = MissReason::kCurated,
                             .source = "user"}));
        CHECK_OK(w.AddMissed({.prompt = prompt, .skill = "pdf"}));
        CHECK_OK(w.AddMissed({.prompt = prompt, .skill = "doc", .reason = MissReason::kGrader}));
      }
      CHECK_OK(w.db().Execute("UPDATE improvement_signal SET state='consumed' WHERE prompt_pk=2"));
    });
    store.Write([&](IngestWriter& w) {
      const SessionPk s = Must(w.EnsureSession("claude_code", "s1"));
      CHECK_OK(w.StartGeneration(source, 2));
      CHECK_OK(w.ResetSession(s, 2));
      Must(w.UpdateSession(
          {.platform = "claude_code", .id = "s1", .source = source, .generation = 2}));
      for (int i = 0; i < 2; ++i) Must(w.UpsertPrompt(s, Prompt(i, "something else", source, 2)));
      CHECK_OK(w.SweepSource(source, 2));
    });
    Db& db = store.db();
    CHECK(Rows(db, "SELECT prompt_id,state FROM improvement_signals", 2) ==
          std::vector<std::string>{"s1:p1|consumed"});
    CHECK(Rows(db, "SELECT DISTINCT reason FROM label", 1) == std::vector<std::string>{"curated"});
    CHECK(Rows(db, "SELECT skill_name,reason FROM skill_invocations", 2) ==
          std::vector<std::string>{"doc|grader", "doc|grader"});
  }

  TEST_CASE("a judged miss goes with the prompt it is about") {
    TempStore store;
    SourceId source;
    store.Write([&](IngestWriter& w) {
      source = AddSource(w, "/t/a.jsonl");
      const SessionPk s = Must(w.UpdateSession(Session("s1", source)));
      for (int i = 0; i < 2; ++i) {
        const PromptPk prompt = Must(w.UpsertPrompt(s, Prompt(i, "text", source)));
        CHECK_OK(w.AddMissed({.prompt = prompt, .skill = "pdf", .reason = MissReason::kCurated}));
      }
    });
    store.Write([&](IngestWriter& w) {
      const SessionPk s = Must(w.EnsureSession("claude_code", "s1"));
      CHECK_OK(w.StartGeneration(source, 2));
      CHECK_OK(w.ResetSession(s, 2));
      Must(w.UpdateSession(
          {.platform = "claude_code", .id = "s1", .source = source, .generation = 2}));
      Must(w.UpsertPrompt(s, Prompt(0, "text", source, 2)));
      CHECK_OK(w.SweepSource(source, 2));
    });
    CHECK(Rows(store.db(), "SELECT matched_prompt_id FROM skill_invocations", 1) ==
          std::vector<std::string>{"s1:p0"});
    CHECK(One(store.db(), "SELECT missed FROM skill_total") == "1");
  }

  TEST_CASE("a session of selftune itself leaves nothing") {
    TempStore store;
    store.Write([](IngestWriter& w) {
      const SessionPk s = Must(w.UpdateSession(Session("s1")));
      SessionUpdate child = Session("c1");
      child.kind = SessionKind::kSubagent;
      child.root_id = "s1";
      Must(w.UpdateSession(child));
      Must(w.UpsertPrompt(s, Prompt(0, "one")));
      CHECK_OK(w.UpsertObservation(s, Use("t1", "pdf", 0)));
    });
    store.Link();
    store.Write([](IngestWriter& w) {
      CHECK_OK(w.DeleteInternalSession(Must(w.EnsureSession("claude_code", "s1"))));
    });
    for (const char* view : {"sessions", "prompts", "skill_invocations", "execution_facts"}) {
      CAPTURE(view);
      CHECK(One(store.db(), std::string("SELECT count(*) FROM ") + view) == "0");
    }
    CHECK(One(store.db(), "SELECT sum(value) FROM counter") == "0");
    store.Write([](IngestWriter& w) { Must(w.EnsureSession("claude_code", "s1")); });
    CHECK(One(store.db(), "SELECT count(*) FROM sessions") == "1");
  }

  TEST_CASE("a rolled back transaction leaves no ids in memory") {
    TempStore store;
    {
      const WriteTxn txn = Must(WriteTxn::Begin(store.db()));
      const SessionPk s = Must(store.writer().UpdateSession(Session("s1")));
      Must(store.writer().UpsertPrompt(s, Prompt(0, "one")));
      CHECK_OK(store.writer().UpsertObservation(s, Use("t1", "pdf", 0)));
    }
    CHECK(One(store.db(), "SELECT count(*) FROM sessions") == "0");
    store.Write([](IngestWriter& w) {
      const SessionPk s = Must(w.UpdateSession(Session("s1")));
      Must(w.UpsertPrompt(s, Prompt(0, "one")));
      CHECK_OK(w.UpsertObservation(s, Use("t1", "pdf", 0)));
    });
    CHECK(One(store.db(), "SELECT query FROM skill_invocations") == "one");
  }

  TEST_CASE("writing outside a transaction is refused") {
    TempStore store;
    const Status status = store.writer().UpdateSession(Session("s1")).status();
    CHECK(CodeOf(status).name == "INTERNAL");
  }

  TEST_CASE("fields of a session follow the stronger capture, times widen") {
    for (const bool hook_first : {true, false}) {
      CAPTURE(hook_first);
      TempStore store;
      store.Write([&](IngestWriter& w) {
        SessionUpdate hook = Session("s1");
        hook.capture = Capture::kHook;
        hook.model = "hook-model";
        hook.cwd = "/hook";
        hook.branch = "main";
        hook.started = UtcMillis{5'000};
        hook.ended = UtcMillis{6'000};
        SessionUpdate transcript = Session("s1");
        transcript.model = "real-model";
        transcript.cwd = "/real";
        transcript.started = UtcMillis{4'000};
        transcript.ended = UtcMillis{9'000};
        transcript.completion = Completion::kFailed;
        Must(w.UpdateSession(hook_first ? hook : transcript));
        Must(w.UpdateSession(hook_first ? transcript : hook));
      });
      CHECK(Rows(store.db(),
                 "SELECT "
                 "model,workspace_path,branch,started_at,ended_at,completion_status,capture_mode"
                 " FROM sessions",
                 7) == std::vector<std::string>{"real-model|/real|main|1970-01-01T00:00:04.000Z|"
                                                "1970-01-01T00:00:09.000Z|failed|replay"});
    }
  }

  TEST_CASE("events of one line are told apart, and the same line again adds none") {
    TempStore store;
    for (int round = 0; round < 2; ++round) {
      // A writer of its own each time, as two processes would have.
      const auto db = store.Open();
      IngestWriter w(*db, testing::kNow);
      WriteTxn txn = Must(WriteTxn::Begin(*db));
      const SourceId source = AddSource(w, "/t/a.jsonl");
      const SessionPk s = Must(w.UpdateSession(Session("s1", source)));
      for (int i = 0; i < 3; ++i) {
        CHECK_OK(w.AddEvent(s, {.kind = i == 1 ? EventKind::kDenied : EventKind::kToolError,
                                .detail = "Bash",
                                .origin = {.source = source, .offset = 40}}));
      }
      CHECK_OK(txn.Commit());
    }
    CHECK(Rows(store.db(), "SELECT kind,n FROM session_event ORDER BY 1,2", 2) ==
          std::vector<std::string>{"denied|0", "tool_error|0", "tool_error|1"});
  }
}

}  // namespace selftune::store

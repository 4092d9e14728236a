#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "hosts/opencode/record.h"
#include "hosts/opencode/session.h"

namespace selftune::hosts::opencode {
namespace {

struct MessageText {
  std::string json;
  std::vector<std::string> parts;
};

MessageRow ReadMessage(std::string json, const std::string& id) {
  base::LineParser parser;
  const size_t size = json.size();
  json.append(64, ' ');
  MessageRow message;
  CHECK(ParseMessage(std::string_view(json).substr(0, size), parser, message).ok());
  message.id = id;
  return message;
}

Part ReadPart(std::string json, Role role, const std::string& id) {
  base::LineParser parser;
  const size_t size = json.size();
  json.append(64, ' ');
  Part part;
  CHECK(
      ParsePart(std::string_view(json).substr(0, size), {.text = role == Role::kUser}, parser, part)
          .ok());
  part.id = id;
  return part;
}

SessionRow Row() {
  SessionRow row;
  row.id = "ses_1";
  row.project = "p";
  row.directory = "/home/dev/work";
  row.version = "1.18.33";
  row.title = "Work";
  row.created = UtcMillis{1000};
  return row;
}

// Messages are called m0, m1, ...; their parts m0.0, m0.1, ...
ingest::SessionFacts ReadAll(const SessionRow& row, const std::vector<MessageText>& messages,
                             const ingest::KeySet* copied = nullptr) {
  Session session(row, /*internal=*/false, copied);
  ingest::Batch batch;
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string id = "m" + std::to_string(i);
    const MessageRow message = ReadMessage(messages[i].json, id);
    std::vector<Part> parts;
    for (size_t k = 0; k < messages[i].parts.size(); ++k) {
      parts.push_back(ReadPart(messages[i].parts[k], message.role, id + "." + std::to_string(k)));
    }
    session.Add(message, parts, batch);
  }
  session.Finish(batch);
  REQUIRE(batch.sessions.size() == 1);
  return batch.sessions[0];
}

std::string User(int64_t at) {
  return R"({"role":"user","time":{"created":)" + std::to_string(at) + "}}";
}
std::string Text(std::string_view text) {
  return R"({"type":"text","text":")" + std::string(text) + R"("})";
}
std::string Answer(std::string_view parent, int64_t at, std::string_view rest) {
  return R"({"role":"assistant","parentID":")" + std::string(parent) + R"(","time":{"created":)" +
         std::to_string(at) + R"(,"completed":)" + std::to_string(at + 5) + "}," +
         std::string(rest) + "}";
}
constexpr std::string_view kStop =
    R"("finish":"stop","modelID":"m","tokens":{"input":10,"output":4,"reasoning":2,"cache":{"read":3,"write":1}})";
constexpr std::string_view kCalls = R"("finish":"tool-calls")";
std::string Call(std::string_view tool, std::string_view state) {
  return R"({"type":"tool","tool":")" + std::string(tool) + R"(","callID":"c_)" +
         std::string(tool) + R"(","state":{)" + std::string(state) + "}}";
}

// One prompt, one answer with this part, one answer that ends the turn.
ingest::SessionFacts OneCall(const std::string& part) {
  return ReadAll(Row(), {{User(1), {Text("do it")}},
                         {Answer("m0", 2, kCalls), {part}},
                         {Answer("m0", 9, kStop), {Text("done")}}});
}

TEST_SUITE("hosts/opencode") {
  TEST_CASE("what was typed is told from what the host wrote around it") {
    struct Case {
      const char* name;
      std::string stored;
      bool quoted;
      std::string want, skill, args;
    };
    const std::string loaded =
        "# Notes\n\nDo.\n\n\nBase directory for this skill: /home/dev/.claude/skills/notes\n"
        "Relative paths in this skill (e.g., scripts/) are relative to this base directory.\n\n";
    const Case cases[] = {
        {"plain", "fix it", true, "fix it", "", ""},
        {"run wraps an argument", "\"fix it now\"", true, "fix it now", "", ""},
        {"quotes inside", R"("say \"hi\" twice")", true, "say \"hi\" twice", "", ""},
        {"typed quotes stay", "\"fix it now\"", false, "\"fix it now\"", "", ""},
        {"two arguments stay", R"("a b" "c d")", true, R"("a b" "c d")", "", ""},
        {"one quoted word is typed", "\"word\"", true, "\"word\"", "", ""},
        {"an empty input appends a line end", "\"fix it\"\n", true, "fix it", "", ""},
        {"a skill's command", loaded + "since v1", false, "/notes since v1", "notes", "since v1"},
        {"a skill's command alone", loaded, false, "/notes", "notes", ""},
        {"the line alone is a text", "Base directory for this skill: /x", false,
         "Base directory for this skill: /x", "", ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const TypedText typed = ReadTypedText(c.stored, c.quoted);
      CHECK(typed.text == c.want);
      CHECK(typed.skill == c.skill);
      CHECK(typed.args == c.args);
    }
  }

  TEST_CASE("prompts are texts of people, by whatever else a message holds") {
    struct Case {
      const char* name;
      std::vector<std::string> parts;
      std::vector<std::string> want;
    };
    const std::string synthetic = R"({"type":"text","text":"by the host","synthetic":true})";
    const Case cases[] = {
        {"a text", {Text("hello")}, {"hello"}},
        {"two texts", {Text("a"), Text("b")}, {"a\nb"}},
        {"a file that was read for it",
         {Text("see @x"), synthetic, R"({"type":"file"})"},
         {"see @x"}},
        {"only the host", {synthetic}, {}},
        {"hidden from the model", {R"({"type":"text","text":"x","ignored":true})"}, {}},
        {"a compaction", {R"({"type":"compaction","auto":true})", Text("x")}, {}},
        {"a command for an agent",
         {R"({"type":"subtask","command":"review","prompt":"..."})"},
         {"/review"}},
        {"an unknown part", {R"({"type":"hologram"})", Text("x")}, {"x"}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const auto facts = ReadAll(Row(), {{User(1), c.parts}});
      std::vector<std::string> texts;
      for (const auto& prompt : facts.prompts) texts.push_back(prompt.text);
      CHECK(texts == c.want);
    }
  }

  TEST_CASE("a child session has tasks of an agent, no prompts of a person") {
    SessionRow row = Row();
    row.parent = "ses_0";
    row.agent = "general";
    row.from_run = true;
    const auto facts = ReadAll(row, {{User(1), {Text("\\\"a task\\\" for you")}}});
    CHECK(facts.kind == SessionKind::kSubagent);
    CHECK(facts.links.parent_id == "ses_0");
    CHECK(facts.agent_type == "general");
    REQUIRE(facts.prompts.size() == 1);
    CHECK(facts.prompts[0].kind == PromptKind::kAgent);
    CHECK(facts.prompts[0].text == "\"a task\" for you");
  }

  TEST_CASE("prompts behind a revert are not active") {
    SessionRow row = Row();
    row.revert = "m2";
    const auto facts = ReadAll(row, {{User(1), {Text("one")}},
                                     {Answer("m0", 2, kStop), {Text("1")}},
                                     {User(3), {Text("two")}}});
    REQUIRE(facts.prompts.size() == 2);
    CHECK(facts.prompts[0].active);
    CHECK_FALSE(facts.prompts[1].active);
  }

  TEST_CASE("calls count once, with their errors") {
    struct Case {
      const char* name;
      std::string part;
      int64_t errors, nonzero, denied, unfinished;
    };
    const Case cases[] = {
        {"done", Call("bash", R"("status":"completed","output":"x","metadata":{"exit":0})"), 0, 0,
         0, 0},
        {"a status above 0", Call("bash", R"("status":"completed","metadata":{"exit":3})"), 1, 1, 0,
         0},
        {"killed without status", Call("bash", R"("status":"completed","metadata":{"exit":null})"),
         0, 0, 0, 0},
        {"cut short by the user",
         Call(
             "bash",
             R"("status":"completed","output":"a\n\n<shell_metadata>\nUser aborted the command\n</shell_metadata>","metadata":{"exit":null})"),
         1, 0, 0, 0},
        {"the host's error", Call("read", R"("status":"error","error":"File not found: /x")"), 1, 0,
         0, 0},
        {"refused by a person",
         Call(
             "edit",
             R"("status":"error","error":"Error: The user rejected permission to use this specific tool call.")"),
         1, 0, 1, 0},
        {"refused by a rule",
         Call(
             "bash",
             R"("status":"error","error":"The user has specified a rule which prevents you from using this specific tool call.")"),
         1, 0, 1, 0},
        {"running", Call("bash", R"("status":"running","input":{"command":"sleep 9"})"), 0, 0, 0,
         1},
        {"asked for", Call("bash", R"("status":"pending")"), 0, 0, 0, 1},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const auto facts = OneCall(c.part);
      REQUIRE(facts.metrics.tools.size() == 1);
      const ingest::ToolDelta& tool = facts.metrics.tools[0];
      CHECK(tool.calls == 1);
      CHECK(tool.errors == c.errors);
      CHECK(tool.nonzero_exits == c.nonzero);
      CHECK(tool.denied == c.denied);
      CHECK(tool.unfinished == c.unfinished);
    }
  }

  TEST_CASE("skills by every route") {
    struct Case {
      const char* name;
      std::string part, skill;
      Outcome outcome;
      Level level;
      Route route;
      std::string path;
    };
    const std::string file = "/home/dev/.agents/skills/api-docs/SKILL.md";
    const Case cases[] = {
        {"the skill tool",
         Call(
             "skill",
             R"("status":"completed","input":{"name":"notes"},"output":"<skill_content name=\"notes\">\n# Skill: notes\n\nBody\n\nBase directory for this skill: /s/notes\n","metadata":{"name":"notes","dir":"/s/notes"})"),
         "notes", Outcome::kTriggered, Level::kTool, Route::kSkillTool, "/s/notes/SKILL.md"},
        {"no such skill",
         Call("skill",
              R"("status":"error","input":{"name":"none"},"error":"Skill \"none\" not found.")"),
         "none", Outcome::kRefused, Level::kTool, Route::kSkillTool, ""},
        {"a read", Call("read", R"("status":"completed","input":{"filePath":")" + file + R"("})"),
         "api-docs", Outcome::kTriggered, Level::kRead, Route::kFileRead, file},
        {"a read below the folder",
         Call("read", R"("status":"completed","input":{"filePath":".opencode/skill/a/SKILL.md"})"),
         "a", Outcome::kTriggered, Level::kRead, Route::kFileRead,
         "/home/dev/work/.opencode/skill/a/SKILL.md"},
        {"a read that failed",
         Call("read", R"("status":"error","input":{"filePath":")" + file + R"("},"error":"x")"),
         "api-docs", Outcome::kRefused, Level::kRead, Route::kFileRead, file},
        {"a command",
         Call("bash", R"("status":"completed","input":{"command":"cat )" + file +
                          R"("},"metadata":{"exit":0})"),
         "api-docs", Outcome::kTriggered, Level::kShellRead, Route::kShellRead, file},
        {"a command that found nothing",
         Call("bash", R"("status":"completed","input":{"command":"cat )" + file +
                          R"(; true"},"output":"cat: )" + file +
                          R"(: No such file or directory","metadata":{"exit":0})"),
         "api-docs", Outcome::kRefused, Level::kShellRead, Route::kShellRead, file},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const auto facts = OneCall(c.part);
      REQUIRE(facts.skills.size() == 1);
      const ingest::SkillFact& fact = facts.skills[0];
      CHECK(fact.skill == c.skill);
      CHECK(fact.outcome == c.outcome);
      CHECK(fact.level == c.level);
      CHECK(fact.route == c.route);
      CHECK(fact.path == c.path);
      CHECK(fact.prompt_seq == 0);
      CHECK(fact.requested_by == RequestedBy::kModel);
      CHECK(fact.origin.record == "part/m1.0");
    }
    CHECK(OneCall(Call("skill", R"("status":"running","input":{"name":"notes"})")).skills.empty());
    CHECK(OneCall(Call("grep", R"("status":"completed","input":{"path":")" + file + R"("})"))
              .skills.empty());
  }

  TEST_CASE("a skill that its turn also changes was maintained, not used") {
    const std::string file = "/home/dev/.agents/skills/api-docs/SKILL.md";
    const auto facts = ReadAll(
        Row(), {{User(1), {Text("improve the skill")}},
                {Answer("m0", 2, kCalls),
                 {Call("read", R"("status":"completed","input":{"filePath":")" + file + R"("})")}},
                {Answer("m0", 3, kCalls),
                 {Call("edit", R"("status":"completed","input":{"filePath":")" + file + R"("})")}},
                {Answer("m0", 9, kStop), {Text("done")}}});
    REQUIRE_FALSE(facts.skills.empty());
    CHECK(facts.skills.back().outcome == Outcome::kReadOnly);
  }

  TEST_CASE("how the last turn ended") {
    struct Case {
      const char* name;
      std::vector<MessageText> more;
      Completion want;
      int64_t failed, interrupted;
    };
    const std::string aborted =
        R"("error":{"name":"MessageAbortedError","data":{"message":"Aborted"}})";
    const std::string api = R"("error":{"name":"APIError","data":{"message":"overloaded"}})";
    const Case cases[] = {
        {"answered", {{Answer("m0", 2, kStop), {Text("x")}}}, Completion::kCompleted, 0, 0},
        {"no answer", {}, Completion::kInterrupted, 0, 0},
        {"a call without result",
         {{Answer("m0", 2, kCalls), {Call("bash", R"("status":"running")")}}},
         Completion::kInterrupted,
         0,
         0},
        {"failed", {{Answer("m0", 2, api), {}}}, Completion::kFailed, 1, 0},
        {"stopped by the user",
         {{Answer("m0", 2, aborted), {Text("x")}}},
         Completion::kCancelled,
         0,
         1},
        {"failed, then answered in the same turn",
         {{Answer("m0", 2, api), {}}, {Answer("m0", 3, kStop), {Text("x")}}},
         Completion::kCompleted,
         0,
         0},
        {"failed, then asked again",
         {{Answer("m0", 2, api), {}},
          {User(3), {Text("again")}},
          {Answer("m2", 4, kStop), {Text("x")}}},
         Completion::kCompleted,
         1,
         0},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      std::vector<MessageText> messages = {{User(1), {Text("do it")}}};
      messages.insert(messages.end(), c.more.begin(), c.more.end());
      const auto facts = ReadAll(Row(), messages);
      CHECK(facts.completion == c.want);
      CHECK(facts.metrics.failed_turns == c.failed);
      CHECK(facts.metrics.interruptions == c.interrupted);
    }
  }

  TEST_CASE("tokens of answers, of steps, and of the host's summaries") {
    const std::string step =
        R"({"type":"step-finish","tokens":{"input":5,"output":2,"reasoning":1,"cache":{"read":0,"write":0}}})";
    const auto by_message =
        ReadAll(Row(), {{User(1), {Text("a")}}, {Answer("m0", 2, kStop), {Text("x")}}});
    CHECK(by_message.metrics.answers == 1);
    CHECK(by_message.metrics.tokens.input_uncached == 10);
    CHECK(by_message.metrics.tokens.cache_read == 3);
    CHECK(by_message.metrics.tokens.cache_write == 1);
    CHECK(by_message.metrics.tokens.output == 6);  // reasoning is beside it in the store
    CHECK(by_message.metrics.tokens.reasoning == 2);
    const auto by_step = ReadAll(
        Row(),
        {{User(1), {Text("a")}}, {Answer("m0", 2, kStop), {Text("x"), step, Text("y"), step}}});
    CHECK(by_step.metrics.answers == 2);
    CHECK(by_step.metrics.tokens.input_uncached == 10);
    CHECK(by_step.metrics.tokens.output == 6);
    const auto summary =
        ReadAll(Row(), {{User(1), {R"({"type":"compaction"})"}},
                        {Answer("m0", 2, std::string(R"("summary":true,)") + std::string(kStop)),
                         {Text("x"), step}}});
    CHECK(summary.metrics.compactions == 1);
    CHECK(summary.metrics.answers == 0);
    CHECK(summary.metrics.tokens.overhead_input == 14);
    CHECK(summary.metrics.tokens.overhead_output == 6);
    CHECK_FALSE(summary.metrics.tokens.known_input);
  }

  TEST_CASE("a command that a person ran is nothing the model did") {
    const auto facts = ReadAll(
        Row(),
        {{User(1), {Text("a")}},
         {Answer("m0", 2, kStop), {Text("x")}},
         {User(3),
          {R"({"type":"text","text":"The following tool was executed by the user","synthetic":true})"}},
         {Answer("m2", 4,
                 R"("tokens":{"input":0,"output":0,"reasoning":0,"cache":{"read":0,"write":0}})"),
          {Call("bash", R"("status":"completed","input":{"command":"ls"})")}}});
    CHECK(facts.metrics.tools.empty());
    CHECK(facts.metrics.answers == 1);
    CHECK(facts.prompts.size() == 1);
    CHECK(facts.completion == Completion::kCompleted);
  }

  TEST_CASE("a fork counts only what came behind its copies") {
    const std::vector<MessageText> origin = {{User(1), {Text("a")}},
                                             {Answer("m0", 2, kStop), {Text("x")}}};
    const auto first = ReadAll(Row(), origin);
    const ingest::KeySet owned(first.record_keys.begin(), first.record_keys.end());
    SessionRow row = Row();
    row.id = "ses_2";
    row.created = UtcMillis{5000};
    std::vector<MessageText> fork = origin;
    fork.push_back({User(6), {Text("b")}});
    fork.push_back({Answer("m2", 7, kStop), {Text("y")}});
    const auto all = ReadAll(row, fork);
    CHECK(all.anchors == first.anchors);
    REQUIRE(all.anchors.size() == 1);
    const auto own = ReadAll(row, fork, &owned);
    REQUIRE(own.prompts.size() == 1);
    CHECK(own.prompts[0].text == "b");
    CHECK(own.prompts[0].seq == 0);
    CHECK(own.metrics.answers == 1);
    CHECK(own.born->value == 5000);
    CHECK(own.completion == Completion::kCompleted);
  }

  TEST_CASE("a task names the session it started") {
    const auto facts =
        OneCall(Call("task", R"("status":"completed","metadata":{"sessionId":"ses_9"})"));
    REQUIRE(facts.spawns.size() == 1);
    CHECK(facts.spawns[0].child_id == "ses_9");
    CHECK(facts.spawns[0].prompt_seq == 0);
  }

  TEST_CASE("what is no object of JSON is refused") {
    base::LineParser parser;
    for (const std::string_view text : {"", "[]", "{\"role\":", "nothing", "{\"a\":1} x"}) {
      CAPTURE(text);
      std::string padded(text);
      padded.append(64, ' ');
      MessageRow message;
      CHECK_FALSE(
          ParseMessage(std::string_view(padded).substr(0, text.size()), parser, message).ok());
    }
  }
}

}  // namespace
}  // namespace selftune::hosts::opencode

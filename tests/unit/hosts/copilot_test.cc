// Copilot CLI: what each kind of event means, one rule at a time.
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/json_writer.h"
#include "hosts/copilot/source.h"
#include "unit/hosts/line_store.h"

namespace selftune {
namespace {

using base::JsonQuote;
using namespace testing;  // NOLINT: the helpers of these tests

class Events {
 public:
  Events() {
    Event(
        "session.start",
        R"({"sessionId":"the-id","version":1,"copilotVersion":"1.2","context":{"cwd":"/home/dev/w","branch":"main","headCommit":"abc"}})");
  }
  Events& Event(std::string_view type, std::string_view data) {
    text_ += fmt::format(
        R"({{"type":"{}","data":{},{}"id":"e{}","timestamp":"2026-01-02T03:04:{:02}.000Z"}})", type,
        data, agent_.empty() ? "" : fmt::format(R"("agentId":"{}",)", agent_), events_ + 1,
        (events_ + 1) % 60);
    text_ += "\n";
    ++events_;
    return *this;
  }
  Events& By(std::string_view agent) {
    agent_ = agent;
    return *this;
  }
  Events& User(std::string_view text, std::string_view more = "") {
    return Event("user.message", fmt::format(R"({{"content":{}{}}})", JsonQuote(text), more));
  }
  Events& Answer(std::string_view requests = "") {
    return Event("assistant.message",
                 fmt::format(R"({{"model":"m","content":"ok","toolRequests":[{}]}})", requests));
  }
  Events& Call(std::string_view tool, std::string_view arguments) {
    Answer(fmt::format(R"({{"toolCallId":"c{}","name":"{}","arguments":{}}})", ++calls_, tool,
                       arguments));
    return Event("tool.execution_start",
                 fmt::format(R"({{"toolCallId":"c{}","toolName":"{}","arguments":{}}})", calls_,
                             tool, arguments));
  }
  Events& End(std::string_view fields, int call = 0) {
    return Event("tool.execution_complete",
                 fmt::format(R"({{"toolCallId":"c{}",{}}})", call == 0 ? calls_ : call, fields));
  }
  Events& Usage(std::string_view purpose = "conversation-agent") {
    return Event(
        "session.usage_record",
        fmt::format(
            R"({{"usage":{{"inputTokens":100,"outputTokens":10,"cacheReadTokens":30,"cacheWriteTokens":2,"reasoningTokens":4,"interactionType":"{}"}}}})",
            purpose));
  }
  Events& Invoked(std::string_view name, std::string_view trigger = "agent-invoked") {
    return Event(
        "skill.invoked",
        fmt::format(R"({{"name":"{}","path":"/s/{}/SKILL.md","content":"# Body","trigger":"{}"}})",
                    name, name, trigger));
  }
  Events& System(std::string_view skills) {
    return Event(
        "system.message",
        fmt::format(R"({{"role":"system","content":{}}})",
                    JsonQuote(fmt::format("x<available_skills>{}</available_skills>", skills))));
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_, agent_;
  int events_ = 0, calls_ = 0;
};

MergedStore ReadStore(const Events& events) {
  const ingest::SourceFile file{.path = "/c/session-state/the-id/events.jsonl"};
  return ReadBothWays(hosts::CopilotSource(), file, events.text());
}
MergedSession Read(const Events& events) { return OnlySession(ReadStore(events)); }

constexpr std::string_view kPdf =
    "<skill><name>pdf</name><description>It&apos;s "
    "PDF</description><location>user</location></skill>";

TEST_CASE("copilot: a session is what its events say") {
  const MergedSession session = Read(Events().User("Hi").Usage().Answer());
  CHECK(session.facts.id == "the-id");
  CHECK(session.facts.cwd == "/home/dev/w");
  CHECK(session.facts.host_version == "1.2");
  CHECK(session.facts.branch == "main");
  CHECK(session.facts.commit_sha == "abc");
  CHECK(Tokens(session) == "70/30/2/10/4 over 0/0");
  CHECK(Turns(session) == "answers 1 failed 0 cut 0 compacted 0 api 0 completed");
}

TEST_CASE("copilot: what a request was for decides where its tokens go") {
  CHECK(Tokens(Read(Events().User("a").Usage("compaction"))) == "0/0/0/0/0 over 102/10");
  CHECK(Tokens(Read(Events().User("a").Usage("title"))) == "0/0/0/0/0 over 0/0");
}

TEST_CASE("copilot: prompts") {
  CHECK(Prompts(Read(Events().User("a").User("b", R"(,"source":"skill-x")"))) == "a");
  CHECK(Prompts(Read(Events().User("a").Answer().User("go on"))) == "a; go on");
  CHECK(Prompts(Read(Events().User("a").Answer().User("b").Event(
            "session.snapshot_rewind", R"({"upToEventId":"e4"})"))) == "a; -b");
}

TEST_CASE("copilot: calls and skills") {
  struct Case {
    std::string_view what;
    Events events;
    std::string_view calls, skills;
  };
  constexpr std::string_view kOk = R"("success":true,"result":{"content":"ok"})";
  const Case cases[] = {
      {"skill tool", Events().User("a").Call("skill", R"({"skill":"pdf"})").End(kOk).Invoked("pdf"),
       "calls 1 errors 0 exits 0 denied 0 open 0", "pdf triggered tool skill_tool p0 model"},
      {"unknown skill",
       Events()
           .User("a")
           .Call("skill", R"({"skill":"no"})")
           .End(R"("success":false,"error":{"message":"Skill not found: no","code":"failure"})"),
       "calls 1 errors 1 exits 0 denied 0 open 0", "no refused tool skill_tool p0 model"},
      {"text that names a listed skill", Events().User("/pdf x").System(kPdf).Answer(),
       "calls 0 errors 0 exits 0 denied 0 open 0", "pdf requested explicit slash_text p0 user"},
      {"text that the model follows",
       Events()
           .User("/pdf x")
           .System(kPdf)
           .Call("skill", R"({"skill":"pdf"})")
           .End(kOk)
           .Invoked("pdf"),
       "calls 1 errors 0 exits 0 denied 0 open 0", "pdf triggered tool skill_tool p0 user"},
      {"command of the person", Events().User("/pdf x").Invoked("pdf", "user-invoked").Answer(),
       "calls 0 errors 0 exits 0 denied 0 open 0", "pdf triggered explicit slash_command p0 user"},
      {"command told before the prompt",
       Events().Invoked("pdf", "user-invoked").User("/pdf x").Answer(),
       "calls 0 errors 0 exits 0 denied 0 open 0", "pdf triggered explicit slash_command p0 user"},
      {"status of a command",
       Events()
           .User("a")
           .Call("bash", R"({"command":"x"})")
           .End(R"("success":true,"shellExecution":{"exitCode":3})"),
       "calls 1 errors 1 exits 1 denied 0 open 0", ""},
      {"refused",
       Events()
           .User("a")
           .Call("bash", R"({"command":"x"})")
           .End(R"("success":false,"error":{"message":"no","code":"denied"})"),
       "calls 1 errors 1 exits 0 denied 1 open 0", ""},
      {"view", Events().User("a").Call("view", R"({"path":"/s/pdf/SKILL.md"})").End(kOk),
       "calls 1 errors 0 exits 0 denied 0 open 0", "pdf triggered read file_read p0 model"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    const MergedSession session = Read(c.events);
    CHECK(Calls(session) == c.calls);
    CHECK(Skills(session) == c.skills);
  }
  const MergedSession used =
      Read(Events().User("a").Call("skill", R"({"skill":"pdf"})").End(kOk).Invoked("pdf"));
  CHECK(used.skills.begin()->second.path == "/s/pdf/SKILL.md");
  CHECK(used.skills.begin()->second.body_bytes == 6);
}

TEST_CASE("copilot: a typed command that the host takes is a command") {
  const MergedSession session = Read(Events().User("/pdf x").Invoked("pdf", "user-invoked"));
  CHECK(Prompts(session) == "/skill//pdf x");
  CHECK(session.prompts.at(0).command_args == "x");
}

TEST_CASE("copilot: how turns end") {
  struct Case {
    std::string_view what;
    Events events;
    std::string_view turns;
  };
  const Case cases[] = {
      {"failed", Events().User("a").Event("session.error", R"({"message":"400","statusCode":400})"),
       "answers 0 failed 1 cut 0 compacted 0 api 1 failed"},
      {"cut short", Events().User("a").Event("abort", R"({"reason":"user initiated"})"),
       "answers 0 failed 0 cut 1 compacted 0 api 0 cancelled"},
      {"compacted",
       Events().User("a").Answer().Event("session.compaction_complete", R"({"success":true})"),
       "answers 1 failed 0 cut 0 compacted 1 api 0 completed"},
      {"resumed", Events().User("a").Answer().Event("session.resume", "{}").User("b"),
       "answers 1 failed 0 cut 0 compacted 0 api 0 interrupted"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    CHECK(Turns(Read(c.events)) == c.turns);
  }
}

TEST_CASE("copilot: a listing holds for the prompt it is sent with") {
  const MergedSession session = Read(Events().User("a").System(kPdf).Answer());
  CHECK(Exposures(session) == "[-1 pdf:full]");
  CHECK(session.facts.exposures[0].listing->entries[0].description == "It's PDF");
  CHECK(session.facts.exposures[0].listing->entries[0].path.empty());
}

TEST_CASE("copilot: events of a subagent are a session of their own") {
  Events events;
  events.User("a").Call("task", R"({"agent_type":"tester","prompt":"do it"})");
  events.By("x1").Event("subagent.started", R"({"toolCallId":"c1","agentType":"tester"})");
  events.User("do it", R"(,"source":"agent-the-id")").System(kPdf).Usage("conversation-subagent");
  events.Call("skill", R"({"skill":"pdf"})").End(R"("success":true)").Invoked("pdf").Answer();
  events.By("").End(R"("success":true,"result":{"content":"done"})", 1).Answer();
  const MergedStore store = ReadStore(events);
  REQUIRE(store.sessions.size() == 2);
  const MergedSession& main = store.sessions.at("the-id");
  const MergedSession& agent = store.sessions.at("the-id:agent:x1");
  CHECK(Skills(main).empty());
  CHECK(Calls(main) == "calls 1 errors 0 exits 0 denied 0 open 0");
  CHECK(main.facts.spawns.back().child_id == "the-id:agent:x1");
  CHECK(agent.facts.kind == SessionKind::kSubagent);
  CHECK(agent.facts.agent_type == "tester");
  CHECK(agent.facts.links.parent_id == "the-id");
  CHECK(agent.facts.links.spawn_call_id == "c1");
  CHECK(agent.prompts.at(0).kind == PromptKind::kAgent);
  CHECK(Skills(agent) == "pdf triggered tool skill_tool p-1 model");
  CHECK(Exposures(agent) == "[-1 pdf:full]");
  CHECK(Turns(agent) == "answers 2 failed 0 cut 0 compacted 0 api 0 completed");
}

}  // namespace
}  // namespace selftune

// Qwen Code: what each kind of record means, one rule at a time.
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/json_writer.h"
#include "hosts/qwen/source.h"
#include "unit/hosts/line_store.h"

namespace selftune {
namespace {

using base::JsonQuote;
using namespace testing;  // NOLINT: the helpers of these tests

constexpr std::string_view kBody =
    "Base directory for this skill: /s/pdf\nImportant: ALWAYS resolve.\n\n# Body\n";

class Chat {
 public:
  Chat& Record(std::string_view type, std::string_view fields) {
    const std::string id = fmt::format("r{}", ++records_);
    text_ += fmt::format(
        R"({{"uuid":"{}","parentUuid":{},"sessionId":"the-id","timestamp":"2026-01-02T03:04:{:02}.000Z","cwd":"/home/dev/w","version":"1.2","gitBranch":"main",{},"type":"{}"}})",
        id, parent_.empty() ? "null" : JsonQuote(parent_), records_ % 60, fields, type);
    text_ += "\n";
    parent_ = id;
    return *this;
  }
  Chat& User(std::string_view text, std::string_view more = R"("provenance":"real_user")") {
    return Record("user", fmt::format(R"({},"message":{{"role":"user","parts":[{{"text":{}}}]}})",
                                      more, JsonQuote(text)));
  }
  Chat& Answer(std::string_view parts = R"({"text":"ok"})") {
    return Record(
        "assistant",
        fmt::format(
            R"("model":"q","message":{{"role":"model","parts":[{}]}},"usageMetadata":{{"promptTokenCount":100,"candidatesTokenCount":10,"thoughtsTokenCount":4,"cachedContentTokenCount":30}})",
            parts));
  }
  Chat& Call(std::string_view tool, std::string_view args) {
    return Answer(fmt::format(R"({{"functionCall":{{"id":"c{}","name":"{}","args":{}}}}})",
                              ++calls_, tool, args));
  }
  Chat& Result(std::string_view tool, std::string_view response, std::string_view status,
               std::string_view more = "") {
    return Record(
        "tool_result",
        fmt::format(
            R"("message":{{"role":"user","parts":[{{"functionResponse":{{"id":"c{}","name":"{}","response":{}}}}}]}},"toolCallResult":{{"callId":"c{}","status":"{}"{}}})",
            calls_, tool, response, calls_, status, more));
  }
  Chat& System(std::string_view subtype, std::string_view payload) {
    return Record("system",
                  fmt::format(R"("subtype":"{}","provenance":"system","systemPayload":{})", subtype,
                              payload));
  }
  Chat& ApiError(std::string_view prompt_id) {
    return System(
        "ui_telemetry",
        fmt::format(
            R"({{"uiEvent":{{"event.name":"qwen-code.api_error","prompt_id":"{}","error_message":"400"}}}})",
            prompt_id));
  }
  Chat& From(int record) {
    parent_ = record == 0 ? "" : fmt::format("r{}", record);
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_, parent_;
  int records_ = 0, calls_ = 0;
};

MergedStore ReadStore(const Chat& chat, const ingest::KeySet* copied = nullptr) {
  const ingest::SourceFile file{.path = "/q/projects/p/chats/the-id.jsonl"};
  return ReadBothWays(hosts::QwenSource(), file, chat.text(), copied);
}
MergedSession Read(const Chat& chat) { return OnlySession(ReadStore(chat)); }

TEST_CASE("qwen: a session is what its records say") {
  const MergedSession session = Read(Chat().User("Hi").Answer());
  CHECK(session.facts.id == "the-id");
  CHECK(session.facts.cwd == "/home/dev/w");
  CHECK(session.facts.host_version == "1.2");
  CHECK(session.facts.branch == "main");
  CHECK(session.facts.model == "q");
  CHECK(Tokens(session) == "70/30/0/10/4 over 0/0");
  CHECK(Turns(session) == "answers 1 failed 0 cut 0 compacted 0 api 0 completed");
}

TEST_CASE("qwen: prompts") {
  struct Case {
    std::string_view what;
    Chat chat;
    std::string_view prompts;
  };
  const std::string note =
      "\n\nYour invocation arguments have been written verbatim to a file.\n<skill-args>x "
      "y</skill-args>\n";
  const std::string body(kBody);
  const Case cases[] = {
      {"plain", Chat().User("a"), "a"},
      {"of old versions, without its source", Chat().User("a", R"("x":1)"), "a"},
      {"written by the host", Chat().User("a").User("b", R"("provenance":"system")"), "a"},
      {"a notification of old versions", Chat().User("a").User("b", R"("subtype":"notification")"),
       "a"},
      {"as it was shown",
       Chat().User("long", R"("provenance":"real_user","systemPayload":{"displayText":"a"})"), "a"},
      {"skill with arguments", Chat().User(body + "\n\n/pdf x y" + note), "/skill//pdf x y"},
      {"skill alone", Chat().User(body + "\n\n/pdf"), "/skill//pdf"},
      {"skill without the command", Chat().User(body), "/skill//pdf"},
      {"command told by the record before it",
       Chat().System("slash_command", R"({"phase":"invocation","rawCommand":"/pdf z"})").User(body),
       "/skill//pdf z"},
      {"abandoned branch", Chat().User("a").Answer().User("b").Answer().From(2).User("c"),
       "a; -b; c"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    CHECK(Prompts(Read(c.chat)) == c.prompts);
  }
}

TEST_CASE("qwen: calls and skills") {
  const std::string output = fmt::format(R"({{"output":{}}})", JsonQuote(kBody));
  struct Case {
    std::string_view what;
    Chat chat;
    std::string_view calls, skills;
  };
  const Case cases[] = {
      {"skill tool",
       Chat().User("a").Call("skill", R"({"skill":"pdf"})").Result("skill", output, "success"),
       "calls 1 errors 0 exits 0 denied 0 open 0", "pdf triggered tool skill_tool p0 model"},
      {"unknown skill",
       Chat()
           .User("a")
           .Call("skill", R"({"skill":"no"})")
           .Result("skill", R"({"error":"none"})", "error"),
       "calls 1 errors 1 exits 0 denied 0 open 0", "no refused tool skill_tool p0 model"},
      {"command", Chat().User(std::string(kBody) + "\n\n/pdf"),
       "calls 0 errors 0 exits 0 denied 0 open 0", "pdf triggered explicit slash_command p0 user"},
      {"exit status",
       Chat()
           .User("a")
           .Call("run_shell_command", R"({"command":"x"})")
           .Result("run_shell_command", R"({"error":"x"})", "error",
                   R"(,"resultDisplay":{"exitCode":3})"),
       "calls 1 errors 1 exits 1 denied 0 open 0", ""},
      {"exit status in the report",
       Chat()
           .User("a")
           .Call("run_shell_command", R"({"command":"x"})")
           .Result("run_shell_command",
                   R"j({"error":"Output: (empty)\nError: (none)\nExit Code: 3\nSignal: (none)"})j",
                   "error"),
       "calls 1 errors 1 exits 1 denied 0 open 0", ""},
      {"refused",
       Chat()
           .User("a")
           .Call("edit", R"({"file_path":"x"})")
           .Result("edit",
                   R"({"error":"[Operation Cancelled] Reason: User did not allow tool call"})",
                   "cancelled"),
       "calls 1 errors 1 exits 0 denied 1 open 0", ""},
      {"read",
       Chat()
           .User("a")
           .Call("read_file", R"({"file_path":"/s/pdf/SKILL.md"})")
           .Result("read_file", R"({"output":"x"})", "success"),
       "calls 1 errors 0 exits 0 denied 0 open 0", "pdf triggered read file_read p0 model"},
      {"open", Chat().User("a").Call("read_file", R"({"file_path":"x"})"),
       "calls 1 errors 0 exits 0 denied 0 open 1", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    const MergedSession session = Read(c.chat);
    CHECK(Calls(session) == c.calls);
    CHECK(Skills(session) == c.skills);
  }
}

TEST_CASE("qwen: how turns end") {
  struct Case {
    std::string_view what;
    Chat chat;
    std::string_view turns;
  };
  const Case cases[] = {
      {"failed", Chat().User("a").ApiError("id########0"),
       "answers 0 failed 1 cut 0 compacted 0 api 1 failed"},
      {"retried", Chat().User("a").ApiError("id########0").Answer(),
       "answers 1 failed 0 cut 0 compacted 0 api 1 completed"},
      {"a request of the host itself", Chat().User("a").Answer().ApiError("title"),
       "answers 1 failed 0 cut 0 compacted 0 api 0 completed"},
      {"cancelled", Chat().User("a").System("turn_result", R"({"state":"cancelled"})"),
       "answers 0 failed 0 cut 1 compacted 0 api 0 cancelled"},
      {"compressed", Chat().User("a").Answer().System("chat_compression", "{}"),
       "answers 1 failed 0 cut 0 compacted 1 api 0 completed"},
      {"no answer", Chat().User("a"), "answers 0 failed 0 cut 0 compacted 0 api 0 interrupted"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    CHECK(Turns(Read(c.chat)) == c.turns);
  }
}

TEST_CASE("qwen: copies of a branch are known by their ids") {
  const MergedStore store = ReadStore(Chat().User("a").Answer());
  const auto& keys = OnlySession(store).facts.record_keys;
  CHECK(keys.size() == 2);
  const ingest::KeySet copied(keys.begin(), keys.end());
  const MergedSession fork =
      OnlySession(ReadStore(Chat().User("a").Answer().User("new").Answer(), &copied));
  CHECK(Prompts(fork) == "new");
  CHECK(fork.facts.metrics.answers == 1);
}

TEST_CASE("qwen: the transcript of a subagent") {
  const ingest::SourceFile file{.path = "/q/projects/p/subagents/parent/agent-x1.jsonl"};
  const MergedSession session = OnlySession(ReadBothWays(
      hosts::QwenSource(), file, Chat().User("task", R"("provenance":"system")").Answer().text()));
  CHECK(session.facts.id == "parent:agent:x1");
  CHECK(session.facts.kind == SessionKind::kSubagent);
  CHECK(session.facts.links.root_id == "parent");
  CHECK(session.prompts.at(0).kind == PromptKind::kAgent);
}

}  // namespace
}  // namespace selftune

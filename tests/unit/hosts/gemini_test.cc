// Gemini CLI: what each kind of record means, one rule at a time.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "hosts/gemini/source.h"
#include "unit/hosts/line_store.h"

namespace selftune {
namespace {

using base::JsonQuote;
using namespace testing;  // NOLINT: the helpers of these tests

constexpr std::string_view kContext =
    R"({"id":"ctx","timestamp":"2026-01-02T03:04:00.000Z","type":"user","content":[{"text":"<session_context>\nx"}]})";

// Writes a session, line by line.
class Log {
 public:
  explicit Log(std::string_view kind = "main") {
    Raw(fmt::format(
        R"({{"sessionId":"the-id","projectHash":"h","startTime":"2026-01-02T03:04:00.000Z","kind":"{}"}})",
        kind));
  }
  Log& Raw(std::string_view line) {
    text_.append(line).append("\n");
    return *this;
  }
  static std::string Message(std::string_view id, std::string_view type, std::string_view fields) {
    return fmt::format(R"({{"id":"{}","timestamp":"2026-01-02T03:04:05.000Z","type":"{}",{}}})", id,
                       type, fields);
  }
  static std::string UserText(std::string_view id, std::string_view text) {
    return Message(id, "user", fmt::format(R"("content":[{{"text":{}}}])", JsonQuote(text)));
  }
  Log& User(std::string_view id, std::string_view text) { return Raw(UserText(id, text)); }
  Log& Answer(std::string_view id, std::string_view more = "") {
    return Raw(Message(
        id, "gemini",
        fmt::format(
            R"("content":"ok","model":"g","tokens":{{"input":100,"output":10,"cached":30,"thoughts":4,"tool":0,"total":114}}{})",
            more)));
  }
  // An answer that calls a tool: first without, then with the result.
  Log& Call(std::string_view id, std::string_view tool, std::string_view args,
            std::string_view status, std::string_view response, std::string_view display = "") {
    Answer(id);
    return Answer(
        id,
        fmt::format(
            R"(,"toolCalls":[{{"id":"call-{}","name":"{}","args":{},"result":[{{"functionResponse":{{"id":"call-{}","name":"{}","response":{}}}}}],"status":"{}","resultDisplay":{}}}])",
            id, tool, args, id, tool, response, status, JsonQuote(display)));
  }
  Log& Set(std::string_view messages) {
    return Raw(fmt::format(R"({{"$set":{{"messages":[{}],"lastUpdated":"x"}}}})", messages));
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

MergedStore ReadStore(const Log& log,
                      std::string path = "/nowhere/tmp/slug/chats/session-x-theid.jsonl") {
  const ingest::SourceFile file{.path = std::move(path)};
  return ReadBothWays(hosts::GeminiSource(), file, log.text());
}
MergedSession Read(const Log& log) { return OnlySession(ReadStore(log)); }

TEST_CASE("gemini: an answer is counted once, with what its last line says") {
  Log log;
  log.Set(kContext).User("u1", "Hi");
  log.Raw(Log::Message("g1", "gemini", R"("content":"ok","model":"g")"));
  log.Answer("g1").Answer("g1");
  const MergedSession session = Read(log);
  CHECK(session.facts.id == "the-id");
  CHECK(Turns(session) == "answers 1 failed 0 cut 0 compacted 0 api 0 completed");
  CHECK(Tokens(session) == "70/30/0/14/4 over 0/0");
}

TEST_CASE("gemini: prompts") {
  struct Case {
    std::string_view what;
    Log log;
    std::string_view prompts;
  };
  const std::string u1 = Log::UserText("u1", "a");
  const Case cases[] = {
      {"plain", Log().User("u1", "a"), "a"},
      {"context of the host", Log().Set(kContext).User("u1", "a"), "a"},
      {"asked to go on by the host", Log().User("u1", "a").User("u2", "System: Please continue."),
       "a"},
      {"files named in it",
       Log().Raw(Log::Message(
           "u1", "user",
           R"("content":[{"text":"look at @x"},{"text":"\n--- Content from referenced files ---"},{"text":"..."}])")),
       "look at @x"},
      {"context of hooks",
       Log().Raw(Log::Message(
           "u1", "user", R"("content":[{"text":"a"},{"text":"<hook_context>n</hook_context>"}])")),
       "a"},
      {"what the person saw",
       Log().Raw(Log::Message("u1", "user",
                              R"("content":[{"text":"a long"}],"displayContent":[{"text":"a"}])")),
       "a"},
      {"results of calls",
       Log().User("u1", "a").Raw(Log::Message(
           "u2", "user",
           R"("content":[{"functionResponse":{"id":"x","response":{"output":"y"}}}])")),
       "a"},
      {"rolled back", Log().Set(kContext).User("u1", "a").Set(kContext), "-a"},
      {"kept by a resume", Log().User("u1", "a").Answer("g1").Set(kContext).Set(u1), "a"},
      {"rewound", Log().User("u1", "a").Answer("g1").User("u2", "b").Raw(R"({"$rewindTo":"u2"})"),
       "a; -b"},
      {"rewound to nothing known", Log().User("u1", "a").Raw(R"({"$rewindTo":"zz"})"), "-a"},
      {"under a summary",
       Log().User("u1", "a").Answer("g1").Set(Log::UserText("s1", "<state_snapshot>x")), "a"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    CHECK(Prompts(Read(c.log)) == c.prompts);
  }
}

TEST_CASE("gemini: how turns end") {
  struct Case {
    std::string_view what;
    Log log;
    std::string_view turns;
  };
  const Case cases[] = {
      {"answered", Log().User("u1", "a").Answer("g1"),
       "answers 1 failed 0 cut 0 compacted 0 api 0 completed"},
      {"no answer", Log().User("u1", "a"),
       "answers 0 failed 1 cut 0 compacted 0 api 0 interrupted"},
      {"no answer, then another prompt", Log().User("u1", "a").User("u2", "b").Answer("g1"),
       "answers 1 failed 1 cut 0 compacted 0 api 0 completed"},
      {"rolled back", Log().Set(kContext).User("u1", "a").Set(kContext),
       "answers 0 failed 1 cut 0 compacted 0 api 0 failed"},
      {"cancelled",
       Log().User("u1", "a").Raw(Log::Message("i1", "info", R"("content":"Request cancelled.")")),
       "answers 0 failed 0 cut 1 compacted 0 api 0 cancelled"},
      {"an error that is told",
       Log().User("u1", "a").Raw(Log::Message("e1", "error", R"("content":"[API Error: x]")")),
       "answers 0 failed 1 cut 0 compacted 0 api 1 failed"},
      {"nothing after a call",
       Log().User("u1", "a").Call("g1", "read_file", R"({"file_path":"x"})", "success",
                                  R"({"output":"y"})"),
       "answers 1 failed 0 cut 0 compacted 0 api 0 interrupted"},
      {"summary",
       Log().User("u1", "a").Answer("g1").Set(
           Log::UserText("s1", "<state_snapshot>x") + "," +
           Log::Message("s2", "gemini", R"("content":[{"text":"Got it."}])")),
       "answers 1 failed 0 cut 0 compacted 1 api 0 completed"},
      {"back to an answered prompt",
       Log().User("u1", "a").Answer("g1").User("u2", "b").Raw(R"({"$rewindTo":"u2"})"),
       "answers 1 failed 1 cut 0 compacted 0 api 0 completed"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    CHECK(Turns(Read(c.log)) == c.turns);
  }
}

TEST_CASE("gemini: calls and skills") {
  constexpr std::string_view kLoaded =
      R"({"output":"<activated_skill name=\"pdf\">\n  <instructions>\n    # Body\n  </instructions>"})";
  struct Case {
    std::string_view what;
    Log log;
    std::string_view calls, skills;
  };
  const std::string shell3 =
      R"({"output":"<untrusted_context>\nOutput: Exit Code: 9\nExit Code: 3\nProcess Group PGID: 2\n</untrusted_context>"})";
  const std::string shell0 = R"({"output":"Output: Exit Code: 9\nok"})";
  const Case cases[] = {
      {"skill tool",
       Log().User("u1", "a").Call("g1", "activate_skill", R"({"name":"pdf"})", "success", kLoaded,
                                  "Resources loaded from `/s/pdf`:"),
       "calls 1 errors 0 exits 0 denied 0 open 0", "pdf triggered tool skill_tool p0 model"},
      {"typed command that the model follows",
       Log()
           .User("u1", "/pdf x")
           .Call("g1", "activate_skill", R"({"name":"pdf"})", "success", kLoaded),
       "calls 1 errors 0 exits 0 denied 0 open 0", "pdf triggered tool skill_tool p0 user"},
      {"unknown skill",
       Log().User("u1", "a").Call("g1", "activate_skill", R"({"name":"no"})", "error",
                                  R"({"error":"params/name must be equal"})"),
       "calls 1 errors 1 exits 0 denied 0 open 0", "no refused tool skill_tool p0 model"},
      {"read outside the workspace",
       Log().User("u1", "a").Call("g1", "read_file", R"({"file_path":"/h/skills/pdf/SKILL.md"})",
                                  "error", R"({"error":"Path not in workspace"})"),
       "calls 1 errors 1 exits 0 denied 0 open 0", "pdf refused read file_read p0 model"},
      {"status in the report",
       Log().User("u1", "a").Call("g1", "run_shell_command", R"({"command":"x"})", "success",
                                  shell3),
       "calls 1 errors 1 exits 1 denied 0 open 0", ""},
      {"a status in the output is none",
       Log().User("u1", "a").Call("g1", "run_shell_command", R"({"command":"x"})", "success",
                                  shell0),
       "calls 1 errors 0 exits 0 denied 0 open 0", ""},
      {"refused by the person",
       Log().User("u1", "a").Call(
           "g1", "run_shell_command", R"({"command":"x"})", "cancelled",
           R"({"error":"[Operation Cancelled] Reason: User did not allow tool call"})"),
       "calls 1 errors 1 exits 0 denied 1 open 0", ""},
      {"not ended",
       Log().User("u1", "a").Call("g1", "read_file", R"({"file_path":"x"})", "executing", "{}"),
       "calls 1 errors 0 exits 0 denied 0 open 1", ""},
      {"told again by a resume",
       Log()
           .User("u1", "a")
           .Call("g1", "activate_skill", R"({"name":"pdf"})", "success", kLoaded)
           .Set(
               Log::UserText("u1", "a") + "," +
               Log::Message(
                   "g1", "gemini",
                   R"("content":[{"functionCall":{"id":"call-g1","name":"activate_skill","args":{"name":"pdf"}}}])") +
               "," +
               Log::Message(
                   "g1_response", "user",
                   R"("content":[{"functionResponse":{"id":"call-g1","response":{"output":"x"}}}])")),
       "calls 1 errors 0 exits 0 denied 0 open 0", "pdf triggered tool skill_tool p0 model"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    const MergedSession session = Read(c.log);
    CHECK(Calls(session) == c.calls);
    std::string skills = Skills(session);
    // What a typed command asks for is settled with the skill that is loaded.
    CHECK(skills == c.skills);
  }
}

TEST_CASE("gemini: a loaded skill tells its file and its text") {
  Log log;
  log.User("u1", "a").Call(
      "g1", "activate_skill", R"({"name":"pdf"})", "success",
      R"({"output":"<activated_skill name=\"pdf\">\n  <instructions>\n    # Body\n  </instructions>"})",
      "Skill **pdf** activated. Resources loaded from `/s/pdf`:");
  const MergedSession session = Read(log);
  const ingest::SkillFact& skill = session.skills.begin()->second;
  CHECK(skill.path == "/s/pdf/SKILL.md");
  CHECK(skill.body_bytes == 6);
}

TEST_CASE("gemini: a subagent lies below the session that started it") {
  const MergedSession session = OnlySession(
      ReadStore(Log("subagent").User("u1", "do it").Answer("g1"), "/n/tmp/s/chats/parent/a.jsonl"));
  CHECK(session.facts.kind == SessionKind::kSubagent);
  CHECK(session.facts.links.parent_id == "parent");
  CHECK(session.prompts.at(0).kind == PromptKind::kAgent);
}

TEST_CASE("gemini: files of a home, new and old form") {
  const std::filesystem::path home =
      std::filesystem::temp_directory_path() / fmt::format("selftune-gemini-{}", ::getpid());
  const std::filesystem::path slug = home / ".gemini/tmp/shop";
  std::filesystem::create_directories(slug / "chats/parent");
  std::ofstream(slug / ".project_root") << "/home/dev/shop";
  std::ofstream(slug / "chats/session-a.jsonl") << Log().User("u1", "a").text();
  std::ofstream(slug / "chats/parent/agent.jsonl") << "";
  std::ofstream(slug / "chats/session-b.json")
      << "{\n \"sessionId\": \"old\",\n \"projectHash\": \"h\",\n \"messages\": [\n  "
      << Log::UserText("u1", "hello") << "\n ]\n}\n";
  std::ofstream(slug / "chats/session-a.json") << "{}";  // goes on in session-a.jsonl
  base::Environment env;
  env.Set("HOME", home.string());
  std::vector<std::string> problems;
  const auto files = hosts::GeminiSource().Discover(env, problems);
  CHECK(problems.empty());
  REQUIRE(files.size() == 3);
  CHECK(files[0].path.ends_with("parent/agent.jsonl"));
  CHECK(files[1].path.ends_with("session-a.jsonl"));
  CHECK(files[2].replaced_whole);
  // The document is one line.
  auto bytes = hosts::GeminiSource().OpenBytes(files[2], 0);
  REQUIRE(bytes.ok());
  std::string text, chunk(4096, '\0');
  while (true) {
    const auto got = (*bytes)->ReadAt(text.size(), chunk.data(), chunk.size());
    REQUIRE(got.ok());
    if (*got == 0) break;
    text.append(chunk, 0, *got);
  }
  MergedStore store;
  ReadText(hosts::GeminiSource(), files[2], text, Reading::kAtOnce, nullptr, store);
  CHECK(Prompts(OnlySession(store)) == "hello");
  CHECK(OnlySession(store).facts.cwd == "/home/dev/shop");
  std::filesystem::remove_all(home);
}

}  // namespace
}  // namespace selftune

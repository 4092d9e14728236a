// Cline: the sessions of version 3 and the tasks of version 2, one rule at a time.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/env.h"
#include "base/json_writer.h"
#include "base/strings.h"
#include "hosts/cline/source.h"
#include "unit/hosts/line_store.h"

namespace selftune {
namespace {

using base::JsonQuote;
using namespace testing;  // NOLINT: the helpers of these tests

// A conversation as a list of messages.
class Talk {
 public:
  Talk& Message(std::string_view role, std::string_view content, std::string_view more = "") {
    messages_.push_back(fmt::format(R"({{"id":"m{}","role":"{}","content":{},"ts":{}{}}})",
                                    messages_.size(), role, content, 1000 + messages_.size() * 10,
                                    more));
    return *this;
  }
  Talk& User(std::string_view text) {
    return Message("user", fmt::format(R"([{{"type":"text","text":{}}}])", JsonQuote(text)));
  }
  Talk& Typed(std::string_view text) {
    return User(fmt::format("<user_input mode=\"act\">{}</user_input>", text));
  }
  Talk& Answer(std::string_view blocks = R"({"type":"text","text":"ok"})") {
    return Message(
        "assistant", fmt::format("[{}]", blocks),
        R"(,"modelInfo":{"id":"m","provider":"p"},"metrics":{"inputTokens":100,"outputTokens":10,"cacheReadTokens":30,"cacheWriteTokens":2})");
  }
  Talk& Call(std::string_view tool, std::string_view input) {
    return Answer(fmt::format(R"({{"type":"tool_use","id":"c{}","name":"{}","input":{}}})",
                              ++calls_, tool, input));
  }
  Talk& Result(std::string_view tool, std::string_view content) {
    return Message(
        "user",
        fmt::format(R"([{{"type":"tool_result","tool_use_id":"c{}","name":"{}","content":{}}}])",
                    calls_, tool, content));
  }
  [[nodiscard]] std::string list() const { return "[" + base::Join(messages_, ",") + "]"; }

 private:
  std::vector<std::string> messages_;
  int calls_ = 0;
};

MergedSession ReadDocuments(std::string path, const std::string& text) {
  const ingest::SourceFile file{.path = std::move(path)};
  MergedStore store;
  ReadText(hosts::ClineSource(), file, text, Reading::kAtOnce, nullptr, store);
  return OnlySession(store);
}

MergedSession Read(const Talk& talk, std::string_view status = "completed",
                   std::string_view origin = R"({"mode":"user","version":"3.1"})") {
  const std::string manifest = fmt::format(
      R"({{"session_id":"s1","status":"{}","cwd":"/home/dev/w","provider":"p","metadata":{{"git":{{"branch":"main"}}}}}})",
      status);
  const std::string messages =
      fmt::format(R"({{"sessionId":"s1","origin":{},"messages":{}}})", origin, talk.list());
  return ReadDocuments("/d/sessions/s1/s1.messages.json", manifest + "\n" + messages + "\n");
}

TEST_CASE("cline 3: a session is what its documents say") {
  const MergedSession session = Read(Talk().Typed("Hi").Answer());
  CHECK(session.facts.id == "s1");
  CHECK(session.facts.cwd == "/home/dev/w");
  CHECK(session.facts.branch == "main");
  CHECK(session.facts.host_version == "3.1");
  CHECK(session.facts.model == "m");
  CHECK(Prompts(session) == "Hi");
  CHECK(session.prompts.at(0).raw_text == "<user_input mode=\"act\">Hi</user_input>");
  CHECK(Tokens(session) == "70/30/2/10/0 over 0/0");
  CHECK(Turns(session) == "answers 1 failed 0 cut 0 compacted 0 api 0 completed");
}

TEST_CASE("cline: a message of a kind nobody knows is seen, and not understood") {
  const std::string list = Talk().Typed("Hi").Message("developer", "[]").Answer().list();
  const std::pair<const char*, std::string> documents[] = {
      {"/d/sessions/s1/s1.messages.json", R"({"session_id":"s1","status":"completed"})"
                                          "\n{\"sessionId\":\"s1\",\"messages\":" +
                                              list + "}\n"},
      {"/d/tasks/77/api_conversation_history.json",
       "{\"environment_history\":[]}\n{\"items\":[]}\n{\"items\":" + list + "}\n"},
  };
  for (const auto& [path, text] : documents) {
    CAPTURE(path);
    MergedStore store;
    ReadText(hosts::ClineSource(), {.path = path}, text, Reading::kAtOnce, nullptr, store);
    CHECK(store.unknown == 1);
    CHECK(store.seen == store.used + 1);
  }
}

TEST_CASE("cline 3: prompts") {
  CHECK(Prompts(Read(Talk().User("plain"))) == "plain");
  CHECK(Prompts(Read(Talk().User(
            "<mode_notice>x</mode_notice>\n<user_input mode=\"plan\">a</user_input>"))) == "a");
  CHECK(Prompts(Read(Talk().Typed("a <user_input> tag"))) == "a <user_input> tag");
  CHECK(Prompts(Read(Talk().Typed("a").Answer().User("<mode_notice>now act</mode_notice>"))) ==
        "a");
}

TEST_CASE("cline 3: calls and skills") {
  struct Case {
    std::string_view what;
    Talk talk;
    std::string_view calls, skills;
  };
  const std::string two = R"({"files":[{"path":"/s/pdf/SKILL.md"},{"path":"/s/doc/SKILL.md"}]})";
  const Case cases[] = {
      {"skill tool",
       Talk()
           .Typed("a")
           .Call("skills", R"({"skill":"pdf","args":null})")
           .Result("skills", R"("<command-name>pdf</command-name>")"),
       "calls 1 errors 0 exits 0 denied 0 open 0", "pdf triggered tool skill_tool p0 model"},
      {"unknown skill",
       Talk()
           .Typed("a")
           .Call("skills", R"({"skill":"no"})")
           .Result("skills", R"("Skill \"no\" not found. Available skills: pdf")"),
       "calls 1 errors 1 exits 0 denied 0 open 0", "no refused tool skill_tool p0 model"},
      {"text that nothing follows", Talk().Typed("/pdf x").Answer(),
       "calls 0 errors 0 exits 0 denied 0 open 0", "pdf requested explicit slash_text p0 user"},
      {"one of two files is missing",
       Talk()
           .Typed("a")
           .Call("read_files", two)
           .Result(
               "read_files",
               R"([{"query":"a","result":"1 | ---\n2 | name: x","success":true},{"query":"b","error":"ENOENT","success":false}])"),
       "calls 1 errors 1 exits 0 denied 0 open 0",
       "doc refused read file_read p0 model; pdf triggered read file_read p0 model"},
      {"its own name",
       Talk()
           .Typed("a")
           .Call("read_files", R"({"files":[{"path":"/s/pdf/SKILL.md"}]})")
           .Result(
               "read_files",
               R"([{"query":"a","result":"1 | ---\n2 | name: tools\n3 | ---","success":true}])"),
       "calls 1 errors 0 exits 0 denied 0 open 0", "tools triggered read file_read p0 model"},
      {"status of one of two commands",
       Talk()
           .Typed("a")
           .Call("run_commands", R"({"commands":["x","y"]})")
           .Result(
               "run_commands",
               R"([{"query":"x","error":"Command exited with code 3","success":false},{"query":"y","success":true}])"),
       "calls 1 errors 1 exits 1 denied 0 open 0", ""},
      {"shell read",
       Talk()
           .Typed("a")
           .Call("run_commands", R"({"commands":["cat ~/.cline/skills/pdf/SKILL.md"]})")
           .Result("run_commands", R"([{"query":"x","result":"x","success":true}])"),
       "calls 1 errors 0 exits 0 denied 0 open 0", "pdf triggered shell_read shell_read p0 model"},
      {"failure in a text",
       Talk()
           .Typed("a")
           .Call("editor", R"({"path":"x"})")
           .Result("editor", R"("{\"query\":\"edit:x\",\"error\":\"no\",\"success\":false}")"),
       "calls 1 errors 1 exits 0 denied 0 open 0", ""},
      {"open", Talk().Typed("a").Call("run_commands", R"({"commands":["x"]})"),
       "calls 1 errors 0 exits 0 denied 0 open 1", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    const MergedSession session = Read(c.talk);
    CHECK(Calls(session) == c.calls);
    CHECK(Skills(session) == c.skills);
  }
}

TEST_CASE("cline 3: how turns end") {
  const Talk failed =
      Talk().Typed("a").Message("assistant", R"([{"type":"text","text":"overloaded"}])",
                                R"(,"metadata":{"displayOnly":true,"displayRole":"error"})");
  CHECK(Turns(Read(failed, "failed")) == "answers 0 failed 1 cut 0 compacted 0 api 1 failed");
  CHECK(Turns(Read(Talk().Typed("a").Answer(), "cancelled")) ==
        "answers 1 failed 0 cut 1 compacted 0 api 0 cancelled");
  CHECK(Turns(Read(Talk().Typed("a"), "running")) ==
        "answers 0 failed 0 cut 0 compacted 0 api 0 interrupted");
  CHECK(Turns(Read(Talk().Typed("a").Answer(), "failed")) ==
        "answers 1 failed 1 cut 0 compacted 0 api 0 failed");
}

TEST_CASE("cline 3: who started a session") {
  const MergedSession agent = Read(Talk().User("task").Answer(), "running",
                                   R"({"mode":"subagent","parentThreadId":"p1","version":"3.1"})");
  CHECK(agent.facts.kind == SessionKind::kSubagent);
  CHECK(agent.facts.links.parent_id == "p1");
  CHECK(agent.prompts.at(0).kind == PromptKind::kAgent);
  CHECK(Read(Talk().User("a"), "completed", R"({"mode":"schedule"})").facts.kind ==
        SessionKind::kAutomation);
}

// ---- tasks

std::string Notice(int ts, std::string_view word, std::string_view text) {
  return fmt::format(R"({{"ts":{},"type":"say","say":"{}","text":{}}})", ts, word, JsonQuote(text));
}

MergedSession ReadTask(const std::vector<std::string>& notices, const Talk& talk) {
  const std::string metadata =
      R"({"environment_history":[{"host_name":"Cline CLI - Node.js","host_version":"2.1","cline_version":"3.8"}]})";
  return ReadDocuments("/d/tasks/77/api_conversation_history.json",
                       metadata + "\n{\"items\":[" + base::Join(notices, ",") +
                           "]}\n{\"items\":" + talk.list() + "}\n");
}

TEST_CASE("cline 2: prompts are those of the interface, calls those of the conversation") {
  Talk talk;
  talk.User("<task>\nHi\n</task>");
  talk.Answer(
      R"({"type":"text","text":"I load it.\n<use_skill>\n<skill_name>pdf</skill_name>\n</use_skill>"})");
  talk.User(
      "[use_skill for \"pdf\"] Result:\n# Skill \"pdf\" is now active\n\nYou may access other "
      "files "
      "in the skill directory at: /s/pdf/");
  talk.Answer(
      R"({"type":"text","text":"<execute_command>\n<command>x</command>\n</execute_command>"})");
  talk.User("[execute_command for 'x'] Result:\nCommand failed (exit code 3).\nOutput:\n");
  talk.Answer(R"({"type":"text","text":"<read_file><path>a</path></read_file>"})");
  talk.User("[read_file for 'a'] Result:\nThe tool execution failed with the following error:\nx");
  const MergedSession session =
      ReadTask({Notice(900, "task", "Hi"), Notice(1035, "user_feedback", "go on"),
                Notice(2000, "completion_result", "Done.")},
               talk);
  CHECK(session.facts.id == "77");
  CHECK(session.facts.host_version == "2.1");
  CHECK(Prompts(session) == "Hi; go on");
  CHECK(Calls(session) == "calls 3 errors 2 exits 1 denied 0 open 0");
  CHECK(Skills(session) == "pdf triggered tool skill_tool p0 model");
  CHECK(session.skills.begin()->second.path == "/s/pdf/SKILL.md");
  CHECK(Turns(session) == "answers 3 failed 0 cut 0 compacted 0 api 0 completed");
}

TEST_CASE("cline 2: how turns end") {
  const Talk asked = Talk().User("<task>\nHi\n</task>");
  const Talk answered = Talk().User("<task>\nHi\n</task>").Answer();
  CHECK(Turns(ReadTask({Notice(900, "task", "Hi"), Notice(2000, "error_retry", "400"),
                        Notice(2001, "api_req_failed", "400")},
                       asked)) == "answers 0 failed 1 cut 0 compacted 0 api 1 failed");
  CHECK(Turns(ReadTask({Notice(900, "task", "Hi"),
                        Notice(2000, "api_req_started", R"({"cancelReason":"user_cancelled"})")},
                       answered)) == "answers 1 failed 0 cut 1 compacted 0 api 0 cancelled");
  CHECK(Turns(ReadTask({Notice(900, "task", "Hi")}, asked)) ==
        "answers 0 failed 0 cut 0 compacted 0 api 0 interrupted");
}

TEST_CASE("cline 2: without interface messages the conversation tells the prompts") {
  const Talk talk =
      Talk()
          .User("<task>\nHi\n</task>")
          .Answer()
          .User("<feedback>\nmore\n</feedback>")
          .User("<environment_details>\n# Current Working Directory (/home/dev/w) Files");
  const MergedSession session = ReadTask({}, talk);
  CHECK(Prompts(session) == "Hi; more");
  CHECK(session.facts.cwd == "/home/dev/w");
}

// ---- files

class Home {
 public:
  Home()
      : path_(std::filesystem::temp_directory_path() /
              fmt::format("selftune-cline-{}", ::getpid())) {
    std::filesystem::create_directories(path_);
    env_.Set("HOME", path_.string());
  }
  ~Home() { std::filesystem::remove_all(path_); }
  void Write(const std::string& name, std::string_view text) {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  [[nodiscard]] std::vector<ingest::SourceFile> Files() const {
    std::vector<std::string> problems;
    return hosts::ClineSource().Discover(env_, problems);
  }

 private:
  std::filesystem::path path_;
  base::Environment env_;
};

TEST_CASE("cline: documents of a session are looked at and read together") {
  Home home;
  const std::string dir = ".cline/data/sessions/s1/";
  home.Write(dir + "s1.messages.json", "{\"messages\": [\n]}\n");
  home.Write(dir + "s1.json", "{\n \"session_id\": \"s1\"\n}");
  home.Write(dir + "agent_1.messages.json", "{}");
  home.Write(".cline/data/tasks/7/api_conversation_history.json", "[]");
  home.Write(".cline/data/settings/providers.json", "secret");
  home.Write(
      ".config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/8/"
      "api_conversation_history.json",
      "[]");
  const auto files = home.Files();
  REQUIRE(files.size() == 4);
  const ingest::SourceFile& session = files[1];
  CHECK(session.path.ends_with("s1.messages.json"));
  const auto info = hosts::ClineSource().Look(session);
  REQUIRE(info.ok());
  CHECK(info->size == 18 + 23);
  auto bytes = hosts::ClineSource().OpenBytes(session, 0);
  REQUIRE(bytes.ok());
  std::string text(200, '\0');
  std::string all;
  while (true) {
    const auto got = (*bytes)->ReadAt(all.size(), text.data(), 7);
    REQUIRE(got.ok());
    if (*got == 0) break;
    all.append(text, 0, *got);
  }
  CHECK(all == "{  \"session_id\": \"s1\" }\n{\"messages\": [ ]} \n");
}

TEST_CASE("cline: a document that is cut off is not read at all") {
  Home home;
  const std::string name = ".cline/data/sessions/s1/s1.messages.json";
  for (const std::string_view cut : {"", "{", "{\"messages\":[", "{\"a\":\"}"}) {
    home.Write(name, cut);
    CHECK_FALSE(hosts::ClineSource().OpenBytes(home.Files()[0], 0).ok());
  }
  home.Write(name, "{\"a\":\"\\\"}\"}");
  CHECK(hosts::ClineSource().OpenBytes(home.Files()[0], 0).ok());
}

}  // namespace
}  // namespace selftune

// Pi: what each kind of record means, one rule at a time.
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/crypto.h"
#include "base/json_writer.h"
#include "hosts/pi/source.h"
#include "unit/hosts/line_store.h"

namespace selftune {
namespace {

using base::JsonQuote;
using namespace testing;  // NOLINT: the helpers of these tests

constexpr std::string_view kSkill = "/home/dev/.pi/agent/skills/pdf/SKILL.md";

// Writes a session, entry by entry; each follows the one before it.
class Session {
 public:
  explicit Session(std::string_view extra = "") {
    text_ = fmt::format(
        "{{\"type\":\"session\",\"version\":3,\"id\":\"the-id\","
        "\"timestamp\":\"2026-01-02T03:04:00.000Z\",\"cwd\":\"/home/dev/w\"{}}}\n",
        extra);
  }
  Session& Entry(std::string_view type, std::string_view fields) {
    const std::string id = fmt::format("e{}", ++entries_);
    text_ += fmt::format(R"({{"type":"{}","id":"{}","parentId":{},"timestamp":"{}",{}}})", type, id,
                         parent_.empty() ? "null" : JsonQuote(parent_), Time(), fields) +
             "\n";
    parent_ = id;
    return *this;
  }
  Session& Message(std::string_view message) {
    return Entry("message", fmt::format("\"message\":{}", message));
  }
  Session& User(std::string_view text) {
    return Message(fmt::format(R"({{"role":"user","content":[{{"type":"text","text":{}}}]}})",
                               JsonQuote(text)));
  }
  Session& Answer(std::string_view blocks = R"({"type":"text","text":"Done."})",
                  std::string_view stop = "stop", std::string_view more = "") {
    return Message(fmt::format(
        R"({{"role":"assistant","content":[{}],"provider":"p","model":"m","usage":{{"input":100,"output":10,"cacheRead":5,"cacheWrite":2,"reasoning":3}},"stopReason":"{}"{}}})",
        blocks, stop, more));
  }
  Session& Call(std::string_view tool, std::string_view arguments) {
    return Answer(fmt::format(R"({{"type":"toolCall","id":"c{}","name":"{}","arguments":{}}})",
                              ++calls_, tool, arguments),
                  "toolUse");
  }
  Session& Result(std::string_view text, bool error = false, std::string_view tool = "bash") {
    return Message(fmt::format(
        R"({{"role":"toolResult","toolCallId":"c{}","toolName":"{}","content":[{{"type":"text","text":{}}}],"isError":{}}})",
        calls_, tool, JsonQuote(text), error));
  }
  Session& Read(std::string_view path, std::string_view text = "ok", bool error = false) {
    return Call("read", fmt::format(R"({{"path":"{}"}})", path)).Result(text, error, "read");
  }
  Session& Shell(std::string_view command, std::string_view text = "ok", bool error = false) {
    return Call("bash", fmt::format(R"({{"command":{}}})", JsonQuote(command))).Result(text, error);
  }
  Session& System(std::string_view skills) {
    return Message(
        fmt::format(R"({{"role":"system","content":"","sections":{{"skills":{}}}}})", skills));
  }
  // The next entry goes on from an earlier one.
  Session& From(int entry) {
    parent_ = entry == 0 ? "" : fmt::format("e{}", entry);
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::string Time() const {
    return fmt::format("2026-01-02T03:04:{:02}.000Z", entries_ % 60);
  }

 private:
  std::string text_, parent_;
  int entries_ = 0, calls_ = 0;
};

MergedStore ReadStore(const Session& session, const ingest::KeySet* copied = nullptr) {
  const ingest::SourceFile file{.path = "/s/2026-01-02T03-04-00-000Z_file-id.jsonl"};
  return ReadBothWays(hosts::PiSource(), file, session.text(), copied);
}

MergedSession Read(const Session& session) { return OnlySession(ReadStore(session)); }

std::string Block(std::string_view tail = "") {
  return fmt::format(
      "<skill name=\"pdf\" location=\"{}\">\nReferences are relative to /x.\n\n# Body\n</skill>{}",
      kSkill, tail);
}

std::string Catalogue(std::string_view name, std::string_view path) {
  return JsonQuote(
      fmt::format("<skills>\n<available_skills>\n<skill>\n<name>{}</name>\n"
                  "<description>Reads &lt;PDF&gt;</description>\n"
                  "<location>{}</location>\n</skill>\n</available_skills>",
                  name, path));
}

TEST_CASE("pi: a session is what its header and its records say") {
  const MergedSession session = Read(Session().User("Hi").Answer());
  CHECK(session.facts.id == "the-id");
  CHECK(session.facts.cwd == "/home/dev/w");
  CHECK(session.facts.model == "m");
  CHECK(session.facts.provider == "p");
  CHECK(session.facts.agent_cli == "pi");
  CHECK(Tokens(session) == "100/5/2/10/3 over 0/0");
  CHECK(Turns(session) == "answers 1 failed 0 cut 0 compacted 0 api 0 completed");
}

TEST_CASE("pi: a file of settings alone is no session") {
  CHECK(ReadStore(Session().Entry("model_change", R"("provider":"p","modelId":"m")"))
            .sessions.empty());
}

TEST_CASE("pi: prompts") {
  struct Case {
    std::string_view what;
    Session session;
    std::string prompts;
  };
  const Case cases[] = {
      {"plain", Session().User("go on"), "go on"},
      {"as a string", Session().Message(R"({"role":"user","content":"Hi"})"), "Hi"},
      {"same words twice", Session().User("a").Answer().User("a"), "a; a"},
      {"command of the person",
       Session().Message(R"({"role":"bashExecution","command":"ls"})").User("a"), "a"},
      {"text of an extension",
       Session().User("a").Entry("custom_message", R"("customType":"x","content":"note")"), "a"},
      {"a role of version 2",
       Session().Message(R"({"role":"hookMessage","content":"x"})").User("a"), "a"},
      {"skill", Session().User(Block()), "/skill//skill:pdf"},
      {"skill with arguments", Session().User(Block("\n\nsince v1")), "/skill//skill:pdf since v1"},
      {"unknown skill", Session().User("/skill:none go on"), "/skill:none go on"},
      {"a block in the middle", Session().User("see " + Block()), "see " + Block()},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    CHECK(Prompts(Read(c.session)) == c.prompts);
  }
}

TEST_CASE("pi: a block that does not name a file is a person's text") {
  std::string text = Block();
  text.replace(text.find(kSkill), kSkill.size(), "somewhere");
  const MergedSession session = Read(Session().User(text));
  CHECK(Prompts(session) == text);
  CHECK(Skills(session).empty());
}

TEST_CASE("pi: skills") {
  struct Case {
    std::string_view what;
    Session session;
    std::string_view skills;
  };
  const std::string relative = "../.pi/agent/skills/pdf/SKILL.md";
  const Case cases[] = {
      {"command", Session().User(Block("\n\nx")), "pdf triggered explicit slash_command p0 user"},
      {"read", Session().User("a").Read(kSkill), "pdf triggered read file_read p0 model"},
      {"read of a relative path", Session().User("a").Read(relative),
       "pdf triggered read file_read p0 model"},
      {"failed read", Session().User("a").Read(kSkill, "ENOENT", true),
       "pdf refused read file_read p0 model"},
      {"read twice in a turn", Session().User("a").Read(kSkill).Read(kSkill),
       "pdf triggered read file_read p0 model"},
      {"in two turns", Session().User("a").Read(kSkill).User("b").Read(kSkill),
       "pdf triggered read file_read p0 model; pdf triggered read file_read p1 model"},
      {"shell", Session().User("a").Shell("cat ~/.pi/agent/skills/pdf/SKILL.md"),
       "pdf triggered shell_read shell_read p0 model"},
      {"shell that finds nothing",
       Session().User("a").Shell("cat ~/.pi/agent/skills/pdf/SKILL.md",
                                 "cat: No such file or directory\nCommand exited with code 1",
                                 true),
       "pdf refused shell_read shell_read p0 model"},
      {"the file wins over the shell",
       Session().User("a").Shell("cat ~/.pi/agent/skills/pdf/SKILL.md").Read(kSkill),
       "pdf triggered read file_read p0 model"},
      {"name in prose", Session().User("use pdf").Answer(), ""},
      {"another file", Session().User("a").Read("/home/dev/.pi/agent/skills/pdf/x.md"), ""},
      {"maintenance",
       Session()
           .User("a")
           .Read(kSkill)
           .Call("edit", fmt::format(R"({{"path":"{}"}})", kSkill))
           .Result("ok", false, "edit"),
       "pdf read_only read file_read p0 model"},
      {"a call without result",
       Session().User("a").Call("read", fmt::format(R"({{"path":"{}"}})", kSkill)), ""},
      {"its own name",
       Session().User("a").Read(kSkill, "---\nname: \"pdf-tools\"\ndescription: x\n---\n"),
       "pdf-tools triggered read file_read p0 model"},
      {"the name in the catalogue",
       Session().System(Catalogue("reader", kSkill)).User("a").Read(kSkill),
       "reader triggered read file_read p0 model"},
      {"a single file that the catalogue shows",
       Session()
           .System(Catalogue("reader", "/home/dev/.pi/agent/skills/x.md"))
           .User("a")
           .Read("/home/dev/.pi/agent/skills/x.md"),
       "reader triggered read file_read p0 model"},
      {"asked for and read again", Session().User(Block()).Read(kSkill),
       "pdf triggered explicit slash_command p0 user"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    CHECK(Skills(Read(c.session)) == c.skills);
  }
}

TEST_CASE("pi: results of calls") {
  struct Case {
    std::string_view what;
    Session session;
    std::string_view calls;
  };
  const Case cases[] = {
      {"success", Session().User("a").Shell("ls"), "calls 1 errors 0 exits 0 denied 0 open 0"},
      {"exit status", Session().User("a").Shell("x", "no\n\nCommand exited with code 3", true),
       "calls 1 errors 1 exits 1 denied 0 open 0"},
      {"failed tool", Session().User("a").Read("x.js", "ENOENT: no such file", true),
       "calls 1 errors 1 exits 0 denied 0 open 0"},
      {"blocked", Session().User("a").Shell("rm", "Tool execution was blocked", true),
       "calls 1 errors 1 exits 0 denied 1 open 0"},
      {"blocked by an extension", Session().User("a").Shell("rm", "Not in this project", true),
       "calls 1 errors 1 exits 0 denied 1 open 0"},
      {"unknown tool",
       Session().User("a").Call("fly", "{}").Result("Tool fly not found", true, "fly"),
       "calls 1 errors 1 exits 0 denied 0 open 0"},
      {"no result", Session().User("a").Call("bash", R"({"command":"ls"})"),
       "calls 1 errors 0 exits 0 denied 0 open 1"},
      {"cut short", Session().User("a").Shell("sleep 9", "Command aborted", true),
       "calls 1 errors 1 exits 0 denied 0 open 0"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    CHECK(Calls(Read(c.session)) == c.calls);
  }
}

TEST_CASE("pi: how turns end") {
  constexpr std::string_view kError = R"(,"errorMessage":"400: overloaded")";
  constexpr std::string_view kAborted = R"(,"errorMessage":"This operation was aborted")";
  struct Case {
    std::string_view what;
    Session session;
    std::string_view turns;
  };
  const Case cases[] = {
      {"answered", Session().User("a").Answer(),
       "answers 1 failed 0 cut 0 compacted 0 api 0 completed"},
      {"no answer", Session().User("a"), "answers 0 failed 0 cut 0 compacted 0 api 0 interrupted"},
      {"a call is open", Session().User("a").Call("bash", R"({"command":"ls"})"),
       "answers 1 failed 0 cut 0 compacted 0 api 0 interrupted"},
      {"no answer to a result", Session().User("a").Shell("ls"),
       "answers 1 failed 0 cut 0 compacted 0 api 0 interrupted"},
      {"failed", Session().User("a").Answer("", "error", kError),
       "answers 0 failed 1 cut 0 compacted 0 api 1 failed"},
      {"failed twice is one turn",
       Session().User("a").Answer("", "error", kError).Answer("", "error", kError),
       "answers 0 failed 1 cut 0 compacted 0 api 2 failed"},
      {"retried", Session().User("a").Answer("", "error", kError).Answer(),
       "answers 1 failed 0 cut 0 compacted 0 api 1 completed"},
      {"aborted", Session().User("a").Answer("", "aborted"),
       "answers 0 failed 0 cut 1 compacted 0 api 0 cancelled"},
      {"aborted in the middle of an answer",
       Session().User("a").Answer(R"({"type":"text","text":"Half"})", "aborted"),
       "answers 1 failed 0 cut 1 compacted 0 api 0 cancelled"},
      {"aborted while it worked", Session().User("a").Answer("", "error", kAborted),
       "answers 0 failed 0 cut 1 compacted 0 api 0 cancelled"},
      {"too long", Session().User("a").Answer(R"({"type":"text","text":"x"})", "length"),
       "answers 1 failed 0 cut 0 compacted 0 api 0 completed"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    CHECK(Turns(Read(c.session)) == c.turns);
  }
}

TEST_CASE("pi: what the host spends beside the answers is overhead") {
  const Session session =
      Session()
          .User("a")
          .Answer()
          .Entry("compaction", R"("summary":"s","usage":{"input":7,"output":2,"cacheRead":1})")
          .Entry("branch_summary", R"("fromId":"e1","summary":"s","usage":{"input":4,"output":1})")
          .Entry("usage", R"("kind":"x","usage":{"input":1,"output":1})");
  CHECK(Tokens(Read(session)) == "100/5/2/10/3 over 13/4");
  CHECK(Turns(Read(session)) == "answers 1 failed 0 cut 0 compacted 1 api 0 completed");
}

TEST_CASE("pi: listings") {
  const std::string one = Catalogue("pdf", kSkill);
  SUBCASE("from the start, with entities decoded") {
    const MergedSession session = Read(Session().System(one).User("a").Answer());
    CHECK(Exposures(session) == "[-1 pdf:full]");
    const ingest::ListingEntry& entry = session.facts.exposures[0].listing->entries[0];
    CHECK(entry.description == "Reads <PDF>");
    CHECK(entry.path == kSkill);
    CHECK(session.facts.exposures[0].origin.line_no == 2);
  }
  SUBCASE("patched: from the next prompt") {
    CHECK(Exposures(Read(Session().System(one).User("a").Answer().System("null").User("b"))) ==
          "[-1 pdf:full][1]");
  }
  SUBCASE("other sections say nothing") {
    CHECK(
        Exposures(Read(Session().Message(R"({"role":"system","sections":{"docs":"x"}})").User("a")))
            .empty());
  }
  SUBCASE("sent again with a compaction") {
    const std::string system = fmt::format(
        R"("summary":"s","systemMessage":{{"role":"system","sections":{{"skills":{}}}}})", one);
    CHECK(Exposures(Read(
              Session().System(one).User("a").Answer().Entry("compaction", system).User("b"))) ==
          "[-1 pdf:full][1 pdf:full]");
  }
}

TEST_CASE("pi: branches") {
  struct Case {
    std::string_view what;
    Session session;
    std::string_view prompts, ending;
  };
  constexpr std::string_view kError = R"(,"errorMessage":"x")";
  const Case cases[] = {
      {"one is abandoned", Session().User("a").Answer().User("b").Answer().From(2).User("c"),
       "a; -b; c", "interrupted"},
      {"and lives again",
       Session().User("a").Answer().User("b").Answer().From(2).User("c").From(4).User("d").Answer(),
       "a; b; -c; d", "completed"},
      {"another root", Session().User("a").Answer().From(0).User("b").Answer(), "-a; b",
       "completed"},
      {"the end is that of the living branch",
       Session()
           .User("a")
           .Answer()
           .User("b")
           .Answer("", "error", kError)
           .From(2)
           .Entry("branch_summary", R"("summary":"s")"),
       "a; -b", "completed"},
      {"an unknown parent goes on", Session().User("a").Answer().From(99).User("b").Answer(),
       "a; b", "completed"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    const MergedSession session = Read(c.session);
    CHECK(Prompts(session) == c.prompts);
    CHECK(std::string(Word(session.facts.completion.value_or(Completion::kUnknown))) == c.ending);
  }
}

TEST_CASE("pi: a fork leaves out what its parent owns") {
  // Copies are older than the file that holds them.
  Session parent;
  parent.User("a").Answer().User("b").Answer();
  const MergedStore own = ReadStore(parent);
  const auto& keys = OnlySession(own).facts.record_keys;
  CHECK(keys.size() == 4);
  const std::string header =
      R"({"type":"session","version":3,"id":"fork","timestamp":"2026-01-02T04:00:00.000Z","cwd":"/home/dev/w","parentSession":"/gone/2026-01-02T03-04-00-000Z_the-id.jsonl"})";
  std::string text = header + "\n";
  size_t at = parent.text().find('\n') + 1;
  for (int copies = 0; copies < 2; ++copies) {
    const size_t end = parent.text().find('\n', at) + 1;
    text += parent.text().substr(at, end - at);
    at = end;
  }
  text +=
      R"({"type":"message","id":"n1","parentId":"e2","timestamp":"2026-01-02T04:00:01.000Z","message":{"role":"user","content":"new"}})"
      "\n";
  const ingest::KeySet copied(keys.begin(), keys.end());
  const ingest::SourceFile file{.path = "/s/2026-01-02T04-00-00-000Z_fork.jsonl"};
  const MergedSession fork = OnlySession(ReadBothWays(hosts::PiSource(), file, text, &copied));
  CHECK(Prompts(fork) == "new");
  CHECK(fork.facts.links.forked_from == "the-id");
  CHECK(fork.facts.metrics.answers == 0);
  CHECK(fork.facts.anchors == OnlySession(own).facts.anchors);
  CHECK(FormatRfc3339(fork.facts.started.value_or(UtcMillis{})) == "2026-01-02T04:00:01.000Z");
}

TEST_CASE("pi: old and unknown records") {
  SUBCASE("version 1 has no ids") {
    const std::string text =
        "{\"type\":\"session\",\"id\":\"v1\",\"timestamp\":\"2026-01-02T03:04:00.000Z\",\"cwd\":\"/"
        "w\"}\n"
        "{\"type\":\"message\",\"timestamp\":\"2026-01-02T03:04:01.000Z\",\"message\":{\"role\":"
        "\"user\",\"content\":\"a\"}}\n"
        "{\"type\":\"message\",\"timestamp\":\"2026-01-02T03:04:02.000Z\",\"message\":{\"role\":"
        "\"user\",\"content\":\"b\"}}\n";
    const ingest::SourceFile file{.path = "/s/x_v1.jsonl"};
    CHECK(Prompts(OnlySession(ReadBothWays(hosts::PiSource(), file, text))) == "a; b");
  }
  SUBCASE("a type that nobody knows is counted") {
    const MergedStore store = ReadStore(Session().Entry("novelty", R"("x":1)").User("a"));
    CHECK(store.unknown == 1);
    CHECK(store.seen == 3);
  }
  SUBCASE("damaged lines leave the state as it was") {
    const std::string text = Session().User("a").text() + "{\"type\":\n" + "[]\n";
    const ingest::SourceFile file{.path = "/s/x_y.jsonl"};
    const MergedStore store = ReadBothWays(hosts::PiSource(), file, text);
    CHECK(store.bad_lines.size() == 2);
    CHECK(Prompts(OnlySession(store)) == "a");
  }
  SUBCASE("selftune's own calls leave nothing") {
    CHECK(Read(Session().User("[selftune:internal] grade").Answer()).facts.internal);
  }
}

}  // namespace
}  // namespace selftune

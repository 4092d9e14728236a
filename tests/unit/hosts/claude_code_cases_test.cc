// What the recordings do not show, record by record: rules for prompts,
// evidence of skills, results of calls, listings, copies, damaged shapes.
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/crypto.h"
#include "base/env.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/strings.h"
#include "hosts/claude_code/source.h"
#include "hosts/common/raw_text.h"
#include "unit/hosts/codex_merged.h"

namespace selftune {
namespace {

using base::JsonQuote;
using testing::MergedSession;
using testing::MergedStore;
using testing::Reading;

constexpr std::string_view kSession = "11111111-0000-4000-8000-000000000001";
constexpr std::string_view kPdf = "/home/dev/.claude/skills/pdf/SKILL.md";

// Writes a transcript, record by record.
class Transcript {
 public:
  explicit Transcript(std::string version = "2.1.330") : version_(std::move(version)) {}

  // `extra`: more fields, each with a comma behind it.
  Transcript& User(std::string_view text, std::string_view extra = "") {
    return Message("user", JsonQuote(text), extra);
  }
  Transcript& Prompt(std::string_view text) {
    return User(text, R"("promptSource":"typed","origin":{"kind":"human"},)");
  }
  Transcript& Slash(std::string_view name, std::string_view args = "") {
    return User(
        fmt::format("<command-message>{0}</command-message>\n<command-name>/{0}</command-name>"
                    "\n<command-args>{1}</command-args>",
                    name, args));
  }
  Transcript& Body(std::string_view dir, std::string_view extra = "") {
    return User(fmt::format("Base directory for this skill: {}\n\n# Body\n", dir),
                fmt::format(R"("isMeta":true,{})", extra));
  }
  Transcript& Answer(std::string_view text = "Done.") {
    return Blocks(fmt::format(R"({{"type":"text","text":{}}})", JsonQuote(text)));
  }
  Transcript& Call(std::string_view tool, std::string_view input) {
    return Blocks(fmt::format(R"({{"type":"tool_use","id":"call{}","name":"{}","input":{}}})",
                              ++calls_, tool, input));
  }
  Transcript& Result(std::string_view text, bool error = false, std::string_view extra = "") {
    return Message(
        "user",
        fmt::format(
            R"([{{"type":"tool_result","tool_use_id":"call{}","content":{},"is_error":{}}}])",
            calls_, JsonQuote(text), error),
        extra);
  }
  Transcript& Use(std::string_view tool, std::string_view input) {
    return Call(tool, input).Result("ok");
  }
  Transcript& Read(std::string_view path) {
    return Use("Read", fmt::format(R"({{"file_path":"{}"}})", path));
  }
  Transcript& Edit(std::string_view path) {
    return Use("Edit", fmt::format(R"({{"file_path":"{}"}})", path));
  }
  Transcript& Shell(std::string_view command) {
    return Use("Bash", fmt::format(R"({{"command":{}}})", JsonQuote(command)));
  }
  Transcript& Skill(std::string_view name) {
    return Use("Skill", fmt::format(R"({{"skill":"{}"}})", name));
  }
  Transcript& Listing(std::string_view lines, std::string_view names, bool initial = true) {
    return Record(
        "attachment",
        fmt::format(
            R"("attachment":{{"type":"skill_listing","content":{},"names":{},"isInitial":{}}},)",
            JsonQuote(lines), names, initial));
  }
  Transcript& Boundary() { return Record("system", R"("subtype":"compact_boundary",)"); }
  Transcript& Blocks(std::string_view blocks, std::string_view extra = "") {
    ++answers_;
    return Record(
        "assistant",
        fmt::format(
            R"("message":{{"id":"msg{}","model":"claude-x","role":"assistant","content":[{}],"usage":{{"input_tokens":10,"output_tokens":5}}}},{})",
            answers_, blocks, extra));
  }
  Transcript& Message(std::string_view type, std::string_view content, std::string_view extra) {
    return Record(
        type, fmt::format(R"("message":{{"role":"{}","content":{}}},{})", type, content, extra));
  }
  Transcript& Record(std::string_view type, std::string_view fields) {
    const std::string parent = records_ == 0 ? "null" : fmt::format("\"u{}\"", records_);
    ++records_;
    // The type comes last: no order of fields may be relied on.
    text_ +=
        fmt::format(
            R"({{"parentUuid":{},"isSidechain":false,{}"uuid":"u{}","timestamp":"2026-01-02T03:04:{:02}.000Z","sessionId":"{}","cwd":"/home/dev/work","gitBranch":"main","version":"{}","type":"{}"}})",
            parent, fields, records_, records_ % 60, kSession, version_, type) +
        "\n";
    return *this;
  }
  Transcript& Raw(std::string_view line) {
    text_.append(line).append("\n");
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] int records() const { return records_; }

 private:
  std::string version_, text_;
  int records_ = 0, calls_ = 0, answers_ = 0;
};

MergedStore ReadStore(const Transcript& t, const ingest::KeySet* copied = nullptr,
                      std::string_view name = kSession) {
  const ingest::SourceFile file{.path = fmt::format("/p/{}.jsonl", name)};
  MergedStore whole, pieces;
  testing::ReadText(hosts::claude_code::TranscriptSource(), file, t.text(), Reading::kAtOnce,
                    copied, whole);
  testing::ReadText(hosts::claude_code::TranscriptSource(), file, t.text(), Reading::kLineByLine,
                    copied, pieces);
  CHECK(testing::Dump(whole) == testing::Dump(pieces));
  return whole;
}

MergedSession Read(const Transcript& t) {
  MergedStore store = ReadStore(t);
  REQUIRE(store.sessions.contains(std::string(kSession)));
  return store.sessions[std::string(kSession)];
}

std::string Prompts(const MergedSession& session) {
  std::string out;
  for (const auto& [seq, prompt] : session.prompts) {
    out += fmt::format("{}[{}]", Word(prompt.command_kind), prompt.text);
  }
  return out;
}

// "name outcome level prompt by" of each, sorted.
std::string Skills(const MergedSession& session) {
  std::multiset<std::string> all;
  for (const auto& [key, s] : session.skills) {
    all.insert(fmt::format("{} {} {} p{} {}", s.skill, Word(s.outcome), Word(s.level),
                           s.prompt_seq.value_or(-1), Word(s.requested_by)));
  }
  return base::Join({all.begin(), all.end()}, "; ");
}

std::string Counts(const MergedSession& session) {
  ingest::ToolDelta sum;
  for (const ingest::ToolDelta& tool : session.facts.metrics.tools) {
    sum.calls += tool.calls;
    sum.errors += tool.errors;
    sum.nonzero_exits += tool.nonzero_exits;
    sum.denied += tool.denied;
    sum.unfinished += tool.unfinished;
  }
  return fmt::format("calls {} errors {} exits {} denied {} open {}", sum.calls, sum.errors,
                     sum.nonzero_exits, sum.denied, sum.unfinished);
}

std::string Ending(const MergedSession& session) {
  return std::string(Word(session.facts.completion.value_or(Completion::kUnknown)));
}

// "cause from name:state ..." of each exposure.
std::string Exposures(const MergedSession& session) {
  std::string out;
  for (const ingest::ExposureFact& fact : session.facts.exposures) {
    out += fmt::format("[{} {}", Word(fact.cause), fact.prompt_seq.value_or(-1));
    if (fact.listing != nullptr) {
      for (const auto& e : fact.listing->entries)
        out += fmt::format(" {}:{}", e.name, Word(e.state));
    }
    out += "]";
  }
  return out;
}

}  // namespace

TEST_SUITE("hosts/claude_code/cases") {
  TEST_CASE("texts of old hosts that nobody typed for the model are no prompts") {
    struct Case {
      std::string_view text, want;
    };
    const Case cases[] = {
        {"fix it", "[fix it]"},
        {"ok", "[ok]"},
        {"<command-name>/clear</command-name>\n<command-message>clear</command-message>", ""},
        {"<local-command-stdout>done</local-command-stdout>", ""},
        {"<local-command-stderr>no</local-command-stderr>", ""},
        {"<bash-input> ls</bash-input>", ""},
        {"<bash-stdout>x</bash-stdout><bash-stderr></bash-stderr>", ""},
        {"<task-notification>x</task-notification>", ""},
        {"<user-memory-input>use tabs</user-memory-input>", ""},
        {"[Request interrupted by user]", ""},
        {"[Request interrupted by user for tool use]", ""},
        {"[Request interrupted by user] is what you said",
         "[[Request interrupted by user] is what you said]"},
        {"why <command-name>/x</command-name>?", "[why <command-name>/x</command-name>?]"},
        {"<bash-input>what is this tag?", "[<bash-input>what is this tag?]"},
        {"/home/dev is a path", "[/home/dev is a path]"},
        {"<command-message>The \"pdf\" skill is "
         "loading</command-message>\n<command-name>pdf</command-name>",
         ""},
        {"<command-message>go is running…</command-message>\n<command-name>/go</command-name>",
         "custom[/go]"},
        {"<command-message>go</command-message>\n<command-name>/go</"
         "command-name>\n<command-args>a\n"
         "</command-args> b</command-args>",
         "custom[/go a\n</command-args> b]"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      CHECK(Prompts(Read(Transcript("2.0.65").Answer().User(c.text))) == c.want);
    }
  }

  TEST_CASE("what a record says was typed is a prompt, whatever it looks like") {
    for (const std::string_view text :
         {"<command-name>/x</command-name>", "[Request interrupted by user]",
          "<bash-input>x</bash-input>", "<local-command-stdout>x",
          "Base directory for this skill: /x", "<task-notification>", "/nosuch x"}) {
      CAPTURE(text);
      CHECK(Prompts(Read(Transcript().Prompt(text))) == fmt::format("[{}]", text));
    }
  }

  TEST_CASE("records made for the model or about it are no prompts") {
    Transcript t;
    t.Prompt("real")
        .User("meta", R"("isMeta":true,)")
        .User("summary", R"("isCompactSummary":true,)")
        .User("shown only", R"("isVisibleInTranscriptOnly":true,)")
        .User("done", R"("origin":{"kind":"task-notification"},"promptSource":"sdk",)")
        .User("note", R"("promptSource":"system",)")
        .User("of a call", R"("sourceToolUseID":"call1",)")
        .Raw(R"({"type":"api-request-blob","message":{"role":"user","content":"copy"}})")
        .Raw(R"({"message":{"role":"user","content":"copy"},"type":"api-request-blob"})")
        .Raw(R"({"type":"queue-operation","content":"typed"})")
        .Raw(R"({"type":"brand-new","message":{"role":"user","content":"x"}})");
    const MergedStore store = ReadStore(t);
    CHECK(Prompts(store.sessions.at(std::string(kSession))) == "[real]");
    CHECK(store.unknown == 1);
  }

  TEST_CASE("pasted text stays, its marks go, the raw text is kept") {
    const MergedSession s =
        Read(Transcript().Prompt("look:\n\n<pasted_content id=\"5e86\">\nline 1\nline "
                                 "2\n</pasted_content id=\"5e86\">\nthanks"));
    CHECK(Prompts(s) == "[look:\n\nline 1\nline 2\nthanks]");
    CHECK(s.prompts.at(0).raw_text.find("pasted_content") != std::string::npos);
    CHECK(Prompts(Read(Transcript().Prompt("what is <pasted_content id=\"1\">?"))) ==
          "[what is <pasted_content id=\"1\">?]");
  }

  TEST_CASE("equal texts are prompts of their own; blocks are joined; images count") {
    Transcript t;
    t.Prompt("ok").Answer().Prompt("ok").Answer();
    t.Message(
        "user",
        R"([{"type":"text","text":"a"},{"type":"image","source":{}},{"type":"text","text":"b"}])",
        "");
    CHECK(Prompts(Read(t)) == "[ok][ok][a\nb]");
  }

  TEST_CASE("a slash command is a skill when its body says where the skill lies") {
    CHECK(Prompts(Read(Transcript().Slash("pdf", "x y").Body("/home/dev/.claude/skills/pdf"))) ==
          "skill[/pdf x y]");
    CHECK(Prompts(Read(Transcript().Slash("standup").User("Body", R"("isMeta":true,)"))) ==
          "custom[/standup]");
    const MergedSession s =
        Read(Transcript().Slash("acme:front", "x").Body("/plugins/acme/skills/check"));
    CHECK(Skills(s) == "acme:check triggered explicit p0 user");
    CHECK(s.skills.begin()->second.path == "/plugins/acme/skills/check/SKILL.md");
    CHECK(s.skills.begin()->second.args == "x");
    CHECK(s.skills.begin()->second.body_sha256 == base::Sha256Bytes("# Body\n"));
  }

  TEST_CASE("one use a skill and turn, by its strongest evidence") {
    struct Case {
      const char* name;
      Transcript t;
      std::string_view want;
    };
    const auto start = [] { return Transcript().Prompt("go"); };
    const Case cases[] = {
        {"read", start().Read(kPdf), "pdf triggered read p0 model"},
        {"shell", start().Shell("cat /home/dev/.claude/skills/pdf/SKILL.md"),
         "pdf triggered shell_read p0 model"},
        {"read twice", start().Read(kPdf).Read(kPdf), "pdf triggered read p0 model"},
        {"shell, then read", start().Shell("cat ~/.claude/skills/pdf/SKILL.md").Read(kPdf),
         "pdf triggered read p0 model"},
        {"read, then shell", start().Read(kPdf).Shell("cat ~/.claude/skills/pdf/SKILL.md"),
         "pdf triggered read p0 model"},
        {"read, then tool", start().Read(kPdf).Skill("pdf"), "pdf triggered tool p0 model"},
        {"tool, then read", start().Skill("pdf").Read(kPdf), "pdf triggered tool p0 model"},
        {"tool twice", start().Skill("pdf").Skill("pdf"),
         "pdf triggered tool p0 model; pdf triggered tool p0 model"},
        {"in two turns", start().Read(kPdf).Prompt("again").Read(kPdf),
         "pdf triggered read p0 model; pdf triggered read p1 model"},
        {"plugin, then its file", start().Skill("acme:pdf").Read(kPdf),
         "acme:pdf triggered tool p0 model"},
        {"read, then edited", start().Read(kPdf).Edit(kPdf), "pdf read_only read p0 model"},
        {"edited, then read", start().Edit(kPdf).Read(kPdf), "pdf read_only read p0 model"},
        {"edited by shell",
         start().Read(kPdf).Shell("sed -i s/a/b/ /home/dev/.claude/skills/pdf/SKILL.md"),
         "pdf read_only read p0 model"},
        {"edited in the next turn", start().Read(kPdf).Prompt("now edit").Edit(kPdf),
         "pdf triggered read p0 model"},
        {"another file edited", start().Read(kPdf).Edit("/other/skills/pdf/SKILL.md"),
         "pdf triggered read p0 model"},
        {"edited after the tool", start().Skill("pdf").Edit(kPdf), "pdf triggered tool p0 model"},
        {"failed edit",
         start()
             .Read(kPdf)
             .Call("Edit", fmt::format(R"({{"file_path":"{}"}})", kPdf))
             .Result("no", true),
         "pdf triggered read p0 model"},
        {"no result", start().Call("Skill", R"({"skill":"pdf"})"), ""},
        {"refused",
         start()
             .Call("Skill", R"({"skill":"nope"})")
             .Result("<tool_use_error>Unknown skill: nope</tool_use_error>", true),
         "nope refused tool p0 model"},
        {"unreadable",
         start()
             .Call("Read", fmt::format(R"({{"file_path":"{}"}})", kPdf))
             .Result("File does not exist.", true),
         "pdf refused read p0 model"},
        {"two skills in a line", start().Shell("cat /a/skills/x/SKILL.md /a/skills/y/SKILL.md"),
         "x triggered shell_read p0 model; y triggered shell_read p0 model"},
        {"old name of the argument", start().Use("Skill", R"({"command":"pdf"})"),
         "pdf triggered tool p0 model"},
        {"slash, then tool",
         Transcript().Slash("pdf").Body("/home/dev/.claude/skills/pdf").Skill("pdf"),
         "pdf triggered explicit p0 user; pdf triggered tool p0 user"},
        {"slash, then another",
         Transcript().Slash("pdf").Body("/home/dev/.claude/skills/pdf").Skill("xlsx"),
         "pdf triggered explicit p0 user; xlsx triggered tool p0 model"},
        {"reference file", start().Read("/home/dev/.claude/skills/pdf/references/x.md"), ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      CHECK(Skills(Read(c.t)) == c.want);
    }
  }

  TEST_CASE("a name in the file that differs from the folder's gives way to it") {
    Transcript t;
    t.Prompt("go")
        .Skill("front")
        .Body("/home/dev/.claude/skills/pdf", R"("sourceToolUseID":"call1",)")
        .Read(kPdf);
    CHECK(Skills(Read(t)) == "pdf triggered tool p0 model");
  }

  TEST_CASE("a typed command that nothing loads is a request") {
    const std::string_view names = R"(["pdf"])";
    CHECK(Skills(
              Read(Transcript().Prompt("/pdf a b").Listing("- pdf: Make PDFs.", names).Answer())) ==
          "pdf requested explicit p0 user");
    CHECK(Skills(Read(
              Transcript().Prompt("/pdf a b").Listing("- pdf: Make PDFs.", names).Skill("pdf"))) ==
          "pdf triggered tool p0 user");
    CHECK(Skills(Read(Transcript()
                          .Prompt("go")
                          .Listing("- pdf: Make PDFs.", names)
                          .Prompt("/pdf")
                          .Read(kPdf))) == "pdf triggered read p1 user");
    CHECK(Skills(Read(
              Transcript().Prompt("/nosuch").Listing("- pdf: Make PDFs.", names).Answer())) == "");
  }

  TEST_CASE("results say how a call ended") {
    struct Case {
      std::string_view text;
      bool error;
      std::string_view extra, version, want;
    };
    const Case cases[] = {
        {"fine", false, "", "2.1.330", "errors 0 exits 0 denied 0 open 0"},
        {"Exit code 2\nno such file", true, "", "2.1.330", "errors 1 exits 1 denied 0 open 0"},
        {"Exit code 0", true, "", "2.1.330", "errors 1 exits 0 denied 0 open 0"},
        {"Exit code 1 is what I print", false, "", "2.1.330", "errors 0 exits 0 denied 0 open 0"},
        {"<tool_use_error>bad</tool_use_error>", true, "", "2.1.330",
         "errors 1 exits 0 denied 0 open 0"},
        {"no", true, R"("toolDenialKind":"user-rejected",)", "2.1.330",
         "errors 1 exits 0 denied 1 open 0"},
        {"no", true, R"("toolDenialKind":"permission-rule",)", "2.1.330",
         "errors 1 exits 0 denied 1 open 0"},
        {"gone", true, R"("toolDenialKind":"interrupted",)", "2.1.330",
         "errors 1 exits 0 denied 0 open 0"},
        {"cut", false, R"("toolUseResult":{"interrupted":true},)", "2.1.330",
         "errors 1 exits 0 denied 0 open 0"},
        {"The user doesn't want to proceed with this tool use. The tool", true, "", "2.0.65",
         "errors 1 exits 0 denied 1 open 0"},
        {"Permission to use Bash with command rm -rf x has been denied.", true, "", "1.0.98",
         "errors 1 exits 0 denied 1 open 0"},
        {"PreToolUse:Bash hook error: [x]: no", true, "", "2.0.65",
         "errors 1 exits 0 denied 1 open 0"},
        {"ls: cannot access 'x'", true, "", "1.0.98", "errors 1 exits 1 denied 0 open 0"},
        {"ls: cannot access 'x'", true, "", "2.0.65", "errors 1 exits 0 denied 0 open 0"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      Transcript t{std::string(c.version)};
      t.Prompt("go").Call("Bash", R"({"command":"ls x"})").Result(c.text, c.error, c.extra);
      CHECK(Counts(Read(t)) == fmt::format("calls 1 {}", c.want));
    }
  }

  TEST_CASE("a call is counted once, a result only for a call of this session") {
    Transcript t;
    t.Prompt("go").Blocks(R"({"type":"tool_use","id":"a","name":"Grep","input":{}})");
    t.Blocks(R"({"type":"tool_use","id":"a","name":"Grep","input":{}})");
    t.Message("user", R"([{"type":"tool_result","tool_use_id":"a","content":"x","is_error":true}])",
              "");
    t.Message("user", R"([{"type":"tool_result","tool_use_id":"a","content":"x","is_error":true}])",
              "");
    t.Message("user", R"([{"type":"tool_result","tool_use_id":"b","content":"x","is_error":true}])",
              "");
    CHECK(Counts(Read(t)) == "calls 1 errors 1 exits 0 denied 0 open 0");
  }

  TEST_CASE("an answer counts once, with its last usage") {
    Transcript t;
    t.Prompt("go");
    for (const int output : {1, 7, 40}) {
      t.Record(
          "assistant",
          fmt::format(
              R"("message":{{"id":"m","model":"claude-x","content":[{{"type":"text","text":"x"}}],"usage":{{"input_tokens":3,"cache_read_input_tokens":2,"cache_creation_input_tokens":1,"output_tokens":{},"output_tokens_details":{{"thinking_tokens":{}}}}}}},)",
              output, output / 2));
    }
    t.Record(
        "assistant",
        R"("message":{"id":"s","model":"<synthetic>","content":[{"type":"text","text":"No response requested."}],"usage":{"input_tokens":9,"output_tokens":9}},)");
    const MergedSession s = Read(t);
    const ingest::TokenDelta& tokens = s.facts.metrics.tokens;
    CHECK(s.facts.metrics.answers == 1);
    CHECK(tokens.input_uncached == 3);
    CHECK(tokens.cache_read == 2);
    CHECK(tokens.cache_write == 1);
    CHECK(tokens.output == 40);
    CHECK(tokens.reasoning == 20);
    CHECK(s.facts.model == "claude-x");
  }

  TEST_CASE("a session ends as its last turn does") {
    const std::string error = R"("isApiErrorMessage":true,)";
    const std::string text = R"({"type":"text","text":"x"})";
    CHECK(Ending(Read(Transcript().Prompt("go"))) == "interrupted");
    CHECK(Ending(Read(Transcript().Prompt("go").Answer())) == "completed");
    CHECK(Ending(Read(Transcript().Prompt("go").Call("Bash", "{}"))) == "interrupted");
    CHECK(Ending(Read(Transcript().Prompt("go").Use("Bash", "{}"))) == "interrupted");
    CHECK(Ending(Read(Transcript().Prompt("go").Use("Bash", "{}").Answer())) == "completed");
    CHECK(Ending(Read(Transcript().Prompt("go").Call("Bash", "{}").Prompt("next").Answer())) ==
          "completed");
    CHECK(Ending(Read(Transcript().Prompt("go").Blocks(text, error))) == "failed");
    CHECK(Ending(Read(Transcript().Prompt("go").Blocks(text, error).Prompt("again").Answer())) ==
          "completed");
    CHECK(Ending(Read(Transcript().Prompt("go").User("[Request interrupted by user]"))) ==
          "cancelled");
    CHECK(Ending(Read(Transcript().Prompt("go").Blocks(R"({"type":"thinking","thinking":"x"})"))) ==
          "interrupted");
    const MergedSession s = Read(Transcript()
                                     .Prompt("go")
                                     .Blocks(text, error)
                                     .Blocks(text, error)
                                     .Prompt("b")
                                     .Blocks(text, error));
    CHECK(s.facts.metrics.failed_turns == 2);
    CHECK(s.facts.metrics.answers == 0);
  }

  TEST_CASE("listings: shortened, bare, over several lines, changed, lost") {
    const std::string_view three = R"(["a","b:c","d"])";
    CHECK(Exposures(Read(Transcript().Prompt("x").Listing(
              "- a: Does a.\n  - b: no entry\n- b:c: Cut off…\n- d", three))) ==
          "[listing -1 a:full b:c:truncated d:name_only]");
    CHECK(Exposures(Read(Transcript().Prompt("x").Listing("- a: One.", three))) ==
          "[listing -1 a:full b:c:name_only d:name_only]");
    CHECK(Exposures(Read(Transcript().Prompt("x").Listing("- a: One.\n- b: Two.", "[]"))) ==
          "[listing -1 a:full b:full]");
    CHECK(Exposures(Read(Transcript()
                             .Prompt("x")
                             .Answer()
                             .Prompt("y")
                             .Listing("- a: One.", R"(["a"])")
                             .Answer())) == "[listing 1 a:full]");
    Transcript delta;
    delta.Prompt("x")
        .Listing("- a: One.", R"(["a"])")
        .Answer()
        .Prompt("y")
        .Listing("- b: Two.", R"(["b"])", false)
        .Answer();
    CHECK(Exposures(Read(delta)) == "[listing -1 a:full][delta 1 b:full]");
    Transcript lost;
    lost.Prompt("x")
        .Listing("- a: One.", R"(["a"])")
        .Answer()
        .Boundary()
        .Prompt("y")
        .Answer()
        .Prompt("z")
        .Answer();
    CHECK(Exposures(Read(lost)) == "[listing -1 a:full][compaction 1]");
    Transcript again;
    again.Prompt("x")
        .Listing("- a: One.", R"(["a"])")
        .Answer()
        .Boundary()
        .Listing("- a: One.", R"(["a"])")
        .Prompt("y")
        .Answer();
    CHECK(Exposures(Read(again)) == "[listing -1 a:full][listing 1 a:full]");
    Transcript in_turn;
    in_turn.Prompt("x")
        .Listing("- a: One.", R"(["a"])")
        .Use("Bash", "{}")
        .Boundary()
        .Answer()
        .Prompt("y")
        .Answer();
    CHECK(Exposures(Read(in_turn)) == "[listing -1 a:full][compaction 1]");
    Transcript some;
    some.Prompt("x").Listing("- a: One.\n- b: Two.", R"(["a","b"])").Answer().Boundary();
    some.Prompt("y").Listing("- b: Two.", R"(["b"])", false).Answer();
    CHECK(Exposures(Read(some)) == "[listing -1 a:full b:full][compaction 1][delta 1 b:full]");
    CHECK(Exposures(Read(
              Transcript("2.0.65").Prompt("x").Answer().Boundary().Prompt("y").Answer())) == "");
  }

  TEST_CASE("a description keeps its lines") {
    const MergedSession s =
        Read(Transcript().Prompt("x").Listing("- a: One.\n\nTwo.\n- b: B\n", R"(["a","b"])"));
    const auto& entries = s.facts.exposures.at(0).listing->entries;
    CHECK(entries.at(0).description == "One.\n\nTwo.");
    CHECK(entries.at(1).description == "B");
  }

  TEST_CASE("copied records add nothing but what the model was offered") {
    Transcript original;
    original.Prompt("first").Listing("- pdf: Make PDFs.", R"(["pdf"])").Skill("pdf").Answer();
    const MergedSession parent = Read(original);
    const ingest::KeySet keys(parent.facts.record_keys.begin(), parent.facts.record_keys.end());
    CHECK_FALSE(parent.facts.anchors.empty());

    Transcript fork = original;
    fork.Prompt("second").Read(kPdf).Answer();
    const MergedStore store = ReadStore(fork, &keys);
    const MergedSession& s = store.sessions.at(std::string(kSession));
    CHECK(Prompts(s) == "[second]");
    CHECK(Skills(s) == "pdf triggered read p0 model");
    CHECK(Counts(s) == "calls 1 errors 0 exits 0 denied 0 open 0");
    CHECK(s.facts.metrics.answers == 2);
    CHECK(Exposures(s) == "[listing -1 pdf:full]");
    CHECK(s.facts.started.has_value());
    CHECK(s.facts.started->value > parent.facts.started->value);
    CHECK(s.facts.anchors.at(0) == parent.facts.anchors.at(0));

    // A fork that was only opened is a session without anything.
    const MergedStore opened = ReadStore(original, &keys);
    const MergedSession& empty = opened.sessions.at(std::string(kSession));
    CHECK(empty.prompts.empty());
    CHECK_FALSE(empty.facts.started.has_value());
    CHECK(Ending(empty) == "unknown");
  }

  TEST_CASE("a result of a copied call is no result of the fork's") {
    Transcript original;
    original.Prompt("go").Call("Bash", "{}");
    const MergedSession parent = Read(original);
    const ingest::KeySet keys(parent.facts.record_keys.begin(), parent.facts.record_keys.end());
    Transcript fork = original;
    fork.Result("gone", true, R"("toolDenialKind":"interrupted",)").Prompt("next").Answer();
    const MergedStore store = ReadStore(fork, &keys);
    CHECK(Counts(store.sessions.at(std::string(kSession))) ==
          "calls 0 errors 0 exits 0 denied 0 open 0");
  }

  TEST_CASE("selftune's own sessions are marked and left out") {
    const MergedSession s = Read(
        Transcript().User("[selftune:internal v1]\ngrade this").Answer().Prompt("more").Answer());
    CHECK(s.facts.internal);
    CHECK(s.prompts.empty());
    CHECK(s.facts.metrics.answers == 0);
  }

  TEST_CASE("an interrupted turn counts once") {
    Transcript t;
    t.Prompt("go").Call("Bash", "{}").Result("[Request interrupted by user for tool use]", true);
    t.User("[Request interrupted by user for tool use]").User("[Request interrupted by user]");
    const MergedSession s = Read(t);
    CHECK(s.facts.metrics.interruptions == 1);
    CHECK(Ending(s) == "cancelled");
  }

  TEST_CASE("a body is only what a text block says") {
    Transcript t;
    t.Slash("pdf").Message(
        "user", R"([{"type":"image","text":"Base directory for this skill: /x/skills/pdf"}])",
        R"("isMeta":true,)");
    CHECK(Prompts(Read(t)) == "custom[/pdf]");
  }

  TEST_CASE("wrong types, missing fields and strange values are no failure") {
    static constexpr std::string_view kValues[] = {
        "null",
        "true",
        "12",
        "-1e400",
        "\"\"",
        "\"x\\u0000\\ud800\"",
        "[]",
        "{}",
        "[[[]]]",
        "[{\"type\":7}]",
        "{\"type\":{}}",
        "[{\"type\":\"text\"}]",
        "[{\"type\":\"tool_use\",\"input\":[]}]",
        "[{\"type\":\"tool_result\",\"content\":[1,{},{\"type\":\"text\",\"text\":4}]}]"};
    static constexpr std::string_view kKeys[] = {"type",
                                                 "uuid",
                                                 "parentUuid",
                                                 "timestamp",
                                                 "sessionId",
                                                 "cwd",
                                                 "message",
                                                 "attachment",
                                                 "toolUseResult",
                                                 "origin",
                                                 "promptSource",
                                                 "isMeta",
                                                 "isSidechain",
                                                 "subtype",
                                                 "content",
                                                 "promptId",
                                                 "version",
                                                 "gitBranch",
                                                 "sourceToolUseID",
                                                 "toolDenialKind",
                                                 "isApiErrorMessage",
                                                 "requestSessionId"};
    Transcript t;
    t.Prompt("before").Answer();
    int lines = 2;
    for (const std::string_view type : {"user", "assistant", "system", "attachment", "x"}) {
      for (const std::string_view key : kKeys) {
        for (const std::string_view value : kValues) {
          t.Raw(fmt::format(
              R"({{"type":"{}","{}":{},"message":{{"role":1,"id":[],"model":{{}},"usage":7,"content":{}}}}})",
              type, key, value, value));
          ++lines;
        }
      }
    }
    const MergedStore store = ReadStore(t);
    CHECK(store.seen == lines);
    CHECK(store.bad_lines.empty());
    const MergedSession& s = store.sessions.at(std::string(kSession));
    CHECK(s.prompts.at(0).text == "before");
  }

  TEST_CASE("a line that is no object is refused and leaves the state alone") {
    Transcript t;
    t.Prompt("a")
        .Raw("[1,2]")
        .Raw("not json")
        .Raw("")
        .Raw("{\"type\":\"user\"")
        .Raw("\"x\"")
        .Answer();
    const MergedStore store = ReadStore(t);
    CHECK(store.bad_lines.size() == 5);
    const MergedSession& s = store.sessions.at(std::string(kSession));
    CHECK(Prompts(s) == "[a]");
    CHECK(Ending(s) == "completed");
  }

  TEST_CASE("agents between the lines of a session are told apart by their chains") {
    const auto side = [](int n, std::string_view parent, std::string_view type,
                         std::string_view message) {
      return fmt::format(
          R"({{"parentUuid":{},"isSidechain":true,"type":"{}","message":{},"uuid":"s{}","timestamp":"2026-01-02T03:05:{:02}Z","sessionId":"{}","cwd":"/w","version":"1.0.98"}})",
          parent, type, message, n, n, kSession);
    };
    const auto task = [](std::string_view text) {
      return fmt::format(R"({{"role":"user","content":"{}"}})", text);
    };
    const auto answer = [](std::string_view id) {
      return fmt::format(
          R"({{"id":"{}","model":"m","content":[{{"type":"text","text":"x"}}],"usage":{{"input_tokens":1,"output_tokens":2}}}})",
          id);
    };
    Transcript t("1.0.98");
    t.User("go")
        .Call("Task", R"({"prompt":"one","subagent_type":"A"})")
        .Call("Task", R"({"prompt":"two","subagent_type":"B"})");
    t.Raw(side(1, "null", "user", task("two"))).Raw(side(2, "null", "user", task("one")));
    t.Raw(side(3, "\"s1\"", "assistant", answer("x")))
        .Raw(side(4, "\"s2\"", "assistant", answer("y")));
    t.Raw(side(5, "\"s3\"", "user", task("more"))).Raw(side(6, "null", "user", task("Warmup")));
    t.Raw(side(7, "\"s6\"", "assistant", answer("z"))).Answer();
    const MergedStore store = ReadStore(t);
    REQUIRE(store.sessions.size() == 3);
    const MergedSession& two = store.sessions.at(std::string(kSession) + ":agent:s1");
    const MergedSession& one = store.sessions.at(std::string(kSession) + ":agent:s2");
    CHECK(Prompts(two) == "[two][more]");
    CHECK(Prompts(one) == "[one]");
    CHECK(two.facts.agent_type == "B");
    CHECK(two.facts.links.spawn_call_id == "call2");
    CHECK(one.facts.links.spawn_call_id == "call1");
    CHECK(one.facts.links.parent_id == kSession);
    CHECK(one.facts.metrics.answers == 1);
    CHECK(one.facts.kind == SessionKind::kSubagent);
    CHECK(store.sessions.at(std::string(kSession)).facts.metrics.answers == 3);
  }
}

}  // namespace selftune

// Claude Code transcripts written by hand, and the facts that are read from
// them as short texts.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "ingest/facts.h"
#include "unit/hosts/merged_store.h"

namespace selftune::testing::claude_code {

inline constexpr std::string_view kSession = "11111111-0000-4000-8000-000000000001";
inline constexpr std::string_view kPdf = "/home/dev/.claude/skills/pdf/SKILL.md";

// Writes a transcript, record by record.
class Transcript {
 public:
  explicit Transcript(std::string version = "2.1.330") : version_(std::move(version)) {}

  // `extra`: more fields, each with a comma behind it.
  Transcript& User(std::string_view text, std::string_view extra = "") {
    return Message("user", base::JsonQuote(text), extra);
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
    return Blocks(fmt::format(R"({{"type":"text","text":{}}})", base::JsonQuote(text)));
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
            calls_, base::JsonQuote(text), error),
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
    return Use("Bash", fmt::format(R"({{"command":{}}})", base::JsonQuote(command)));
  }
  Transcript& Skill(std::string_view name) {
    return Use("Skill", fmt::format(R"({{"skill":"{}"}})", name));
  }
  Transcript& Listing(std::string_view lines, std::string_view names, bool initial = true) {
    return Record(
        "attachment",
        fmt::format(
            R"("attachment":{{"type":"skill_listing","content":{},"names":{},"isInitial":{}}},)",
            base::JsonQuote(lines), names, initial));
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

// Reads it at once and line by line, which must give the same.
[[nodiscard]] MergedStore ReadStore(const Transcript& t, const ingest::KeySet* copied = nullptr);

// The session of kSession.
[[nodiscard]] MergedSession Read(const Transcript& t);

// "kind[text]" of each.
[[nodiscard]] std::string Prompts(const MergedSession& session);

// "name outcome level prompt by" of each, sorted.
[[nodiscard]] std::string Skills(const MergedSession& session);

// Sums over all tools.
[[nodiscard]] std::string Counts(const MergedSession& session);

[[nodiscard]] std::string Ending(const MergedSession& session);

// "cause from name:state ..." of each.
[[nodiscard]] std::string Exposures(const MergedSession& session);

}  // namespace selftune::testing::claude_code

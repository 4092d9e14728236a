// why, evidence: where figures and misses come from.
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

std::string RenderWhy(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  std::string out =
      Heading(screen, OneLine(data["skill"].Text()) + ": " + OneLine(data["cause"].Text()));
  const std::string explanation = OneLine(data["explanation"].Text());
  if (!explanation.empty()) out += explanation + "\n";
  Table table(
      {{"check"}, {"result", Table::Align::kLeft, true}, {"source", Table::Align::kLeft, true}});
  for (const Json& row : data["evidence"].items()) {
    table.Add({{OneLine(row["check"].Text())},
               {OneLine(row["result"].Text())},
               {OneLine(row["source"].Text()), Style::kDim}});
  }
  if (!table.empty()) out += "\n" + table.Draw(screen);
  const Json& fix = data["what_would_fix"];
  const std::string text = OneLine(fix["text"].Text());
  const std::string command = OneLine(fix["command"].Text());
  if (!text.empty() || !command.empty()) {
    out +=
        "\n→ " + text + (command.empty() ? "" : "  " + screen.Paint(Style::kBold, command)) + "\n";
  }
  return out;
}

std::string Source(const Json& source) {
  if (source["path"].is_null()) return "-";
  std::string out = OneLine(source["path"].Text());
  if (source["line"].is_number()) out += ":" + source["line"].Dump();
  return out;
}

std::string RenderEvidence(const Reply& reply, const Screen& screen) {
  Table table({{"when"},
               {"skill", Table::Align::kLeft, true},
               {"outcome"},
               {"level"},
               {"by"},
               {"prompt", Table::Align::kLeft, true},
               {"source", Table::Align::kLeft, true}});
  for (const Json& row : reply.data()["items"].items()) {
    table.Add({{Ago(row["at"].Text(), reply.now())},
               {OneLine(row["skill"].Text())},
               {OneLine(row["outcome"].Text())},
               {OneLine(row["level"].Text())},
               {OneLine(row["requested_by"].Text())},
               {OneLine(row["prompt"].Text())},
               {Source(row["source"]), Style::kDim}});
  }
  if (table.empty()) return "No evidence of that.\n";
  std::string out = table.Draw(screen);
  const std::string& next = reply.data()["next_cursor"].Text();
  if (!next.empty()) out += screen.Paint(Style::kDim, "more: --cursor " + OneLine(next)) + "\n";
  return out;
}

constexpr Flag kWhyFlags[] = {
    {"prompt", "a text to ask about", FlagType::kText},
    {"session", "a session", FlagType::kText, "id"},
    {"prompt-index", "its prompt, from 0", FlagType::kInt},
    kPlatformFlag,
    kSkillPathFlag,
};
constexpr Positional kWhyPositionals[] = {{"skill", "name of the skill"}};
constexpr Example kWhyExamples[] = {
    {"selftune why pdf --session 3f2a --prompt-index 2", "why it was not used there"},
    {"selftune why pdf --prompt 'merge these files'", "would it be used for this?"},
};

constexpr std::string_view kOutcomes[] = {"triggered", "refused", "requested", "read_only",
                                          "missed"};
constexpr Flag kEvidenceFlags[] = {
    {"session", "only this session", FlagType::kText, "id"},
    {"outcome", "only these", FlagType::kText, {}, 0, kOutcomes},
    {"level", "how it was seen", FlagType::kText},
    {"mode", "explicit, implicit or inferred", FlagType::kText},
    {"query", "part of the prompt", FlagType::kText, {}, 0, {}, "q"},
    kPlatformFlag,
    kSkillPathFlag,
    kSinceFlag,
    kUntilFlag,
    kLimitFlag,
    kCursorFlag,
};
constexpr Positional kEvidencePositionals[] = {{"skill", "name of the skill", /*required=*/false}};
constexpr Example kEvidenceExamples[] = {
    {"selftune evidence pdf --outcome missed", "the rows behind a figure"},
    {"selftune evidence --session 3f2a", "what one session shows"},
};

}  // namespace

extern const Command kWhyCommand = {
    .path = "why",
    .summary = "Say why a skill was not used",
    .group = "See",
    .op = "skill.why",
    .flags = kWhyFlags,
    .positionals = kWhyPositionals,
    .examples = kWhyExamples,
    .render = RenderWhy,
};

extern const Command kEvidenceCommand = {
    .path = "evidence",
    .summary = "Show the rows behind a figure",
    .group = "Evidence",
    .op = "skill.observations",
    .flags = kEvidenceFlags,
    .positionals = kEvidencePositionals,
    .examples = kEvidenceExamples,
    .render = RenderEvidence,
};

}  // namespace selftune::cli

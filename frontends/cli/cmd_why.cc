// why: the cause of a miss.
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
  // Whole lines: what was found is the answer, and must not be cut.
  if (!data["evidence"].items().empty()) out += "\n";
  for (const Json& row : data["evidence"].items()) {
    out += "  " + PadRight(OneLine(row["check"].Text()), 15) + " " + OneLine(row["result"].Text()) +
           "\n";
    const std::string source = OneLine(row["source"].Text());
    if (!source.empty()) out += std::string(18, ' ') + screen.Paint(Style::kDim, source) + "\n";
  }
  const Json& fix = data["what_would_fix"];
  const std::string text = OneLine(fix["text"].Text());
  const std::string command = OneLine(fix["command"].Text());
  if (!text.empty() || !command.empty()) {
    out +=
        "\n→ " + text + (command.empty() ? "" : "  " + screen.Paint(Style::kBold, command)) + "\n";
  }
  return out;
}

constexpr Flag kWhyFlags[] = {
    {"prompt", "a text to ask about", FlagType::kText},
    {"session", "a session", FlagType::kText, "id"},
    {"prompt-index", "its prompt, from 0", FlagType::kInt},
    {"project", "a working directory, instead of this one", FlagType::kText, "dir"},
    kPlatformFlag,
    kSkillPathFlag,
};
constexpr Positional kWhyPositionals[] = {{"skill", "name of the skill"}};
constexpr Example kWhyExamples[] = {
    {"selftune why pdf --session 3f2a --prompt-index 2", "why it was not used there"},
    {"selftune why pdf --prompt 'merge these files'", "would it be used for this?"},
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

}  // namespace selftune::cli

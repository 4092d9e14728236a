// skills lint: what is wrong with a SKILL.md.
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

std::string RenderLint(const Reply& reply, const Screen& screen) {
  std::string out;
  for (const Json& finding : reply.data()["findings"].items()) {
    const bool error = finding["level"].Text() == "error";
    const std::string line =
        finding["line"].is_number() ? "line " + finding["line"].Dump() + ": " : "";
    out += screen.Paint(error ? Style::kBad : Style::kWarn, PadRight(finding["level"].Text(), 5)) +
           "  " + line + OneLine(finding["message"].Text()) + "  " +
           screen.Paint(Style::kDim, OneLine(finding["code"].Text())) + "\n";
  }
  return out.empty() ? "Nothing to object to.\n" : out;
}

constexpr Flag kFlags[] = {
    {"platform", "compare with the other skills of this host", FlagType::kText, "host"},
};
constexpr Positional kPositionals[] = {{"path", "a SKILL.md"}};
constexpr Example kExamples[] = {
    {"selftune skills lint SKILL.md", "one file"},
    {"selftune skills lint SKILL.md --platform claude", "also against its neighbours"},
};

}  // namespace

extern const Command kSkillsLintCommand = {
    .path = "skills lint",
    .summary = "Say what is wrong with a SKILL.md",
    .group = "Tools",
    .op = "skill.lint",
    .flags = kFlags,
    .positionals = kPositionals,
    .examples = kExamples,
    .render = RenderLint,
    .exit_zero = true,
};

}  // namespace selftune::cli

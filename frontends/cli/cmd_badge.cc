// badge: one skill as a small picture.
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

// The picture itself, so that it can be sent to a file.
std::string RenderBadge(const Reply& reply, const Screen&) {
  const Json& data = reply.data();
  const std::string path = OneLine(data["output_path"].Text());
  if (path.empty()) return data["content"].Text() + "\n";
  return OneLine(data["label"].Text()) + ": " + OneLine(data["message"].Text()) + ", " +
         OneLine(data["title"].Text()) + "\n" + path + "\n";
}

constexpr std::string_view kFormats[] = {"svg", "markdown", "url", "json"};
constexpr std::string_view kMetrics[] = {"recall", "sessions", "runs"};
constexpr std::string_view kStyles[] = {"flat", "flat-square"};
constexpr Flag kFlags[] = {
    kSkillFlag,
    kSkillPathFlag,
    {"format", "what to make", FlagType::kText, {}, 0, kFormats},
    {"metric", "what the figure is", FlagType::kText, {}, 0, kMetrics},
    {"label", "words on the left", FlagType::kText},
    {"style", "of the picture", FlagType::kText, {}, 0, kStyles},
    {"with-date", "say of which day the figure is", FlagType::kSwitch},
    {"output", "write it there", FlagType::kText, "path", 'o', {}, "output_path"},
};
constexpr Example kExamples[] = {
    {"selftune badge --skill pdf --output badge.svg", "a picture for a README"},
    {"selftune badge --skill pdf --format markdown", "a line for it, drawn by shields.io"},
};

}  // namespace

extern const Command kBadgeCommand = {
    .path = "badge",
    .summary = "Make a badge of how a skill does",
    .group = "See",
    .op = "status.badge",
    .flags = kFlags,
    .examples = kExamples,
    .render = RenderBadge,
    .verbatim = true,
};

}  // namespace selftune::cli

// watch: what became of a deploy.
#include <cstdio>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

std::string Decimal(const Json& value) {
  if (!value.is_number()) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value.Double());
  return text;
}

Style StyleOf(const std::string& state) {
  if (state == "confirmed") return Style::kGood;
  return state == "regressed" || state == "rolled_back" ? Style::kBad : Style::kPlain;
}

std::string RenderWatch(const Reply& reply, const Screen& screen) {
  Table table({{"skill", Table::Align::kLeft, true},
               {"state"},
               {"good", Table::Align::kRight},
               {"bad", Table::Align::kRight},
               {"before", Table::Align::kRight},
               {"e down", Table::Align::kRight},
               {"e up", Table::Align::kRight},
               {"needs", Table::Align::kRight},
               {"reason", Table::Align::kLeft, true}});
  for (const Json& watch : reply.data()["watches"].items()) {
    const Json& seen = watch["observations"];
    table.Add({{OneLine(watch["skill"].Text())},
               {OneLine(watch["state"].Text()), StyleOf(watch["state"].Text())},
               {Count(seen["good"].Int())},
               {Count(seen["bad"].Int())},
               {watch["q"].is_number() ? Percent(watch["q"].Double()) : "-"},
               {Decimal(watch["e_down"])},
               {Decimal(watch["e_up"])},
               {Decimal(watch["threshold"])},
               {OneLine(watch["decision_reason"].Text()), Style::kDim}});
  }
  if (table.empty()) return "Nothing is being watched.\n";
  std::string out = table.Draw(screen);
  for (const Json& watch : reply.data()["watches"].items()) {
    const std::string skill = OneLine(watch["skill"].Text());
    if (watch["rolled_back"].Bool())
      out += screen.Paint(Style::kBad, "rolled back") + " " + skill + "\n";
    const std::string detail = OneLine(watch["detail"].Text());
    if (!detail.empty()) out += skill + ": " + detail + "\n";
  }
  return out;
}

constexpr Flag kFlags[] = {
    kSkillFlag,
    kSkillPathFlag,
    {"auto-rollback", "put the former text back when it got worse", FlagType::kSwitch},
    {"explain", "only look, change nothing", FlagType::kSwitch, {}, 0, {}, "-"},
    {"alpha", "bound of false alarms", FlagType::kNumber},
    {"delta", "how much worse counts", FlagType::kNumber},
    {"sync-first", "read new transcripts first", FlagType::kSwitch},
    {"sync-force", "every transcript, with --sync-first", FlagType::kSwitch},
    {"window", kNoEffect, FlagType::kInt, {}, 0, {}, {}, true},
    {"threshold", kNoEffect, FlagType::kNumber, {}, 0, {}, {}, true},
    {"grade-threshold", kNoEffect, FlagType::kNumber, {}, 0, {}, {}, true},
    {"no-grade-watch", kNoEffect, FlagType::kSwitch, {}, 0, {}, {}, true},
};
constexpr Variant kVariants[] = {{"explain", "watch.status", RenderWatch}};
constexpr Example kExamples[] = {
    {"selftune watch", "every deploy that is being watched"},
    {"selftune watch --skill pdf --auto-rollback", "undo it when it got worse"},
};

}  // namespace

extern const Command kWatchCommand = {
    .path = "watch",
    .summary = "Judge a deploy by the sessions since",
    .group = "Improve",
    .op = "watch.run",
    .flags = kFlags,
    .examples = kExamples,
    .render = RenderWatch,
    .exit_zero = true,
    .variants = kVariants,
};

}  // namespace selftune::cli

// llm usage, eval misses: what the improvement loop works with.
#include <cstdio>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

std::string Dollars(const Json& usd) {
  if (!usd.is_number()) return "-";
  char text[40];
  std::snprintf(text, sizeof text, "$%.4f", usd.Double());
  return text;
}

std::string RenderUsage(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  Table table({{OneLine(data["by"].Text()), Table::Align::kLeft, true},
               {"calls", Table::Align::kRight},
               {"failed", Table::Align::kRight},
               {"tokens in", Table::Align::kRight},
               {"tokens out", Table::Align::kRight},
               {"cost", Table::Align::kRight}});
  for (const Json& row : data["rows"].items()) {
    table.Add({{row["key"].is_null() ? "-" : OneLine(row["key"].Text())},
               {Count(row["calls"].Int())},
               {Count(row["failed"].Int())},
               {row["input_tokens"].is_null() ? "-" : Count(row["input_tokens"].Int())},
               {row["output_tokens"].is_null() ? "-" : Count(row["output_tokens"].Int())},
               {Dollars(row["usd"])}});
  }
  const Json& today = data["today"];
  const std::string day = "today: " + Plural(today["calls"].Int(), "call") + ", " +
                          Count(today["tokens"].Int()) + " tokens, " + Dollars(today["usd"]) + "\n";
  return (table.empty() ? "No model calls.\n" : table.Draw(screen)) + day;
}

std::string RenderMisses(const Reply& reply, const Screen& screen) {
  Table table({{"skill", Table::Align::kLeft, true},
               {"when"},
               {"score", Table::Align::kRight},
               {"cause"},
               {"label"},
               {"prompt", Table::Align::kLeft, true}});
  for (const Json& miss : reply.data()["items"].items()) {
    table.Add({{OneLine(miss["skill"].Text())},
               {Ago(miss["at"].Text(), reply.now())},
               {Percent(miss["score"].Double())},
               {OneLine(miss["cause"].Text())},
               {OneLine(miss["label"].Text())},
               {OneLine(miss["query"].Text())}});
  }
  if (table.empty()) return "No misses.\n";
  const std::string next = OneLine(reply.data()["next_cursor"].Text());
  std::string out = table.Draw(screen);
  return next.empty() ? out : out + screen.Paint(Style::kDim, "more: --cursor " + next) + "\n";
}

constexpr std::string_view kBy[] = {"purpose", "model", "skill"};
constexpr Flag kUsageFlags[] = {
    {"by", "a row for each", FlagType::kText, {}, 0, kBy},
    kSinceFlag,
    kUntilFlag,
};
constexpr Example kUsageExamples[] = {
    {"selftune llm usage --by skill --since 7d", "a week, by skill"}};
constexpr Flag kMissesFlags[] = {
    kSkillFlag,
    kSkillPathFlag,
    kSinceFlag,
    kUntilFlag,
    {"raw", "whole prompts, as they are", FlagType::kSwitch},
    kLimitFlag,
    kCursorFlag,
};
constexpr Example kMissesExamples[] = {{"selftune eval misses --skill pdf", "where it was needed"}};

}  // namespace

extern const Command kLlmUsageCommand = {
    .path = "llm usage",
    .summary = "Show what model calls cost",
    .group = "Data",
    .op = "llm.usage",
    .flags = kUsageFlags,
    .examples = kUsageExamples,
    .render = RenderUsage,
    .rare = true,
};

extern const Command kEvalMissesCommand = {
    .path = "eval misses",
    .summary = "List prompts at which a skill was needed and did not run",
    .group = "Evidence",
    .op = "skill.misses",
    .flags = kMissesFlags,
    .examples = kMissesExamples,
    .render = RenderMisses,
};

}  // namespace selftune::cli

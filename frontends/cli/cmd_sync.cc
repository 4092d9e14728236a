// sync: read what the agents wrote.
#include <algorithm>
#include <string>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

constexpr size_t kProblemsShown = 3;

std::string PlaceText(const Json& place) {
  std::string out = OneLine(place["capture"].Text()) + " " + OneLine(place["outcome"].Text());
  if (!place["path"].is_string()) return out;
  out += " " + OneLine(place["path"].Text());
  return place["line"].is_null() ? out : out + ":" + std::to_string(place["line"].Int());
}

// Who told of what, and whose word counts.
std::string RenderMerged(const Json& merged, const Screen& screen) {
  if (!merged.is_object()) return "";
  std::string out = "\n" + Heading(screen, "prompts by who told of them");
  Table prompts({{"host"}, {"hook"}, {"transcript"}, {"prompts", Table::Align::kRight}});
  for (const Json& told : merged["prompts"].items()) {
    prompts.Add({{OneLine(told["platform"].Text())},
                 {told["hook"].Bool() ? "yes" : "-"},
                 {told["transcript"].Bool() ? "yes" : "-"},
                 {Count(told["prompts"].Int())}});
  }
  out += prompts.empty() ? "none\n" : prompts.Draw(screen);
  out += "\n" + Heading(screen, "decisions about skills that do not count");
  Table rows({{"host"}, {"told by"}, {"why"}, {"instead"}, {"rows", Table::Align::kRight}});
  for (const Json& lost : merged["outranked"].items()) {
    const std::string counts = OneLine(lost["counts"].Text());
    rows.Add({{OneLine(lost["platform"].Text())},
              {OneLine(lost["capture"].Text())},
              {OneLine(lost["why"].Text())},
              {counts.empty() ? "-" : counts},
              {Count(lost["rows"].Int())}});
  }
  out += rows.empty() ? "none\n" : rows.Draw(screen);
  for (const Json& example : merged["examples"].items()) {
    out += OneLine(example["skill"].Text()) + " in " + OneLine(example["session_id"].Text()) +
           ": " + PlaceText(example["row"]) + ", " + OneLine(example["why"].Text());
    if (example["counts"].is_object()) out += " by " + PlaceText(example["counts"]);
    out += "\n";
  }
  return out;
}

// How many there are, the first few, and where all of them stand.
std::string SkillProblems(const Json& data, const Screen& screen) {
  const int64_t total = data["skill_problems_total"].Int();
  if (total == 0) return "";
  std::string out = screen.Paint(Style::kWarn, "skills") + ": " +
                    Plural(total, "thing was", "things were") + " not understood\n";
  const auto& problems = data["skill_problems"].items();
  const size_t shown = std::min(problems.size(), kProblemsShown);
  for (size_t i = 0; i < shown; ++i) {
    const std::string& path = problems[i]["path"].Text();
    const std::string& message = problems[i]["message"].Text();
    const bool says_where = message.find(path) != std::string::npos;
    out += "  " + OneLine(says_where ? message : path + ": " + message) + "\n";
  }
  return out + screen.Paint(Style::kDim, "  see: selftune doctor --only skills.parse\n");
}

std::string RenderSync(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  Table table({{"host"},
               {"sources", Table::Align::kRight},
               {"read", Table::Align::kRight},
               {"bytes", Table::Align::kRight},
               {"sessions", Table::Align::kRight},
               {"bad lines", Table::Align::kRight}});
  std::string absent;
  std::string gaps;
  std::string warnings;
  for (const auto& [host, source] : data["sources"].members()) {
    if (!source["available"].Bool()) {
      absent += (absent.empty() ? "" : ", ") + OneLine(host);
      continue;
    }
    const int64_t bad = source["bad_lines"].Int();
    table.Add({{OneLine(host)},
               {Count(source["scanned"].Int())},
               {Count(source["changed"].Int())},
               {Bytes(source["bytes_read"].Int())},
               {Count(source["sessions"].Int())},
               {Count(bad), bad > 0 ? Style::kWarn : Style::kPlain}});
    if (source["history_sessions"].Int() > 0) {
      gaps += OneLine(host) + ": " + Count(source["history_prompts"].Int()) + " prompts of " +
              Count(source["history_sessions"].Int()) + " sessions from what was typed alone\n";
    }
    for (const Json& warning : source["warnings"].items()) {
      warnings += screen.Paint(Style::kWarn, OneLine(host)) + ": " + OneLine(warning.Text()) + "\n";
    }
  }
  std::string out = table.empty() ? "" : table.Draw(screen);
  if (!absent.empty()) out += screen.Paint(Style::kDim, "not found: " + absent) + "\n";
  out += gaps + warnings + SkillProblems(data, screen);
  out += reply.dry_run() ? "Dry run" : data["complete"].Bool() ? "Done" : "Stopped before the end";
  out += " in " + Duration(data["elapsed_ms"].Int()) + "\n";
  return out + RenderMerged(data["merged"], screen);
}

constexpr Flag kFlags[] = {
    {"only",
     "only these hosts",
     FlagType::kList,
     "hosts",
     0,
     {},
     {},
     /*advanced=*/false,
     "source"},
    kSinceFlag,
    {"session", "only files of this session and of what it started", FlagType::kText, "id"},
    {"force", "read everything again", FlagType::kSwitch},
    {"repair-only", "read no file; say anew what follows from what is stored", FlagType::kSwitch},
    {"explain", "say what hooks and transcripts both told of, and whose word counts",
     FlagType::kSwitch},
    {"time-budget-ms",
     "stop after this long; the next sync goes on",
     FlagType::kInt,
     "ms",
     0,
     {},
     {},
     true},
};
constexpr Example kExamples[] = {
    {"selftune sync", "read what is new"},
    {"selftune sync --only claude,codex --since 7d", "two hosts, one week"},
    {"selftune sync --explain", "which rows were merged, and why"},
};

}  // namespace

extern const Command kSyncCommand = {
    .path = "sync",
    .summary = "Read the transcripts that are new",
    .group = "Evidence",
    .op = "sync.run",
    .flags = kFlags,
    .examples = kExamples,
    .render = RenderSync,
};

}  // namespace selftune::cli

// init, quickstart, uninstall: selftune on a machine.
#include <algorithm>
#include <string>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

Style StepStyle(std::string_view status) {
  if (status == "failed") return Style::kBad;
  return status == "skipped" ? Style::kDim : Style::kGood;
}

// How many characters both begin with.
size_t Alike(const std::string& a, const std::string& b) {
  const auto ends = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<size_t>(ends.first - a.begin());
}

// A list of many files: how many, and where.
std::string ShortDetail(const std::string& detail) {
  size_t files = 0;
  std::string common;
  for (size_t begin = 0; begin < detail.size();) {
    const size_t end = std::min(detail.find(", ", begin), detail.size());
    const std::string path = detail.substr(begin, end - begin);
    if (!path.starts_with('/')) return detail;
    common = files == 0 ? path : common.substr(0, Alike(common, path));
    ++files;
    begin = end + 2;
  }
  constexpr size_t kShown = 2;
  if (files <= kShown) return detail;
  return Count(static_cast<int64_t>(files)) + " files in " +
         common.substr(0, common.rfind('/') + 1);
}

std::string RenderSteps(const Reply& reply, const Screen& screen) {
  std::string out;
  for (const Json& step : reply.data()["steps"].items()) {
    const std::string status = OneLine(step["status"].Text());
    const std::string mark = status == "done" ? "ok" : status;
    out += screen.Paint(StepStyle(status), mark) + "  " + OneLine(step["id"].Text()) + ": " +
           ShortDetail(OneLine(step["detail"].Text())) + "\n";
    for (const Json& need : step["needs"].items()) {
      out += "    " + screen.Paint(Style::kWarn, "now:") + " " + OneLine(need.Text()) + "\n";
    }
  }
  return out;
}

std::string RenderInit(const Reply& reply, const Screen& screen) {
  std::string out = RenderSteps(reply, screen);
  out += "\nWhat runs by itself: " + OneLine(reply.data()["autonomy"].Text()) +
         " (selftune config set autonomy off|propose|deploy)\n";
  if (reply.dry_run()) out += "Dry run: nothing was written.\n";
  return out;
}

std::string RenderUninstall(const Reply& reply, const Screen& screen) {
  std::string out = RenderSteps(reply, screen);
  for (const Json& what : reply.data()["manual"].items()) {
    out += "left to you: " + OneLine(what.Text()) + "\n";
  }
  if (reply.dry_run()) out += "Dry run: nothing was removed.\n";
  return out;
}

constexpr std::string_view kAutonomy[] = {"off", "propose", "deploy"};
constexpr std::string_view kScopes[] = {"user", "project"};

constexpr Flag kInitFlags[] = {
    {"agent", "only this agent; may be repeated", FlagType::kList, "name", 0, {}, "agents"},
    {"autonomy", "what may run by itself", FlagType::kText, {}, 0, kAutonomy},
    {"scope", "hooks and skill of the person, or of this project", FlagType::kText, "whose", 0,
     kScopes},
    {"no-hooks", "install no hooks", FlagType::kSwitch, {}, 0, {}, "-"},
    {"no-skill",
     "do not install the skill that operates selftune",
     FlagType::kSwitch,
     {},
     0,
     {},
     "-"},
    {"no-sync", "read no transcripts yet", FlagType::kSwitch, {}, 0, {}, "-"},
    {"no-import", "leave what the TypeScript selftune recorded", FlagType::kSwitch, {}, 0, {}, "-"},
    {"schedule", "also let the machine's scheduler run sync, status and the loop",
     FlagType::kSwitch},
    {"every-hours", "between two scheduled runs: 1 2 3 4 6 8 12 24", FlagType::kInt, "n"},
    {"alpha", "note that you take part in the alpha; nothing is sent", FlagType::kSwitch},
    {"no-alpha", "note that you do not", FlagType::kSwitch, {}, 0, {}, "-"},
    {"alpha-email", "with --alpha: where you can be reached", FlagType::kText, "address"},
    {"alpha-name", "with --alpha: what you are called", FlagType::kText, "name"},
    {"force", "write the configuration anew", FlagType::kSwitch},
    {"hook-program",
     "selftune-hook, when it is not beside selftune or on PATH",
     FlagType::kText,
     "path",
     0,
     {},
     {},
     true},
};

// By name, without what the person ruled out.
std::string WithoutSome(const Command& command, const Args& args, std::string_view more) {
  std::string params = ParamsByName(command, args);
  std::string extra(more);
  for (const std::string_view what : {"hooks", "skill", "sync", "import"}) {
    if (!args.Has("no-" + std::string(what))) continue;
    extra += (extra.empty() ? "\"" : ",\"") + std::string(what) + "\":false";
  }
  if (extra.empty()) return params;
  if (params.size() > 2) extra.insert(0, ",");
  return params.insert(params.size() - 1, extra);
}

std::string InitParams(const Args& args) {
  return WithoutSome(kInitCommand, args, args.Has("no-alpha") ? "\"alpha\":false" : "");
}

constexpr Flag kQuickFlags[] = {
    {"no-hooks", "install no hooks", FlagType::kSwitch, {}, 0, {}, "-"},
};
std::string QuickParams(const Args& args) {
  return WithoutSome(kQuickstartCommand, args, "\"autonomy\":\"off\"");
}

constexpr Example kInitExamples[] = {
    {"selftune init --dry-run", "show each step, change nothing"},
    {"selftune init", "every agent that is here; run it again at any time"},
    {"selftune init --scope project --no-sync", "for all who work in this repository"},
    {"selftune init --autonomy propose --schedule", "changes wait for your review; every 6 hours"},
};

constexpr Example kQuickExamples[] = {
    {"selftune quickstart", "look at what your skills do; nothing runs by itself"},
    {"selftune quickstart --dry-run", "show each step, change nothing"},
};

constexpr Flag kUninstallFlags[] = {
    {"keep-config", "keep config.json", FlagType::kSwitch},
    {"purge-evidence", "also remove the store with everything recorded", FlagType::kSwitch},
    {"restore-skills", "take back the descriptions that selftune deployed", FlagType::kSwitch},
};
constexpr Example kUninstallExamples[] = {
    {"selftune uninstall --dry-run", "list each file and what would be done"},
    {"selftune uninstall --yes", "hooks, skill and configuration; the evidence stays"},
    {"selftune uninstall --restore-skills --yes", "and your skills as they were before"},
};

}  // namespace

extern const Command kInitCommand = {
    .path = "init",
    .summary = "Set selftune up on this machine",
    .group = "Tools",
    .op = "install.init",
    .flags = kInitFlags,
    .examples = kInitExamples,
    .params = InitParams,
    .render = RenderInit,
};

extern const Command kQuickstartCommand = {
    .path = "quickstart",
    .summary = "Set selftune up with nothing running by itself, and read the transcripts",
    .group = "Tools",
    .op = "install.init",
    .flags = kQuickFlags,
    .examples = kQuickExamples,
    .params = QuickParams,
    .render = RenderInit,
};

extern const Command kUninstallCommand = {
    .path = "uninstall",
    .summary = "Take out what selftune wrote outside its folder; the evidence stays",
    .group = "Tools",
    .op = "install.uninstall",
    .flags = kUninstallFlags,
    .examples = kUninstallExamples,
    .render = RenderUninstall,
};

}  // namespace selftune::cli

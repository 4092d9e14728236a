// orchestrate (alias run): the whole loop.
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

std::string Mode(const Reply& reply) {
  if (reply.dry_run()) return "dry run, nothing is changed";
  return reply.data()["approval_mode"].Text() == "review" ? "review, proposals wait for approval"
                                                          : "autonomous, better texts are deployed";
}

std::string RenderRun(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  std::string out = Heading(screen, "selftune run: " + OneLine(data["status"].Text()));
  out += screen.Paint(Style::kDim, Mode(reply)) + "\n\n";
  Table table({{"skill", Table::Align::kLeft, true},
               {"action"},
               {"test", Table::Align::kRight},
               {"reason", Table::Align::kLeft, true}});
  for (const Json& decision : data["decisions"].items()) {
    std::string test = "-";
    if (decision["n_holdout"].is_number() && decision["n_holdout"].Int() > 0) {
      test = "+" + Count(decision["gains"].Int()) + " -" + Count(decision["losses"].Int()) +
             " of " + Count(decision["n_holdout"].Int());
    }
    const bool deployed = !decision["deploy_id"].is_null();
    table.Add({{OneLine(decision["skill"].Text())},
               {OneLine(decision["action"].Text()), deployed ? Style::kGood : Style::kPlain},
               {test},
               {OneLine(decision["reason"].Text()), Style::kDim}});
  }
  if (!table.empty()) out += table.Draw(screen) + "\n";
  Fields fields;
  fields.AddText("agent", data["agent"]);
  fields.AddCount("skills", data["total_skills"]);
  fields.AddCount("evaluated", data["evaluated"]);
  fields.AddCount("deployed", data["deployed"]);
  fields.AddCount("watched", data["watched"]);
  fields.AddCount("skipped", data["skipped"]);
  fields.AddCount("graded", data["auto_graded"]);
  const Json& spent = data["budget"]["spent"];
  if (spent["calls"].Int() > 0) {
    fields.Add("spent", Plural(spent["calls"].Int(), "call") + ", " + Count(spent["tokens"].Int()) +
                            " tokens");
  }
  fields.Add("time", Duration(data["elapsed_ms"].Int()));
  out += fields.Draw(screen);
  for (const Json& back : data["rolled_back"].items()) {
    out += screen.Paint(Style::kBad, "rolled back") + " " + OneLine(back["skill"].Text()) + "\n";
  }
  for (const Json& error : data["errors"].items()) {
    out += screen.Paint(Style::kBad, "error") + " " + OneLine(error["skill"].Text()) + " " +
           OneLine(error["message"].Text()) + "\n";
  }
  return out;
}

constexpr Flag kFlags[] = {
    kSkillFlag,
    kSkillPathFlag,
    {"review-required", "stop before deploying", FlagType::kSwitch},
    {"max-skills", "at most this many are evolved", FlagType::kInt},
    {"sync-force", "read every transcript again", FlagType::kSwitch},
    {"plan", "only estimate, no model call", FlagType::kSwitch},
    kAgentFlag,
    {"recent-window", kNoEffect, FlagType::kInt, "h", 0, {}, "recent_window_h", true},
    {"max-auto-grade", kNoEffect, FlagType::kInt, {}, 0, {}, {}, true},
    {"auto-approve", kNoEffect, FlagType::kSwitch, {}, 0, {}, {}, true},
    {"scheduled",
     "started by a timer; keeps a backup of each day",
     FlagType::kSwitch,
     {},
     0,
     {},
     {},
     true},
    {"reactive", "started by a session's end", FlagType::kSwitch, {}, 0, {}, {}, true},
    kLlmModeFlag,
    kModelFlag,
    kTierFlag,
    kEffortFlag,
    kMaxCallsFlag,
    kMaxCostFlag,
    kMaxTokensFlag,
    kMaxMinutesFlag,
    kSeedFlag,
};
constexpr Example kExamples[] = {
    {"selftune run --dry-run", "what a run would do"},
    {"selftune run --skill pdf", "the whole loop for one skill"},
    {"selftune run --review-required", "propose, deploy nothing"},
};

constexpr Command Make(std::string_view path, std::string_view group, std::string_view alias_of) {
  return {
      .path = path,
      .summary = "Run the whole loop: sync, choose, improve, watch",
      .group = group,
      .op = "orchestrate.run",
      .flags = kFlags,
      .examples = kExamples,
      .render = RenderRun,
      .alias_of = alias_of,
  };
}

}  // namespace

extern const Command kOrchestrateCommand = Make("orchestrate", "Improve", {});
extern const Command kRunCommand = Make("run", "", "orchestrate");

}  // namespace selftune::cli

// evolve, evolve rollback: change a SKILL.md and change it back.
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

std::string PValue(const Json& p) { return p.is_number() ? p.Dump().substr(0, 8) : "-"; }

std::string RenderEvolve(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  const bool deployed = data["deployed"].Bool();
  const std::string verdict = deployed ? screen.Paint(Style::kGood, "deployed")
                                       : screen.Paint(Style::kWarn, "not deployed");
  std::string out =
      OneLine(data["skill"].Text()) + ": " + verdict + ", " + OneLine(data["reason"].Text()) + "\n";
  Fields fields;
  fields.AddText("proposal", data["proposal_id"]);
  fields.AddText("deploy", data["deploy_id"]);
  fields.AddText("tier", data["tier"]);
  if (data["holdout"].Int() > 0) {
    fields.Add("held-out test", Count(data["holdout"].Int()) + " prompts, " +
                                    Plural(data["gains"].Int(), "gain") + ", " +
                                    Plural(data["losses"].Int(), "loss", "losses") + ", p " +
                                    PValue(data["p"]) + " (alpha " + PValue(data["alpha"]) + ")");
  }
  if (data["passed_before"].is_number() && data["holdout"].Int() > 0) {
    fields.Add("passed", Count(data["passed_before"].Int()) + " → " +
                             Count(data["passed_after"].Int()) + " of " +
                             Count(data["holdout"].Int()));
  }
  fields.AddText("rationale", data["rationale"]);
  if (!data["diverged"].items().empty()) fields.Add("left alone", JoinTexts(data["diverged"]));
  const Json& budget = data["budget"];
  if (budget["calls"].Int() > 0) {
    fields.Add("spent", Plural(budget["calls"].Int(), "call") + ", " +
                            Count(budget["tokens"].Int()) + " tokens");
  }
  if (data["elapsed_ms"].is_number()) fields.Add("time", Duration(data["elapsed_ms"].Int()));
  out += fields.Draw(screen);
  const std::string& diff = data["diff"].Text();
  if (!diff.empty()) out += "\n" + ManyLines(diff) + (diff.ends_with('\n') ? "" : "\n");
  return out;
}

std::string RenderRollback(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  std::string out = OneLine(data["skill"].Text()) + ": " + OneLine(data["state"].Text()) +
                    " (deploy " + OneLine(data["deploy_id"].Text()) + ")\n";
  Table table({{"state"}, {"file", Table::Align::kLeft, true}});
  for (const Json& target : data["targets"].items()) {
    table.Add({{OneLine(target["state"].Text())}, {OneLine(target["path"].Text())}});
  }
  if (!table.empty()) out += table.Draw(screen);
  const std::string detail = OneLine(data["detail"].Text());
  return detail.empty() ? out : out + screen.Paint(Style::kWarn, detail) + "\n";
}

std::string RenderPlan(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  std::string out =
      Heading(screen, OneLine(data["skill"].Text()) + ": " + OneLine(data["reason"].Text()));
  Fields fields;
  fields.Add("queries", Count(data["train"].Int()) + " to learn from (" +
                            Plural(data["train_missed"].Int(), "miss", "misses") + "), " +
                            Count(data["holdout"].Int()) + " held out (" +
                            Count(data["holdout_positives"].Int()) + " positive, " +
                            Count(data["holdout_negatives"].Int()) + " negative)");
  if (data["mde"].is_number()) fields.Add("smallest gain to find", Percent(data["mde"].Double()));
  fields.Add("look", data["look"].Dump() + ", alpha " + PValue(data["alpha"]));
  if (data["other_causes"].Int() > 0) {
    fields.Add("not curable",
               Plural(data["other_causes"].Int(), "miss", "misses") + " with another cause");
  }
  const Json& estimate = data["estimate"];
  fields.Add("may cost", Plural(estimate["calls"].Int(), "call") + ", " +
                             Count(estimate["tokens"].Int()) + " tokens");
  return out + fields.Draw(screen);
}

constexpr Variant kEvolveVariants[] = {{"plan", "evolve.plan", RenderPlan}};
constexpr std::string_view kTargets[] = {"description", "routing", "body"};
constexpr std::string_view kModes[] = {"auto", "replay", "judge"};
constexpr Flag kEvolveFlags[] = {
    kSkillFlag,
    kSkillPathFlag,
    {"target", "what to change", FlagType::kText, {}, 0, kTargets},
    {"validation-mode", "how candidates are tested", FlagType::kText, {}, 0, kModes},
    {"eval-set", "queries to test with, instead of the evidence", FlagType::kText, "path"},
    {"review-required", "stop before deploying", FlagType::kSwitch},
    {"allow-dirty", "also when git has uncommitted changes of the file", FlagType::kSwitch},
    {"sync-first", "read new transcripts first", FlagType::kSwitch},
    {"plan",
     "only say what it could find out and what it may cost",
     FlagType::kSwitch,
     {},
     0,
     {},
     "-"},
    kAgentFlag,
    {"rounds", "of proposing", FlagType::kInt, {}, 0, {}, {}, true},
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
constexpr Example kEvolveExamples[] = {
    {"selftune evolve --skill pdf --plan", "what it would take"},
    {"selftune evolve --skill pdf --dry-run", "a candidate, without the final test"},
    {"selftune evolve --skill pdf", "propose, validate, deploy"},
};

constexpr Flag kRollbackFlags[] = {
    kSkillFlag,
    kSkillPathFlag,
    {"deploy-id", "this deploy instead of the latest", FlagType::kText, "id"},
    {"to-file", "write the former bytes there instead", FlagType::kText, "path"},
};
constexpr Example kRollbackExamples[] = {
    {"selftune evolve rollback --skill pdf --dry-run", "what would be put back"},
    {"selftune evolve rollback --skill pdf --yes", "put it back"},
};

}  // namespace

extern const Command kEvolveCommand = {
    .path = "evolve",
    .summary = "Improve a skill's description, when tests say it is better",
    .group = "Improve",
    .op = "evolve.run",
    .flags = kEvolveFlags,
    .examples = kEvolveExamples,
    .render = RenderEvolve,
    .variants = kEvolveVariants,
};

extern const Command kEvolveRollbackCommand = {
    .path = "evolve rollback",
    .summary = "Put back the SKILL.md that a deploy replaced",
    .group = "Improve",
    .op = "deploy.rollback",
    .flags = kRollbackFlags,
    .examples = kRollbackExamples,
    .render = RenderRollback,
};

}  // namespace selftune::cli

#include "status/why.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "base/strings.h"
#include "status/trigger.h"
#include "status/why_parts.h"
#include "store/prompt_lookup.h"
#include "store/queries/health.h"

namespace selftune::status {
namespace {

constexpr size_t kShownCodePoints = 160;

void AddPrompt(const store::PromptPlaceItem& prompt, WhyAnswer& answer) {
  std::string text = prompt.text.has_value() ? "\"" + OneLine(*prompt.text, kShownCodePoints) + "\""
                                             : "its text was forgotten";
  if (prompt.kind != "user") text += " (not typed by a person: " + prompt.kind + ")";
  if (!prompt.active) text += " (taken back later)";
  answer.evidence.push_back(
      {"prompt", std::move(text), prompt.source_path, prompt.source_offset, prompt.source_line});
}

void AddExposure(const store::ExposureAt& exposure, WhyAnswer& answer) {
  std::string text = "the source of this session does not say which skills were offered";
  if (exposure.recorded) {
    text = fmt::format("{}, since a {}", Word(exposure.state), Word(exposure.cause));
    if (exposure.source_path.empty() && exposure.state == ExposureState::kAbsent) {
      text = "never offered in this session";
    }
    if (exposure.description.has_value()) {
      text += ": \"" + OneLine(*exposure.description, kShownCodePoints) + "\"";
    }
  }
  answer.evidence.push_back(
      {"exposure", std::move(text), exposure.source_path, exposure.source_offset, std::nullopt});
}

void AddJudgement(const store::JudgementAt& judgement, WhyAnswer& answer) {
  for (const store::LabelItem& label : judgement.labels) {
    answer.evidence.push_back(
        {"label", label.label + ", by " + label.reason + " (" + label.source + ")"});
  }
  for (const store::SignalAt& signal : judgement.signals) {
    answer.evidence.push_back(
        {"signal", fmt::format("{} at prompt {}, {}", signal.kind, signal.seq, signal.state)});
  }
  for (const std::string& other : judgement.competing) {
    answer.evidence.push_back({"competing", other + " ran in the same turn"});
  }
  if (!judgement.labels.empty()) {
    const std::string_view label = store::EffectiveLabel(judgement.labels);
    if (label != "unknown") answer.expected = label == "should";
  } else if (judgement.missed_cause.has_value()) {
    answer.expected = true;
  }
}

// What the skill itself did in the turn; true when that is the answer.
bool AddUses(const std::vector<store::UseAt>& uses, WhyAnswer& answer) {
  for (const store::UseAt& use : uses) {
    answer.evidence.push_back(
        {"use",
         fmt::format("{} by {} ({})", use.outcome,
                     use.requested_by == "user" ? "the person's command" : "the model",
                     use.route.empty() ? use.level : use.route),
         use.source_path, use.source_offset, use.source_line});
  }
  const auto find = [&](std::string_view outcome, std::string_view by) {
    return std::any_of(uses.begin(), uses.end(), [&](const store::UseAt& use) {
      return use.outcome == outcome && (by.empty() || use.requested_by == by);
    });
  };
  if (find("triggered", "model")) {
    answer.cause = "used";
    answer.explanation = "It ran: the model loaded it for this prompt.";
  } else if (find("triggered", "")) {
    answer.cause = "used_by_command";
    answer.explanation = "It ran, by the person's own command; the model had nothing to decide.";
  } else if (find("refused", "")) {
    answer.cause = "refused";
    answer.explanation = "It was called, and the call failed or was not allowed.";
    answer.fix = "look at the error where the call stands";
  } else if (find("requested", "")) {
    answer.cause = "requested";
    answer.explanation = "Its command was typed, and the host loaded nothing.";
    answer.fix = "look whether the host knows a skill of this name";
    answer.fix_command = "selftune doctor --only 'skills.*'";
  } else {
    return false;
  }
  return true;
}

// The file that was offered under the name is none of those installed, and says
// something else: it stood in the place of a copy that could have been seen.
bool Shadowed(const store::ExposureAt& exposure, const Installed& installed, std::string_view cwd) {
  if (!installed.VisibleFrom(cwd) || exposure.skill_path.empty()) return false;
  return std::none_of(installed.locations.begin(), installed.locations.end(),
                      [&](const store::SkillLocation& location) {
                        return location.path == exposure.skill_path ||
                               location.real_path == exposure.skill_path ||
                               location.description == exposure.description;
                      });
}

// The listing decides where there is one; what is installed now only where
// nothing was recorded, or to tell why a listing has it not.
std::string CauseAt(const store::ExposureAt& exposure, const Installed& installed,
                    std::string_view cwd, const Bar& bar) {
  const MissCause seen = store::CauseOf(exposure);
  if (seen != MissCause::kNotListed && seen != MissCause::kUnknown) return std::string(Word(seen));
  if (bar) return std::string(bar.cause());
  const bool here = installed.any() && (cwd.empty() || installed.VisibleFrom(cwd));
  if (!here) return "not_installed";
  return seen == MissCause::kNotListed ? "not_listed" : "unknown";
}

// A copy in whose place another was offered: the cause for who asks about that one, for
// the rest something to know.
void AddHidden(const store::SkillLocation* hidden, std::string_view skill_path, WhyAnswer& answer) {
  if (hidden == nullptr) return;
  if (hidden->path == skill_path || hidden->real_path == skill_path) answer.cause = "shadowed";
  answer.evidence.push_back({"shadowed",
                             "this copy describes itself otherwise; the host offered another one",
                             hidden->path});
}

}  // namespace

StatusOr<WhyAnswer> WhyAt(store::Db& db, const store::SkillRef& skill, store::SessionPk session,
                          int32_t prompt_index, const WhyScope& scope) {
  WhyAnswer answer{.skill = skill.name};
  ST_ASSIGN_OR_RETURN(const store::PromptPlaceItem prompt,
                      store::ReadPromptPlace(db, session, prompt_index));
  ST_ASSIGN_OR_RETURN(const std::vector<store::UseAt> uses,
                      store::ReadUsesAt(db, prompt.pk, skill.id));
  ST_ASSIGN_OR_RETURN(const store::ExposureAt exposure,
                      store::ReadExposureAt(db, prompt.pk, skill.name));
  ST_ASSIGN_OR_RETURN(const store::JudgementAt judgement,
                      store::ReadJudgementAt(db, prompt, skill.id));
  ST_ASSIGN_OR_RETURN(const auto compaction, store::CompactionBefore(db, prompt));
  ST_ASSIGN_OR_RETURN(Installed installed, ReadInstalled(db, skill, scope.found));
  installed.KeepFor(prompt.platform);

  AddPrompt(prompt, answer);
  const bool answered = AddUses(uses, answer);
  AddExposure(exposure, answer);
  if (compaction.has_value()) {
    answer.evidence.push_back({"compaction", "the conversation was compacted before this prompt",
                               prompt.source_path, compaction->source_offset, std::nullopt});
  }
  AddInstalled(installed, prompt.cwd, answer);
  AddJudgement(judgement, answer);
  answer.missed_cause = judgement.missed_cause;
  if (answered) return answer;

  const Bar bar = installed.BarFor(prompt.platform, prompt.cwd, scope.skill_path);
  answer.cause = CauseAt(exposure, installed, prompt.cwd, bar);
  if (answer.cause == "description" && Shadowed(exposure, installed, prompt.cwd)) {
    answer.cause = "shadowed";
    answer.evidence.push_back(
        {"shadowed",
         "this file was offered under the name; it is none of those installed, and describes "
         "itself otherwise",
         exposure.skill_path});
  } else if (answer.cause == "description") {
    AddHidden(installed.HiddenBy(exposure, prompt.platform, prompt.cwd), scope.skill_path, answer);
  }
  Explain(answer.cause, installed,
          {.platform = prompt.platform,
           .state = exposure.recorded ? std::optional(exposure.state) : std::nullopt,
           .bar = bar},
          answer);
  AddStoredCause(answer);
  if (!answer.expected.has_value()) {
    answer.explanation += " Nobody said that it should have run here.";
  } else if (!*answer.expected) {
    answer.explanation += " It is labelled as not wanted here.";
    answer.fix.clear();
    answer.fix_command.clear();
  }
  return answer;
}

StatusOr<WhyAnswer> WhyAtAll(store::Db& db, const store::SkillRef& skill, const WhyScope& scope) {
  WhyAnswer answer{.skill = skill.name};
  ST_ASSIGN_OR_RETURN(Installed installed, ReadInstalled(db, skill, scope.found));
  installed.KeepFor(scope.platform);
  ST_ASSIGN_OR_RETURN(const std::vector<ListedNow> listed, ReadListedNow(db, skill.name));
  ST_ASSIGN_OR_RETURN(const auto prompts, store::ReadJudgedPrompts(db, {.skill = skill.id}));
  ST_ASSIGN_OR_RETURN(const store::SkillReport report, store::ReadSkillReport(db, skill.id, {}));
  const TriggerCounts counts = CountTriggers(prompts);
  AddInstalled(installed, scope.cwd, answer);
  AddHere(installed, scope.cwd, answer);
  AddListedNow(listed, answer);
  answer.evidence.push_back({"uses", fmt::format("{} times, {} of them by the person's command",
                                                 report.triggered, report.explicit_uses)});
  answer.evidence.push_back(
      {"needed", fmt::format("{} judged prompts needed it, the model chose it at {}",
                             counts.expected, counts.hit)});
  for (const auto& [cause, count] : counts.causes) {
    answer.evidence.push_back({"missed", fmt::format("{} times, cause {}", count, cause)});
  }
  const bool offered = std::any_of(listed.begin(), listed.end(), [](const ListedNow& now) {
    return now.item != nullptr && now.item->state != "explicit_only";
  });
  const std::string_view from = installed.From(scope);
  const Bar bar = installed.BarFor(scope.platform, from, scope.skill_path);
  if (!counts.causes.empty()) answer.missed_cause = counts.causes.front().first;
  if (!installed.any() && !offered) {
    answer.cause = "not_installed";
  } else if (bar) {
    answer.cause = bar.cause();
  } else if (answer.missed_cause.has_value()) {
    answer.cause = *answer.missed_cause;
  } else if (installed.OutOfSight(from)) {
    answer.cause = "not_installed";
  } else if (!listed.empty() && !offered) {
    answer.cause = "not_listed";
  } else {
    answer.cause = "no_misses";
    answer.explanation = report.triggered > 0
                             ? "It is used, and no prompt is known at which it was missed."
                             : "It was never used, and no prompt is known at which it was needed.";
    if (report.triggered == 0) {
      answer.fix = "read its description, then ask why of a prompt it is made for (--prompt)";
      answer.fix_command = base::JoinCommand({"selftune", "skills", "show", skill.name});
    }
    return answer;
  }
  Explain(answer.cause, installed, {.bar = bar, .here = from}, answer);
  AddStoredCause(answer);
  if (installed.OutOfSight(scope.cwd) && answer.cause != "not_installed") {
    answer.explanation += fmt::format(" Sessions in {} do not see it.", scope.cwd);
  }
  return answer;
}

}  // namespace selftune::status

// budget: the room in a host's list of skills.
#include <algorithm>
#include <cstdio>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

constexpr size_t kShownRows = 40;

std::string LimitText(const Json& limit) {
  return limit.is_number() ? Count(limit.Int()) : "not known";
}

bool IsCut(const Json& skill) {
  const std::string& state = skill["state"].Text();
  return state == "truncated" || state == "name_only" || state == "absent";
}

std::string StateText(const std::string& state) {
  if (state == "full") return "whole";
  if (state == "truncated") return "shortened";
  if (state == "name_only") return "name only";
  if (state == "absent") return "left out";
  if (state == "explicit_only") return "by command only";
  return "-";
}

Style StyleOf(const std::string& state) {
  if (state == "name_only" || state == "absent") return Style::kBad;
  return state == "truncated" ? Style::kWarn : Style::kPlain;
}

// Uses of a thousand characters: a number that can be read.
std::string Worth(const Json& value) {
  if (!value.is_number()) return "-";
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.1f", value.Double() * 1000);
  return text;
}

std::string Verdict(const Json& data, const Screen& screen) {
  const auto& skills = data["skills"].items();
  const auto cut = std::count_if(skills.begin(), skills.end(), IsCut);
  const std::string takes = Count(data["listing_chars"].Int()) + " characters";
  if (!data["limit"].is_number()) return takes + "; how much this host shows is not known";
  const std::string of = takes + ", room for " + Count(data["limit"].Int());
  if (data["skill"].is_string()) {
    return of + ": " +
           (cut == 0 ? screen.Paint(Style::kGood, "this skill is listed whole")
                     : screen.Paint(Style::kBad, "this skill is cut"));
  }
  if (cut == 0) return of + ": " + screen.Paint(Style::kGood, "every skill is listed whole");
  return of + ": " + screen.Paint(Style::kBad, Plural(cut, "skill") + " cut");
}

std::string RecordedText(const Json& recorded, const std::string& now) {
  if (!recorded.is_object()) return "no session of this host says what it was shown";
  std::string out = Plural(recorded["skills"].Int(), "skill") + ", " +
                    Count(recorded["chars"].Int()) + " characters, " +
                    Count(recorded["cut"].Int()) + " cut, in the newest session (" +
                    Ago(recorded["at"].Text(), now) + ")";
  const int64_t others = recorded["others"].Int();
  if (others > 0) {
    out += "; " + Count(others) + " of them with " + Count(recorded["others_chars"].Int()) +
           " characters are not among these";
  }
  return out;
}

std::string SkillTable(const Reply& reply, const Screen& screen) {
  Table table({{"skill", Table::Align::kLeft, true},
               {"characters", Table::Align::kRight},
               {"shown", Table::Align::kRight},
               {"uses", Table::Align::kRight},
               {"per 1000", Table::Align::kRight},
               {"now"},
               {"last recorded"}});
  const auto& skills = reply.data()["skills"].items();
  for (size_t i = 0; i < skills.size() && i < kShownRows; ++i) {
    const Json& skill = skills[i];
    const std::string& state = skill["state"].Text();
    const std::string& recorded = skill["recorded_state"].Text();
    table.Add({{OneLine(skill["name"].Text())},
               {Count(skill["chars"].Int())},
               {skill["shown_chars"].is_number() ? Count(skill["shown_chars"].Int()) : "-"},
               {Count(skill["uses"].Int())},
               {Worth(skill["value_per_char"])},
               {StateText(state), StyleOf(state)},
               {recorded.empty() ? "-" : StateText(recorded), StyleOf(recorded)}});
  }
  if (table.empty()) return "";
  std::string out = table.Draw(screen);
  if (skills.size() > kShownRows) {
    const auto rest = static_cast<int64_t>(skills.size() - kShownRows);
    out += screen.Paint(Style::kDim, Count(rest) + " more, of higher value: --json") + "\n";
  }
  return out;
}

std::string HostTable(const Json& hosts, const Screen& screen) {
  if (hosts.items().size() < 2) return "";
  Table table({{"host"},
               {"skills", Table::Align::kRight},
               {"characters", Table::Align::kRight},
               {"room for", Table::Align::kRight},
               {"cut", Table::Align::kRight},
               {"last recorded", Table::Align::kRight}});
  for (const Json& host : hosts.items()) {
    const auto number = [](const Json& value) {
      return value.is_number() ? Count(value.Int()) : std::string("-");
    };
    table.Add({{OneLine(host["title"].Text())},
               {Count(host["skills"].Int())},
               {Count(host["listing_chars"].Int())},
               {LimitText(host["limit"])},
               {number(host["cut"])},
               {number(host["recorded_cut"])}});
  }
  return "\n" + table.Draw(screen) +
         screen.Paint(Style::kDim, "one host: selftune budget --platform HOST") + "\n";
}

std::string RenderBudget(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  if (!data["platform"].is_string()) return "No skill is installed.\n";
  std::string out = Heading(screen, OneLine(data["title"].Text()) + ": list of skills");
  Fields fields;
  fields.Add("now", Verdict(data, screen));
  fields.Add("limit", OneLine(data["limit_basis"].Text()));
  fields.Add("recorded", RecordedText(data["recorded"], reply.now()));
  const std::string project = OneLine(data["project"].Text());
  fields.Add("project",
             project.empty() ? "none; --project . counts those of this folder" : project);
  for (const Json& settings : data["settings_unknown"].items()) {
    fields.Add("not known", "what " + OneLine(settings.Text()) +
                                " switches off: selftune doctor --only skills.parse");
  }
  out += fields.Draw(screen) + "\n" + SkillTable(reply, screen);
  return out + HostTable(data["hosts"], screen);
}

constexpr Flag kBudgetFlags[] = {
    kPlatformFlag,
    {"project", "a working directory whose skills count too", FlagType::kText, "folder"},
    {"context-tokens", "context window of the model, in tokens", FlagType::kInt},
    kSinceFlag,
    kUntilFlag,
};
constexpr Positional kBudgetPositionals[] = {
    {"skill", "only this one, in the list where most of it is lost", /*required=*/false},
};
constexpr Example kBudgetExamples[] = {
    {"selftune budget", "does the model see every skill, and which are worth their room"},
    {"selftune budget pdf", "what the model sees of one skill"},
    {"selftune budget --platform claude --project .", "one host, in this folder"},
    {"selftune budget --context-tokens 1000000", "with a model of a larger window"},
};

}  // namespace

extern const Command kBudgetCommand = {
    .path = "budget",
    .summary = "Show how much room the list of skills has, and who is cut",
    .group = "See",
    .op = "skill.budget",
    .flags = kBudgetFlags,
    .positionals = kBudgetPositionals,
    .examples = kBudgetExamples,
    .render = RenderBudget,
};

}  // namespace selftune::cli

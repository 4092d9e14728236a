// skill: the skill that agents operate selftune by.
#include <string>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

std::string WordOf(const std::string& action, bool dry_run) {
  if (action == "none") return "as it is to be";
  return action == "failed" || !dry_run ? action : "would be " + action;
}

Style StyleOf(std::string_view action) {
  if (action == "failed") return Style::kBad;
  return action == "none" ? Style::kDim : Style::kGood;
}

std::string RenderChange(const Reply& reply, const Screen& screen) {
  std::string out;
  for (const Json& place : reply.data()["places"].items()) {
    const std::string action = OneLine(place["action"].Text());
    out += OneLine(place["path"].Text()) + "  " +
           screen.Paint(StyleOf(action), WordOf(action, reply.dry_run())) +
           (action == "failed" ? "" : ", " + Count(place["files"].Int()) + " files") + "\n";
    if (!place["error"].is_null()) out += "  " + OneLine(place["error"].Text()) + "\n";
  }
  for (const Json& file : reply.data()["kept_as_orig"].items()) {
    out += screen.Paint(Style::kWarn, "kept:") + " " + OneLine(file["kept_as"].Text()) + "\n";
  }
  for (const Json& need : reply.data()["needs"].items()) {
    out += screen.Paint(Style::kWarn, "now:") + " " + OneLine(need.Text()) + "\n";
  }
  if (out.empty()) out = "The skill is installed nowhere.\n";
  const std::string undo = OneLine(reply.data()["receipt"]["undo"]["command"].Text());
  return undo.empty() ? out : out + "Back: " + undo + "\n";
}

Style StateStyle(std::string_view state) {
  if (state == "current") return Style::kGood;
  return state == "absent" || state == "gone" ? Style::kDim : Style::kWarn;
}

std::string RenderStatus(const Reply& reply, const Screen& screen) {
  Table table({{"place", Table::Align::kLeft, true},
               {"state"},
               {"version"},
               {"unmodified", Table::Align::kRight}});
  std::string notes;
  for (const Json& place : reply.data()["installed"].items()) {
    const std::string state = OneLine(place["state"].Text());
    const std::string path = OneLine(place["path"].Text());
    table.Add({{path},
               {state, StateStyle(state)},
               {place["version"].is_null() ? "-" : OneLine(place["version"].Text())},
               {Count(place["unmodified"].Int()) + " of " + Count(place["files"].Int())}});
    if (state == "absent") {
      notes += path + ": " + OneLine(place["help"].Text()) + ": " +
               OneLine(place["command"].Text()) + "\n";
    }
  }
  for (const Json& file : reply.data()["drift"].items()) {
    notes += screen.Paint(Style::kWarn, OneLine(file["state"].Text())) + "  " +
             OneLine(file["path"].Text()) + ": " + OneLine(file["help"].Text()) + ": " +
             OneLine(file["command"].Text()) + "\n";
  }
  const std::string ours = "This selftune: " + OneLine(reply.data()["version"].Text()) + "\n";
  return (table.empty() ? "No agent was found on this machine.\n" : table.Draw(screen)) + notes +
         ours;
}

constexpr std::string_view kScopes[] = {"user", "project"};
constexpr Flag kFlags[] = {
    {"agent", "only this agent; may be repeated", FlagType::kList, "name", 0, {}, "platforms"},
    {"scope", "of the person, or of this project", FlagType::kText, "whose", 0, kScopes},
};
constexpr Flag kInstallFlags[] = {
    kFlags[0],
    kFlags[1],
    {"replace", "also in the place of a skill that is not selftune's, which is kept",
     FlagType::kSwitch},
};
constexpr Example kInstallExamples[] = {
    {"selftune skill install --dry-run", "show what would be written"},
    {"selftune skill install", "for every agent that is here; texts you edited stay as *.orig"},
    {"selftune skill install --agent claude --scope project", "for all who work in this project"},
    {"selftune skill install --agent claude --replace",
     "another skill of this name gives way; `skill uninstall` brings it back"},
};
constexpr Example kUpdateExamples[] = {
    {"selftune skill update", "renew it wherever it is installed"},
    {"selftune skill update --dry-run", "show which files would change"},
};
constexpr Example kStatusExamples[] = {
    {"selftune skill status", "where it is, in which version, what was edited"},
};
constexpr Example kUninstallExamples[] = {
    {"selftune skill uninstall", "out of every place"},
    {"selftune skill uninstall --scope project", "out of this project only"},
};

std::string UpdateParams(const Args& args) {
  std::string params = ParamsByName(kSkillUpdateCommand, args);
  return params.insert(1, params.size() > 2 ? "\"update\":true," : "\"update\":true");
}

}  // namespace

extern const Command kSkillInstallCommand = {
    .path = "skill install",
    .summary = "Put selftune's own skill where the agents look for skills",
    .group = "Tools",
    .op = "install.skill",
    .flags = kInstallFlags,
    .examples = kInstallExamples,
    .render = RenderChange,
};

extern const Command kSkillUpdateCommand = {
    .path = "skill update",
    .summary = "Renew selftune's own skill where it is installed",
    .group = "Tools",
    .op = "install.skill",
    .flags = kFlags,
    .examples = kUpdateExamples,
    .params = UpdateParams,
    .render = RenderChange,
};

extern const Command kSkillStatusCommand = {
    .path = "skill status",
    .summary = "Show where selftune's own skill is, and what became of its files",
    .group = "Tools",
    .op = "install.skill_status",
    .examples = kStatusExamples,
    .render = RenderStatus,
};

extern const Command kSkillUninstallCommand = {
    .path = "skill uninstall",
    .summary = "Take selftune's own skill out again; edited files stay",
    .group = "Tools",
    .op = "install.skill_remove",
    .flags = kFlags,
    .examples = kUninstallExamples,
    .render = RenderChange,
};

}  // namespace selftune::cli

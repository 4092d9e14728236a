// hooks: selftune's hooks in the settings of the agents.
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

Style StyleOf(std::string_view action) {
  if (action == "failed") return Style::kBad;
  return action == "none" ? Style::kDim : Style::kGood;
}

std::string WordOf(const std::string& action, bool dry_run) {
  if (action == "none") return "nothing to do";
  if (action == "failed" || !dry_run) return action;
  return "would be " + action;
}

std::string RenderChange(const Reply& reply, const Screen& screen) {
  std::string out;
  for (const Json& host : reply.data()["platforms"].items()) {
    const std::string action = OneLine(host["action"].Text());
    out += screen.Paint(Style::kBold, OneLine(host["title"].Text())) + "  " +
           screen.Paint(StyleOf(action), WordOf(action, reply.dry_run())) + "\n";
    for (const Json& file : host["files"].items()) {
      out += "  " + OneLine(file["path"].Text()) + "\n";
      if (!file["diff"].is_null()) out += ManyLines(file["diff"].Text());
      if (!file["backup_path"].is_null()) {
        out += screen.Paint(Style::kDim, "  before: " + OneLine(file["backup_path"].Text())) + "\n";
      }
    }
    if (!host["error"].is_null()) out += "  " + OneLine(host["error"].Text()) + "\n";
    for (const Json& need : host["needs"].items()) {
      out += "  " + screen.Paint(Style::kWarn, "now:") + " " + OneLine(need.Text()) + "\n";
    }
  }
  if (out.empty()) out = "Nothing of ours is installed.\n";
  const std::string undo = OneLine(reply.data()["receipt"]["undo"]["command"].Text());
  return undo.empty() ? out : out + "Back: " + undo + "\n";
}

Style StateStyle(std::string_view state) {
  if (state == "installed") return Style::kGood;
  if (state == "unreadable") return Style::kBad;
  return state == "partial" || state == "unapproved" ? Style::kWarn : Style::kDim;
}

std::string RenderStatus(const Reply& reply, const Screen& screen) {
  Table table({{"agent"},
               {"here"},
               {"hooks"},
               {"foreign", Table::Align::kRight},
               {"file", Table::Align::kLeft, true}});
  std::string notes;
  for (const Json& host : reply.data()["platforms"].items()) {
    const std::string state = OneLine(host["state"].Text());
    const std::string name = OneLine(host["title"].Text());
    table.Add({{name},
               {host["detected"].Bool() ? "yes" : "no", Style::kDim},
               {state == "unsupported" ? "none needed" : state, StateStyle(state)},
               {Count(static_cast<int64_t>(host["foreign"].items().size()))},
               {host["path"].is_null() ? "-" : OneLine(host["path"].Text()), Style::kDim}});
    for (const std::string_view key : {"problem", "needs"}) {
      if (!host[key].is_null()) notes += name + ": " + OneLine(host[key].Text()) + "\n";
    }
  }
  return table.Draw(screen) + notes;
}

std::string RenderVerify(const Reply& reply, const Screen& screen) {
  Table table({{"agent"},
               {"event"},
               {"takes", Table::Align::kRight},
               {"result", Table::Align::kLeft, true}});
  std::string notes;
  for (const Json& host : reply.data()["platforms"].items()) {
    const std::string name = OneLine(host["title"].Text());
    if (!host["problem"].is_null()) notes += name + ": " + OneLine(host["problem"].Text()) + "\n";
    for (const Json& hook : host["hooks"].items()) {
      const bool good = hook["ok"].Bool();
      const bool slow = hook["slow"].Bool();
      table.Add(
          {{name},
           {OneLine(hook["event"].Text())},
           {Duration(hook["elapsed_ms"].Int()), slow ? Style::kWarn : Style::kPlain},
           {good ? "ok" : OneLine(hook["problem"].Text()), good ? Style::kGood : Style::kBad}});
    }
  }
  if (table.empty() && notes.empty()) return "No hooks of selftune are installed.\n";
  return (table.empty() ? "" : table.Draw(screen)) + notes;
}

std::string RenderList(const Reply& reply, const Screen& screen) {
  Table table({{"file", Table::Align::kLeft, true}, {"kind"}, {"agent"}, {"since then"}});
  for (const Json& row : reply.data()["items"].items()) {
    const std::string drift = OneLine(row["drift"].Text());
    table.Add(
        {{OneLine(row["path"].Text())},
         {OneLine(row["kind"].Text())},
         {row["platform"].is_null() ? "-" : OneLine(row["platform"].Text())},
         {drift == "none" ? "unchanged" : drift, drift == "none" ? Style::kDim : Style::kWarn}});
  }
  return table.empty() ? "Nothing was written outside selftune's own folder.\n"
                       : table.Draw(screen);
}

constexpr Positional kAgents[] = {
    {"agent",
     "claude, codex, gemini, copilot, qwen, opencode, cline, pi; without, every one that is here",
     /*required=*/false, /*many=*/true, "platforms"},
};
constexpr std::string_view kScopes[] = {"user", "project", "local"};
constexpr Flag kScopeFlags[] = {
    {"scope", "of the person, of this project, or of this project and not shared", FlagType::kText,
     "whose", 0, kScopes},
};
constexpr Flag kInstallFlags[] = {
    {"scope", "of the person, of this project, or of this project and not shared", FlagType::kText,
     "whose", 0, kScopes},
    {"hook-program", "selftune-hook, when it is not beside selftune or on PATH", FlagType::kText,
     "path"},
};
constexpr Example kInstallExamples[] = {
    {"selftune hooks install --dry-run", "show what would be written"},
    {"selftune hooks install", "for every agent that is here"},
    {"selftune hooks install codex", "for one; then approve them in codex"},
    {"selftune hooks install claude --scope local", "in this project only, for you only"},
};
constexpr Example kUninstallExamples[] = {
    {"selftune hooks uninstall", "out of every agent"},
    {"selftune hooks uninstall claude", "out of one"},
};

constexpr Example kStatusExamples[] = {
    {"selftune hooks status", "every agent that is here"},
    {"selftune hooks status codex", "one of them"},
};
constexpr Example kVerifyExamples[] = {
    {"selftune hooks verify", "do they run, how long does an agent wait for them?"},
    {"selftune hooks verify claude", "those of one agent"},
};
constexpr Example kListExamples[] = {
    {"selftune hooks list", "each file that holds something of ours"},
};

}  // namespace

extern const Command kHooksInstallCommand = {
    .path = "hooks install",
    .summary = "Put selftune's hooks into the settings of the agents",
    .group = "Tools",
    .op = "install.hooks",
    .flags = kInstallFlags,
    .positionals = kAgents,
    .examples = kInstallExamples,
    .render = RenderChange,
};

extern const Command kHooksUninstallCommand = {
    .path = "hooks uninstall",
    .summary = "Take selftune's hooks out again, every other byte kept",
    .group = "Tools",
    .op = "install.hooks_remove",
    .flags = kScopeFlags,
    .positionals = kAgents,
    .examples = kUninstallExamples,
    .render = RenderChange,
};

extern const Command kHooksStatusCommand = {
    .path = "hooks status",
    .summary = "Show the hooks of the agents: ours and everybody else's",
    .group = "Tools",
    .op = "install.hooks_status",
    .flags = kScopeFlags,
    .positionals = kAgents,
    .examples = kStatusExamples,
    .render = RenderStatus,
};

extern const Command kHooksVerifyCommand = {
    .path = "hooks verify",
    .summary = "Call each installed hook as its agent would",
    .group = "Tools",
    .op = "install.hooks_verify",
    .flags = kScopeFlags,
    .positionals = kAgents,
    .examples = kVerifyExamples,
    .render = RenderVerify,
    .exit_zero = true,
};

extern const Command kHooksListCommand = {
    .path = "hooks list",
    .summary = "List what selftune wrote outside its own folder",
    .group = "Tools",
    .op = "install.list",
    .examples = kListExamples,
    .render = RenderList,
};

}  // namespace selftune::cli

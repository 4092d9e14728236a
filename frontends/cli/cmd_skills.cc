// skills list, show, parse, lock, unlock.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

// A policy and, where it is not the default, who says so: "propose (git)".
std::string PolicyText(const Json& row) {
  const std::string word = OneLine(row["autonomy"].Text());
  const std::string& source = row["autonomy_source"].Text();
  if (source == "config") return word + " (config)";
  if (source == "frontmatter") return word + " (its file)";
  if (source == "version_control") return word + " (git)";
  return source == "store" ? word + " (store)" : word;
}

// "pdf is switched off in FILE (claude_code)", a line for each file that says so.
std::string SwitchLines(const Json& skill, std::string_view key, std::string_view what) {
  std::vector<std::pair<std::string, std::string>> hosts_of;  // line, hosts
  for (const Json& off : skill[key].items()) {
    std::string line =
        OneLine(skill["name"].Text()) + std::string(what) + OneLine(off["settings"].Text());
    if (!off["project_root"].is_null()) {
      line += " for sessions in " + OneLine(off["project_root"].Text());
    }
    auto known = std::find_if(hosts_of.begin(), hosts_of.end(),
                              [&](const auto& entry) { return entry.first == line; });
    if (known == hosts_of.end()) known = hosts_of.emplace(hosts_of.end(), std::move(line), "");
    const std::string host = OneLine(off["platform"].Text());
    if (("," + known->second + ",").find("," + host + ",") != std::string::npos) continue;
    known->second += (known->second.empty() ? "" : ",") + host;
  }
  std::string out;
  for (const auto& [line, hosts] : hosts_of) out += line + " (" + hosts + ")\n";
  return out;
}

std::string RenderList(const Reply& reply, const Screen& screen) {
  Table table({{"skill", Table::Align::kLeft, true},
               {"state"},
               {"uses", Table::Align::kRight},
               {"misses", Table::Align::kRight},
               {"last use"},
               {"autonomy"},
               {"hosts", Table::Align::kLeft, true},
               {"path", Table::Align::kLeft, true}});
  for (const Json& skill : reply.data()["items"].items()) {
    const auto& paths = skill["paths"].items();
    std::string path = paths.empty() ? "-" : OneLine(paths[0].Text());
    if (paths.size() > 1) path += " +" + Count(static_cast<int64_t>(paths.size()) - 1);
    table.Add({{OneLine(skill["name"].Text())},
               {OneLine(skill["state"].Text())},
               {Count(skill["uses"].Int())},
               {Count(skill["misses"].Int())},
               {Ago(skill["last_use"].Text(), reply.now())},
               {PolicyText(skill)},
               {JoinTexts(skill["platforms"])},
               {path, Style::kDim}});
  }
  if (table.empty()) return "No skills.\n";
  std::string out = table.Draw(screen);
  bool any_unknown = false;
  for (const Json& skill : reply.data()["items"].items()) {
    out += screen.Paint(Style::kDim, SwitchLines(skill, "switched_off", " is switched off in "));
    const std::string unknown = SwitchLines(
        skill, "settings_unknown", " may be switched off by settings that are not understood, ");
    any_unknown = any_unknown || !unknown.empty();
    out += screen.Paint(Style::kDim, unknown);
    out +=
        screen.Paint(Style::kDim, SwitchLines(skill, "switched_on", " is switched on again in "));
  }
  if (any_unknown) {
    out += screen.Paint(Style::kDim, "what is wrong there: selftune doctor --only skills.parse\n");
  }
  const std::string& next = reply.data()["next_cursor"].Text();
  if (!next.empty()) out += screen.Paint(Style::kDim, "more: --cursor " + OneLine(next)) + "\n";
  return out;
}

std::string UsageLine(const Json& usage) {
  return Count(usage["triggered"].Int()) + " triggered (" + Count(usage["explicit"].Int()) +
         " explicit, " + Count(usage["implicit"].Int()) + " implicit, " +
         Count(usage["inferred"].Int()) + " inferred), " + Count(usage["missed"].Int()) +
         " missed, " + Count(usage["refused"].Int()) + " refused, " +
         Count(usage["requested"].Int()) + " requested, " + Count(usage["read_only"].Int()) +
         " read only";
}

std::string TriggerLine(const Json& rate) {
  std::string out = RateOf(rate["k"].Int(), rate["n"].Int());
  const auto& interval = rate["interval"].items();
  if (interval.size() != 2 || rate["n"].Int() == 0) return out;
  return out + ", 95 % within " + Percent(interval[0].Double()) + " – " +
         Percent(interval[1].Double());
}

std::string RenderShow(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  std::string out = Heading(screen, OneLine(data["name"].Text()));
  Fields fields;
  for (const Json& path : data["paths"].items()) fields.Add("path", OneLine(path.Text()));
  fields.AddText("scope", data["scope"]);
  if (const std::string word = OneLine(data["autonomy"].Text()); !word.empty()) {
    fields.Add("autonomy", word + ": " + OneLine(data["autonomy_reason"].Text()));
  } else {
    fields.AddText("state", data["state_reason"]);
  }
  fields.AddText("description", data["description"]);
  fields.Add("uses", UsageLine(data["usage"]));
  fields.Add("trigger rate", TriggerLine(data["trigger_rate"]));
  fields.Add("last use", Ago(data["usage"]["last"].Text(), reply.now()));
  std::string causes;
  for (const auto& [cause, count] : data["causes"].members()) {
    causes += (causes.empty() ? "" : ", ") + OneLine(cause) + " " + Count(count.Int());
  }
  if (!causes.empty()) fields.Add("causes of misses", causes);
  for (const Json& platform : data["platforms"].items()) {
    fields.Add(OneLine(platform["platform"].Text()), Plural(platform["uses"].Int(), "use"));
  }
  if (data["watch"].is_object()) {
    fields.Add("watch", OneLine(data["watch"]["state"].Text()) + " " +
                            OneLine(data["watch"]["deploy_id"].Text()));
  }
  for (const Json& proposal : data["proposals"].items()) {
    fields.Add("proposal", OneLine(proposal["proposal_id"].Text()) + " " +
                               OneLine(proposal["state"].Text()) + ", " +
                               Ago(proposal["created"].Text(), reply.now()));
  }
  for (const Json& deploy : data["deploys"].items()) {
    fields.Add("deploy", OneLine(deploy["deploy_id"].Text()) + " " +
                             OneLine(deploy["state"].Text()) + ", " +
                             Ago(deploy["at"].Text(), reply.now()));
  }
  return out + fields.Draw(screen);
}

std::string RenderParse(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  Fields fields;
  fields.Add("name", OneLine(data["name"].Text()));
  fields.AddText("version", data["version"]);
  fields.AddText("title", data["title"]);
  fields.Add("style", OneLine(data["description_style"].Text()));
  const auto& span = data["description_span"].items();
  if (span.size() == 2) fields.Add("bytes", Count(span[0].Int()) + " to " + Count(span[1].Int()));
  fields.AddText("description", data["description"]);
  fields.Add("keys", JoinTexts(data["top_level_keys"]));
  if (!data["warnings"].items().empty()) fields.Add("warnings", JoinTexts(data["warnings"]));
  if (!data["errors"].items().empty()) fields.Add("errors", JoinTexts(data["errors"]));
  return fields.Draw(screen);
}

std::string RenderPolicy(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  const std::string now = OneLine(data["after"].Text());
  const std::string was = OneLine(data["before"].Text());
  std::string out = OneLine(data["skill"].Text()) + ": " + screen.Paint(Style::kBold, now) +
                    (now == was ? "" : " (was " + was + ")") + "\n";
  out += OneLine(data["reason"].Text()) + "\n";
  if (reply.dry_run()) return out + "dry run, nothing is changed\n";
  const std::string undo = OneLine(data["receipt"]["undo"]["command"].Text());
  return undo.empty() ? out : out + "Back: " + undo + "\n";
}

std::string PolicyParams(const Args& args, std::string_view autonomy) {
  return JsonObject()
      .Add("skill", args.Get("skill"))
      .Add("skill_path", args.Get("skill-path"))
      .AddText("autonomy", autonomy)
      .Take();
}

std::string LockParams(const Args& args) { return PolicyParams(args, "locked"); }
std::string UnlockParams(const Args& args) {
  return PolicyParams(args, args.Get("to").value_or("propose"));
}

constexpr std::string_view kSorts[] = {"uses", "name", "last", "misses"};
constexpr Flag kListFlags[] = {
    kPlatformFlag,
    {"status", "only skills in this state", FlagType::kText, "state"},
    {"name", "part of the name", FlagType::kText, {}, 0, {}, "q"},
    {"sort", "order of the rows", FlagType::kText, {}, 0, kSorts},
    kLimitFlag,
    kCursorFlag,
};
constexpr Example kListExamples[] = {
    {"selftune skills list", "every skill, most used first"},
    {"selftune skills list --sort misses", "where it hurts"},
};
constexpr Flag kShowFlags[] = {kSkillPathFlag, kSinceFlag, kUntilFlag};
constexpr Positional kSkillPositional[] = {{"skill", "name of the skill"}};
constexpr Example kShowExamples[] = {
    {"selftune skills show pdf --since 30d", "one skill, one month"}};
constexpr Flag kLockFlags[] = {kSkillPathFlag};
constexpr std::string_view kUnlocked[] = {"propose", "auto"};
constexpr Flag kUnlockFlags[] = {
    {"to",
     "propose: changes wait for a review (default); auto: they need none",
     FlagType::kText,
     {},
     0,
     kUnlocked,
     "autonomy"},
    kSkillPathFlag,
};
constexpr Example kLockExamples[] = {{"selftune skills lock pdf", "never change this skill"}};
constexpr Example kUnlockExamples[] = {
    {"selftune skills unlock pdf", "its changes are proposed, a person decides"},
    {"selftune skills unlock pdf --to auto", "what is proven better goes into its file"},
};
constexpr Positional kPathPositional[] = {{"path", "a SKILL.md"}};
constexpr Example kParseExamples[] = {
    {"selftune skills parse ~/.claude/skills/pdf/SKILL.md", "what a host reads in it"}};

}  // namespace

extern const Command kSkillsListCommand = {
    .path = "skills list",
    .summary = "List the skills that are installed or were used",
    .group = "See",
    .op = "skill.list",
    .flags = kListFlags,
    .examples = kListExamples,
    .render = RenderList,
};

extern const Command kSkillsShowCommand = {
    .path = "skills show",
    .summary = "Show everything known about one skill",
    .group = "See",
    .op = "skill.report",
    .flags = kShowFlags,
    .positionals = kSkillPositional,
    .examples = kShowExamples,
    .render = RenderShow,
};

extern const Command kSkillsLockCommand = {
    .path = "skills lock",
    .summary = "Let nothing change a skill",
    .group = "Improve",
    .op = "skill.set_autonomy",
    .flags = kLockFlags,
    .positionals = kSkillPositional,
    .examples = kLockExamples,
    .params = LockParams,
    .render = RenderPolicy,
};

extern const Command kSkillsUnlockCommand = {
    .path = "skills unlock",
    .summary = "Let a skill be improved, with or without a review",
    .group = "Improve",
    .op = "skill.set_autonomy",
    .flags = kUnlockFlags,
    .positionals = kSkillPositional,
    .examples = kUnlockExamples,
    .params = UnlockParams,
    .render = RenderPolicy,
};

extern const Command kSkillsParseCommand = {
    .path = "skills parse",
    .summary = "Show what is read in a SKILL.md",
    .group = "Tools",
    .op = "skill.parse",
    .positionals = kPathPositional,
    .examples = kParseExamples,
    .render = RenderParse,
    .rare = true,
};

}  // namespace selftune::cli

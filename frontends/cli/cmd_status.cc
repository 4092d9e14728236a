// status, doctor: how things are.
#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

Style StyleOf(const std::string& state) {
  if (state == "HEALTHY") return Style::kGood;
  if (state == "CRITICAL") return Style::kBad;
  if (state == "WARNING") return Style::kWarn;
  return Style::kDim;
}

std::string Arrow(const std::string& direction) {
  if (direction == "up") return "↑";
  if (direction == "down") return "↓";
  return direction == "stable" ? "→" : "?";
}

// "7/9" and the interval: a rate never travels without its denominator.
std::string Recall(const Json& trigger) {
  const int64_t expected = trigger["expected"].Int();
  if (expected == 0) return "-";
  std::string out = Count(trigger["hit"].Int()) + "/" + Count(expected);
  const auto& ci = trigger["ci95"].items();
  if (ci.size() != 2) return out;
  return out + " (" + Percent(ci[0].Double()) + " – " + Percent(ci[1].Double()) + ")";
}

// "3/4": good ones of those that were judged.
std::string GoodOf(const Json& judged, std::string_view of) {
  const int64_t n = judged[of].Int();
  return n == 0 ? "-" : Count(judged["good"].Int()) + "/" + Count(n);
}

std::string Texts(const Json& list) {
  std::string out;
  for (const Json& item : list.items()) out += (out.empty() ? "" : ", ") + OneLine(item.Text());
  return out.empty() ? "-" : out;
}

// What is beside the others where there is room for it.
std::vector<Table::Cell> MoreOf(const Json& skill) {
  return {{GoodOf(skill["precision"], "n")},
          {GoodOf(skill["sessions"], "judged")},
          {Count(skill["pending_proposals"].Int())},
          {OneLine(skill["autonomy"].Text())},
          {Texts(skill["flags"])},
          {Texts(skill["platforms"])},
          {skill["path"].is_null() ? "-" : OneLine(skill["path"].Text())}};
}

// The command that goes on from here, about the same host.
std::string SkillsList(const Json& data) {
  const std::string command = "selftune skills list";
  return data["platform"].is_null() ? command
                                    : command + " --platform " + OneLine(data["platform"].Text());
}

std::string SkillsTable(const Reply& reply, const Screen& screen) {
  std::vector<Table::Column> columns = {{"skill", Table::Align::kLeft, true},    {"state"},
                                        {"recall (95 %)", Table::Align::kRight}, {"trend"},
                                        {"uses", Table::Align::kRight},          {"last use"},
                                        {"why", Table::Align::kLeft, true}};
  if (screen.wide) {
    for (const char* title :
         {"right uses", "good sessions", "proposals", "autonomy", "flags", "agents", "path"}) {
      columns.push_back({title});
    }
  }
  Table table(std::move(columns));
  for (const Json& skill : reply.data()["skills"].items()) {
    const std::string& state = skill["state"].Text();
    std::vector<Table::Cell> row = {{OneLine(skill["name"].Text())},
                                    {OneLine(state), StyleOf(state)},
                                    {Recall(skill["trigger"])},
                                    {Arrow(skill["trend"]["direction"].Text())},
                                    {Count(skill["uses"].Int())},
                                    {Ago(skill["last_invocation"].Text(), reply.now())},
                                    {OneLine(skill["state_reason"].Text()), Style::kDim}};
    if (screen.wide) {
      for (Table::Cell& cell : MoreOf(skill)) row.push_back(std::move(cell));
    }
    table.Add(std::move(row));
  }
  if (table.empty()) return "";
  const auto listed = static_cast<int64_t>(reply.data()["skills"].items().size());
  const int64_t total = reply.data()["skills_total"].Int();
  std::string out = table.Draw(screen);
  if (total > listed) {
    out += screen.Paint(Style::kDim, "and " + Count(total - listed) +
                                         " more: " + SkillsList(reply.data()) + ", or --limit") +
           "\n";
  }
  return out;
}

std::string SilentLine(const Json& silent, int64_t total, bool all) {
  const size_t shown = all ? silent.items().size() : 8;
  std::string names;
  for (size_t i = 0; i < silent.items().size() && i < shown; ++i) {
    names += (i > 0 ? ", " : "") + OneLine(silent.items()[i]["name"].Text());
  }
  if (static_cast<int64_t>(std::min(silent.items().size(), shown)) < total) names += ", …";
  return Count(total) + ": " + names;
}

// What a run would take up; what it would leave is in the JSON.
std::string PlanLines(const Json& plan, const Screen& screen) {
  std::string out;
  for (const Json& decision : plan.items()) {
    if (decision["action"].Text() != "evolve") continue;
    if (out.empty()) out = "\n" + Heading(screen, "a run would look at");
    out += "  " + OneLine(decision["skill"].Text()) + "  " +
           screen.Paint(Style::kDim, OneLine(decision["reason"].Text())) + "\n";
  }
  return out;
}

// "7 of 9 skills used, none judged yet"
std::string CountsLine(const Json& counts) {
  const int64_t attention = counts["attention"].Int();
  std::string out =
      Count(counts["used"].Int()) + " of " + Plural(counts["total"].Int(), "skill") + " used, ";
  if (attention > 0) return out + Count(attention) + " needing attention";
  return out + (counts["judged"].Int() == 0 ? "none judged yet" : "nothing urgent");
}

std::string RenderStatus(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  const Json& evidence = data["evidence"];
  std::string out = Heading(screen, CountsLine(data["counts"]));
  out += screen.Paint(Style::kDim, "window " + OneLine(data["window"].Text()) + ", " +
                                       Plural(evidence["sessions"].Int(), "session") + ", " +
                                       Plural(evidence["prompts"].Int(), "prompt") + ", newest " +
                                       Ago(evidence["newest"].Text(), reply.now())) +
         "\n\n";
  const std::string table = SkillsTable(reply, screen);
  if (!table.empty()) out += table + "\n";
  Fields fields;
  if (!data["silent_skills"].items().empty()) {
    fields.Add("installed, not used",
               SilentLine(data["silent_skills"], data["silent_total"].Int(), screen.wide));
  }
  const int64_t disabled = data["disabled_total"].Int();
  if (disabled > 0) {
    fields.Add("switched off in settings",
               Count(disabled) + ": " + SkillsList(data) + " --status disabled");
  }
  fields.Add("prompts without a skill", Count(data["unmatched"]["count"].Int()) +
                                            " of the newest " +
                                            Count(data["unmatched"]["of"].Int()));
  fields.AddCount("proposals to review", data["proposals_pending"]);
  const Json& system = data["system"];
  fields.Add("system", system["healthy"].Bool() ? "healthy"
                                                : Plural(system["fail"].Int(), "check") +
                                                      " failed; see selftune doctor");
  return out + fields.Draw(screen) + PlanLines(data["plan"], screen);
}

// "✓ db.open   opened", and below a finding what to do about it.
std::string CheckLines(const Json& check, const Screen& screen) {
  struct Mark {
    std::string_view status, mark;
    Style style;
  };
  constexpr Mark kMarks[] = {{"pass", "✓", Style::kGood},
                             {"info", "i", Style::kPlain},
                             {"warn", "!", Style::kWarn},
                             {"fail", "✗", Style::kBad},
                             {"skip", "-", Style::kDim}};
  const auto* const mark =
      std::find_if(std::begin(kMarks), std::end(kMarks) - 1,
                   [&](const Mark& m) { return m.status == check["status"].Text(); });
  std::string out = "  " + screen.Paint(mark->style, mark->mark) + " " +
                    PadRight(OneLine(check["name"].Text()), 30) + " " +
                    OneLine(check["message"].Text()) + "\n";
  const std::string command = OneLine(check["guidance"]["command"].Text());
  const std::string text = OneLine(check["guidance"]["text"].Text());
  if (command.empty() && text.empty()) return out;
  return out + "      → " + text +
         (command.empty() ? "" : "  " + screen.Paint(Style::kBold, command)) + "\n";
}

// Checks run in an order of their own; here those of a group stand together.
std::string RenderDoctor(const Reply& reply, const Screen& screen) {
  std::vector<std::pair<std::string, std::string>> groups;  // name, lines
  for (const Json& check : reply.data()["checks"].items()) {
    const std::string name = OneLine(check["name"].Text());
    const std::string of = name.substr(0, name.find('.'));
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& known) { return known.first == of; });
    if (group == groups.end()) group = groups.emplace(groups.end(), of, "");
    group->second += CheckLines(check, screen);
  }
  std::string out;
  for (const auto& [name, lines] : groups) out += Heading(screen, name) + lines + "\n";
  const Json& data = reply.data();
  out += data["healthy"].Bool() ? screen.Paint(Style::kGood, "healthy")
                                : screen.Paint(Style::kBad, "unhealthy");
  return out + ": " + Count(data["pass"].Int()) + " pass, " + Count(data["warn"].Int()) +
         " warn, " + Count(data["fail"].Int()) + " fail\n";
}

std::string RenderFix(const Reply& reply, const Screen& screen) {
  std::string out;
  for (const Json& check : reply.data()["applied"].items()) {
    out += screen.Paint(Style::kGood, reply.dry_run() ? "would fix" : "fixed") + "  " +
           OneLine(check["name"].Text()) + ": " + OneLine(check["message"].Text()) + "\n";
  }
  for (const Json& check : reply.data()["remaining"].items()) {
    out += screen.Paint(Style::kWarn, "left") + "  " + OneLine(check["name"].Text()) + ": " +
           OneLine(check["message"].Text()) + "\n";
    for (const std::string_view key : {"error", "command"}) {
      if (!check[key].is_null()) out += "      → " + OneLine(check[key].Text()) + "\n";
    }
  }
  return out.empty() ? "Nothing to fix.\n" : out;
}

constexpr Flag kStatusFlags[] = {
    kSkillFlag,
    kSkillPathFlag,
    {"window", "20s sessions or 30d days", FlagType::kText, "window"},
    kPlatformFlag,
    {"refresh", "sync first", FlagType::kSwitch},
    {"limit", "skills listed at most (200)", FlagType::kInt, "n"},
    {"wide", "more columns, nothing shortened", FlagType::kSwitch, {}, 0, {}, "-"},
};
constexpr Example kStatusExamples[] = {
    {"selftune status", "all skills of the last 30 days"},
    {"selftune status --skill pdf --window 90d", "one skill, three months"},
    {"selftune status --wide --text", "all columns, names and reasons whole"},
    {"selftune status --watch 5", "drawn anew every 5 seconds; piped: a line of JSON each"},
    {"selftune status --json --fields skills.name,skills.state", "few words for an agent"},
};

constexpr Flag kDoctorFlags[] = {
    {"only", "checks whose name matches: db.*", FlagType::kText, "glob"},
    {"deep", "also what takes long", FlagType::kSwitch},
    {"online", "checks that need the network; there is none yet", FlagType::kSwitch},
    {"fix", "do what it advises where that is safe", FlagType::kSwitch, {}, 0, {}, "-"},
    {"dry-run", "with --fix: say what would be done", FlagType::kSwitch, {}, 'n', {}, "-"},
};
constexpr Variant kDoctorVariants[] = {{"fix", "doctor.fix", RenderFix}};
constexpr Example kDoctorExamples[] = {
    {"selftune doctor", "is everything in order?"},
    {"selftune doctor --only 'db.*' --deep", "the store, thoroughly"},
    {"selftune doctor --fix --dry-run", "what could be put in order at once?"},
};

std::string RenderBugreport(const Reply& reply, const Screen&) {
  const std::string path = OneLine(reply.data()["path"].Text());
  return (reply.dry_run() ? "would write " : "") + path + "  (" +
         Bytes(reply.data()["bytes"].Int()) + ")\nRead it before you give it to anybody.\n";
}

constexpr Flag kBugreportFlags[] = {
    {"dir", "where to; without, the state folder", FlagType::kText, "dir"},
};
constexpr Example kBugreportExamples[] = {
    {"selftune bugreport", "one file: versions, checks, counts, errors"},
    {"selftune bugreport --dir .", "here"},
};

}  // namespace

extern const Command kBugreportCommand = {
    .path = "bugreport",
    .summary = "Write a file for a bug report, without words of yours",
    .group = "Tools",
    .op = "doctor.bugreport",
    .flags = kBugreportFlags,
    .examples = kBugreportExamples,
    .render = RenderBugreport,
    .rare = true,
};

extern const Command kStatusCommand = {
    .path = "status",
    .summary = "Show how the skills are doing",
    .group = "See",
    .op = "status.get",
    .flags = kStatusFlags,
    .examples = kStatusExamples,
    .render = RenderStatus,
    .repeats = true,
};

extern const Command kDoctorCommand = {
    .path = "doctor",
    .summary = "Check the installation, the store and the evidence",
    .group = "See",
    .op = "doctor.run",
    .flags = kDoctorFlags,
    .examples = kDoctorExamples,
    .render = RenderDoctor,
    .exit_zero = true,
    .variants = kDoctorVariants,
    .threads = true,
};

}  // namespace selftune::cli

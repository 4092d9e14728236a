// skill.budget: the room in a host's list of skills.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "capi/ops.h"
#include "capi/readout.h"
#include "hosts/installed_skills.h"
#include "hosts/registry.h"
#include "status/listing_budget.h"
#include "status/listing_recorded.h"
#include "store/db.h"
#include "store/queries/host_uses.h"
#include "store/source_ledger.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using hosts::HostRow;
using hosts::ListingBudget;
using status::ListedLine;

constexpr int64_t kDefaultDays = 30;

struct HostBudget {
  const HostRow* row = nullptr;
  status::ListingLimit limit;
  std::vector<ListedLine> lines;
  std::optional<status::RecordedListing> recorded;

  [[nodiscard]] int64_t total() const { return status::TotalChars(lines); }
  [[nodiscard]] int64_t listed() const {
    return std::count_if(lines.begin(), lines.end(),
                         [](const ListedLine& line) { return !line.explicit_only; });
  }
  [[nodiscard]] int64_t cut() const {
    return std::count_if(lines.begin(), lines.end(),
                         [](const ListedLine& line) { return line.cut(); });
  }
  [[nodiscard]] int64_t recorded_cut() const { return recorded.has_value() ? recorded->cut : 0; }
  // Above 1: more than there is room for.
  [[nodiscard]] double fill() const {
    if (!limit.chars.has_value()) return 0;
    return static_cast<double>(total()) / static_cast<double>(*limit.chars);
  }
};

// Uses by host and lower-cased name.
using Uses = std::map<std::pair<std::string, std::string>, int64_t>;

StatusOr<Uses> ReadUses(store::Db& db, const store::TimeWindow& window) {
  ST_ASSIGN_OR_RETURN(const std::vector<store::HostUses> rows, store::ReadHostUses(db, window));
  Uses uses;
  for (const store::HostUses& row : rows) {
    uses[{row.platform, base::AsciiLower(row.skill)}] += row.triggered;
  }
  return uses;
}

store::TimeWindow UsesWindow(const Context& context, const JsonValue& params) {
  store::TimeWindow window = WindowOf(params);
  if (!window.from.has_value()) {
    const int64_t end = window.to.value_or(context.now()).value;
    window.from = UtcMillis{end - kDefaultDays * kDayMs};
  }
  return window;
}

StatusOr<skillfs::Discovery> Installed(const base::Environment& env, const JsonValue& params) {
  std::vector<std::string> projects;
  if (params["project"].is_string()) {
    projects.push_back(params["project"].AsString());
    const auto info = base::Stat(projects.front());
    if (!info.ok() || !info->is_dir()) {
      return WithSuggestion(
          Fail(kInvalidRequest, "skill.budget: the project {} is no folder", projects.front()),
          "name a working directory, or leave it out for the skills of the person", "");
    }
  }
  skillfs::DiscoveryRequest request = hosts::DiscoveryFor(env, projects);
  request.digests = false;
  request.ownership = false;
  hosts::AddSettings(request);
  return skillfs::DiscoverSkills(request);
}

StatusOr<HostBudget> Measure(store::Db& db, const HostRow& row, const base::Environment& env,
                             const skillfs::Discovery& skills, const Uses& uses,
                             const JsonValue& params) {
  const JsonValue& project = params["project"];
  const std::string cwd =
      project.is_string() ? base::NormalizePath("/", project.AsString()) : std::string();
  HostBudget out{
      .row = &row, .limit = {}, .lines = status::LinesOf(row, skills, cwd), .recorded = {}};
  const JsonValue& tokens = params["context_tokens"];
  out.limit = status::ReadListingLimit(
      row, env, tokens.is_int() ? std::optional(tokens.AsInt()) : std::nullopt);
  for (ListedLine& line : out.lines) {
    const auto found = uses.find({std::string(row.platform), base::AsciiLower(line.name)});
    if (found != uses.end()) line.uses = found->second;
  }
  status::CutListing(row, out.limit, out.lines);
  status::SortByValue(out.lines);
  ST_ASSIGN_OR_RETURN(out.recorded, status::ReadRecordedListing(db, row));
  return out;
}

StatusOr<std::vector<HostBudget>> MeasureAll(Context& context, const store::TimeWindow& window,
                                             const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(store::Db* const db, context.ReadDb());
  ST_ASSIGN_OR_RETURN(const base::Environment* const env, context.hosts_env());
  ST_ASSIGN_OR_RETURN(const Uses uses, ReadUses(*db, window));
  ST_ASSIGN_OR_RETURN(const skillfs::Discovery skills, Installed(*env, params));
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> known, store::HostsWithSessions(*db));
  std::vector<HostBudget> out;
  for (const HostRow& row : hosts::Rows()) {
    const bool asked = params["platform"].AsString() == row.platform;
    if (!asked && !hosts::IsHere(row, *env, known)) continue;
    ST_ASSIGN_OR_RETURN(HostBudget budget, Measure(*db, row, *env, skills, uses, params));
    if (asked || !budget.lines.empty()) out.push_back(std::move(budget));
  }
  return out;
}

// Leaves the line of one skill in each, and of hosts that have none nothing.
void KeepSkill(const std::string& skill, std::vector<HostBudget>& budgets) {
  std::erase_if(budgets, [&](const HostBudget& budget) {
    return std::none_of(budget.lines.begin(), budget.lines.end(), [&](const ListedLine& line) {
      return base::EqualsIgnoreCase(line.name, skill);
    });
  });
}

// How much of it this host leaves out.
int64_t LostOf(const HostBudget& budget, const std::string& skill) {
  int64_t lost = 0;
  for (const ListedLine& line : budget.lines) {
    if (base::EqualsIgnoreCase(line.name, skill) && line.cut()) {
      lost += line.chars - line.shown.value_or(0);
    }
  }
  return lost;
}

// The one that was asked for, else the one where most is lost.
const HostBudget* Choose(const std::vector<HostBudget>& budgets, const std::string& asked,
                         const std::string& skill) {
  const HostBudget* best = nullptr;
  const auto need = [&](const HostBudget& budget) {
    return std::tuple(LostOf(budget, skill), std::max(budget.cut(), budget.recorded_cut()),
                      budget.fill(), budget.total());
  };
  for (const HostBudget& budget : budgets) {
    if (!asked.empty() && budget.row->platform != asked) continue;
    if (best == nullptr || need(budget) > need(*best)) best = &budget;
  }
  return best;
}

std::string_view Word(ListingBudget::Cut cut) {
  switch (cut) {
    case ListingBudget::Cut::kLeastUsed:
      return "least_used";
    case ListingBudget::Cut::kShortened:
      return "shortened";
    case ListingBudget::Cut::kUnknown:
      break;
  }
  return "unknown";
}

void WriteSkill(JsonWriter& out, const ListedLine& line, const std::string& recorded_state) {
  out.BeginObject()
      .Field("name", line.name)
      .Field("path", line.path)
      .Field("scope", line.scope)
      .Field("chars", line.chars)
      .Field("description_chars", line.description_chars)
      .Field("shown_chars", line.shown)
      .Field("state", line.state)
      .Field("uses", line.uses)
      .Field("value_per_char", line.Value());
  TextOrNull(out, "recorded_state", recorded_state);
  out.Field("managed", line.managed).EndObject();
}

// Skills, and what was recorded of them.
void WriteLines(JsonWriter& out, const HostBudget& budget, const std::string& skill) {
  status::RecordedMatch match;
  if (budget.recorded.has_value()) {
    match = status::MatchRecorded(*budget.row, *budget.recorded, budget.lines);
  }
  out.Key("skills").BeginArray();
  for (size_t i = 0; i < budget.lines.size(); ++i) {
    if (!skill.empty() && !base::EqualsIgnoreCase(budget.lines[i].name, skill)) continue;
    WriteSkill(out, budget.lines[i], match.states.empty() ? std::string() : match.states[i]);
  }
  out.EndArray();
  if (!budget.recorded.has_value()) {
    out.NullField("recorded");
    return;
  }
  out.Key("recorded")
      .BeginObject()
      .Field("session_id", budget.recorded->session_id)
      .Field("at", budget.recorded->at)
      .Field("skills", static_cast<int64_t>(budget.recorded->skills.size()))
      .Field("chars", budget.recorded->chars)
      .Field("cut", budget.recorded->cut)
      .Field("others", match.others)
      .Field("others_chars", match.others_chars)
      .EndObject();
}

void WriteHosts(JsonWriter& out, const std::vector<HostBudget>& budgets) {
  out.Key("hosts").BeginArray();
  for (const HostBudget& budget : budgets) {
    const bool known = budget.limit.chars.has_value();
    out.BeginObject()
        .Field("platform", budget.row->platform)
        .Field("title", budget.row->title)
        .Field("skills", budget.listed())
        .Field("listing_chars", budget.total())
        .Field("limit", budget.limit.chars)
        .Field("cut", known ? std::optional(budget.cut()) : std::nullopt)
        .Field("recorded_cut",
               budget.recorded.has_value() ? std::optional(budget.recorded->cut) : std::nullopt)
        .EndObject();
  }
  out.EndArray();
}

// What to shorten first, when something is lost.
void PointOn(Context& context, const HostBudget& budget) {
  if (budget.cut() + budget.recorded_cut() == 0) return;
  const auto first =
      std::find_if(budget.lines.begin(), budget.lines.end(), [](const ListedLine& line) {
        return !line.managed && !line.explicit_only && line.description_chars > 0;
      });
  if (first == budget.lines.end()) {
    context.SetNext({.argv = {"selftune", "skills", "list", "--sort", "last"},
                     .reason = "the skills that were not used for longest: remove some"});
    return;
  }
  context.SetNext(
      {.argv = {"selftune", "skills", "lint", first->path},
       .reason = fmt::format("shorten {} first: {} characters, {} {}", first->name, first->chars,
                             first->uses, first->uses == 1 ? "use" : "uses")});
}

}  // namespace

StatusOr<std::string> SkillBudget(Context& context, const JsonValue& params) {
  const store::TimeWindow window = UsesWindow(context, params);
  ST_ASSIGN_OR_RETURN(std::vector<HostBudget> budgets, MeasureAll(context, window, params));
  const std::string& skill = params["skill"].AsString();
  if (!skill.empty()) {
    KeepSkill(skill, budgets);
    if (budgets.empty()) {
      return WithSuggestion(Fail(kSkillNotFound, "no host lists a skill {} here", skill),
                            "see which are listed, or name the project it belongs to",
                            "selftune budget");
    }
  }
  const HostBudget* const shown = Choose(budgets, params["platform"].AsString(), skill);
  const HostBudget nothing;
  const HostBudget& budget = shown == nullptr ? nothing : *shown;
  JsonWriter out;
  out.BeginObject();
  TextOrNull(out, "platform", shown == nullptr ? std::string_view() : shown->row->platform);
  TextOrNull(out, "title", shown == nullptr ? std::string_view() : shown->row->title);
  out.Field("since", window.from).Field("until", window.to);
  TextOrNull(out, "project", params["project"].AsString());
  out.Field("listing_chars", budget.total())
      .Field("limit", budget.limit.chars)
      .Field("limit_basis", shown == nullptr ? "no skill is installed" : budget.limit.basis)
      .Field("cut",
             Word(shown == nullptr ? ListingBudget::Cut::kUnknown : shown->row->listing.cut));
  TextOrNull(out, "skill", skill);
  WriteLines(out, budget, skill);
  std::set<std::string> unknown;
  for (const ListedLine& line : budget.lines) {
    if (!line.unknown_by.empty()) unknown.insert(line.unknown_by);
  }
  out.Key("settings_unknown").BeginArray();
  for (const std::string& settings : unknown) out.String(settings);
  out.EndArray();
  WriteHosts(out, budgets);
  out.EndObject();
  if (shown != nullptr) PointOn(context, *shown);
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops

// Checks of the skills that are installed and of what waits for a decision about them.
#include <algorithm>
#include <cstdint>
#include <future>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "base/utf8.h"
#include "hosts/installed_skills.h"
#include "skillfs/discovery.h"
#include "status/doctor_checks.h"
#include "status/off_switches.h"
#include "store/queries/skill_facts.h"
#include "store/source_ledger.h"

namespace selftune::status {
namespace {

constexpr int64_t kSilentDays = 30;
constexpr size_t kMaxDescription = 1024;  // code points, Agent Skills specification
constexpr size_t kNamesShown = 5;

std::string Names(const std::vector<std::string>& names) {
  std::vector<std::string> shown(names.begin(),
                                 names.begin() + std::min(names.size(), kNamesShown));
  std::string text = base::Join(shown, ", ");
  return names.size() > kNamesShown ? text + ", ..." : text;
}

Check AboutProblem(const skillfs::DiscoveryProblem& problem) {
  Check check{.name = "skills.parse",
              .status = CheckStatus::kWarn,
              .message = fmt::format("{}: {}", problem.code, problem.message),
              .path = problem.path,
              .text = "no agent can read it either; see what it is",
              .command = base::JoinCommand({"ls", "-ld", problem.path})};
  if (problem.settings) {
    check.text = "what it says of skills, and where it has some, is not known; see what it is";
  }
  if (problem.code.starts_with("TOO_MANY") || problem.code == "ENTRY_TOO_LONG") {
    check.text = "nothing is looked for beyond that, an agent may do so; see what it is";
  }
  if (problem.code == "PATTERN_UNKNOWN") {
    check.text = "this kind of pattern is not known here, nor whether it lets in";
  }
  if (problem.line > 0) {
    check.text = "what it says of skills is not known; see the line and correct it";
    check.command =
        base::JoinCommand({"sed", "-n", fmt::format("{}p", problem.line), problem.path});
  }
  return check;
}

void CheckFiles(const skillfs::Discovery& found, Checks& out) {
  int64_t bad = 0;
  for (const skillfs::InstalledSkill& skill : found.skills) {
    const bool broken = !skill.frontmatter.errors.empty();
    const size_t length = base::CountCodePoints(skill.frontmatter.description.value_or(""));
    if (!broken && length <= kMaxDescription) continue;
    ++bad;
    Check check{.name = "skills.parse", .status = CheckStatus::kWarn, .path = skill.real_path};
    check.message = broken ? fmt::format("{}: {}", skill.name, skill.frontmatter.errors.front())
                           : fmt::format("{}: the description has {} characters, hosts read {}",
                                         skill.name, length, kMaxDescription);
    check.text = "correct its frontmatter";
    check.command = base::JoinCommand({"selftune", "skills", "parse", skill.real_path});
    out.push_back(std::move(check));
  }
  for (const skillfs::DiscoveryProblem& problem : found.problems) {
    ++bad;
    out.push_back(AboutProblem(problem));
  }
  if (bad == 0) {
    out.push_back({.name = "skills.parse",
                   .message = fmt::format("{} SKILL.md, all understood", found.skills.size())});
  }
}

void CheckShadowed(const skillfs::Discovery& found, Checks& out) {
  std::vector<std::string> hidden;
  std::string name, path, by;
  for (const skillfs::InstalledSkill& skill : found.skills) {
    for (const skillfs::SkillPlacement& placement : skill.placements) {
      if (placement.shadowed_by.empty()) continue;
      hidden.push_back(fmt::format("{} ({})", placement.name, placement.platform));
      if (!path.empty()) continue;
      name = placement.name;
      path = placement.path;
      by = placement.shadowed_by;
    }
  }
  Check check{.name = "skills.shadowed", .message = "no skill hides another"};
  if (!hidden.empty()) {
    check.status = CheckStatus::kInfo;
    check.message =
        fmt::format("hidden by one of the same name: {}; {} by {}", Names(hidden), path, by);
    check.path = path;
    check.text = "the hidden file is never read by that host; rename or remove one";
    check.command = base::JoinCommand({"selftune", "skills", "show", name});
  }
  out.push_back(std::move(check));
}

void CheckDisabled(const skillfs::Discovery& found, Checks& out) {
  std::vector<std::string> off, maybe;
  std::string settings, unknown;
  for (const skillfs::InstalledSkill& skill : found.skills) {
    for (const skillfs::SkillPlacement& placement : skill.placements) {
      const skillfs::Switches& switches = placement.switches;
      const auto told = [&](std::string_view more) {
        return fmt::format("{} ({}{})", placement.name, placement.platform, more);
      };
      const auto off_in = std::ranges::find(switches.in_projects, skillfs::SwitchState::kOff,
                                            &skillfs::ProjectSwitch::state);
      const bool somewhere = off_in != switches.in_projects.end();
      const std::string& by =
          switches.disabled_by.empty() && somewhere ? off_in->settings : switches.disabled_by;
      const skillfs::ProjectSwitch* const on = switches.OnAgain();
      const std::string but = on == nullptr ? "" : fmt::format(", but on in {}", on->project_root);
      if (!by.empty()) {
        off.push_back(told(switches.disabled_by.empty() ? "" : but));
        if (settings.empty()) settings = by;
      } else if (!switches.unknown_by.empty()) {
        maybe.push_back(told(but));
        if (unknown.empty()) unknown = switches.unknown_by;
      }
    }
  }
  Check check{.name = "skills.disabled",
              .message = maybe.empty() ? "no settings switch a skill off"
                                       : "no settings that are understood switch a skill off"};
  if (!off.empty()) {
    check.status = CheckStatus::kInfo;
    check.message = fmt::format("switched off in settings: {}; see {}", Names(off), settings);
    check.path = settings;
  }
  if (!maybe.empty()) {
    check.status = CheckStatus::kWarn;
    check.message +=
        fmt::format("; not known: {}, for {} is not understood", Names(maybe), unknown);
    check.path = unknown;
    check.text = "what runs by itself leaves out skills that no agent is known to offer";
    check.command = "selftune doctor --only skills.parse";
  }
  out.push_back(std::move(check));
}

// The skill was there when the window began: evidence knew it, or its file has
// not been touched since (a new store has met every skill today).
using TouchedAt = std::unordered_map<std::string_view, int64_t>;  // ms, by path

TouchedAt TouchesOf(const skillfs::Discovery& found) {
  TouchedAt out;
  for (const skillfs::InstalledSkill& skill : found.skills) {
    for (const skillfs::SkillPlacement& placement : skill.placements) {
      out.try_emplace(placement.path, skill.stamp.ctime_ns / 1'000'000);
    }
  }
  return out;
}

bool IsOldEnough(const store::SkillPlace& place, const TouchedAt& touched, UtcMillis since) {
  if (place.first_seen <= since) return true;
  const auto at = touched.find(place.path);
  return at != touched.end() && at->second <= since.value;
}

// What the store and the settings say of the use of skills.
struct KnownUse {
  UtcMillis since;
  std::vector<store::SkillTotals> totals;
  std::vector<store::SkillPlace> places;
  std::vector<store::SkillWindow> windows;
  std::optional<UtcMillis> newest;  // session
  OffSwitches switches;
};

StatusOr<KnownUse> ReadUse(const DoctorWorld& world) {
  store::Db& db = **world.db;
  const UtcMillis since{world.now.value - kSilentDays * kDayMs};
  ST_ASSIGN_OR_RETURN(auto totals, store::ReadSkillTotals(db));
  ST_ASSIGN_OR_RETURN(auto places, store::ReadSkillPlaces(db));
  ST_ASSIGN_OR_RETURN(auto windows, store::ReadSkillWindows(db, {.from = since}));
  ST_ASSIGN_OR_RETURN(const auto newest, store::NthNewestSession(db, 1));
  ST_ASSIGN_OR_RETURN(OffSwitches switches, OffSwitches::Read(db, *world.env));
  return KnownUse{since,  std::move(totals),  std::move(places), std::move(windows),
                  newest, std::move(switches)};
}

// Of a skill younger than the window nothing is known yet, and of none without a session.
// One that settings switch off everywhere is not meant to be used.
void CheckSilent(const KnownUse& known, const skillfs::Discovery& found, Checks& out) {
  const UtcMillis since = known.since;
  Check check{.name = "skills.silent"};
  if (!known.newest.has_value() || *known.newest < since) {
    check.status = CheckStatus::kSkip;
    check.message = fmt::format("no session in {} days: nothing tells what is used", kSilentDays);
    out.push_back(std::move(check));
    return;
  }
  std::set<int64_t> used, judged;
  std::map<int64_t, std::vector<store::SkillPlace>> installed;
  for (const store::SkillWindow& row : known.windows) {
    if (row.triggered > 0) used.insert(row.id.value);
  }
  const TouchedAt touched = TouchesOf(found);
  for (const store::SkillPlace& place : known.places) {
    installed[place.id.value].push_back(place);
    if (IsOldEnough(place, touched, since)) judged.insert(place.id.value);
  }
  int64_t young = 0, off = 0;
  std::vector<std::string> silent;
  for (const store::SkillTotals& skill : known.totals) {
    const auto its_places = installed.find(skill.id.value);
    if (its_places == installed.end() || used.contains(skill.id.value)) continue;
    const OffVerdict verdict = known.switches.Of(skill.name, its_places->second);
    if (verdict.everywhere || verdict.nobody_knows) {
      ++off;
      continue;
    }
    // Used, but not in the window: it was there before.
    if (judged.contains(skill.id.value) || skill.triggered > 0) {
      silent.push_back(skill.name);
    } else {
      ++young;
    }
  }
  check.message = off == 0 ? "every installed skill was used"
                           : "every installed skill that settings leave on was used";
  if (!silent.empty()) {
    check.status = CheckStatus::kInfo;
    check.message = fmt::format("{} of {} installed skills not used in {} days: {}", silent.size(),
                                installed.size(), kSilentDays, Names(silent));
    check.text = "each costs room in every listing";
    check.command = base::JoinCommand({"selftune", "why", silent.front()});
  } else if (young > 0) {
    check.message =
        fmt::format("{} of {} installed skills are too new to tell, the others were used", young,
                    installed.size());
  }
  out.push_back(std::move(check));
}

Status CheckLoop(const DoctorWorld& world, Checks& out) {
  ST_ASSIGN_OR_RETURN(const auto proposals, store::ReadOpenProposals(**world.db));
  ST_ASSIGN_OR_RETURN(const auto watches, store::ReadSkillWatches(**world.db));
  int64_t waiting = 0;
  for (const auto& [skill, count] : proposals) waiting += count;
  const auto regressed = std::count_if(
      watches.begin(), watches.end(), [](const auto& watch) { return watch.state == "regressed"; });
  Check check{.name = "skills.pending", .message = "nothing waits for a decision"};
  if (regressed > 0) {
    check.status = CheckStatus::kWarn;
    check.message = fmt::format("{} deployed changes made a skill worse", regressed);
    check.text = "see which, and take them back";
    check.command = "selftune watch";
  } else if (waiting > 0) {
    check.status = CheckStatus::kInfo;
    check.message = fmt::format("{} proposals wait for a review", waiting);
    check.text = "approve or reject them";
    check.command = "selftune proposals list";
  }
  out.push_back(std::move(check));
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::future<skillfs::Discovery>> LookForSkills(const DoctorWorld& world) {
  ST_ASSIGN_OR_RETURN(std::vector<std::string> workspaces, store::Workspaces(**world.db));
  // In a folder that is gone nobody starts a session; one look spares one for each host.
  // Of one that lets nobody in it is not known.
  std::erase_if(workspaces, [](const std::string& folder) {
    return CodeOf(base::Stat(folder).status()).name == kFileNotFound.name;
  });
  skillfs::DiscoveryRequest request = hosts::DiscoveryFor(*world.env, workspaces);
  request.digests = false;
  request.ownership = false;
  // What an agent that is not here would stumble over says nothing.
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> known, store::HostsWithSessions(**world.db));
  std::erase_if(request.hosts, [&](const skillfs::HostSkillRules& rules) {
    return !hosts::IsHere(*hosts::FindRow(rules.platform), *world.env, known);
  });
  return std::async(std::launch::async | std::launch::deferred,
                    [request = std::move(request)]() mutable {
                      hosts::AddSettings(request);
                      return skillfs::DiscoverSkills(request);
                    });
}

Status CheckSkills(const DoctorWorld& world, std::future<skillfs::Discovery> found, Checks& out) {
  ST_RETURN_IF_ERROR(CheckLoop(world, out));
  if (!found.valid()) return absl::OkStatus();
  Checks own;
  ST_RETURN_IF_ERROR(CheckOwnSkill(world, own));
  ST_ASSIGN_OR_RETURN(const KnownUse known, ReadUse(world));
  const skillfs::Discovery skills = found.get();
  CheckFiles(skills, out);
  CheckShadowed(skills, out);
  CheckDisabled(skills, out);
  ST_RETURN_IF_ERROR(CheckListings(world, skills, out));
  std::ranges::move(own, std::back_inserter(out));
  CheckSilent(known, skills, out);
  return absl::OkStatus();
}

}  // namespace selftune::status

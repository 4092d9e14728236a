#include "status/doctor.h"

#include <algorithm>
#include <future>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "status/doctor_checks.h"

namespace selftune::status {

std::string_view Word(CheckStatus status) {
  switch (status) {
    case CheckStatus::kPass:
      return "pass";
    case CheckStatus::kInfo:
      return "info";
    case CheckStatus::kWarn:
      return "warn";
    case CheckStatus::kFail:
      return "fail";
    case CheckStatus::kSkip:
      return "skip";
  }
  return "skip";
}

bool MatchesGlob(std::string_view glob, std::string_view name) {
  size_t g = 0, n = 0;
  size_t star = glob.npos, mark = 0;  // where to go on when a star takes one more
  while (n < name.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      mark = n;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == name[n])) {
      ++g;
      ++n;
    } else if (star != glob.npos) {
      g = star + 1;
      n = ++mark;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

namespace {

// What is not in the store.
Status CheckSurroundings(const DoctorWorld& world, const DoctorOptions& options, Checks& out) {
  if (!options.quick) {
    ST_RETURN_IF_ERROR(CheckKeptFiles(world, out));
    CheckPrivacy(world, out);
    CheckAgents(world, options, out);
    ST_RETURN_IF_ERROR(CheckHooks(world, out));
    ST_RETURN_IF_ERROR(CheckScheduler(world, options, out));
    ST_RETURN_IF_ERROR(CheckRunsRest(world, out));
    CheckReference(world, out);
    CheckDashboard(world, out);
  }
  CheckMachine(world, out);
  return absl::OkStatus();
}

}  // namespace

StatusOr<DoctorReport> RunDoctor(const DoctorWorld& world, const DoctorOptions& options) {
  Checks all;
  CheckConfig(world, all);
  CheckFolders(world, all);
  CheckStoreAccess(world, all);
  ST_RETURN_IF_ERROR(CheckDatabase(world, options, all));
  Checks surroundings;
  if (!world.db.ok()) {
    ST_RETURN_IF_ERROR(CheckSurroundings(world, options, surroundings));
  } else {
    // Another thread looks for skills meanwhile.
    std::future<skillfs::Discovery> skills;
    if (!options.quick) {
      ST_ASSIGN_OR_RETURN(skills, LookForSkills(world));
    }
    ST_RETURN_IF_ERROR(CheckEvidence(world, options, all));
    ST_RETURN_IF_ERROR(CheckSurroundings(world, options, surroundings));
    ST_RETURN_IF_ERROR(CheckSkills(world, std::move(skills), all));
  }
  std::ranges::move(surroundings, std::back_inserter(all));
  DoctorReport report;
  for (Check& check : all) {
    if (!options.only.empty() && !MatchesGlob(options.only, check.name)) continue;
    report.pass += check.status == CheckStatus::kPass || check.status == CheckStatus::kInfo ? 1 : 0;
    report.warn += check.status == CheckStatus::kWarn ? 1 : 0;
    report.fail += check.status == CheckStatus::kFail ? 1 : 0;
    report.checks.push_back(std::move(check));
  }
  return report;
}

}  // namespace selftune::status

// Hosts that sum up the uses of their skills: does the evidence know as many?
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "base/strings.h"
#include "status/doctor_checks.h"
#include "store/queries/skill_facts.h"

namespace selftune::status {
namespace {

// More in the evidence is right: a host does not count a file that a shell read.
Status CheckHost(const DoctorWorld& world, std::string_view platform,
                 const std::vector<ingest::HostCount>& counted, Check& check) {
  int64_t fewer = 0, missing = 0;
  std::string first;
  for (const ingest::HostCount& host : counted) {
    ST_ASSIGN_OR_RETURN(const int64_t known, store::CountUses(**world.db, host.skill, platform));
    if (known >= host.uses) continue;
    missing += host.uses - known;
    if (fewer++ == 0) {
      first = fmt::format("{}: {} by the host, {} known", base::JoinCommand({host.skill}),
                          host.uses, known);
    }
  }
  check.message = fmt::format("it counted uses of {} skills, all of them known", counted.size());
  if (fewer == 0) return absl::OkStatus();
  check.status = CheckStatus::kInfo;
  check.message = fmt::format("it counted {} uses of {} skills more than are known ({})", missing,
                              fewer, first);
  check.text = "transcripts that it deleted, or that were not read; see which are";
  check.command =
      base::JoinCommand({"selftune", "evidence", "--sources", "--platform", std::string(platform)});
  return absl::OkStatus();
}

}  // namespace

Status CheckCounted(const DoctorWorld& world, Checks& out) {
  for (const ingest::Source* source : world.sources) {
    const std::string platform(source->platform());
    Check check{.name = fmt::format("evidence.{}.counted", platform)};
    const auto counted = source->CountedUses(*world.env);
    if (!counted.ok()) {
      check.status = CheckStatus::kInfo;
      check.message = fmt::format("what it counted is not known: {}", Message(counted.status()));
      check.text = "ask again; evidence does not depend on it";
      check.command = base::JoinCommand({"selftune", "doctor", "--deep", "--only", check.name});
    } else if (counted->empty()) {
      continue;
    } else {
      ST_RETURN_IF_ERROR(CheckHost(world, platform, *counted, check));
    }
    out.push_back(std::move(check));
  }
  return absl::OkStatus();
}

}  // namespace selftune::status

// What of the TypeScript selftune still runs beside this one.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/strings.h"
#include "status/doctor_checks.h"
#include "upstream/still_runs.h"

namespace selftune::status {

void CheckReference(const DoctorWorld& world, Checks& out) {
  constexpr std::array<std::string_view, 2> kKinds = {"hook", "timer"};
  const auto running = upstream::WhatStillRuns(*world.env, world.state_dir);
  for (const std::string_view kind : kKinds) {
    Check check{.name = "reference." + std::string(kind) + "s",
                .status = CheckStatus::kSkip,
                .message = "none of the TypeScript selftune"};
    const auto found = std::ranges::find(running, kind, &upstream::StillRuns::kind);
    if (found != running.end()) {
      check.status = CheckStatus::kWarn;
      check.message = found->message;
      check.path = found->path;
      check.text = found->advice;
      check.command = base::JoinCommand(found->remedy);
    }
    out.push_back(std::move(check));
  }
}

}  // namespace selftune::status

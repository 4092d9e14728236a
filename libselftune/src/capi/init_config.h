// What `init` writes into config.json.
#pragma once

#include <vector>

#include "base/json_value.h"
#include "capi/context.h"
#include "capi/hooked_agents.h"
#include "capi/install_world.h"
#include "config/config.h"

namespace selftune::capi {

// What is recorded about the machine, and what the person chose; every other key of
// `before` is kept. `hosts`: those that are set up; `hooked`: who has hooks of ours, also
// of an earlier run.
[[nodiscard]] base::JsonValue ConfigOfInit(const Context& context, const base::JsonValue& params,
                                           const std::vector<HostHere>& hosts, const Hooked& hooked,
                                           const config::Config& before);

}  // namespace selftune::capi

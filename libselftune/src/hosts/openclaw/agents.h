// The agents that settings of OpenClaw know.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json_value.h"
#include "hosts/common/settings_files.h"
#include "hosts/registry.h"

namespace selftune::hosts::openclaw {

struct Agent {
  std::string workspace;  // where its sessions run, absolute; "" = not known
  // The names of the skills that it has; nothing: all.
  std::optional<std::vector<std::string>> skills;
};

// `agents` of openclaw.json, a list, or by id as `entries`; without any there is one agent.
// `file` is what `root` stands in.
[[nodiscard]] std::vector<Agent> ReadAgents(const std::string& file, const base::JsonValue& root,
                                            const RootQuery& query, SettingsFiles& files);

}  // namespace selftune::hosts::openclaw

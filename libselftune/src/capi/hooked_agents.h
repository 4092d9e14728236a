// What config.json says about the agents that init set up: which of them have hooks of
// ours, and which is the primary one. It follows whatever changes either.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_value.h"
#include "capi/context.h"
#include "store/install_rows.h"

namespace selftune::capi {

using Hooked = std::set<std::string, std::less<>>;  // hosts, by their platform

[[nodiscard]] Hooked HookedHosts(const std::vector<store::InstallRow>& rows);

// `hooks_installed`, `agents[].hooks` and `agents[].primary` as they are to be; a document
// without them stays as it is.
[[nodiscard]] base::JsonValue WithHooked(const base::JsonValue& document, const Hooked& hooked);
[[nodiscard]] base::JsonValue WithPrimary(const base::JsonValue& document);

// After hooks came or went: config.json follows the rows. A warning when it cannot be written.
void RecordHooked(Context& context, const std::vector<store::InstallRow>& rows);

}  // namespace selftune::capi

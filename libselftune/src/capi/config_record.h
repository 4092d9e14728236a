// What config.json was before `init` wrote into it: a row of table `install`, so that
// taking selftune out leaves settings that were there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "capi/config_edit.h"
#include "capi/context.h"
#include "install/installer.h"
#include "store/install_rows.h"

namespace selftune::capi {

// Before `init` writes `edit`: whoever is killed in between leaves no file that nobody
// knows. The first one counts: what it found is kept, beside the store and not in it:
// settings may hold what a store never does.
[[nodiscard]] Status RecordConfig(Context& context, const ConfigEdit& edit);

// Does a row say what the file was before `init`?
[[nodiscard]] bool RecordsConfig(const std::vector<store::InstallRow>& rows,
                                 const std::string& path);

// Takes out of config.json what `init` wrote, where the file was there before: its
// bytes from before, or, when somebody changed it since, everything but the keys of
// init. Returns what was done; nullopt: the file was init's from the start, or no init
// is known.
[[nodiscard]] StatusOr<std::optional<std::string>> RestoreConfig(Context& context,
                                                                 install::World& world);

}  // namespace selftune::capi

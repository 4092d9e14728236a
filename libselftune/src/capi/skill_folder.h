// Folders behind links: people link the folder of one agent to that of another, or to a
// checkout of theirs.
#pragma once

#include <string>

namespace selftune::capi {

// Where a folder is behind links; what is not there yet stays as it is named.
[[nodiscard]] std::string RealFolder(const std::string& folder);

// The last part itself is a link, also one that leads nowhere.
[[nodiscard]] bool IsLink(const std::string& path);

}  // namespace selftune::capi

// Folders behind links: people link the folder of one agent to that of another, or to a
// checkout of theirs.
#pragma once

#include <string>

namespace selftune::capi {

// Where a folder is behind links; what is not there yet stays as it is named.
[[nodiscard]] std::string RealFolder(const std::string& folder);

// The last part itself is a link, also one that leads nowhere.
[[nodiscard]] bool IsLink(const std::string& path);

// What stands where the folder or one above it belongs and is none: a file, or a link that
// leads nowhere. "" = nothing.
[[nodiscard]] std::string InTheWay(const std::string& folder);

}  // namespace selftune::capi

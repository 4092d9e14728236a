// Manual pages in roff, all made from the registry.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace selftune::cli {

// "selftune", then one a first word of commands: "selftune-config".
[[nodiscard]] std::vector<std::string> ManPages();
// One of them; "" if there is no such page.
[[nodiscard]] std::string ManPage(std::string_view name);

}  // namespace selftune::cli

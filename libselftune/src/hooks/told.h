// What was said already: <state>/hooks/told/<what> is made first, by one process of all.
#pragma once

#include <string>
#include <string_view>

#include "hooks/world.h"

namespace selftune::hooks {

// The folder of what was said already.
[[nodiscard]] std::string ToldDir(std::string_view state_dir);
// A name for something to say: 16 hexadecimal digits.
[[nodiscard]] std::string ToldName(std::string_view a, std::string_view b);

[[nodiscard]] bool WasTold(const World& world, const std::string& what);
// What was kept with it; "" when it was not said.
[[nodiscard]] std::string ToldText(const World& world, const std::string& what);
// True for one caller of all, whose `text` is kept. Not able to remember: then it is not
// said, rather than said at every event.
[[nodiscard]] bool FirstToSay(const World& world, const std::string& what,
                              std::string_view text = "");

}  // namespace selftune::hooks

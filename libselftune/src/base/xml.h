// Text in XML and SVG.
#pragma once

#include <string>
#include <string_view>

namespace selftune::base {

// As text or as the value of an attribute in double quotes. Control characters, which
// XML cannot hold, are up to the caller.
[[nodiscard]] std::string XmlEscaped(std::string_view text);

}  // namespace selftune::base

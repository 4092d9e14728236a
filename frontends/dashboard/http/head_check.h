// Refuses request heads that two parsers could read in two ways, before the
// HTTP library sees them. A browser, curl and every sane client pass.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dashboard/http/limits.h"

namespace selftune::dashboard::http {

struct HeadProblem {
  int status = 400;
  std::string_view code;  // "BAD_REQUEST"
  std::string detail;
};

// `head` ends with the empty line ("\r\n\r\n"). Refused: bare CR or LF, NUL and
// other control characters, folded fields, blanks around a field name, targets
// that are not in origin form, anything but HTTP/1.1, no or two Host fields,
// two of any field that decides something, a length that is no plain number or
// comes with a transfer coding, transfer codings, Upgrade, Expect, and what is
// beyond the limits.
[[nodiscard]] std::optional<HeadProblem> CheckHead(std::string_view head, const Limits& limits);

// Of a head that has not ended although `bytes` is as much as is read.
[[nodiscard]] HeadProblem HeadTooLong(std::string_view bytes, const Limits& limits);

}  // namespace selftune::dashboard::http

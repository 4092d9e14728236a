// What the library says, as HTTP: data of an envelope, errors as problem
// documents (RFC 9457).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dashboard/http/message.h"

namespace selftune::dashboard {

// The text of a member of a JSON object, as it stands; nullopt when it is not
// there. `object` is well-formed.
[[nodiscard]] std::optional<std::string_view> RawMember(std::string_view object,
                                                        std::string_view key);

struct Problem {
  int status = 500;
  std::string_view code;
  std::string_view detail;
  std::string_view next_command = {};  // "" = that of the code
  // Errors of the v2 interface were {"error": text}.
  bool v2 = false;
};
[[nodiscard]] http::Response ProblemResponse(const Problem& problem);

[[nodiscard]] http::Response JsonResponse(int status, std::string body);

// The data of an envelope.
[[nodiscard]] http::Response DataResponse(std::string_view envelope);
// The error of a call: its kind (SELFTUNE_E_...) and error object.
[[nodiscard]] http::Response ErrorResponse(int32_t kind, std::string_view error_json, bool v2);

// If-None-Match names this tag, by weak comparison, or any ("*").
[[nodiscard]] bool HoldsTag(const http::Request& request, std::string_view etag);

// Headers that every response carries (dashboard B1.5).
void AddSecurityHeaders(http::Response& response);

}  // namespace selftune::dashboard

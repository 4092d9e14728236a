// The table of routes: which operation answers which address, and what of the
// address becomes its parameters.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dashboard/http/message.h"

namespace selftune::dashboard {

// kPage: a limit that is sent also when it was not given. kOldLimit: of the v2
// interface, which clamps what it understands and ignores the rest.
enum class ParamType { kText, kInt, kLimit, kPage, kOldLimit, kBool };

struct Param {
  std::string_view name;  // in the query, and of the operation
  ParamType type = ParamType::kText;
};

// Routes that the server answers itself.
enum class Own { kNone, kHealth, kSession, kInstance, kCode, kShutdown, kEvents };

enum class Access {
  kPublic,
  kSession,  // key of a session, or token
  kToken,    // the token only: programs of the same user
};

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/api/v3/skills/:/daily"; ":" is one segment
  std::string_view op = {};
  Param place = {};  // the parameter that ":" fills
  std::span<const Param> query = {};
  // The reply depends on the store only, so that its clock can stand for it.
  bool cached = false;
  // Its cost grows with the store; such routes never take all workers.
  bool dear = false;
  Access access = Access::kSession;
  Own own = Own::kNone;
};

[[nodiscard]] std::span<const Route> Routes();

struct RouteMatch {
  const Route* route = nullptr;  // nullptr: none for this method
  std::string place;             // what stands for ":"
  std::string allow;             // methods of the address, "" = unknown address
};
// HEAD is GET.
[[nodiscard]] RouteMatch FindRoute(std::string_view method,
                                   const std::vector<std::string>& segments);

// Parameters of the operation as a JSON object, or what is wrong with them.
struct OpParams {
  std::string json;
  std::string error;
};
[[nodiscard]] OpParams ParamsOf(const Route& route, const std::string& place,
                                const std::vector<http::Header>& query);

}  // namespace selftune::dashboard

#include "dashboard/routes.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "cli/json.h"

namespace selftune::dashboard {
namespace {

constexpr int64_t kLargestPage = 500;
constexpr int64_t kUsualPage = 50;
constexpr int64_t kLargestOldPage = 10'000;

constexpr Param kSkillId = {"skill_id", ParamType::kInt};
constexpr Param kSkillName = {"skill"};

constexpr Param kWindow[] = {{"since"}, {"until"}};
constexpr Param kDays[] = {{"from"}, {"to"}, {"tz"}};
constexpr Param kSkills[] = {
    {"platform"}, {"status"}, {"q"}, {"sort"}, {"limit", ParamType::kLimit}, {"cursor"},
};
constexpr Param kObservations[] = {
    {"session"},
    {"outcome"},
    {"level"},
    {"mode"},
    {"platform"},
    {"q"},
    {"raw", ParamType::kBool},
    {"since"},
    {"until"},
    {"limit", ParamType::kLimit},
    {"cursor"},
};
constexpr Param kMisses[] = {
    {"skill"},
    {"skill_id", ParamType::kInt},
    {"raw", ParamType::kBool},
    {"since"},
    {"until"},
    {"limit", ParamType::kLimit},
    {"cursor"},
};
constexpr Param kSkillMisses[] = {
    {"raw", ParamType::kBool}, {"since"}, {"until"}, {"limit", ParamType::kLimit}, {"cursor"},
};
constexpr Param kProposals[] = {
    {"skill"},
    {"state"},
    {"limit", ParamType::kLimit},
    {"cursor"},
};
constexpr Param kSkillProposals[] = {{"state"}, {"limit", ParamType::kLimit}, {"cursor"}};
constexpr Param kSessions[] = {
    {"skill"},  {"platform"}, {"kind"}, {"since"}, {"until"}, {"limit", ParamType::kLimit},
    {"cursor"},
};
constexpr Param kTimeline[] = {{"platform"}, {"raw", ParamType::kBool}};
constexpr Param kPage[] = {{"limit", ParamType::kLimit}, {"cursor"}};
constexpr Param kSources[] = {
    {"platform"},
    {"state"},
    {"limit", ParamType::kPage},
    {"cursor"},
};
constexpr Param kDoctor[] = {{"only"}};
constexpr Param kStatus[] = {{"window"}, {"platform"}, {"skill"}, {"limit", ParamType::kLimit}};
constexpr Param kOldOverview[] = {
    {"telemetry_cursor"},
    {"telemetry_limit", ParamType::kOldLimit},
    {"skills_cursor"},
    {"skills_limit", ParamType::kOldLimit},
};
constexpr Param kOldSkill[] = {{"invocations_cursor"}, {"invocations_limit", ParamType::kOldLimit}};
constexpr Param kEvents[] = {{"last_event_id"}};

// The reply depends on the store alone.
constexpr Route Stored(std::string_view pattern, std::string_view op, std::span<const Param> query,
                       Param place = {}) {
  return {.method = "GET",
          .pattern = pattern,
          .op = op,
          .place = place,
          .query = query,
          .cached = true};
}

// It depends on files and the time as well.
constexpr Route Live(std::string_view pattern, std::string_view op,
                     std::span<const Param> query = {}) {
  return {.method = "GET", .pattern = pattern, .op = op, .query = query};
}

// It grows with the store.
constexpr Route Dear(Route route) {
  route.dear = true;
  return route;
}

constexpr Route Mine(std::string_view method, std::string_view pattern, Own own, Access access,
                     std::span<const Param> query = {}) {
  return {.method = method, .pattern = pattern, .query = query, .access = access, .own = own};
}

// clang-format off
constexpr Route kRoutes[] = {
    Mine("GET", "/api/health", Own::kHealth, Access::kPublic),
    Mine("POST", "/api/v2/session", Own::kSession, Access::kPublic),
    Mine("POST", "/api/v2/shutdown", Own::kShutdown, Access::kToken),
    Mine("GET", "/api/v3/instance", Own::kInstance, Access::kSession),
    Mine("POST", "/api/v3/instance/code", Own::kCode, Access::kToken),
    Mine("GET", "/api/v3/events", Own::kEvents, Access::kSession, kEvents),
    Dear(Stored("/api/v2/overview", "status.overview", kOldOverview)),
    Stored("/api/v2/skills/:", "status.skill_v2", kOldSkill, kSkillName),
    Dear(Stored("/api/v3/summary", "status.summary", {})),
    Dear(Stored("/api/v3/skills", "skill.list", kSkills)),
    Stored("/api/v3/skills/:", "skill.report", kWindow, kSkillId),
    Stored("/api/v3/skills/:/daily", "skill.daily", kDays, kSkillId),
    Stored("/api/v3/skills/:/observations", "skill.observations", kObservations, kSkillId),
    Stored("/api/v3/skills/:/misses", "skill.misses", kSkillMisses, kSkillId),
    Stored("/api/v3/skills/:/proposals", "proposal.list", kSkillProposals, kSkillId),
    Stored("/api/v3/misses", "skill.misses", kMisses),
    Stored("/api/v3/proposals", "proposal.list", kProposals),
    Stored("/api/v3/proposals/:", "proposal.show", {}, {"proposal_id"}),
    Stored("/api/v3/sessions", "session.list", kSessions),
    Stored("/api/v3/sessions/:", "session.timeline", kTimeline, {"session"}),
    Stored("/api/v3/runs", "orchestrate.runs", kPage),
    Dear(Live("/api/v3/sources", "source.list", kSources)),
    Live("/api/v3/sync", "sync.status"),
    Dear(Live("/api/v3/doctor", "doctor.run", kDoctor)),
    Dear(Live("/api/v3/status", "status.get", kStatus)),
};
// clang-format on

std::optional<int64_t> ToInt(std::string_view text) {
  int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// "" or what is wrong.
std::string AddParam(cli::JsonObject& out, const Param& param, const std::string& text) {
  switch (param.type) {
    case ParamType::kText:
      out.AddText(param.name, text);
      return "";
    case ParamType::kBool:
      if (text != "true" && text != "false") return std::string(param.name) + " is true or false";
      out.AddBool(param.name, text == "true");
      return "";
    case ParamType::kOldLimit:
      if (const std::optional<int64_t> value = ToInt(text)) {
        out.AddInt(param.name, std::clamp<int64_t>(*value, 1, kLargestOldPage));
      }
      return "";
    case ParamType::kInt:
    case ParamType::kPage:
    case ParamType::kLimit: {
      const std::optional<int64_t> value = ToInt(text);
      if (!value.has_value()) return std::string(param.name) + " is a number";
      if (param.type != ParamType::kInt && (*value < 1 || *value > kLargestPage)) {
        return std::string(param.name) + " is 1 to " + std::to_string(kLargestPage);
      }
      out.AddInt(param.name, *value);
      return "";
    }
  }
  return "";
}

// Whether the segments are of the pattern; *place gets what stands for ":".
bool Matches(std::string_view pattern, const std::vector<std::string>& segments,
             std::string* place) {
  for (const std::string& segment : segments) {
    if (pattern.empty()) return false;
    pattern.remove_prefix(1);  // the slash
    const size_t end = std::min(pattern.find('/'), pattern.size());
    const std::string_view part = pattern.substr(0, end);
    pattern.remove_prefix(end);
    if (part == ":") {
      *place = segment;
    } else if (part != segment) {
      return false;
    }
  }
  return pattern.empty();
}

}  // namespace

std::span<const Route> Routes() { return kRoutes; }

RouteMatch FindRoute(std::string_view method, const std::vector<std::string>& segments) {
  const std::string_view asked = method == "HEAD" ? "GET" : method;
  RouteMatch out;
  for (const Route& route : kRoutes) {
    std::string place;
    if (!Matches(route.pattern, segments, &place)) continue;
    out.allow += (out.allow.empty() ? "" : ", ") + std::string(route.method);
    if (route.method == "GET") out.allow += ", HEAD";
    if (route.method != asked) continue;
    out.route = &route;
    out.place = std::move(place);
  }
  return out;
}

OpParams ParamsOf(const Route& route, const std::string& place,
                  const std::vector<http::Header>& query) {
  OpParams out;
  cli::JsonObject params;
  if (!route.place.name.empty()) out.error = AddParam(params, route.place, place);
  for (const http::Header& given : query) {
    const auto known = std::find_if(route.query.begin(), route.query.end(),
                                    [&](const Param& each) { return each.name == given.first; });
    if (known == route.query.end()) {
      out.error = "there is no parameter " + given.first;
    } else if (out.error.empty()) {
      out.error = AddParam(params, *known, given.second);
    }
  }
  for (const Param& param : route.query) {
    const bool given = std::any_of(query.begin(), query.end(), [&](const http::Header& each) {
      return each.first == param.name;
    });
    if (param.type == ParamType::kPage && !given) params.AddInt(param.name, kUsualPage);
  }
  out.json = params.Take();
  return out;
}

}  // namespace selftune::dashboard

#include "dashboard/replies.h"

#include <selftune/selftune.h>

#include <utility>

#include "cli/error_next.gen.h"
#include "cli/json.h"

namespace selftune::dashboard {
namespace {

using cli::Json;

constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src "
    "'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'";

constexpr std::pair<std::string_view, std::string_view> kSecurityHeaders[] = {
    {"Content-Security-Policy", kPolicy},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Embedder-Policy", "require-corp"},
};

std::string_view Title(int status) {
  switch (status) {
    case 400:
      return "Bad request";
    case 401:
      return "Not signed in";
    case 403:
      return "Forbidden";
    case 404:
      return "Not found";
    case 405:
      return "Method not allowed";
    case 408:
      return "Request timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length required";
    case 413:
      return "Body too large";
    case 414:
      return "Address too long";
    case 415:
      return "Unsupported media type";
    case 417:
      return "Expectation failed";
    case 421:
      return "Misdirected request";
    case 429:
      return "Too many requests";
    case 431:
      return "Header too large";
    case 503:
      return "Unavailable";
    case 505:
      return "HTTP version not supported";
    default:
      return "Internal error";
  }
}

// What the v2 interface called it.
std::string_view OldError(int status, std::string_view detail) {
  if (status == 404) return "Skill not found";
  return status == 503 ? "V2 data unavailable" : detail;
}

// What the kinds mean to a browser. A store that is missing, foreign, newer or
// broken makes the service unavailable, whatever its kind.
int StatusOf(int32_t kind, std::string_view code) {
  if (code.starts_with("STORE_") || code == "SCHEMA_NEWER" || code == "INVALID_CONFIG") return 503;
  switch (kind) {
    case SELFTUNE_E_INVALID_ARGUMENT:
      return 400;
    case SELFTUNE_E_NOT_FOUND:
      return 404;
    case SELFTUNE_E_PERMISSION_DENIED:
      return 403;
    case SELFTUNE_E_ALREADY_EXISTS:
    case SELFTUNE_E_ABORTED:
    case SELFTUNE_E_FAILED_PRECONDITION:
      return 409;
    case SELFTUNE_E_UNAVAILABLE:
    case SELFTUNE_E_DEADLINE:
    case SELFTUNE_E_DATA_LOSS:
    case SELFTUNE_E_CANCELLED:
    case SELFTUNE_E_RESOURCE_EXHAUSTED:
      return 503;
    default:
      return 500;
  }
}

void SkipSpace(std::string_view text, size_t* at) {
  while (*at < text.size() &&
         std::string_view(" \t\r\n").find(text[*at]) != std::string_view::npos) {
    ++*at;
  }
}

// Behind the string that begins at `at`.
size_t EndOfString(std::string_view text, size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return text.size();
}

// Behind the value that begins at `at`.
size_t EndOfValue(std::string_view text, size_t at) {
  size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = EndOfString(text, at);
      if (depth == 0) return at;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') {
      if (depth == 0) return at;  // of the object around a number or word
      if (--depth == 0) return at + 1;
    }
    if (c == ',' && depth == 0) return at;
    ++at;
  }
  return at;
}

}  // namespace

std::optional<std::string_view> RawMember(std::string_view object, std::string_view key) {
  size_t at = object.find('{');
  if (at == std::string_view::npos) return std::nullopt;
  ++at;
  for (;;) {
    SkipSpace(object, &at);
    if (at < object.size() && object[at] == ',') {
      ++at;
      continue;
    }
    if (at >= object.size() || object[at] != '"') return std::nullopt;
    const size_t name_end = EndOfString(object, at);
    const std::string_view name = object.substr(at + 1, name_end - at - 2);
    at = name_end;
    SkipSpace(object, &at);
    if (at >= object.size() || object[at] != ':') return std::nullopt;
    ++at;
    SkipSpace(object, &at);
    const size_t end = EndOfValue(object, at);
    if (name == key) return object.substr(at, end - at);
    at = end;
  }
}

http::Response JsonResponse(int status, std::string body) {
  http::Response out;
  out.status = status;
  out.body = std::move(body);
  out.Add("Content-Type", "application/json").Add("Cache-Control", "no-store");
  AddSecurityHeaders(out);
  return out;
}

http::Response ProblemResponse(const Problem& problem) {
  const std::string_view title = Title(problem.status);
  cli::JsonObject body;
  body.AddText("type", "urn:selftune:error:" + std::string(problem.code))
      .AddText("title", title)
      .AddInt("status", problem.status)
      .AddText("detail", problem.detail)
      .AddText("code", problem.code);
  body.AddText("next_command", problem.next_command.empty()
                                   ? cli::FindErrorNext(problem.code).command
                                   : problem.next_command);
  if (problem.v2) body.AddText("error", OldError(problem.status, problem.detail));
  http::Response out;
  out.status = problem.status;
  out.body = body.Take();
  out.Add("Content-Type", "application/problem+json").Add("Cache-Control", "no-store");
  if (problem.status == 503 || problem.status == 429) out.Add("Retry-After", "1");
  AddSecurityHeaders(out);
  return out;
}

http::Response DataResponse(std::string_view envelope) {
  const std::optional<std::string_view> data = RawMember(envelope, "data");
  if (!data.has_value()) {
    return ProblemResponse({.status = 500, .code = "INTERNAL", .detail = "a reply without data"});
  }
  return JsonResponse(200, std::string(*data));
}

http::Response ErrorResponse(int32_t kind, std::string_view error_json, bool v2) {
  const Json error = Json::Parse(error_json).value_or(Json());
  const std::string& code = error["code"].Text();
  return ProblemResponse({.status = StatusOf(kind, code),
                          .code = code,
                          .detail = error["message"].Text(),
                          .next_command = error["next"]["command"].Text(),
                          .v2 = v2});
}

bool HoldsTag(const http::Request& request, std::string_view etag) {
  constexpr std::string_view kWeak = "W/";
  if (etag.starts_with(kWeak)) etag.remove_prefix(kWeak.size());
  std::string_view list = request.Get("if-none-match");
  if (list == "*") return true;
  while (!list.empty()) {
    const size_t open = list.find('"');
    const size_t end = open == std::string_view::npos ? open : list.find('"', open + 1);
    if (end == std::string_view::npos) return false;
    if (list.substr(open, end + 1 - open) == etag) return true;
    list.remove_prefix(end + 1);
  }
  return false;
}

void AddSecurityHeaders(http::Response& response) {
  for (const auto& [name, value] : kSecurityHeaders) {
    response.Add(std::string(name), std::string(value));
  }
}

}  // namespace selftune::dashboard

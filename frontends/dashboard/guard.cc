#include "dashboard/guard.h"

#include <algorithm>

namespace selftune::dashboard {
namespace {

std::vector<std::string> Hosts(int port) {
  const std::string tail = ":" + std::to_string(port);
  return {"127.0.0.1" + tail, "localhost" + tail, "[::1]" + tail};
}

bool IsOwnOrigin(std::string_view origin, int port) {
  const std::vector<std::string> hosts = Hosts(port);
  return std::any_of(hosts.begin(), hosts.end(),
                     [&](const std::string& host) { return origin == "http://" + host; });
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> Decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) return std::nullopt;
    out += c;
  }
  return out;
}

}  // namespace

std::optional<Refusal> CheckHost(const http::Request& request, int port) {
  const std::vector<std::string> hosts = Hosts(port);
  if (std::find(hosts.begin(), hosts.end(), request.Get("host")) != hosts.end()) {
    return std::nullopt;
  }
  return Refusal{421, "WRONG_HOST", "this server is " + hosts.front()};
}

std::optional<Refusal> CheckSite(const http::Request& request, int port, Target target) {
  if (request.Has("origin") && !IsOwnOrigin(request.Get("origin"), port)) {
    return Refusal{403, "FORBIDDEN_ORIGIN", "another site may not ask this server"};
  }
  const std::string_view site = request.Get("sec-fetch-site");
  if (!request.Has("sec-fetch-site") || site == "same-origin" || site == "none") {
    return std::nullopt;
  }
  const bool opens_page = target == Target::kAsset && request.method == "GET" &&
                          request.Get("sec-fetch-mode") == "navigate" &&
                          request.Get("sec-fetch-dest") == "document";
  if (opens_page) return std::nullopt;
  return Refusal{403, "FORBIDDEN_SITE", "another site may not ask this server"};
}

std::optional<Refusal> CheckUnsafe(const http::Request& request, int port) {
  if (!IsOwnOrigin(request.Get("origin"), port)) {
    return Refusal{403, "FORBIDDEN_ORIGIN", "a changing request needs the Origin of this server"};
  }
  if (request.Has("sec-fetch-site") && request.Get("sec-fetch-site") != "same-origin") {
    return Refusal{403, "FORBIDDEN_SITE", "another site may not ask this server"};
  }
  if (request.Get("x-selftune") != "1") {
    return Refusal{403, "HEADER_MISSING", "a changing request needs the header X-Selftune: 1"};
  }
  std::string type(request.Get("content-type").substr(0, request.Get("content-type").find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (type != "application/json") {
    return Refusal{415, "UNSUPPORTED_TYPE", "send Content-Type: application/json"};
  }
  return std::nullopt;
}

std::optional<std::vector<std::string>> SplitPath(std::string_view path) {
  std::vector<std::string> out;
  if (path.empty() || path.front() != '/') return std::nullopt;
  path.remove_prefix(1);
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    std::optional<std::string> segment = Decode(path.substr(0, slash), /*plus_is_space=*/false);
    if (!segment.has_value() || segment->empty() || *segment == "." || *segment == ".." ||
        segment->find('\\') != std::string::npos) {
      return std::nullopt;
    }
    if (slash + 1 == path.size()) return std::nullopt;  // a slash at the end
    out.push_back(*std::move(segment));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return out;
}

std::optional<std::vector<http::Header>> SplitQuery(std::string_view query) {
  std::vector<http::Header> out;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    const std::string_view value_text =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    std::optional<std::string> name = Decode(pair.substr(0, equals), /*plus_is_space=*/true);
    std::optional<std::string> value = Decode(value_text, /*plus_is_space=*/true);
    if (!name.has_value() || !value.has_value()) return std::nullopt;
    const bool twice = std::any_of(out.begin(), out.end(),
                                   [&](const http::Header& each) { return each.first == *name; });
    if (twice) return std::nullopt;
    out.emplace_back(*std::move(name), *std::move(value));
  }
  return out;
}

}  // namespace selftune::dashboard

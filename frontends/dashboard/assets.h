// The files of the page: embedded into the program (tools/embed_assets.py), or
// of a folder while somebody works on them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dashboard/http/message.h"

namespace selftune::dashboard {

struct Asset {
  std::string_view path;  // "/assets/index-4f2a.js"
  std::string_view mime;
  std::string_view etag;  // SHA-256 of the bytes, hex
  std::string_view raw;
  std::string_view gzip;  // empty where it gains nothing
};

// Sorted by path; empty when the program was built without the page.
[[nodiscard]] std::span<const Asset> EmbeddedAssets();
// Which build of the page; "" without one.
[[nodiscard]] std::string_view EmbeddedBuild();
// "npm ci: exit 1"; "" when there is a page.
[[nodiscard]] std::string_view WhyNoPage();

// Accept-Encoding allows gzip (RFC 9110 12.5.3).
[[nodiscard]] bool TakesGzip(const http::Request& request);

class Assets {
 public:
  // `folder` "" = what is embedded.
  explicit Assets(std::string folder) : folder_(std::move(folder)) {}

  // The response to a path outside /api: a file, the page itself for addresses
  // inside it, or a page that says how to get it. nullopt: no such file.
  [[nodiscard]] std::optional<http::Response> Get(const http::Request& request,
                                                  const std::vector<std::string>& segments) const;

  [[nodiscard]] bool present() const;
  [[nodiscard]] std::string build() const;

 private:
  const std::string folder_;
};

}  // namespace selftune::dashboard

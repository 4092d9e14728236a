#include "dashboard/assets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "dashboard/replies.h"

namespace selftune::dashboard {
namespace {

constexpr std::string_view kIndex = "/index.html";
constexpr std::string_view kHashedFolder = "/assets/";
constexpr off_t kLargestFile = 16 << 20;

// Around the reason.
constexpr std::string_view kNoPage[] = {
    R"(<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>selftune</title></head>
<body>
<h1>The dashboard's page is not part of this build</h1>
<p>)",
    R"(. The server runs and answers <code>/api</code>. To get the page, install Node.js 18.18
or newer with npm and build selftune again:</p>
<pre>./dev build</pre>
<p>or build it alone and point the server at it:</p>
<pre>cd web &amp;&amp; npm ci &amp;&amp; npm run build
selftune dashboard --web-dir web/dist</pre>
<p>Everything it shows is also in <code>selftune status</code>, <code>selftune skills list</code>
and <code>selftune evidence</code>.</p>
</body>
</html>
)"};

constexpr std::pair<std::string_view, std::string_view> kMimes[] = {
    {".css", "text/css; charset=utf-8"},
    {".html", "text/html; charset=utf-8"},
    {".ico", "image/x-icon"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".png", "image/png"},
    {".svg", "image/svg+xml"},
    {".txt", "text/plain; charset=utf-8"},
    {".webmanifest", "application/manifest+json"},
    {".woff2", "font/woff2"},
};

std::string_view MimeOf(std::string_view path) {
  for (const auto& [ending, mime] : kMimes) {
    if (path.ends_with(ending)) return mime;
  }
  return "application/octet-stream";
}

const Asset* FindEmbedded(std::string_view path) {
  const std::span<const Asset> all = EmbeddedAssets();
  const auto at = std::lower_bound(
      all.begin(), all.end(), path,
      [](const Asset& asset, std::string_view wanted) { return asset.path < wanted; });
  return at != all.end() && at->path == path ? &*at : nullptr;
}

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// "q=0", "q=0.0", "q=0.000"
bool IsZeroWeight(std::string_view parameter) {
  parameter = Trimmed(parameter);
  if (parameter.size() < 3 || (parameter[0] != 'q' && parameter[0] != 'Q')) return false;
  return parameter[1] == '=' &&
         parameter.substr(2).find_first_not_of("0.") == std::string_view::npos;
}

bool IsWord(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
  });
}

}  // namespace

// The entry that names gzip wins over "*".
bool TakesGzip(const http::Request& request) {
  std::string_view list = request.Get("accept-encoding");
  bool any = false;
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    const std::string_view entry = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const size_t mark = std::min(entry.find(';'), entry.size());
    const std::string_view coding = Trimmed(entry.substr(0, mark));
    const bool taken = mark == entry.size() || !IsZeroWeight(entry.substr(mark + 1));
    if (IsWord(coding, "gzip")) return taken;
    any = any || (coding == "*" && taken);
  }
  return any;
}

namespace {

http::Response Embedded(const Asset& asset, const http::Request& request) {
  const bool zipped = !asset.gzip.empty() && TakesGzip(request);
  const std::string etag = "\"" + std::string(asset.etag.substr(0, 32)) + (zipped ? "-gz\"" : "\"");
  http::Response out;
  out.Add("Content-Type", std::string(asset.mime))
      .Add("ETag", etag)
      .Add("Vary", "Accept-Encoding")
      .Add("Cache-Control", asset.path.starts_with(kHashedFolder)
                                ? "public, max-age=31536000, immutable"
                                : "no-cache");
  AddSecurityHeaders(out);
  if (HoldsTag(request, etag)) {
    out.status = 304;
    return out;
  }
  if (zipped) out.Add("Content-Encoding", "gzip");
  out.fixed_body = zipped ? asset.gzip : asset.raw;
  return out;
}

// Reads a file below `folder`, step by step, so that no link leads out of it.
std::optional<std::string> ReadBelow(const std::string& folder,
                                     const std::vector<std::string>& segments) {
  int at = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (size_t i = 0; i < segments.size() && at >= 0; ++i) {
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
                      (i + 1 < segments.size() ? O_DIRECTORY : 0);
    const int next =
        segments[i].find('/') == std::string::npos ? openat(at, segments[i].c_str(), flags) : -1;
    close(at);
    at = next;
  }
  if (at < 0) return std::nullopt;
  struct stat info = {};
  const bool regular =
      fstat(at, &info) == 0 && S_ISREG(info.st_mode) && info.st_size <= kLargestFile;
  std::string out;
  char chunk[64 * 1024];
  ssize_t got = 0;
  while (regular && (got = read(at, chunk, sizeof chunk)) > 0) {
    out.append(chunk, static_cast<size_t>(got));
  }
  close(at);
  if (!regular || got < 0) return std::nullopt;
  return out;
}

http::Response Plain(int status, std::string_view mime, std::string body) {
  http::Response out;
  out.status = status;
  out.body = std::move(body);
  out.Add("Content-Type", std::string(mime)).Add("Cache-Control", "no-cache");
  AddSecurityHeaders(out);
  return out;
}

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

http::Response NoPage(std::string_view why) {
  return Plain(503, MimeOf(kIndex),
               std::string(kNoPage[0]) + Escaped(why) + std::string(kNoPage[1]));
}

// Addresses inside the page look like this: /skills/3.
bool IsPageAddress(const std::vector<std::string>& segments) {
  return segments.empty() ||
         (segments.front() != kHashedFolder.substr(1, kHashedFolder.size() - 2) &&
          segments.back().find('.') == std::string::npos);
}

}  // namespace

std::optional<http::Response> Assets::Get(const http::Request& request,
                                          const std::vector<std::string>& segments) const {
  std::string path;
  for (const std::string& segment : segments) path += "/" + segment;
  if (!folder_.empty()) {
    auto text = segments.empty() ? std::nullopt : ReadBelow(folder_, segments);
    if (text.has_value()) return Plain(200, MimeOf(path), *std::move(text));
    if (!IsPageAddress(segments)) return std::nullopt;
    text = ReadBelow(folder_, {std::string(kIndex.substr(1))});
    return text.has_value() ? Plain(200, MimeOf(kIndex), *std::move(text))
                            : NoPage("No index.html in " + folder_);
  }
  const Asset* asset = FindEmbedded(path);
  if (asset == nullptr && IsPageAddress(segments)) {
    asset = FindEmbedded(kIndex);
    if (asset == nullptr) return NoPage(WhyNoPage());
  }
  if (asset == nullptr) return std::nullopt;
  return Embedded(*asset, request);
}

bool Assets::present() const {
  return folder_.empty() ? FindEmbedded(kIndex) != nullptr
                         : access((folder_ + std::string(kIndex)).c_str(), R_OK) == 0;
}

std::string Assets::build() const {
  return folder_.empty() ? std::string(EmbeddedBuild()) : "folder";
}

}  // namespace selftune::dashboard

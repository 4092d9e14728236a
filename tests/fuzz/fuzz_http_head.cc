// A request head that passes has one meaning: whoever reads it by the plain
// rules of HTTP finds the same fields.
#include <string>
#include <string_view>

#include "dashboard/guard.h"
#include "dashboard/http/head_check.h"
#include "input.h"

namespace {

using selftune::fuzz::Require;

size_t Count(std::string_view text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

void CheckAccepted(std::string_view head) {
  Require(head.find('\0') == head.npos, "no NUL passes");
  Require(Count(head, "\r") == Count(head, "\r\n") && Count(head, "\n") == Count(head, "\r\n"),
          "line ends are whole");
  Require(Count(head, "\r\n\r\n") == 1, "it ends once");
  Require(head.find("\r\n ") == head.npos && head.find("\r\n\t") == head.npos, "nothing is folded");
  std::string lower(head);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  Require(Count(lower, "\r\nhost:") == 1, "one host");
  Require(Count(lower, "\r\ncontent-length:") <= 1, "at most one length");
  Require(Count(lower, "\r\ntransfer-encoding:") == 0, "no transfer coding");
  const std::string_view target = head.substr(head.find(' ') + 1);
  Require(target.starts_with('/'), "a path of this server");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  const std::string_view text = fuzz::AsText(data, size);
  const dashboard::http::Limits limits;
  const std::string head = std::string(text) + "\r\n\r\n";
  if (!dashboard::http::CheckHead(head, limits).has_value()) CheckAccepted(head);
  (void)dashboard::http::HeadTooLong(text, limits);
  if (const auto path = dashboard::SplitPath(text)) {
    for (const std::string& segment : *path) {
      Require(!segment.empty() && segment != "." && segment != "..", "no way up");
    }
  }
  (void)dashboard::SplitQuery(text);
  return 0;
}

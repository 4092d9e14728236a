#include "hosts/codex/install_trust.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/json_scan.h"
#include "base/strings.h"

namespace selftune::hosts::codex {
namespace {

constexpr std::string_view kTable = "[hooks.state.";

// Goes through the lines of a TOML text and knows which of them lie inside a text
// of several lines.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}

  bool Next() {
    if (next_ >= text_.size()) return false;
    begin = next_;
    const size_t at = text_.find('\n', begin);
    next_ = at == text_.npos ? text_.size() : at + 1;
    line = text_.substr(begin, next_ - begin);
    in_text = open_.has_value();
    Follow();
    return true;
  }

  size_t begin = 0;
  std::string_view line;  // with its break
  bool in_text = false;   // it begins inside a text

 private:
  // Where texts of several lines begin and end; a comment ends the line.
  void Follow() {
    char quote = '\0';
    for (size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      const bool triple = (c == '"' || c == '\'') && line.substr(i, 3) == std::string(3, c);
      if (open_.has_value()) {
        if (c == '\\' && *open_ == '"') {
          ++i;
        } else if (triple && c == *open_) {
          open_.reset();
          i += 2;
        }
      } else if (quote != '\0') {
        if (c == '\\' && quote == '"') {
          ++i;
        } else if (c == quote) {
          quote = '\0';
        }
      } else if (triple) {
        open_ = c;
        i += 2;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '#') {
        return;
      }
    }
  }

  std::string_view text_;
  size_t next_ = 0;
  std::optional<char> open_;
};

bool IsHeader(std::string_view line) { return base::Trim(line).starts_with('['); }

// The key of "[hooks.state."..."]"; nullopt for any other line.
std::optional<std::string> KeyOfHeader(std::string_view line) {
  line = base::Trim(line);
  if (!line.starts_with(kTable)) return std::nullopt;
  line.remove_prefix(kTable.size());
  line = base::Trim(line);
  if (line.size() < 3 || (line[0] != '"' && line[0] != '\'')) return std::nullopt;
  const char quote = line[0];
  size_t end = 1;
  while (end < line.size() && line[end] != quote) {
    end += line[end] == '\\' && quote == '"' ? 2 : 1;
  }
  if (end >= line.size()) return std::nullopt;
  const std::string_view inside = line.substr(1, end - 1);
  if (!base::Trim(line.substr(end + 1)).starts_with(']')) return std::nullopt;
  if (quote == '\'') return std::string(inside);
  return base::JsonSpan{.kind = base::JsonSpan::Kind::kString, .escaped = true, .text = inside}
      .ToString();
}

}  // namespace

std::string TrustKey(std::string_view hooks_file, std::string_view event, size_t group,
                     size_t handler) {
  std::string snake;
  for (const char c : event) {
    if (c >= 'A' && c <= 'Z') {
      if (!snake.empty()) snake.push_back('_');
      snake.push_back(base::ToLower(c));
    } else {
      snake.push_back(c);
    }
  }
  return fmt::format("{}:{}:{}:{}", hooks_file, snake, group, handler);
}

std::vector<std::string> TrustedKeys(std::string_view toml) {
  std::vector<std::string> out;
  for (Lines lines(toml); lines.Next();) {
    if (lines.in_text) continue;
    if (auto key = KeyOfHeader(lines.line)) out.push_back(*std::move(key));
  }
  return out;
}

std::string WithoutTrust(std::string_view toml, const std::vector<std::string>& keys) {
  std::string out;
  bool ours = false;
  for (Lines lines(toml); lines.Next();) {
    if (!lines.in_text && IsHeader(lines.line)) {
      const auto key = KeyOfHeader(lines.line);
      ours = key.has_value() && std::find(keys.begin(), keys.end(), *key) != keys.end();
      // The empty line above it came with it.
      if (ours && out.ends_with("\n\n")) out.pop_back();
      // The one above the next table stays with that.
      if (!ours && !out.empty() && !out.ends_with("\n\n") && lines.begin >= 2 &&
          toml.substr(lines.begin - 2, 2) == "\n\n") {
        out.push_back('\n');
      }
    }
    if (!ours || base::Trim(lines.line).starts_with('#')) out += lines.line;
  }
  return out;
}

}  // namespace selftune::hosts::codex

#include "hosts/codex/install_trust.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/json_scan.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "hosts/codex/install_toml.h"

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

// "UserPromptSubmit" is "user_prompt_submit" there.
std::string Snake(std::string_view event) {
  std::string snake;
  for (const char c : event) {
    if (c >= 'A' && c <= 'Z') {
      if (!snake.empty()) snake.push_back('_');
      snake.push_back(base::ToLower(c));
    } else {
      snake.push_back(c);
    }
  }
  return snake;
}

}  // namespace

std::string TrustKey(std::string_view hooks_file, std::string_view event, size_t group,
                     size_t handler) {
  return fmt::format("{}:{}:{}:{}", hooks_file, Snake(event), group, handler);
}

std::string TrustHash(std::string_view event, const base::JsonValue& group, size_t handler) {
  using base::JsonValue;
  constexpr int64_t kUsualTimeout = 600;
  const auto& handlers = group["hooks"].items();
  if (handler >= handlers.size()) return "";
  const JsonValue& hook = handlers[handler];
  const std::string& message = hook["statusMessage"].AsString();
  for (const std::string& text : {hook["command"].AsString(), message}) {
    // There are several ways to write these in JSON.
    if (std::any_of(text.begin(), text.end(), [](char c) { return c < ' ' || c == 0x7f; })) {
      return "";
    }
  }
  std::vector<JsonValue::Member> told = {{"async", JsonValue::Bool(hook["async"].AsBool())},
                                         {"command", JsonValue::Text(hook["command"].AsString())}};
  if (!message.empty()) told.emplace_back("statusMessage", JsonValue::Text(message));
  told.emplace_back("timeout", JsonValue::Int(hook["timeout"].AsInt(kUsualTimeout)));
  told.emplace_back("type", JsonValue::Text("command"));
  std::vector<JsonValue::Member> identity = {
      {"event_name", JsonValue::Text(Snake(event))},
      {"hooks", JsonValue::Array({JsonValue::Object(std::move(told))})}};
  if (group.Has("matcher")) identity.emplace_back("matcher", group["matcher"]);
  return "sha256:" + base::Sha256Hex(JsonValue::Object(std::move(identity)).ToJson());
}

const Trust* HookConfig::Find(std::string_view key) const {
  const auto found = std::find_if(trusts.begin(), trusts.end(),
                                  [&](const Trust& trust) { return trust.key == key; });
  return found == trusts.end() ? nullptr : &*found;
}

HookConfig ReadHookConfig(std::string_view toml) {
  HookConfig out;
  bool named = false;                              // by its own name, which wins over the other
  std::unordered_map<std::string, size_t> places;  // of a key in out.trusts
  ReadToml(toml, [&](const TomlValue& value) {
    const std::span<const std::string> path = value.path;
    if (value.is_table || value.is_list || value.in_list) return;
    if (path.size() == 2 && path[0] == "features") {
      const bool old = path[1] == "codex_hooks";
      if (path[1] != "hooks" && (!old || named)) return;
      named = named || !old;
      out.off = value.Is("false") ? path[1] : "";
    } else if (path.size() == 4 && path[0] == "hooks" && path[1] == "state") {
      const auto [place, added] = places.try_emplace(path[2], out.trusts.size());
      if (added) out.trusts.push_back({.key = path[2]});
      Trust& trust = out.trusts[place->second];
      if (path[3] == "enabled") trust.enabled = !value.Is("false");
      if (path[3] == "trusted_hash" && value.is_text) trust.hash = value.text;
    }
  });
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

#include "hosts/claude_code/prompts.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "base/strings.h"

namespace selftune::hosts::claude_code {
namespace {

// What stands between <tag> at the front of `text` and its closing tag (the
// last one if `to_last`); `text` is moved behind it.
std::optional<std::string_view> TakeElement(std::string_view& text, std::string_view tag,
                                            bool to_last) {
  const std::string open = "<" + std::string(tag) + ">";
  const std::string close = "</" + std::string(tag) + ">";
  if (!text.starts_with(open)) return std::nullopt;
  const size_t end = to_last ? text.rfind(close) : text.find(close);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view inner = text.substr(open.size(), end - open.size());
  text.remove_prefix(end + close.size());
  return inner;
}

void SkipSpace(std::string_view& text) {
  while (!text.empty() && base::IsSpace(text.front())) text.remove_prefix(1);
}

std::string CommandText(std::string_view name, std::string_view args) {
  std::string text = "/" + std::string(name);
  if (!args.empty()) text.append(" ").append(args);
  return text;
}

// <command-message>..</command-message> <command-name>/NAME</command-name>
// <command-args>ARGS</command-args>, message first: sent to the model.
std::optional<UserText> ExpandedCommand(std::string_view raw) {
  if (!TakeElement(raw, "command-message", /*to_last=*/false)) return std::nullopt;
  SkipSpace(raw);
  const std::optional<std::string_view> name = TakeElement(raw, "command-name", /*to_last=*/false);
  if (!name.has_value()) return std::nullopt;
  // Without the slash it is the host's note that a skill is being loaded.
  if (!name->starts_with('/') || name->size() < 2) return UserText{};
  SkipSpace(raw);
  UserText command{
      .kind = UserKind::kSlash,
      .text = "",
      .name = std::string(name->substr(1)),
      .args = std::string(TakeElement(raw, "command-args", /*to_last=*/true).value_or(""))};
  command.text = CommandText(command.name, command.args);
  return command;
}

// "/name" or "/name args" as one line of typing.
std::optional<UserText> BareCommand(std::string_view raw) {
  if (raw.size() < 2 || raw.front() != '/') return std::nullopt;
  size_t end = 1;
  while (end < raw.size() && !base::IsSpace(raw[end])) ++end;
  if (end < 2) return std::nullopt;
  return UserText{.kind = UserKind::kForkedSlash,
                  .text = std::string(raw),
                  .name = std::string(raw.substr(1, end - 1)),
                  .args = std::string(base::Trim(raw.substr(end)))};
}

// Texts that hosts without `promptSource` put into the user role.
bool IsHostText(std::string_view raw) {
  const auto encloses = [raw](std::string_view open, std::string_view close) {
    return raw.starts_with(open) && base::Trim(raw).ends_with(close);
  };
  return raw.starts_with("<command-name>/") || encloses("<bash-input>", "</bash-input>") ||
         encloses("<bash-stdout>", "</bash-stderr>") ||
         encloses("<bash-stdout>", "</bash-stdout>") ||
         encloses("<bash-stderr>", "</bash-stderr>") || raw.starts_with("<local-command-stdout>") ||
         raw.starts_with("<local-command-stderr>") ||
         encloses("<user-memory-input>", "</user-memory-input>") ||
         raw.starts_with("<task-notification>");
}

bool IsInterruption(std::string_view raw) {
  return raw == "[Request interrupted by user]" ||
         raw == "[Request interrupted by user for tool use]";
}

// Takes the two marker lines off pasted text, keeps what was pasted.
std::string WithoutPasteMarks(std::string_view raw) {
  static constexpr std::string_view kOpen = "<pasted_content id=\"";
  if (raw.find(kOpen) == std::string_view::npos) return std::string(raw);
  std::string text;
  size_t pos = 0;
  while (pos < raw.size()) {
    const size_t open = raw.find(kOpen, pos);
    if (open == std::string_view::npos) break;
    const size_t id_end = raw.find("\">\n", open + kOpen.size());
    if (id_end == std::string_view::npos || (open > 0 && raw[open - 1] != '\n')) {
      text.append(raw.substr(pos, open + 1 - pos));
      pos = open + 1;
      continue;
    }
    const std::string id(raw.substr(open + kOpen.size(), id_end - open - kOpen.size()));
    const std::string close = "\n</pasted_content id=\"" + id + "\">";
    const size_t start = id_end + 3;
    const size_t end = raw.find(close, start - 1);  // nothing pasted: the line ends are one
    if (end == std::string_view::npos) {
      text.append(raw.substr(pos, open + 1 - pos));
      pos = open + 1;
      continue;
    }
    text.append(raw.substr(pos, open - pos));
    if (end >= start) text.append(raw.substr(start, end - start));
    pos = end + close.size();
  }
  text.append(raw.substr(std::min(pos, raw.size())));
  return text;
}

}  // namespace

UserText ClassifyUserText(const Record& record, std::string_view raw, bool after_caveat) {
  if (record.origin_kind.present() && !record.origin_kind.Is("human")) return {};
  const UserText prompt{
      .kind = UserKind::kPrompt, .text = WithoutPasteMarks(raw), .name = "", .args = ""};
  if (record.prompt_source.Is("system")) return {};
  if (record.prompt_source.present()) return prompt;
  if (record.source_tool_use_id.present()) return {};  // belongs to a call
  if (std::optional<UserText> command = ExpandedCommand(raw)) return *std::move(command);
  if (IsHostText(raw)) return {};
  if (IsInterruption(raw))
    return {.kind = UserKind::kInterruption, .text = "", .name = "", .args = ""};
  if (after_caveat) {
    if (std::optional<UserText> command = BareCommand(raw)) return *std::move(command);
  }
  return prompt;
}

bool IsCaveat(const Record& record) {
  return record.FirstText().StartsWith("<local-command-caveat>");
}

}  // namespace selftune::hosts::claude_code

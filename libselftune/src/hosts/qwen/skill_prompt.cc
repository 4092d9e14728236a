#include "hosts/qwen/skill_prompt.h"

#include <string>

#include "base/file.h"
#include "base/strings.h"
#include "ingest/typed_command.h"

namespace selftune::hosts::qwen {
namespace {

constexpr std::string_view kHead = "Base directory for this skill: ";
constexpr std::string_view kNote = "\n\nYour invocation arguments have been written";

std::string_view Directory(std::string_view text) {
  if (!text.starts_with(kHead)) return {};
  text.remove_prefix(kHead.size());
  std::string_view dir = base::Trim(text.substr(0, text.find('\n')));
  while (dir.size() > 1 && dir.ends_with('/')) dir.remove_suffix(1);
  return dir;
}

// The last paragraph of `text` when it is one line with a command.
std::string_view LastCommand(std::string_view text) {
  text = text.substr(0, text.find_last_not_of(" \n") + 1);
  const size_t at = text.rfind('\n');
  const std::string_view line = at == std::string_view::npos ? text : text.substr(at + 1);
  return ingest::ReadTypedCommand(line).name.empty() ? std::string_view() : line;
}

}  // namespace

std::string SkillPathOf(std::string_view text) {
  const std::string_view dir = Directory(text);
  return dir.empty() ? std::string() : base::JoinPath(dir, "SKILL.md");
}

std::string_view SkillBodyOf(std::string_view text) {
  if (Directory(text).empty()) return {};
  const size_t head = text.find("\n\n");
  return head == std::string_view::npos ? std::string_view() : text.substr(head + 2);
}

std::optional<SkillPrompt> ReadSkillPrompt(std::string_view text, std::string_view typed) {
  const std::string_view dir = Directory(text);
  if (dir.empty()) return std::nullopt;
  SkillPrompt prompt;
  prompt.path = SkillPathOf(text);
  std::string_view body = SkillBodyOf(text);
  if (const size_t note = body.rfind(kNote); note != std::string_view::npos) {
    body = body.substr(0, note);
  }
  std::string_view command = LastCommand(body);
  const bool appended = !command.empty();
  if (appended) body = body.substr(0, static_cast<size_t>(command.data() - body.data()));
  if (!typed.empty()) command = typed;
  const ingest::TypedCommand read = ingest::ReadTypedCommand(command);
  prompt.name = read.name.empty() ? base::BaseName(dir) : read.name;
  prompt.args = read.args;
  // Two line ends stand before the command.
  if (appended && body.ends_with("\n\n")) body.remove_suffix(2);
  prompt.body = body;
  return prompt;
}

}  // namespace selftune::hosts::qwen

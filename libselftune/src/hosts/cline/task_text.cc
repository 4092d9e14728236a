#include "hosts/cline/task_text.h"

#include <array>

#include "base/strings.h"

namespace selftune::hosts::cline {
namespace {

constexpr std::array<std::string_view, 26> kTools = {"use_skill",
                                                     "execute_command",
                                                     "read_file",
                                                     "write_to_file",
                                                     "replace_in_file",
                                                     "apply_patch",
                                                     "search_files",
                                                     "list_files",
                                                     "list_code_definition_names",
                                                     "browser_action",
                                                     "use_mcp_tool",
                                                     "access_mcp_resource",
                                                     "load_mcp_documentation",
                                                     "ask_followup_question",
                                                     "plan_mode_respond",
                                                     "act_mode_respond",
                                                     "attempt_completion",
                                                     "new_task",
                                                     "new_rule",
                                                     "condense",
                                                     "summarize_task",
                                                     "report_bug",
                                                     "web_fetch",
                                                     "web_search",
                                                     "use_subagents",
                                                     "generate_explanation"};

// The text between `<tag>` and the last `</tag>`.
std::optional<std::string_view> Inside(std::string_view text, std::string_view tag) {
  const std::string open = "<" + std::string(tag) + ">";
  const std::string close = "</" + std::string(tag) + ">";
  const size_t begin = text.find(open);
  const size_t end = text.rfind(close);
  if (begin == std::string_view::npos || end == std::string_view::npos ||
      end < begin + open.size()) {
    return std::nullopt;
  }
  return text.substr(begin + open.size(), end - begin - open.size());
}

}  // namespace

std::optional<XmlCall> FindXmlCall(std::string_view text) {
  std::optional<XmlCall> first;
  size_t place = std::string_view::npos;
  for (const std::string_view tool : kTools) {
    const std::string open = "<" + std::string(tool) + ">";
    const size_t at = text.find(open);
    if (at >= place) continue;
    const size_t end = text.find("</" + std::string(tool) + ">", at);
    if (end == std::string_view::npos) continue;
    place = at;
    first = XmlCall{tool, text.substr(at + open.size(), end - at - open.size())};
  }
  return first;
}

std::string_view Parameter(std::string_view inside, std::string_view name) {
  return base::Trim(Inside(inside, name).value_or(std::string_view()));
}

std::optional<std::string_view> ResultText(std::string_view text) {
  constexpr std::string_view kEnd = "] Result:";
  if (!text.starts_with('[')) return std::nullopt;
  const size_t end = text.find(kEnd);
  if (end == std::string_view::npos) return std::nullopt;
  return base::Trim(text.substr(end + kEnd.size()));
}

std::optional<std::string_view> TypedInside(std::string_view text) {
  for (const std::string_view tag : {"task", "feedback", "answer", "user_message"}) {
    if (const auto inside = Inside(text, tag)) return base::Trim(*inside);
  }
  return std::nullopt;
}

std::string_view WorkingDirectory(std::string_view text) {
  constexpr std::string_view kOpen = "# Current Working Directory (", kClose = ") Files";
  const size_t begin = text.find(kOpen);
  if (begin == std::string_view::npos) return {};
  const size_t end = text.find(kClose, begin);
  if (end == std::string_view::npos) return {};
  return text.substr(begin + kOpen.size(), end - begin - kOpen.size());
}

}  // namespace selftune::hosts::cline

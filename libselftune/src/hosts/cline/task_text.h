// Calls and their results as the older Cline writes them into texts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace selftune::hosts::cline {

// `<read_file><path>a</path></read_file>` in the text of an answer.
struct XmlCall {
  std::string_view tool;
  std::string_view inside;  // its parameters
};
// The first one: the host runs no more.
[[nodiscard]] std::optional<XmlCall> FindXmlCall(std::string_view text);
// The value of `<name>...</name>`, "" when there is none.
[[nodiscard]] std::string_view Parameter(std::string_view inside, std::string_view name);

// `[tool for 'x'] Result:\ntext`: the text; nullopt when it is no result.
[[nodiscard]] std::optional<std::string_view> ResultText(std::string_view text);

// What a person typed, in a text of the user's role: the inside of `<task>`,
// `<feedback>`, `<answer>` or `<user_message>`.
[[nodiscard]] std::optional<std::string_view> TypedInside(std::string_view text);

// The working directory in the host's `<environment_details>`, "" = not said.
[[nodiscard]] std::string_view WorkingDirectory(std::string_view text);

}  // namespace selftune::hosts::cline

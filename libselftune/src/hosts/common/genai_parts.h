// Content as the Google GenAI interface has it, which Gemini CLI and its fork
// Qwen Code store: parts with text, a call, or the response to a call.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_object.h"
#include "hosts/common/dialogue.h"
#include "hosts/common/raw_text.h"
#include "hosts/common/tool_use.h"

namespace selftune::hosts {

// Views into the line.
struct GenAiPart {
  enum class Kind { kOther, kText, kCall, kResponse };
  Kind kind = Kind::kOther;
  bool thought = false;
  RawText text;
  RawText id, name;       // of a call or response
  ToolArgs args;          // of a call
  RawText output, error;  // of a response
};

// A text, one part, or a list of parts.
void ReadGenAiParts(base::JsonField& value, std::vector<GenAiPart>& parts);

// The words of a person: texts without what the host put behind them (content
// of files named by `@`, context of hooks). nullopt when there is no text.
[[nodiscard]] std::optional<std::string> TypedText(const std::vector<GenAiPart>& parts);

// The status that the report of a shell call ends with, 0 if it names none.
[[nodiscard]] int64_t ShellExitCode(const RawText& report);

// How a call that the host says failed, or was cancelled, ended.
struct GenAiFailure {
  bool denied = false;     // refused by a person, a rule or a hook
  bool cancelled = false;  // cut short by the person
};
[[nodiscard]] GenAiFailure JudgeFailure(std::string_view error);

}  // namespace selftune::hosts

#include "hosts/codex/call_output.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "hosts/common/raw_text.h"

namespace selftune::hosts::codex {
namespace {

// Texts of the host for calls that it did not run, or that broke down.
constexpr std::string_view kErrorStarts[] = {
    "unsupported call",
    "unsupported custom tool call",
    "failed to parse",
    "apply_patch verification failed",
    "Command blocked by",
    "exec_command failed",
    "execution error",
    "error: ",
    "exec command rejected by user",
    "patch rejected by user",
    "rejected by user",
};
constexpr std::string_view kDeniedStarts[] = {"rejected by user", "Command blocked by",
                                              "exec command rejected by user",
                                              "patch rejected by user"};

// Lines that the host puts before `Output:`.
constexpr std::string_view kHeaderStarts[] = {
    "Chunk ID: ", "Wall time: ", "Original token count: ", "Total output lines: "};

std::optional<int64_t> LeadingNumber(std::string_view text) {
  size_t size = 0;
  while (size < text.size() && (text[size] == '-' || (text[size] >= '0' && text[size] <= '9'))) {
    ++size;
  }
  return base::ParseInt(text.substr(0, size));
}

// Reads the header lines of a command's output; `text` is still escaped, so a
// line ends with the two characters \n.
void ReadHeader(std::string_view text, CallResult& result) {
  constexpr std::string_view kExited = "Process exited with code ";
  constexpr std::string_view kExitCode = "Exit code: ";
  constexpr std::string_view kRunning = "Process running with session ID";
  constexpr int kMaxLines = 8;
  for (int i = 0; i < kMaxLines; ++i) {
    const size_t end = text.find("\\n");
    const std::string_view line = text.substr(0, end);
    bool known = false;
    for (const std::string_view start : kHeaderStarts) known = known || line.starts_with(start);
    if (line.starts_with(kExited)) {
      result.exit_code = LeadingNumber(line.substr(kExited.size()));
    } else if (line.starts_with(kExitCode)) {
      result.exit_code = LeadingNumber(line.substr(kExitCode.size()));
    } else if (line.starts_with(kRunning)) {
      result.running = true;
    } else if (!known) {
      return;  // `Output:`, or a text without a header
    }
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 2);
  }
}

// {"output":"...","metadata":{"exit_code":N,...}} as text.
std::optional<int64_t> ExitCodeOfJson(std::string_view token, std::string_view text,
                                      InnerJson& inner) {
  constexpr std::string_view kKey = "\\\"exit_code\\\"";
  // A quote inside an inner string is written \\\" there: the key as it stands
  // here is a key of the inner document.
  const size_t key = text.rfind(kKey);
  if (key == std::string_view::npos) return std::nullopt;
  constexpr std::string_view kHead = "{\\\"output\\\":\\\"";
  constexpr std::string_view kBefore = "\\\",\\\"metadata\\\":{";
  const std::string_view before = text.substr(0, key);
  std::string_view after = text.substr(key + kKey.size());
  if (after.starts_with(':')) after.remove_prefix(1);
  const std::optional<int64_t> number = LeadingNumber(after);
  if (text.starts_with(kHead) && before.ends_with(kBefore) && number.has_value() &&
      after.find('{') == std::string_view::npos && after.ends_with("}}") &&
      after.find('}') + 2 == after.size()) {
    return number;  // the shape the host writes; spares parsing the output
  }
  std::optional<int64_t> code;
  const std::string unescaped = RawText(token).ToString();
  inner.ForEachField(unescaped, [&](std::string_view name, base::JsonField& value) {
    if (name != "metadata") return;
    value.ForEachField([&](std::string_view field, base::JsonField& number_field) {
      if (field == "exit_code") code = number_field.Int();
    });
  });
  return code;
}

}  // namespace

CallResult JudgeOutput(std::string_view token, InnerJson& inner) {
  CallResult result;
  const std::string_view text = RawText(token).escaped();
  if (text.starts_with('{')) {
    result.exit_code = ExitCodeOfJson(token, text, inner);
  } else {
    ReadHeader(text, result);
  }
  if (result.exit_code.value_or(0) != 0) result.error = true;
  for (const std::string_view start : kErrorStarts) {
    if (text.starts_with(start)) result.error = result.never_ran = true;
  }
  for (const std::string_view start : kDeniedStarts) {
    if (text.starts_with(start)) result.denied = true;
  }
  if (text.starts_with("exec_command failed") &&
      text.find("ejected by user") != std::string_view::npos) {
    result.denied = true;
  }
  std::string_view end = text;
  while (end.ends_with("\\n")) end.remove_suffix(2);
  // Shell tools and the others.
  if (end.ends_with("aborted by user") || text.starts_with("aborted by user after ")) {
    result.error = result.aborted = true;
  }
  return result;
}

bool SaysUnreadable(std::string_view token, std::string_view file_name) {
  static constexpr std::array<std::string_view, 4> kReasons = {"No such file", "Permission denied",
                                                               "Not a directory", "Is a directory"};
  constexpr size_t kReach = 64;
  for (size_t at = token.find(file_name); at != std::string_view::npos;
       at = token.find(file_name, at + 1)) {
    const std::string_view rest = token.substr(at + file_name.size(), kReach);
    // "cat: x/SKILL.md: No such file", "head: cannot open 'x/SKILL.md' for reading: No such ..."
    const std::string_view line = rest.substr(0, rest.find("\\n"));
    if (line.empty() || (line[0] != ':' && line[0] != '\'' && line[0] != '`')) continue;
    for (const std::string_view reason : kReasons) {
      if (line.find(reason) != std::string_view::npos) return true;
    }
  }
  return false;
}

}  // namespace selftune::hosts::codex

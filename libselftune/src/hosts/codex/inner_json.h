// JSON that hosts write as text inside JSON: arguments and results of calls.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json_object.h"

namespace selftune::hosts::codex {

// Not thread-safe.
class InnerJson {
 public:
  // Calls `fn` for the fields of the object `text` holds; false if it is none.
  bool ForEachField(std::string_view text, base::FieldFn fn);

 private:
  base::LineParser parser_;
  std::string buffer_;
};

// A call of a shell tool.
struct ShellCall {
  std::string command;
  std::string workdir;  // "" = not given
};
// From the arguments of exec_command, shell and the like (unescaped JSON).
[[nodiscard]] ShellCall ReadShellCall(InnerJson& inner, std::string_view arguments);
// One line of shell for an argument vector; the text itself for `bash -lc TEXT`.
[[nodiscard]] std::string JoinArgv(const std::vector<std::string_view>& argv);

// Files that a patch in the host's patch language touches, as written.
[[nodiscard]] std::vector<std::string> PatchedFiles(std::string_view patch);

}  // namespace selftune::hosts::codex

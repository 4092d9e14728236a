// A command line taken apart into simple commands, as a shell would. Where it is not sure
// how a shell reads on (functions, patterns, nesting beyond a limit), it ends there: what
// follows is not told, rather than told wrongly. hosts/common/shell_words.h reads lines of
// transcripts, where what may have been done counts, and fills in what a shell would.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::hooks {

// One simple command: words, and the files its output goes to. Or a mark between commands.
struct ShellStep {
  enum class Kind {
    kCommand,
    kOpen,  // a process of its own begins, up to its kClose: "(", "$("
    kClose,
    kBackground,  // "&": what came since the last starts_list was in such a process
  };
  Kind kind = Kind::kCommand;
  std::vector<std::string> words;
  // Which of them is the program, behind "A=b", "sudo -u x" and "then"; their number if none.
  size_t program = 0;
  std::vector<std::string> targets;
  bool starts_list = false;  // the first behind ";", "&", a line end, "("
  bool alone = false;        // a part of a pipe: a process of its own
  bool otherwise = false;    // behind "||"
};

// Quotes are taken off; a "~" or "$" of a quoted beginning stands behind "./", what a shell
// would have to fill in keeps its "$". Looked at are 128 kB, the most that Linux lets one
// argument have, and 1000 commands.
[[nodiscard]] std::vector<ShellStep> SplitShell(std::string_view text);

}  // namespace selftune::hooks

// Reads a line of shell as text: which simple commands it holds, with which
// words, in which directory. Nothing is run and no file is looked at.
//
// Enough of POSIX sh and bash to follow what agents write: quotes, escapes,
// `;` `&&` `||` `|` `&`, subshells, `$(...)`, redirections, here-documents,
// plain assignments and their use, `{a,b}`, `~`, `cd`. What depends on the
// machine (globs, unknown variables, output of commands) makes a part of a word unknown.
//
// For transcripts, where what may have been done counts: it reads on where it is not sure.
// hooks/shell_split.h, which answers while an agent waits and may refuse, ends there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace selftune::hosts {

// Where a line is run. An empty field is unknown.
struct ShellPlace {
  std::string_view cwd;
  std::string_view home;  // unknown: `~` stays in the paths
};

// Stands in a word for a part that cannot be known from the text.
inline constexpr char kUnknownPart = '\x01';

// A simple command.
struct ShellCommand {
  std::vector<std::string> words;    // the command and its arguments
  std::vector<std::string> inputs;   // files after `<`
  std::vector<std::string> outputs;  // files after `>`, `>>`, `&>`
  std::string cwd;                   // where it runs, "" = unknown
  bool to_file = false;              // what it prints goes to a file
  bool piped = false;                // ... to the command behind it
};

// The simple commands of `line` in order of appearance. `sudo`, `env`,
// `timeout` and the like are taken off; `bash -c TEXT` is replaced by the
// commands of TEXT; `cd` and assignments are applied and left out. Never
// fails: a line cut off in the middle gives the commands it has.
[[nodiscard]] std::vector<ShellCommand> SplitShellLine(std::string_view line,
                                                       const ShellPlace& place);

// `word` as a path: absolute, or below `~`, or relative if `cwd` is unknown.
// "" if a part of the word is unknown.
[[nodiscard]] std::string ResolveShellPath(std::string_view cwd, std::string_view word);

}  // namespace selftune::hosts

// A command is data plus, where the default will not do, two pure functions:
// arguments to request parameters, reply data to terminal text.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/json.h"
#include "cli/screen.h"

namespace selftune::cli {

enum class FlagType { kText, kInt, kNumber, kList, kSwitch };

struct Flag {
  std::string_view name;  // "max-skills"
  std::string_view help;
  FlagType type = FlagType::kText;
  std::string_view value = {};  // shown: <n>; a word for the type if empty
  char letter = 0;              // 'n' for -n
  std::span<const std::string_view> choices = {};
  std::string_view param = {};  // of the request; the name with "_" if empty, "-" = none
  bool advanced = false;        // shown under Advanced
  std::string_view also = {};   // a second name, as good as the first
};

// By either of its names, without the dashes.
[[nodiscard]] constexpr bool IsNamed(const Flag& flag, std::string_view name) {
  return name == flag.name || (!flag.also.empty() && name == flag.also);
}

struct Positional {
  std::string_view name;  // "skill"
  std::string_view help;
  bool required = true;
  bool many = false;            // the rest, as a list
  std::string_view param = {};  // as in Flag
  std::span<const std::string_view> choices = {};
};

struct Example {
  std::string_view line;
  std::string_view what;
};

// What was typed, checked against a command's flags.
class Args {
 public:
  [[nodiscard]] bool Has(std::string_view name) const { return values_.contains(name); }
  // The last value given.
  [[nodiscard]] std::optional<std::string> Get(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> All(std::string_view name) const;
  void Put(std::string_view name, std::string value) {
    values_[std::string(name)].push_back(std::move(value));
  }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

using RenderFn = std::string (*)(const Reply& reply, const Screen& screen);

// A flag that turns a command into another operation:
// `evidence --sources`. The first one given counts.
struct Variant {
  std::string_view flag;
  std::string_view op;
  RenderFn render = nullptr;
};

struct Command;

// A command that runs.
struct Invocation {
  const Command* command = nullptr;
  Args args;
  std::vector<std::string> argv;  // as typed, with the program's name
};

struct Command {
  std::string_view path;     // "evolve rollback"
  std::string_view summary;  // one line, no full stop
  std::string_view group;    // kGroups of registry.h; "" = only in `help --all`
  std::string_view op = {};  // of operations.toml; a command without op has `run`
  std::span<const Flag> flags = {};
  std::span<const Positional> positionals = {};
  std::span<const Example> examples = {};
  // Whole parameters of the request. Empty: flags and positionals by name.
  std::string (*params)(const Args& args) = nullptr;
  // Terminal text of a reply. Empty: RenderFields of render.h.
  RenderFn render = nullptr;
  // Does everything itself; returns the exit code.
  int (*run)(const Invocation& invocation) = nullptr;
  std::string_view alias_of = {};  // shown as "alias of ..."
  bool exit_zero = false;          // takes --exit-zero
  bool repeats = false;            // takes --watch: it is shown again and again
  std::span<const Variant> variants = {};
  bool rare = false;      // in the overview only with --all
  bool verbatim = false;  // its text is a file or a page: lines stay as they are
  // Words behind it belong to another program, options too; only --help alone is ours.
  bool passes_on = false;
  bool threads = false;  // several compute at once and hold little: memory.h
};

// The parameter that a flag or positional sets; "" = none.
[[nodiscard]] std::string ParamName(std::string_view param, std::string_view name);

// Parameters of `command` from its flags and positionals, by name.
[[nodiscard]] std::string ParamsByName(const Command& command, const Args& args);

}  // namespace selftune::cli

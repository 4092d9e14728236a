#include "cli/options.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

// A list flag is split at commas by us, so that a text may hold one.
#define CXXOPTS_NO_RTTI
#define CXXOPTS_VECTOR_DELIMITER '\0'
#include <cxxopts.hpp>

#include "cli/flags.h"
#include "cli/registry.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

constexpr std::string_view kWhen[] = {"auto", "always", "never"};
constexpr Flag kGlobal[] = {
    {"json", "print one JSON document", FlagType::kSwitch},
    {"text", "print text, also when stdout is no terminal", FlagType::kSwitch},
    {"json-lines", "print progress as JSON lines, the reply last", FlagType::kSwitch},
    {"fields", "keep only these parts of data: a,b.c", FlagType::kText, "list"},
    {"quiet", "no progress, no hints", FlagType::kSwitch, {}, 'q'},
    {"verbose", "log to stderr", FlagType::kSwitch, {}, 'v'},
    {"color", "when to use colours", FlagType::kText, {}, 0, kWhen},
    {"no-progress", "no progress display", FlagType::kSwitch},
    {"home", "state folder, instead of $SELFTUNE_HOME or ~/.selftune", FlagType::kText, "dir"},
    {"db", "the store, instead of selftune.db in the state folder", FlagType::kText, "path"},
    {"timeout", "give up after this long: 30s, 5m", FlagType::kText, "time"},
    {"version", "show the versions instead", FlagType::kSwitch},
    {"help", "show this help", FlagType::kSwitch, {}, 'h'},
};

void Declare(cxxopts::OptionAdder& add, const Flag& flag) {
  std::string name(flag.name);
  if (flag.letter != 0) name = std::string(1, flag.letter) + "," + name;
  if (!flag.also.empty()) name += "," + std::string(flag.also);
  if (flag.type == FlagType::kSwitch) {
    add(name, "", cxxopts::value<bool>());
  } else {
    add(name, "", cxxopts::value<std::vector<std::string>>());
  }
}

UsageError UnknownFlag(const std::string& word, const std::vector<Flag>& flags,
                       const Command& command) {
  const std::string typed = word.substr(0, word.find('='));
  std::vector<std::string_view> names;
  for (const Flag& flag : flags) {
    names.push_back(flag.name);
    if (!flag.also.empty()) names.push_back(flag.also);
  }
  const size_t dashes = std::min(typed.find_first_not_of('-'), typed.size());
  const std::string_view nearest = Nearest(typed.substr(dashes), names);
  const std::string help = "selftune " + std::string(command.path) + " --help";
  return {
      "INVALID_FLAG", "unknown flag " + Typed(typed) + " of " + std::string(command.path),
      nearest.empty() ? "see " + help : "did you mean --" + std::string(nearest) + "? see " + help};
}

bool IsInt(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool IsNumber(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789.-+eE") != std::string::npos) return false;
  char* end = nullptr;
  (void)std::strtod(text.c_str(), &end);
  return end == text.c_str() + text.size();
}

std::optional<UsageError> CheckChoice(const std::string& name,
                                      std::span<const std::string_view> allowed,
                                      const std::string& value) {
  if (allowed.empty() || std::find(allowed.begin(), allowed.end(), value) != allowed.end()) {
    return std::nullopt;
  }
  std::string known;
  for (const std::string_view choice : allowed)
    known += (known.empty() ? "" : ", ") + std::string(choice);
  const std::string_view nearest = Nearest(value, {allowed.begin(), allowed.end()});
  return UsageError{"INVALID_FLAG", name + " takes " + known + ", not " + Typed(value),
                    nearest.empty() ? "" : "did you mean " + std::string(nearest) + "?"};
}

std::optional<UsageError> CheckValue(const Flag& flag, const std::string& value) {
  const std::string name = "--" + std::string(flag.name);
  if (flag.type == FlagType::kInt && !IsInt(value)) {
    return UsageError{"INVALID_FLAG", name + " takes an integer, not " + Typed(value), ""};
  }
  if (flag.type == FlagType::kNumber && !IsNumber(value)) {
    return UsageError{"INVALID_FLAG", name + " takes a number, not " + Typed(value), ""};
  }
  return CheckChoice(name, flag.choices, value);
}

// Empty items are none.
std::vector<std::string> ItemsOf(const Flag& flag, const std::string& value) {
  if (flag.type != FlagType::kList) return {value};
  std::vector<std::string> out;
  size_t begin = 0;
  while (begin <= value.size()) {
    const size_t comma = std::min(value.find(',', begin), value.size());
    if (comma > begin) out.push_back(value.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return out;
}

std::optional<UsageError> TakeFlags(const std::vector<Flag>& flags,
                                    const cxxopts::ParseResult& result, Args& args) {
  for (const Flag& flag : flags) {
    const std::string name(flag.name);
    if (result.count(name) == 0) continue;
    if (flag.type == FlagType::kSwitch) {
      if (result[name].as<bool>()) args.Put(flag.name, "true");
      continue;
    }
    for (const std::string& value : result[name].as<std::vector<std::string>>()) {
      for (std::string& item : ItemsOf(flag, value)) {
        if (auto error = CheckValue(flag, item)) return error;
        args.Put(flag.name, std::move(item));
      }
    }
  }
  return std::nullopt;
}

std::optional<UsageError> TakePositionals(const Command& command, const std::vector<Flag>& flags,
                                          const std::vector<std::string>& words, Args& args) {
  for (const std::string& word : words) {
    if (word.size() > 1 && word[0] == '-') return UnknownFlag(word, flags, command);
  }
  size_t at = 0;
  for (const Positional& positional : command.positionals) {
    do {
      if (at >= words.size()) break;
      args.Put(positional.name, words[at++]);
    } while (positional.many);
  }
  if (at == words.size()) return std::nullopt;
  const std::string path(command.path);
  std::vector<std::string_view> below;
  for (const Command* other : Registered()) {
    if (other->path.starts_with(path + " ")) below.push_back(other->path.substr(path.size() + 1));
  }
  const std::string_view nearest = Nearest(words[at], below);
  return UsageError{"INVALID_FLAG", "unexpected word " + Typed(words[at]) + " behind " + path,
                    nearest.empty()
                        ? "see selftune " + path + " --help"
                        : "did you mean selftune " + path + " " + std::string(nearest) + "?"};
}

std::optional<UsageError> CheckPositionals(const Command& command, const Args& args) {
  for (const Positional& positional : command.positionals) {
    for (const std::string& value : args.All(positional.name)) {
      if (auto error =
              CheckChoice("<" + std::string(positional.name) + ">", positional.choices, value)) {
        return error;
      }
    }
    if (!positional.required || args.Has(positional.name)) continue;
    return UsageError{"MISSING_FLAG",
                      std::string(command.path) + " needs <" + std::string(positional.name) + ">",
                      "see selftune " + std::string(command.path) + " --help"};
  }
  return std::nullopt;
}

// cxxopts takes a name of one letter behind one dash only; ours may be typed, and
// are shown in the help, as all others: --n 5, --n=5.
std::vector<std::string> WithShortFlags(const std::vector<std::string>& words,
                                        const std::vector<Flag>& flags) {
  std::vector<std::string> out;
  bool literal = false;  // behind "--"
  for (const std::string& word : words) {
    literal = literal || word == "--";
    const bool may = !literal && word.starts_with("--") &&
                     (word.size() == 3 || (word.size() > 3 && word[3] == '='));
    const bool known = may && std::any_of(flags.begin(), flags.end(), [&](const Flag& flag) {
                         return flag.name == std::string_view(word).substr(2, 1);
                       });
    out.push_back(known ? word.substr(1, 2) : word);
    if (known && word.size() > 3) out.push_back(word.substr(4));
  }
  return out;
}

}  // namespace

std::span<const Flag> GlobalFlags() { return kGlobal; }

bool Takes(const OpRow& op, std::string_view param) {
  return op.params.find(" " + std::string(param) + " ") != std::string_view::npos;
}

bool HasOwnFlag(const Command& command, std::string_view name) {
  return std::any_of(command.flags.begin(), command.flags.end(),
                     [&](const Flag& flag) { return flag.name == name; });
}

std::vector<Flag> OwnFlags(const Command& command) {
  std::vector<const OpRow*> ops = {FindOp(command.op)};
  for (const Variant& variant : command.variants) ops.push_back(FindOp(variant.op));
  std::vector<Flag> flags;
  for (const Flag& flag : command.flags) {
    const std::string param = ParamName(flag.param, flag.name);
    bool known = param.empty() || command.op.empty();
    for (const OpRow* op : ops) known |= op != nullptr && Takes(*op, param);
    for (const Variant& variant : command.variants) {
      if (variant.flag == flag.name) known = FindOp(variant.op) != nullptr;
    }
    if (known) flags.push_back(flag);
  }
  return flags;
}

std::vector<Flag> ExtraFlags(const Command& command) {
  std::vector<Flag> flags;
  const OpRow* op = FindOp(command.op);
  if (op != nullptr && op->flags.find_first_of("SFR") != std::string_view::npos) {
    flags.push_back({"dry-run", "describe the plan, write nothing", FlagType::kSwitch, {}, 'n'});
  }
  if (op != nullptr && op->flags.find('Y') != std::string_view::npos) {
    flags.push_back({"yes", "really do it", FlagType::kSwitch});
    flags.push_back({"plan",
                     "do exactly what --dry-run showed under this plan_id",
                     FlagType::kText,
                     "id",
                     0,
                     {},
                     "plan_id"});
  }
  if (command.repeats) {
    flags.push_back({"watch",
                     "show it again every so many seconds: 5, 1m",
                     FlagType::kText,
                     "sec",
                     0,
                     {},
                     "-"});
  }
  if (command.exit_zero) {
    flags.push_back(
        {"exit-zero", "exit with 0 whatever was found", FlagType::kSwitch, {}, 0, {}, "-"});
  }
  return flags;
}

std::vector<Flag> FlagsOf(const Command& command) {
  std::vector<Flag> flags = OwnFlags(command);
  for (const Flag& flag : ExtraFlags(command)) flags.push_back(flag);
  // `selftune why --skill pdf` is as good as `selftune why pdf`.
  for (const Positional& positional : command.positionals) {
    if (positional.name == kSkillFlag.name) flags.push_back(kSkillFlag);
  }
  for (const Flag& flag : kGlobal) {
    if (!HasOwnFlag(command, flag.name)) flags.push_back(flag);
  }
  return flags;
}

ParsedLine ParseLine(const Command& command, const std::vector<std::string>& words) {
  ParsedLine line;
  const std::vector<Flag> flags = FlagsOf(command);
  cxxopts::Options options("selftune");
  options.allow_unrecognised_options();
  auto add = options.add_options();
  for (const Flag& flag : flags) Declare(add, flag);

  const std::vector<std::string> known = WithShortFlags(words, flags);
  std::vector<const char*> argv = {"selftune"};
  for (const std::string& word : known) argv.push_back(word.c_str());
  try {
    const cxxopts::ParseResult result = options.parse(static_cast<int>(argv.size()), argv.data());
    line.error = TakeFlags(flags, result, line.args);
    if (!line.error) line.error = TakePositionals(command, flags, result.unmatched(), line.args);
    if (!line.error) line.error = CheckPositionals(command, line.args);
  } catch (const cxxopts::exceptions::exception& e) {
    line.error = {"INVALID_FLAG",
                  std::string(command.path) + ": " +
                      Shorten(OneLine(std::string_view(e.what()).substr(0, 400)), 200),
                  "see selftune " + std::string(command.path) + " --help"};
  }
  // These need nothing else, and are answered whatever else is wrong.
  if (line.args.Has("help") || line.args.Has("version")) line.error.reset();
  return line;
}

std::optional<int64_t> ParseDuration(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 1 || value > 1'000'000'000) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  if (unit == "ms") return value;
  if (unit.empty() || unit == "s") return value * 1000;
  if (unit == "m" || unit == "min") return value * 60'000;
  if (unit == "h") return value * 3'600'000;
  return std::nullopt;
}

}  // namespace selftune::cli

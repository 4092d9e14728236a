#include "hosts/common/shell_skills.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/strings.h"
#include "base/utf8.h"

namespace selftune::hosts {
namespace {

constexpr std::string_view kSkillFile = "SKILL.md";

bool IsReader(std::string_view command) {
  static constexpr std::array<std::string_view, 8> kReaders = {"cat",  "sed",  "head", "tail",
                                                               "less", "more", "bat",  "awk"};
  return std::find(kReaders.begin(), kReaders.end(), command) != kReaders.end();
}

// Prints what it is given, though perhaps not all of it or in another form.
bool PassesOn(std::string_view command) {
  static constexpr std::array<std::string_view, 14> kFilters = {
      "tee",    "nl",  "tr",   "fold", "fmt", "expand", "iconv",
      "column", "col", "sort", "uniq", "cut", "tac",    "pr"};
  return IsReader(command) ||
         std::find(kFilters.begin(), kFilters.end(), command) != kFilters.end();
}

// Does what the command at `i` prints come back to the model? Not when it goes
// to a file, or to one that tells something about it (`wc`, `grep`, a checksum).
bool ComesBack(const std::vector<ShellCommand>& commands, size_t i) {
  for (;; ++i) {
    if (commands[i].to_file) return false;
    if (!commands[i].piped || i + 1 == commands.size()) return true;
    const std::vector<std::string>& next = commands[i + 1].words;
    if (!next.empty() && !PassesOn(base::BaseName(next[0]))) return false;
  }
}

bool IsInterpreter(std::string_view command) {
  static constexpr std::array<std::string_view, 12> kInterpreters = {
      "sh", "bash", "zsh", "dash", "ksh", "python", "node", "deno", "bun", "ruby", "perl", "pwsh"};
  // python3, python3.12
  while (!command.empty() &&
         (command.back() == '.' || (command.back() >= '0' && command.back() <= '9'))) {
    command.remove_suffix(1);
  }
  return std::find(kInterpreters.begin(), kInterpreters.end(), command) != kInterpreters.end();
}

// `sed -i` and `sed -n -i.bak` write their files.
bool EditsInPlace(const std::vector<std::string>& words) {
  return std::any_of(words.begin() + 1, words.end(), [](const std::string& word) {
    if (word.starts_with("--")) return word.starts_with("--in-place");
    return word.size() > 1 && word[0] == '-' && word.find('i') != std::string::npos &&
           word.find_first_not_of("-nErsuz0123456789") == word.find('i');
  });
}

// Where a path lies, as far as the text says. An unknown beginning ("$X/skills/
// pdf/SKILL.md") still names the skill.
struct Place {
  std::string path;   // resolved; "" when the beginning is unknown
  std::string known;  // the part to look for names in
};

Place Locate(std::string_view cwd, std::string_view word) {
  const size_t mark = word.rfind(kUnknownPart);
  if (mark == std::string_view::npos) {
    std::string path = ResolveShellPath(cwd, word);
    return {.path = path, .known = path};
  }
  std::string_view rest = word.substr(mark + 1);
  if (!rest.starts_with('/')) return {};
  return {.path = "", .known = std::string(rest)};
}

bool HasSkillsFolder(std::string_view above) {
  const std::vector<std::string_view> parts = base::Split(above, '/');
  return std::find(parts.begin(), parts.end(), "skills") != parts.end();
}

// The skill whose SKILL.md `known` is.
std::optional<ShellSkillUse> SkillFileUse(const Place& place) {
  const std::optional<std::string_view> name = SkillOfFile(place.known);
  if (!name.has_value()) return std::nullopt;
  const std::string_view folder = base::DirName(place.known);
  return ShellSkillUse{.skill = std::string(*name),
                       .path = place.path,
                       .route = Route::kShellRead,
                       .script = "",
                       .in_skills_folder = HasSkillsFolder(base::DirName(folder))};
}

// The skill below whose `scripts/` the file lies: the folder above the first
// `scripts` that has `skills` above it.
std::optional<ShellSkillUse> ScriptUse(const Place& place) {
  const std::string_view known = place.known;
  bool below_skills = false;
  std::string_view last;
  for (size_t pos = 0; pos < known.size();) {
    const size_t end = std::min(known.find('/', pos), known.size());
    const std::string_view part = known.substr(pos, end - pos);
    if (part == "scripts" && below_skills && !last.empty() && end + 1 < known.size()) {
      const size_t folder = pos - 1;
      std::string path =
          place.path.empty() ? "" : std::string(known.substr(0, folder)) + "/SKILL.md";
      return ShellSkillUse{.skill = std::string(last),
                           .path = std::move(path),
                           .route = Route::kScriptRun,
                           .script = std::string(known),
                           .in_skills_folder = true};
    }
    if (last == "skills") below_skills = true;
    last = part;
    pos = end + 1;
  }
  return std::nullopt;
}

// The file an interpreter runs: its first argument that is no option.
std::optional<std::string_view> ScriptOf(const std::vector<std::string>& words) {
  const bool deno = words[0] == "deno" || words[0] == "bun";
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (deno && (word == "run" || word == "test")) continue;
    if (!word.starts_with('-')) return word;
    if (word == "-c" || word == "-e" || word == "-m" || word == "--eval" || word == "-") {
      return std::nullopt;  // the program is in the line itself
    }
  }
  return std::nullopt;
}

// Files a command writes by their names as arguments.
bool WritesArguments(std::string_view command, const std::vector<std::string>& words) {
  if (command == "sed") return EditsInPlace(words);
  return command == "tee" || command == "truncate" || command == "rm" || command == "patch";
}

class Finder {
 public:
  ShellSkills Take() && { return std::move(found_); }

  // `comes_back`: what it prints is an answer to the model.
  void Add(const ShellCommand& command, bool comes_back) {
    ++found_.commands;
    const bool prints = command.words.empty() || PassesOn(base::BaseName(command.words[0]));
    if (comes_back && prints) {
      for (const std::string& file : command.inputs) AddRead(command, file);
    }
    for (const std::string& file : command.outputs) AddChange(command, file);
    if (command.words.empty()) return;
    const std::vector<std::string>& words = command.words;
    const std::string_view name = base::BaseName(words[0]);
    const bool writes = WritesArguments(name, words);
    if (writes || IsReader(name)) {
      for (size_t i = 1; i < words.size(); ++i) {
        if (words[i].starts_with('-')) continue;
        if (writes) {
          AddChange(command, words[i]);
        } else if (comes_back) {
          AddRead(command, words[i]);
        }
      }
    } else if ((name == "cp" || name == "mv" || name == "install") && words.size() > 2) {
      AddChange(command, words.back());
      if (name == "mv") AddChange(command, words[words.size() - 2]);
    } else if (IsInterpreter(name)) {
      if (const auto script = ScriptOf(words)) {
        AddUse(ScriptUse(Locate(command.cwd, *script)));
      }
    }
  }

 private:
  void AddRead(const ShellCommand& command, std::string_view file) {
    if (file.ends_with(kSkillFile)) AddUse(SkillFileUse(Locate(command.cwd, file)));
  }

  void AddChange(const ShellCommand& command, std::string_view file) {
    if (!file.ends_with(kSkillFile)) return;
    const Place place = Locate(command.cwd, file);
    if (SkillOfFile(place.known).has_value()) found_.changed.push_back(place.known);
  }

  void AddUse(std::optional<ShellSkillUse> use) {
    if (!use.has_value()) return;
    for (const ShellSkillUse& known : found_.uses) {
      if (known.skill == use->skill && known.path == use->path && known.route == use->route) return;
    }
    found_.uses.push_back(*std::move(use));
  }

  ShellSkills found_;
};

// Folders that the format of skills gives a meaning inside of a skill: a SKILL.md in
// one of them is an example, or a template of one.
bool IsPartOfSkill(std::string_view folder, std::string_view above) {
  constexpr std::string_view kParts[] = {"references", "assets",    "scripts",
                                         "resources",  "templates", "examples"};
  constexpr std::string_view kRoots[] = {"skills", "skill"};
  return std::find(std::begin(kParts), std::end(kParts), folder) != std::end(kParts) &&
         std::find(std::begin(kRoots), std::end(kRoots), above) == std::end(kRoots);
}

}  // namespace

ShellSkills FindShellSkills(std::string_view line, const ShellPlace& place) {
  if (!MayTouchSkill(line)) return {};
  Finder finder;
  const std::vector<ShellCommand> commands = SplitShellLine(line, place);
  for (size_t i = 0; i < commands.size(); ++i) finder.Add(commands[i], ComesBack(commands, i));
  return std::move(finder).Take();
}

bool MayTouchSkill(std::string_view line) {
  return line.find(kSkillFile) != std::string_view::npos ||
         line.find("scripts") != std::string_view::npos;
}

std::optional<std::string_view> SkillOfFile(std::string_view path) {
  if (base::BaseName(path) != kSkillFile) return std::nullopt;
  const std::string_view folder = base::DirName(path);
  const std::string_view name = base::BaseName(folder);
  if (IsPartOfSkill(name, base::BaseName(base::DirName(folder)))) return std::nullopt;
  if (base::IsBlank(name) || name == "/" || name == "." || name == ".." || name == "~" ||
      name == kSkillFile || name.find(kUnknownPart) != std::string_view::npos) {
    return std::nullopt;
  }
  return name;
}

}  // namespace selftune::hosts

#include "hooks/shell_line.h"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hooks/shell_split.h"

namespace selftune::hooks {
namespace {

constexpr int kMaxNesting = 3;         // sh -c "sh -c ..."
constexpr size_t kMaxPath = 4096;      // bytes; none longer can be opened
constexpr size_t kMaxConstructs = 64;  // "if" in "if"
constexpr size_t kMaxFiles = 256;      // that are told of one line

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// The text that `sh -c TEXT` runs; "" otherwise.
std::string_view Inner(const ShellStep& step, size_t at) {
  if (!IsOneOf(BaseName(step.words[at]), {"sh", "bash", "zsh", "dash"})) return "";
  for (size_t i = at + 1; i + 1 < step.words.size(); ++i) {
    const std::string_view word = step.words[i];
    if (!word.starts_with('-')) return "";  // a script, the rest is its own
    if (word.starts_with("--")) continue;
    if (word.find('n') != word.npos) return "";  // read, not run
    if (word.ends_with('c')) return step.words[i + 1];
    if (!word.ends_with('o') && !word.ends_with('O')) continue;
    if (step.words[++i] == "noexec") return "";
  }
  return "";
}

// A path as it stands, with the home in it where it begins with that.
std::string Homed(std::string_view path, std::string_view home) {
  if (home.empty()) return std::string(path);
  for (const std::string_view mark : {"~", "$HOME", "${HOME}"}) {
    if (!path.starts_with(mark)) continue;
    const std::string_view rest = path.substr(mark.size());
    if (rest.empty() || rest.front() == '/') return std::string(home).append(rest);
  }
  return std::string(path);
}

// Goes from `at`, which has no ".", "..", "//", along `path`.
void Walk(std::string_view path, std::string& at) {
  if (at == "/") at.clear();
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part == "..") {
      at.erase(std::min(at.rfind('/'), at.size()));
    } else if (!part.empty() && part != ".") {
      at.append("/").append(part);
    }
    begin = end + 1;
  }
  if (at.empty()) at.push_back('/');
}

// Needs a shell to be known.
bool IsOpen(std::string_view path) {
  return path.empty() || path.front() == '~' || path.find_first_of("$`") != path.npos;
}

// What is said of a folder to which a line perhaps did not go.
enum class Doubt { kSilent, kFollowed };

// Follows the folder in which the commands of a line run; "" = not known.
class Folders {
 public:
  Folders(std::string folder, std::string_view home, Doubt doubt)
      : now_{folder, std::move(folder)}, home_(home), doubt_(doubt) {}

  [[nodiscard]] const std::string& now() const { return now_.folder; }

  // Looks at a step before what it runs; true when it is only about folders.
  bool Follow(const ShellStep& step, size_t at) {
    if (step.starts_list || step.otherwise) Settle();
    if (step.starts_list) {
      now_.list = now_.folder;
      now_.surely = true;
    }
    switch (step.kind) {
      case ShellStep::Kind::kOpen:
        outer_.push_back({now_, /*process=*/true});
        now_.perhaps = false;  // it is run where all before it went well
        return true;
      case ShellStep::Kind::kClose:
        while (!outer_.empty() && !outer_.back().process) outer_.pop_back();
        if (outer_.empty()) return true;
        now_ = std::move(outer_.back().place);
        outer_.pop_back();
        now_.surely = false;
        return true;
      case ShellStep::Kind::kBackground:
        if (now_.folder != now_.list) now_.folder.clear();
        return true;
      case ShellStep::Kind::kCommand:
        break;
    }
    for (size_t i = 0; i < step.words.size() && i <= at; ++i) Construct(step.words[i]);
    std::string_view program;
    if (at < step.words.size()) program = step.words[at];
    if (program == "popd") now_.folder.clear();
    const bool changes = program == "cd" || program == "pushd";
    // In a pipe it is the folder of nothing else.
    if (changes && !(step.alone && at == 0)) {
      const std::string before = now_.folder;
      Change(step, at);
      now_.perhaps = now_.perhaps || (!now_.surely && now_.folder != before);
    } else {
      now_.surely = false;
    }
    return changes || program == "popd";
  }

 private:
  struct Place {
    std::string folder, list;  // where the commands up to the next ";" began
    bool surely = true;        // of those none but a change of folder came yet
    bool perhaps = false;      // the folder is this if the others went well
  };
  struct Outer {
    Place place;
    bool process = false;
  };

  // The commands joined by "&&" have ended: which of them ran is not known.
  void Settle() {
    if (now_.perhaps && doubt_ == Doubt::kSilent) now_.folder.clear();
    now_.perhaps = false;
  }

  // Behind what is not surely run the folder is known only if it is the same either way.
  void Construct(std::string_view word) {
    if (IsOneOf(word, {"if", "while", "until", "for", "select", "case", "{"})) {
      if (outer_.size() >= kMaxConstructs) return now_.folder.clear();
      outer_.push_back({now_, /*process=*/false});
      now_.surely = true;
      now_.perhaps = false;
    }
    const bool ends = IsOneOf(word, {"fi", "done", "esac", "}"});
    if (!ends && word != "else" && word != "elif") return;
    if (outer_.empty() || outer_.back().process) return;
    const Place& before = outer_.back().place;
    if (now_.folder != before.folder) now_.folder.clear();
    if (!ends) return;
    now_.list = before.list;
    now_.perhaps = before.perhaps;
    outer_.pop_back();
  }

  void Change(const ShellStep& step, size_t at) {
    size_t i = at + 1;
    while (i < step.words.size() && IsOneOf(step.words[i], {"-P", "-L", "--"})) ++i;
    const bool home = i >= step.words.size() && step.words[at] == "cd";
    const std::string to = home                    ? std::string(home_)
                           : i < step.words.size() ? Homed(step.words[i], home_)
                                                   : "";
    const bool known = !step.otherwise && !step.alone && !IsOpen(to) && to.front() != '-';
    if (!known || (to.front() != '/' && now_.folder.empty())) return now_.folder.clear();
    if (to.front() == '/') now_.folder.clear();
    Walk(to, now_.folder);
    if (now_.folder.size() > kMaxPath) now_.folder.clear();
  }

  Place now_;
  std::string_view home_;
  Doubt doubt_;
  std::vector<Outer> outer_;
};

// Calls visit(step, first word, folder) for every simple command.
template <typename Visit>
void ForEach(std::string_view command, const std::string& folder, std::string_view home,
             Doubt doubt, int depth, const Visit& visit) {
  Folders folders(folder, home, doubt);
  for (const ShellStep& step : SplitShell(command)) {
    const size_t at = step.program;
    if (folders.Follow(step, at)) continue;
    if (at < step.words.size()) {
      const std::string_view inner = Inner(step, at);
      if (!inner.empty() && depth < kMaxNesting) {
        ForEach(inner, folders.now(), home, doubt, depth + 1, visit);
      }
    }
    visit(step, at, folders.now());
  }
}

// Paths, each once, in the order in which they were told.
class Paths {
 public:
  void Add(std::string path) {
    if (path.empty() || !known_.insert(path).second) return;
    list_.push_back(std::move(path));
  }
  std::vector<std::string> Take() && { return std::move(list_); }

 private:
  std::set<std::string> known_;
  std::vector<std::string> list_;
};

// Another repository than the one around the folder is meant.
bool NamesRepository(std::string_view word) {
  return word.starts_with("GIT_DIR=") || word.starts_with("GIT_WORK_TREE=") ||
         word.starts_with("--git-dir") || word.starts_with("--work-tree");
}

// The folder in which `git ...` commits, "" if it does not or that is not known.
std::string CommitFolder(const ShellStep& step, size_t at, std::string folder) {
  if (std::any_of(step.words.begin(), step.words.end(), NamesRepository)) return "";
  size_t i = at + 1;
  for (; i < step.words.size() && step.words[i].starts_with('-'); ++i) {
    const std::string_view option = step.words[i];
    if (option == "-C" && i + 1 < step.words.size()) {
      folder = ResolvePath(folder, step.words[i + 1]);
      if (folder.empty()) return "";
    }
    if (IsOneOf(option, {"-C", "-c", "--namespace"})) ++i;
  }
  if (i >= step.words.size()) return "";
  const bool commits =
      IsOneOf(step.words[i], {"commit", "merge", "cherry-pick", "revert", "rebase", "pull", "am"});
  return commits ? folder : "";
}

// `sed -i`, `sed -Ei.bak`, `perl -pi`: an "i" among letters that take no word.
bool IsInPlace(std::string_view program, std::string_view option) {
  const bool perl = program == "perl";
  if (!perl && program != "sed" && program != "gsed") return false;
  if (option.starts_with("--in-place")) return true;
  if (!option.starts_with('-') || option.starts_with("--")) return false;
  option.remove_prefix(1);
  const size_t end = option.find_first_not_of(perl ? "pnlawsu01234567" : "nErsuz");
  return end != option.npos && option[end] == 'i';
}

// Collects what is written; of that only what has the name that is looked for.
class Writes {
 public:
  Writes(std::string_view home, std::string_view ending) : home_(home), ending_(ending) {}

  // `folder` as Walk leaves it.
  void Add(const std::string& folder, std::string_view path) {
    if (!path.ends_with(ending_) || path.size() > kMaxPath || count_ >= kMaxFiles) return;
    ++count_;
    const std::string file = Homed(path, home_);
    if (IsOpen(file) || (file.front() != '/' && folder.empty())) return;
    std::string whole = file.front() == '/' ? std::string() : folder;
    Walk(file, whole);
    if (whole.size() <= kMaxPath) paths_.Add(std::move(whole));
  }
  // What `sources` are called once they are in `target`, if that is a folder.
  void AddInside(const std::string& folder, std::string_view target,
                 const std::vector<std::string_view>& sources) {
    if (target.size() > kMaxPath) return;
    for (const std::string_view source : sources) {
      const std::string_view name = BaseName(source);
      if (name.empty() || !name.ends_with(ending_) || count_ >= kMaxFiles) continue;
      Add(folder, std::string(target).append("/").append(name));
    }
  }
  std::vector<std::string> Take() && { return std::move(paths_).Take(); }

 private:
  std::string_view home_, ending_;
  size_t count_ = 0;
  Paths paths_;
};

// A letter of "-abc".
bool HasLetter(std::string_view option, char letter) {
  return !option.starts_with("--") && option.find(letter) != option.npos;
}

// The words behind a program: files, and what its options mean for them.
struct Arguments {
  std::vector<std::string_view> files;
  std::string_view folder;  // that an option names
  bool in_place = false, spares = false, forced = false;
  bool only_tells = false;  // how the program is used
};

Arguments ReadArguments(const ShellStep& step, size_t at, std::string_view program, bool puts) {
  constexpr std::string_view kFolder = "--target-directory";
  const std::vector<std::string>& words = step.words;
  Arguments out;
  bool options = true;
  for (size_t i = at + 1; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (!options || !word.starts_with('-')) {
      if (program == "perl") options = false;  // the rest is for the script
      out.files.push_back(word);
      continue;
    }
    if (word == "--") options = false;
    out.only_tells =
        out.only_tells || (out.files.empty() && IsOneOf(word, {"--help", "--version"}));
    out.in_place = out.in_place || IsInPlace(program, word);
    out.spares = out.spares || word == "--no-clobber" || HasLetter(word, 'n');
    out.forced = out.forced || word == "--force" || HasLetter(word, 'f');
    const bool more = i + 1 < words.size();
    if (puts && (word == "-t" || word == kFolder) && more) {
      out.folder = words[++i];
    } else if (puts && word.starts_with(kFolder) && word.substr(kFolder.size()).starts_with('=')) {
      out.folder = word.substr(kFolder.size() + 1);
    } else if ((program == "perl" && !word.starts_with("-M") &&
                (word.ends_with('e') || word.ends_with('E'))) ||
               (program == "truncate" && IsOneOf(word, {"-r", "-s", "--reference", "--size"}))) {
      ++i;  // code, a size, a file to be like
    }
  }
  return out;
}

// What the program writes of the files behind it.
void AddWritten(const ShellStep& step, size_t at, const std::string& folder, Writes& out) {
  const std::string_view program = BaseName(step.words[at]);
  const bool puts = IsOneOf(program, {"cp", "mv", "ln", "install"});
  Arguments words = ReadArguments(step, at, program, puts);
  if (words.only_tells) return;
  if (!puts) {
    if (!words.in_place && !IsOneOf(program, {"tee", "rm", "truncate"})) return;
    for (const std::string_view file : words.files) out.Add(folder, file);
    return;
  }
  if (words.folder.empty()) {
    if (words.files.size() < 2) return;
    words.folder = words.files.back();
    words.files.pop_back();
  }
  // What is moved is gone from where it was.
  if (program == "mv") {
    for (const std::string_view file : words.files) out.Add(folder, file);
  }
  // A file that is there stays as it is.
  if (program == "ln" ? !words.forced : words.spares && program != "install") return;
  out.Add(folder, words.folder);
  out.AddInside(folder, words.folder, words.files);
}

}  // namespace

std::string ResolvePath(std::string_view dir, std::string_view path) {
  if (IsOpen(path) || (dir.empty() && path.front() != '/')) return "";
  std::string out;
  if (path.front() != '/') Walk(dir, out);
  Walk(path, out);
  if (out.size() > kMaxPath) return "";
  return out;
}

std::vector<std::string> CommitFolders(std::string_view command, std::string_view cwd) {
  if (command.find("git") == command.npos) return {};
  Paths out;
  ForEach(command, ResolvePath("/", cwd), "", Doubt::kFollowed, 0,
          [&](const ShellStep& step, size_t at, const std::string& folder) {
            if (at < step.words.size() && BaseName(step.words[at]) == "git") {
              out.Add(CommitFolder(step, at, folder));
            }
          });
  return std::move(out).Take();
}

std::vector<std::string> WrittenFiles(std::string_view command, std::string_view cwd,
                                      std::string_view home, std::string_view ending) {
  Writes out(home, ending);
  ForEach(command, ResolvePath("/", cwd), home, Doubt::kSilent, 0,
          [&](const ShellStep& step, size_t at, const std::string& folder) {
            for (const std::string& target : step.targets) out.Add(folder, target);
            if (at < step.words.size()) AddWritten(step, at, folder, out);
          });
  return std::move(out).Take();
}

std::vector<std::string> PatchedFiles(std::string_view patch, std::string_view cwd,
                                      std::string_view ending) {
  constexpr std::string_view kMarks[] = {
      "*** Update File: ", "*** Add File: ", "*** Delete File: ", "*** Move to: "};
  const std::string folder = ResolvePath("/", cwd);
  Writes out("", ending);
  for (size_t begin = 0; begin < patch.size();) {
    const size_t end = std::min(patch.find('\n', begin), patch.size());
    std::string_view line = patch.substr(begin, end - begin);
    begin = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    for (const std::string_view mark : kMarks) {
      if (line.starts_with(mark)) out.Add(folder, line.substr(mark.size()));
    }
  }
  return std::move(out).Take();
}

}  // namespace selftune::hooks

#include "hooks/shell_line.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace selftune::hooks {
namespace {

constexpr size_t kMaxCommand = size_t{256} << 10;  // bytes; a longer one is cut off
constexpr int kMaxNesting = 3;                     // sh -c "sh -c ..."

// One simple command: words, and the files its output goes to.
struct Segment {
  std::vector<std::string> words;
  std::vector<std::string> targets;
};

// Splits a command line into simple commands. Quotes are taken off.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text.substr(0, kMaxCommand)) {}

  std::vector<Segment> Split() && {
    while (pos_ < text_.size()) Step();
    EndSegment();
    return std::move(out_);
  }

 private:
  void Step() {
    const char c = text_[pos_++];
    if (c == '\'') {
      Quoted();
    } else if (c == '"') {
      DoubleQuoted();
    } else if (c == '\\') {
      Escaped();
    } else if (c == ' ' || c == '\t' || c == '\r') {
      EndWord();
    } else if (c == '#' && !in_word_) {
      pos_ = std::min(text_.find('\n', pos_), text_.size());
    } else if (c == '>') {
      Redirection();
    } else if (c == '<') {
      Input();
    } else if (c == '\n') {
      EndSegment();
      SkipDocuments();
    } else if (c == ';' || c == '&' || c == '|' || c == '(' || c == ')') {
      EndSegment();
    } else {
      Add(c);
    }
  }

  void Add(char c) {
    word_.push_back(c);
    in_word_ = true;
  }

  void Quoted() {
    const size_t end = std::min(text_.find('\'', pos_), text_.size());
    word_.append(text_.substr(pos_, end - pos_));
    in_word_ = true;
    pos_ = end + 1;
  }

  void DoubleQuoted() {
    in_word_ = true;
    while (pos_ < text_.size() && text_[pos_] != '"') {
      if (text_[pos_] == '\\' && pos_ + 1 < text_.size()) ++pos_;
      word_.push_back(text_[pos_++]);
    }
    ++pos_;
  }

  void Escaped() {
    if (pos_ >= text_.size()) return;
    const char next = text_[pos_++];
    if (next != '\n') Add(next);
  }

  // "2>&1" names no file.
  void Redirection() {
    const bool fd = word_ == "1" || word_ == "2" || word_ == "&";
    if (fd) {
      word_.clear();
      in_word_ = false;
    }
    EndWord();
    while (pos_ < text_.size() && (text_[pos_] == '>' || text_[pos_] == '|')) ++pos_;
    if (pos_ < text_.size() && text_[pos_] == '&') {
      ++pos_;
      while (pos_ < text_.size() && text_[pos_] >= '0' && text_[pos_] <= '9') ++pos_;
      return;
    }
    to_file_ = true;
  }

  // "< file": no word of the command. "<< END": a document begins with the next line.
  void Input() {
    EndWord();
    from_ = From::kFile;
    if (pos_ >= text_.size()) return;
    if (text_[pos_] == '(') from_ = From::kNone;  // the output of a command
    if (text_[pos_] != '<') return;
    ++pos_;
    if (pos_ < text_.size() && text_[pos_] == '<') {  // a word as input
      ++pos_;
      return;
    }
    if (pos_ < text_.size() && text_[pos_] == '-') ++pos_;
    from_ = From::kDocument;
  }

  void SkipDocuments() {
    for (const std::string& end : documents_) {
      while (pos_ < text_.size()) {
        const size_t newline = std::min(text_.find('\n', pos_), text_.size());
        std::string_view line = text_.substr(pos_, newline - pos_);
        pos_ = std::min(newline + 1, text_.size());
        while (line.starts_with('\t')) line.remove_prefix(1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line == end) break;
      }
    }
    documents_.clear();
  }

  void EndWord() {
    if (!in_word_) return;
    if (from_ == From::kDocument) {
      documents_.push_back(std::move(word_));
    } else if (from_ == From::kNone) {
      (to_file_ ? segment_.targets : segment_.words).push_back(std::move(word_));
    }
    word_.clear();
    from_ = From::kNone;
    in_word_ = to_file_ = false;
  }

  void EndSegment() {
    EndWord();
    to_file_ = false;
    if (segment_.words.empty() && segment_.targets.empty()) return;
    out_.push_back(std::move(segment_));
    segment_ = {};
  }

  std::string_view text_;
  size_t pos_ = 0;
  std::string word_;
  enum class From { kNone, kFile, kDocument };
  From from_ = From::kNone;  // what the next word is
  bool in_word_ = false, to_file_ = false;
  std::vector<std::string> documents_;  // their last lines
  Segment segment_;
  std::vector<Segment> out_;
};

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// "A=b", and words that only start another program.
bool IsPrefix(std::string_view word) {
  const size_t equals = word.find('=');
  if (equals != word.npos && equals > 0 && word.find('/') > equals) return true;
  return IsOneOf(word, {"sudo", "env", "time", "command", "nice", "exec", "then", "do", "else",
                        "if", "{", "!", "builtin"});
}

size_t FirstWord(const Segment& segment) {
  size_t at = 0;
  while (at < segment.words.size() && IsPrefix(segment.words[at])) ++at;
  return at;
}

// The text that `sh -c TEXT` runs; "" otherwise.
std::string_view Inner(const Segment& segment, size_t at) {
  if (!IsOneOf(BaseName(segment.words[at]), {"sh", "bash", "zsh", "dash"})) return "";
  for (size_t i = at + 1; i + 1 < segment.words.size(); ++i) {
    const std::string_view word = segment.words[i];
    if (word.starts_with('-') && !word.starts_with("--") && word.ends_with('c')) {
      return segment.words[i + 1];
    }
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

// Calls visit(segment, first word, folder) for every simple command.
template <typename Visit>
void ForEach(std::string_view command, std::string folder, std::string_view home, int depth,
             const Visit& visit) {
  const std::vector<Segment> segments = Splitter(command).Split();
  for (const Segment& segment : segments) {
    const size_t at = FirstWord(segment);
    if (at >= segment.words.size()) {
      visit(segment, at, folder);
      continue;
    }
    const std::string_view program = segment.words[at];
    if (program == "cd" || program == "pushd") {
      const size_t to = at + 1 < segment.words.size() && segment.words[at + 1] == "--" ? 2 : 1;
      if (at + to >= segment.words.size()) continue;
      // Not known: then nothing that follows is known to be here.
      folder = ResolvePath(folder, Homed(segment.words[at + to], home));
      continue;
    }
    const std::string_view inner = Inner(segment, at);
    if (!inner.empty() && depth < kMaxNesting) ForEach(inner, folder, home, depth + 1, visit);
    visit(segment, at, folder);
  }
}

void AddOnce(std::vector<std::string>& list, std::string path) {
  if (path.empty() || std::find(list.begin(), list.end(), path) != list.end()) return;
  list.push_back(std::move(path));
}

// Another repository than the one around the folder is meant.
bool NamesRepository(std::string_view word) {
  return word.starts_with("GIT_DIR=") || word.starts_with("GIT_WORK_TREE=") ||
         word.starts_with("--git-dir") || word.starts_with("--work-tree");
}

// The folder in which `git ...` commits, "" if it does not or that is not known.
std::string CommitFolder(const Segment& segment, size_t at, std::string folder) {
  if (std::any_of(segment.words.begin(), segment.words.end(), NamesRepository)) return "";
  size_t i = at + 1;
  for (; i < segment.words.size() && segment.words[i].starts_with('-'); ++i) {
    const std::string_view option = segment.words[i];
    if (option == "-C" && i + 1 < segment.words.size()) {
      folder = ResolvePath(folder, segment.words[i + 1]);
      if (folder.empty()) return "";
    }
    if (IsOneOf(option, {"-C", "-c", "--namespace"})) ++i;
  }
  if (i >= segment.words.size()) return "";
  const bool commits = IsOneOf(
      segment.words[i], {"commit", "merge", "cherry-pick", "revert", "rebase", "pull", "am"});
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

// What `sources` are called once they are in `folder`, if it is one.
void AddInside(std::string_view folder, const std::vector<std::string_view>& sources,
               std::vector<std::string>& out) {
  for (const std::string_view source : sources) {
    const std::string_view name = BaseName(source);
    if (!name.empty()) out.push_back(std::string(folder).append("/").append(name));
  }
}

// The words behind the program that it writes.
std::vector<std::string> Written(const Segment& segment, size_t at) {
  const std::string_view program = BaseName(segment.words[at]);
  const bool copies = IsOneOf(program, {"cp", "ln", "install"});
  const bool puts = copies || program == "mv";
  bool writes = puts || IsOneOf(program, {"tee", "rm", "truncate"});
  std::vector<std::string_view> files;
  std::string_view folder;  // that an option names
  for (size_t i = at + 1; i < segment.words.size(); ++i) {
    const std::string_view word = segment.words[i];
    writes = writes || IsInPlace(program, word);
    if (puts && word == "-t" && i + 1 < segment.words.size()) {
      folder = segment.words[++i];
    } else if (!word.starts_with('-')) {
      files.push_back(word);
    }
  }
  if (!writes) return {};
  std::vector<std::string> out;
  if (puts && folder.empty() && files.size() > 1) {
    folder = files.back();
    files.pop_back();
  }
  // What is moved is gone from where it was.
  if (!copies || folder.empty()) out.assign(files.begin(), files.end());
  if (folder.empty()) return out;
  out.emplace_back(folder);
  AddInside(folder, files, out);
  return out;
}

}  // namespace

std::string ResolvePath(std::string_view dir, std::string_view path) {
  if (path.empty() || (dir.empty() && path.front() != '/') || path.front() == '~' ||
      path.find('$') != path.npos || path.find('`') != path.npos) {
    return "";
  }
  std::string whole(path.front() == '/' ? std::string_view() : dir);
  whole.append("/").append(path);
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin < whole.size();) {
    const size_t end = std::min(whole.find('/', begin), whole.size());
    const std::string_view part = std::string_view(whole).substr(begin, end - begin);
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
    begin = end + 1;
  }
  std::string out;
  for (const std::string_view part : parts) out.append("/").append(part);
  return out.empty() ? "/" : out;
}

std::vector<std::string> CommitFolders(std::string_view command, std::string_view cwd) {
  std::vector<std::string> out;
  if (command.find("git") == command.npos) return out;
  ForEach(command, std::string(cwd), "", 0,
          [&](const Segment& segment, size_t at, const std::string& folder) {
            if (at < segment.words.size() && BaseName(segment.words[at]) == "git") {
              AddOnce(out, CommitFolder(segment, at, folder));
            }
          });
  return out;
}

std::vector<std::string> WrittenFiles(std::string_view command, std::string_view cwd,
                                      std::string_view home) {
  std::vector<std::string> out;
  ForEach(command, std::string(cwd), home, 0,
          [&](const Segment& segment, size_t at, const std::string& folder) {
            for (const std::string& target : segment.targets) {
              AddOnce(out, ResolvePath(folder, Homed(target, home)));
            }
            if (at >= segment.words.size()) return;
            for (const std::string& file : Written(segment, at)) {
              AddOnce(out, ResolvePath(folder, Homed(file, home)));
            }
          });
  return out;
}

std::vector<std::string> PatchedFiles(std::string_view patch, std::string_view cwd) {
  constexpr std::string_view kMarks[] = {
      "*** Update File: ", "*** Add File: ", "*** Delete File: ", "*** Move to: "};
  std::vector<std::string> out;
  for (size_t begin = 0; begin < patch.size();) {
    const size_t end = std::min(patch.find('\n', begin), patch.size());
    std::string_view line = patch.substr(begin, end - begin);
    begin = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    for (const std::string_view mark : kMarks) {
      if (line.starts_with(mark)) AddOnce(out, ResolvePath(cwd, line.substr(mark.size())));
    }
  }
  return out;
}

}  // namespace selftune::hooks

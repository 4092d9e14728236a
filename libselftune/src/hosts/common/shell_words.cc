#include "hosts/common/shell_words.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/string_map.h"
#include "base/strings.h"

namespace selftune::hosts {
namespace {

// Nesting beyond this is read as plain text.
constexpr int kMaxDepth = 24;

// Marks inside a word while it is read. They cannot come from the text: the
// lexer drops control characters below TAB.
constexpr char kUnknown = kUnknownPart;
constexpr char kOpenBrace = '\x02';  // unquoted, may start {a,b}
constexpr char kComma = '\x03';
constexpr char kCloseBrace = '\x04';

bool IsNameStart(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsNameChar(char c) { return IsNameStart(c) || (c >= '0' && c <= '9'); }

// Length of NAME in "NAME=...", 0 if `word` is no assignment.
size_t AssignedName(std::string_view word) {
  if (word.empty() || !IsNameStart(word[0])) return 0;
  size_t n = 1;
  while (n < word.size() && IsNameChar(word[n])) ++n;
  return n < word.size() && word[n] == '=' ? n : 0;
}

template <size_t N>
bool IsOneOf(std::string_view word, const std::array<std::string_view, N>& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

void UnmarkBraces(std::string& word) {
  for (char& c : word) {
    if (c == kOpenBrace) c = '{';
    if (c == kComma) c = ',';
    if (c == kCloseBrace) c = '}';
  }
}

// "a{b,c}d" -> "abd" "acd"; several groups; a group without a comma is text.
void ExpandBraces(std::string word, std::vector<std::string>& out) {
  constexpr size_t kMaxBytes = 4096, kMaxWords = 64;
  while (word.size() <= kMaxBytes && out.size() < kMaxWords) {
    const size_t close = word.find(kCloseBrace);
    const size_t open = close == std::string::npos ? close : word.rfind(kOpenBrace, close);
    if (open == std::string::npos) break;
    const std::string inner = word.substr(open + 1, close - open - 1);
    if (inner.find(kComma) != std::string::npos) {
      const std::string before = word.substr(0, open), after = word.substr(close + 1);
      for (const std::string_view part : base::Split(inner, kComma)) {
        ExpandBraces(before + std::string(part) + after, out);
      }
      return;
    }
    word[open] = '{';
    word[close] = '}';
  }
  UnmarkBraces(word);
  out.push_back(std::move(word));
}

// How many words at the front only start another command: `sudo -u x`, `env
// A=1`, `timeout 5`.
size_t WrapperWords(const std::vector<std::string>& words) {
  static constexpr std::array<std::string_view, 14> kWrappers = {
      "sudo", "doas", "env",     "command", "builtin", "exec",   "nohup",
      "nice", "time", "timeout", "stdbuf",  "setsid",  "ionice", "unbuffer"};
  static constexpr std::array<std::string_view, 6> kWithValue = {"-u", "-n", "-g",
                                                                 "-k", "-s", "-C"};
  size_t i = 0;
  while (i < words.size() && IsOneOf(words[i], kWrappers)) {
    const bool timeout = words[i] == "timeout";
    for (++i; i < words.size(); ++i) {
      if (IsOneOf(words[i], kWithValue)) {
        ++i;
      } else if (!words[i].starts_with('-') && AssignedName(words[i]) == 0) {
        break;
      }
    }
    if (timeout && i < words.size()) ++i;  // the duration
  }
  if (i + 2 < words.size() && words[i + 1] == "run" && (words[i] == "uv" || words[i] == "poetry")) {
    i += 2;
  }
  return std::min(i, words.size());
}

class Splitter {
 public:
  Splitter(std::string_view text, const ShellPlace& place, int depth,
           std::vector<ShellCommand>& out)
      : text_(text), home_(place.home), cwd_(place.cwd), depth_(depth), out_(out) {}

  void Run() { Parse('\0'); }

 private:
  struct HereDoc {
    std::string end;
    bool strip_tabs = false;
  };
  enum class Redirect { kNone, kInput, kOutput, kOther };

  // A command being read.
  struct Open {
    ShellCommand command;
    Redirect redirect = Redirect::kNone;  // of the next word
    std::string descriptor;               // in front of it, "" = none is named
    std::vector<HereDoc> heredocs;
  };

  [[nodiscard]] char At(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }

  void Parse(char until);
  void ReadOperator(Open& open);
  void ReadRedirect(Open& open);
  void ReadHereDocMark(Open& open);
  void SkipHereDocs(Open& open);
  void Nested(char until);

  std::string ReadWord();
  void ReadDoubleQuoted(std::string& word);
  void ReadDollar(std::string& word);
  void Substitute(std::string_view name, std::string& word);

  void AddWord(std::string word, Open& open);
  void Finish(Open& open);
  void Emit(ShellCommand command);
  bool Assign(const std::vector<std::string>& words);
  void ChangeDirectory(const std::vector<std::string>& words);

  std::string_view text_;
  size_t pos_ = 0;
  char until_ = '\0';  // what ends the innermost command list
  std::string home_, cwd_, old_cwd_;
  base::StringMap<std::string> variables_;
  int depth_;
  std::vector<ShellCommand>& out_;
};

void Splitter::Parse(char until) {
  Open open;
  while (pos_ < text_.size()) {
    const char c = text_[pos_];
    if (c == until && until != '\0') {
      ++pos_;
      break;
    }
    if (c == ' ' || c == '\t' || c == '\r') {
      ++pos_;
    } else if (c == '\\' && At(pos_ + 1) == '\n') {
      pos_ += 2;
    } else if (c == '#') {
      pos_ = std::min(text_.find('\n', pos_), text_.size());
    } else if (c == '\n' || c == ';' || c == '|' || c == '&' || c == '(' || c == ')') {
      ReadOperator(open);
    } else if (c == '<' || c == '>') {
      ReadRedirect(open);
    } else {
      std::string word = ReadWord();
      const bool descriptor =
          !word.empty() && (At(pos_) == '<' || At(pos_) == '>') &&
          std::all_of(word.begin(), word.end(), [](char d) { return d >= '0' && d <= '9'; });
      if (descriptor) {
        open.descriptor = std::move(word);
      } else {
        AddWord(std::move(word), open);
      }
    }
  }
  Finish(open);
}

void Splitter::ReadOperator(Open& open) {
  const char c = text_[pos_];
  if (c == '&' && At(pos_ + 1) == '>') return ReadRedirect(open);
  open.command.piped = c == '|' && At(pos_ + 1) != '|';
  std::vector<HereDoc> heredocs = std::move(open.heredocs);
  open.heredocs.clear();
  Finish(open);
  open.heredocs = std::move(heredocs);
  ++pos_;
  if (c == '\n') return SkipHereDocs(open);
  if (c == '(') Nested(')');
}

void Splitter::Nested(char until) {
  if (depth_ >= kMaxDepth) {
    pos_ = text_.size();
    return;
  }
  // A subshell sees our directory and variables, its changes end with it.
  const std::string cwd = cwd_, old_cwd = old_cwd_;
  const auto variables = variables_;
  const char outer = std::exchange(until_, until);
  ++depth_;
  Parse(until);
  --depth_;
  until_ = outer;
  cwd_ = cwd;
  old_cwd_ = old_cwd;
  variables_ = variables;
}

void Splitter::ReadRedirect(Open& open) {
  if (text_[pos_] == '&') {  // &> and &>>
    pos_ += At(pos_ + 2) == '>' ? 3 : 2;
    open.redirect = Redirect::kOutput;
    open.descriptor.clear();
    return;
  }
  const char c = text_[pos_++];
  if (c == '<' && At(pos_) == '<') {
    ++pos_;
    if (At(pos_) != '<') return ReadHereDocMark(open);
    ++pos_;  // <<< text
    open.redirect = Redirect::kOther;
  } else if ((c == '<' || c == '>') && At(pos_) == '(') {  // <(command)
    ++pos_;
    Nested(')');
  } else if (At(pos_) == '&') {  // 2>&1
    ++pos_;
    open.redirect = Redirect::kOther;
  } else {
    if (c == '>' && (At(pos_) == '>' || At(pos_) == '|')) ++pos_;
    open.redirect = c == '<' ? Redirect::kInput : Redirect::kOutput;
  }
}

void Splitter::ReadHereDocMark(Open& open) {
  HereDoc doc;
  if (At(pos_) == '-') {
    doc.strip_tabs = true;
    ++pos_;
  }
  while (At(pos_) == ' ' || At(pos_) == '\t') ++pos_;
  doc.end = ReadWord();
  if (!doc.end.empty()) open.heredocs.push_back(std::move(doc));
}

void Splitter::SkipHereDocs(Open& open) {
  for (const HereDoc& doc : open.heredocs) {
    while (pos_ < text_.size()) {
      const size_t end = std::min(text_.find('\n', pos_), text_.size());
      std::string_view line = text_.substr(pos_, end - pos_);
      pos_ = std::min(end + 1, text_.size());
      while (doc.strip_tabs && line.starts_with('\t')) line.remove_prefix(1);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line == doc.end) break;
    }
  }
  open.heredocs.clear();
}

std::string Splitter::ReadWord() {
  std::string word;
  const size_t start = pos_;
  while (pos_ < text_.size()) {
    const char c = text_[pos_];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ';' || c == '|' || c == '&' ||
        c == '(' || c == ')' || c == '<' || c == '>' || (c == '`' && until_ == '`')) {
      break;
    }
    ++pos_;
    if (c == '\'') {
      const size_t end = std::min(text_.find('\'', pos_), text_.size());
      word.append(text_.substr(pos_, end - pos_));
      pos_ = std::min(end + 1, text_.size());
    } else if (c == '"') {
      ReadDoubleQuoted(word);
    } else if (c == '\\') {
      if (At(pos_) != '\n' && pos_ < text_.size()) word += text_[pos_];
      ++pos_;
    } else if (c == '$') {
      ReadDollar(word);
    } else if (c == '`') {
      Nested('`');
      word += kUnknown;
    } else if (c == '*' || c == '?' || c == '[') {
      word += kUnknown;  // a glob
    } else if (c == '{' || c == ',' || c == '}') {
      word += c == '{' ? kOpenBrace : c == ',' ? kComma : kCloseBrace;
    } else if (c == '~' && pos_ == start + 1 &&
               (At(pos_) == '/' || At(pos_) == '\0' || base::IsSpace(At(pos_)))) {
      word += home_.empty() ? "~" : home_;
    } else if (static_cast<unsigned char>(c) >= ' ') {
      word += c;
    }
  }
  pos_ = std::min(pos_, text_.size());
  if (pos_ == start) ++pos_;  // never stand still
  return word;
}

void Splitter::ReadDoubleQuoted(std::string& word) {
  while (pos_ < text_.size()) {
    if (text_[pos_] == '`' && until_ == '`') return;
    const char c = text_[pos_++];
    if (c == '"') return;
    if (c == '\\' && pos_ < text_.size()) {
      const char next = text_[pos_];
      if (next == '$' || next == '`' || next == '"' || next == '\\') {
        word += next;
        ++pos_;
      } else if (next == '\n') {
        ++pos_;
      } else {
        word += c;
      }
    } else if (c == '$') {
      ReadDollar(word);
    } else if (c == '`') {
      Nested('`');
      word += kUnknown;
    } else if (static_cast<unsigned char>(c) >= ' ' || c == '\n' || c == '\t') {
      word += c;
    }
  }
}

void Splitter::ReadDollar(std::string& word) {
  const char c = At(pos_);
  if (c == '(') {
    ++pos_;
    Nested(')');
    word += kUnknown;
  } else if (c == '{') {
    const size_t end = std::min(text_.find('}', pos_), text_.size());
    Substitute(text_.substr(pos_ + 1, end - std::min(end, pos_ + 1)), word);
    pos_ = std::min(end + 1, text_.size());
  } else if (IsNameStart(c)) {
    const size_t start = pos_;
    while (IsNameChar(At(pos_))) ++pos_;
    Substitute(text_.substr(start, pos_ - start), word);
  } else if (c == '\'' || c == '"') {
    // $'..' and $"..": read the quotes themselves; escapes stay unexpanded.
  } else {
    word += kUnknown;
    if (c != '\0' && !base::IsSpace(c)) ++pos_;  // $1 $@ $?
  }
}

void Splitter::Substitute(std::string_view name, std::string& word) {
  if (const auto found = variables_.find(name); found != variables_.end()) {
    word += found->second;
  } else if (name == "HOME") {
    word += home_.empty() ? "~" : home_;
  } else if (name == "PWD" && !cwd_.empty()) {
    word += cwd_;
  } else {
    word += kUnknown;
  }
}

void Splitter::AddWord(std::string word, Open& open) {
  const Redirect redirect = std::exchange(open.redirect, Redirect::kNone);
  const std::string descriptor = std::exchange(open.descriptor, {});
  const bool printed = descriptor.empty() || descriptor == "1";
  std::vector<std::string> words;
  ExpandBraces(std::move(word), words);
  for (std::string& w : words) {
    switch (redirect) {
      case Redirect::kNone:
        open.command.words.push_back(std::move(w));
        break;
      case Redirect::kInput:
        open.command.inputs.push_back(std::move(w));
        break;
      case Redirect::kOutput:
        open.command.to_file |= printed && w != "/dev/stdout" && w != "/dev/stderr";
        open.command.outputs.push_back(std::move(w));
        break;
      case Redirect::kOther:
        break;
    }
  }
}

// Sets variables if `words` are nothing but assignments.
bool Splitter::Assign(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    const size_t name = AssignedName(word);
    if (name == 0) return false;
    // An assignment does not expand `~` in front of the word, but behind `=`.
    std::string value = word.substr(name + 1);
    if (!home_.empty() && (value == "~" || value.starts_with("~/"))) {
      value = home_ + value.substr(1);
    }
    variables_.insert_or_assign(word.substr(0, name), std::move(value));
  }
  return true;
}

void Splitter::ChangeDirectory(const std::vector<std::string>& words) {
  size_t i = 1;
  while (i < words.size() && words[i].size() > 1 && words[i].starts_with('-')) ++i;
  std::string next;
  if (i >= words.size()) {
    next = words[0] == "cd" ? (home_.empty() ? "~" : home_) : "";
  } else if (words[i] == "-") {
    next = old_cwd_;
  } else {
    next = ResolveShellPath(cwd_, words[i]);
    if (!next.starts_with('/') && !next.starts_with('~')) next.clear();
  }
  old_cwd_ = std::exchange(cwd_, std::move(next));
}

void Splitter::Finish(Open& open) {
  ShellCommand command = std::move(open.command);
  open = Open{};
  static constexpr std::array<std::string_view, 11> kKeywords = {
      "!", "{", "if", "then", "elif", "else", "while", "until", "do", "coproc", "}"};
  static constexpr std::array<std::string_view, 4> kDeclare = {"export", "local", "declare",
                                                               "readonly"};
  static constexpr std::array<std::string_view, 8> kNoCommand = {
      "for", "select", "case", "function", "fi", "done", "esac", "in"};
  std::vector<std::string>& words = command.words;
  size_t skip = 0;
  while (skip < words.size() && IsOneOf(words[skip], kKeywords)) ++skip;
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(skip));
  if (!words.empty() && IsOneOf(words[0], kNoCommand)) return;
  if (!words.empty() && IsOneOf(words[0], kDeclare)) {
    std::erase_if(words, [](const std::string& w) { return AssignedName(w) == 0; });
  }
  if (!words.empty() && Assign(words)) words.clear();
  while (!words.empty() && AssignedName(words[0]) != 0) words.erase(words.begin());
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(WrapperWords(words)));
  if (words.empty() && command.inputs.empty() && command.outputs.empty()) return;
  if (!words.empty() && (words[0] == "cd" || words[0] == "pushd")) return ChangeDirectory(words);
  if (!words.empty() && words[0] == "popd") {
    std::swap(cwd_, old_cwd_);
    return;
  }
  Emit(std::move(command));
}

void Splitter::Emit(ShellCommand command) {
  command.cwd = cwd_;
  static constexpr std::array<std::string_view, 5> kShells = {"sh", "bash", "zsh", "dash", "ksh"};
  const std::vector<std::string>& words = command.words;
  if (words.size() >= 3 && depth_ < kMaxDepth && IsOneOf(base::BaseName(words[0]), kShells)) {
    for (size_t i = 1; i + 1 < words.size() && words[i].starts_with('-'); ++i) {
      if (words[i].starts_with("--") || words[i].find('c') == std::string::npos) continue;
      Splitter(words[i + 1], {.cwd = cwd_, .home = home_}, depth_ + 1, out_).Run();
      return;
    }
  }
  out_.push_back(std::move(command));
}

}  // namespace

std::vector<ShellCommand> SplitShellLine(std::string_view line, const ShellPlace& place) {
  std::vector<ShellCommand> commands;
  Splitter(line, place, 0, commands).Run();
  return commands;
}

std::string ResolveShellPath(std::string_view cwd, std::string_view word) {
  if (word.empty() || word.find(kUnknown) != std::string_view::npos) return "";
  if (word == "~" || word.starts_with("~/")) {
    std::string below = base::NormalizePath("/", word.size() > 1 ? word.substr(1) : "/");
    return below == "/" ? "~" : "~" + below;
  }
  if (word.starts_with('/') || cwd.empty()) return base::NormalizePath("", word);
  if (cwd.starts_with('~')) {
    return ResolveShellPath("", std::string(cwd) + "/" + std::string(word));
  }
  return base::NormalizePath(cwd, word);
}

}  // namespace selftune::hosts

#include "hooks/shell_split.h"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace selftune::hooks {
namespace {

using Kind = ShellStep::Kind;

constexpr size_t kMaxText = size_t{128} << 10;  // bytes
constexpr size_t kMaxSteps = 1000;
constexpr size_t kMaxDepth = 32;  // of "(" in "("

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// "A=b", and words that only start another program.
bool IsPrefix(std::string_view word) {
  const size_t equals = word.find('=');
  if (equals != word.npos && equals > 0 && word.find('/') > equals) return true;
  return IsOneOf(word, {"sudo", "env", "time", "command", "nice", "exec", "then", "do", "else",
                        "if", "elif", "while", "until", "{", "!", "builtin"});
}

// The words of a command up to its program, one at a time: a line may have any number of
// them.
class Beginning {
 public:
  // Whether the next word is the program, or stands behind it.
  bool EndsWith(std::string_view word) {
    if (next_ == Next::kName) {
      next_ = Next::kOption;
    } else if (next_ == Next::kOption && IsOneOf(word, {"-u", "-g"})) {
      next_ = Next::kName;
    } else if (next_ == Next::kOption && IsOneOf(word, {"-n", "-E", "-H", "-S", "-k", "--"})) {
      // Another that is not known is taken for the program.
    } else if (next_ != Next::kNothing) {
      next_ = word == "sudo" ? Next::kOption : IsPrefix(word) ? Next::kWord : Next::kNothing;
    }
    return next_ == Next::kNothing;
  }
  // A program may follow.
  [[nodiscard]] bool open() const { return next_ == Next::kWord || next_ == Next::kOption; }

 private:
  enum class Next { kWord, kOption, kName, kNothing };  // of sudo: options, names
  Next next_ = Next::kWord;
};

class Splitter {
 public:
  explicit Splitter(std::string_view text)
      : text_(text.substr(0, kMaxText)), cut_(text.size() > kMaxText) {}

  std::vector<ShellStep> Split() && {
    now_.command.starts_list = true;
    while (!unsure_ && pos_ < text_.size() && out_.size() < kMaxSteps) {
      if (now_.quoted) {
        StepQuoted();
      } else {
        Step();
      }
    }
    // What has no end is not run.
    if (!outer_.empty()) {
      out_.erase(out_.begin() + static_cast<std::ptrdiff_t>(outermost_), out_.end());
    } else if (!unsure_ && !cut_ && !now_.quoted && pos_ >= text_.size()) {
      EndCommand();
    }
    return std::move(out_);
  }

 private:
  enum class From { kNone, kFile, kDocument, kDocumentTabs };
  // A list of commands that is being read.
  struct Frame {
    enum class Type { kLine, kSubshell, kSubstitution, kArray };
    Type type = Type::kLine;
    char end = '\0';
    ShellStep command;
    Beginning beginning;  // of the command
    std::string word;
    From from = From::kNone;  // what the next word is
    bool in_word = false, to_file = false;
    bool joined = false;   // behind "&&", "||", "|": the command may be on a later line
    bool quoted = false;   // inside "..."
    bool in_test = false;  // inside [[ ]], where "<" and "(" are other things
  };
  struct Document {
    std::string end;
    bool tabs = false;
  };

  [[nodiscard]] char At(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }

  void Step() {
    const char c = text_[pos_++];
    if (c == '\'') {
      SingleQuoted();
    } else if (c == '"') {
      now_.quoted = now_.in_word = true;
    } else if (c == '\\') {
      if (At(pos_) != '\n' && pos_ < text_.size()) AddLiteral(text_.substr(pos_, 1));
      ++pos_;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      EndWord();
    } else if (c == '#' && !now_.in_word) {
      pos_ = std::min(text_.find('\n', pos_), text_.size());
    } else if (c == '$') {
      Dollar();
    } else if (c == '`') {
      Backtick();
    } else if (now_.in_test && std::string_view("<>()&|;\n").find(c) != std::string_view::npos) {
      EndWord();
      if (!now_.in_test) --pos_;  // it stood behind "]]"
    } else if (c == '>') {
      Output();
    } else if (c == '<') {
      Input();
    } else if (c == '(') {
      Parenthesis();
    } else if (c == ')') {
      EndCommand();
      if (!outer_.empty()) Leave(')');
    } else if (c == '\n' || c == ';' || c == '&' || c == '|') {
      Operator(c);
    } else {
      Add(c);
    }
  }

  void StepQuoted() {
    const char c = text_[pos_++];
    if (c == '"') {
      now_.quoted = false;
    } else if (c == '\\' && pos_ < text_.size()) {
      const char next = text_[pos_];
      if (std::string_view("$`\"\\\n").find(next) == std::string_view::npos) {
        Add(c);
        return;
      }
      ++pos_;
      if (next != '\n') AddLiteral({&next, 1});
    } else if (c == '$') {
      Dollar();
    } else if (c == '`') {
      Backtick();
    } else if (c == '~') {
      AddLiteral("~");
    } else {
      Add(c);
    }
  }

  void Add(char c) {
    now_.word.push_back(c);
    now_.in_word = true;
  }

  // Text in which nothing is filled in.
  void AddLiteral(std::string_view text) {
    if (now_.word.empty() && (text.starts_with('~') || text.starts_with('$')))
      now_.word.append("./");
    now_.word.append(text);
    now_.in_word = true;
  }

  void SingleQuoted() {
    const size_t end = text_.find('\'', pos_);
    if (end == text_.npos) return GiveUp();
    AddLiteral(text_.substr(pos_, end - pos_));
    pos_ = end + 1;
  }

  void Dollar() {
    Add('$');
    const char c = At(pos_);
    if (c == '(' && At(pos_ + 1) == '(') {
      Arithmetic();
    } else if (c == '(') {
      ++pos_;
      Enter(Frame::Type::kSubstitution, ')');
    } else if (c == '{') {
      const size_t end = text_.find('}', pos_);
      if (end == text_.npos) return GiveUp();
      const std::string_view inside = text_.substr(pos_, end + 1 - pos_);
      // Quotes and commands in it have rules of their own.
      if (inside.substr(1).find_first_of("{'\"`\\$\n") != inside.npos) return GiveUp();
      now_.word.append(inside);
      pos_ = end + 1;
    } else if (c == '\'' && !now_.quoted) {  // '...' with escapes
      for (++pos_; At(pos_) != '\''; ++pos_) {
        if (At(pos_) == '\\') ++pos_;
        if (pos_ >= text_.size()) return GiveUp();
      }
      ++pos_;
    }
  }

  // "((a > b))": up to its end, which is two of them.
  void Arithmetic() {
    int depth = 0;
    do {
      if (pos_ >= text_.size()) return GiveUp();
      if (text_[pos_] == '(') ++depth;
      if (text_[pos_] == ')') --depth;
      ++pos_;
    } while (depth > 0);
    if (text_[pos_ - 2] != ')') GiveUp();
  }

  void Backtick() {
    if (!outer_.empty() && now_.end == '`' && !now_.quoted) {
      EndCommand();
      return Leave('`');
    }
    Add('$');
    Enter(Frame::Type::kSubstitution, '`');
  }

  void Parenthesis() {
    now_.joined = false;
    if (!now_.in_word && At(pos_) == '(') {
      --pos_;
      AddLiteral("((");  // a command as any other
      return Arithmetic();
    }
    if (now_.in_word && now_.word.ends_with('=')) return Enter(Frame::Type::kArray, ')');
    // Behind words it is a function, a pattern, or nothing a shell would run.
    EndWord();
    if (now_.to_file || !now_.beginning.open()) return GiveUp();
    Enter(Frame::Type::kSubshell, ')');
  }

  void Enter(Frame::Type type, char end) {
    if (outer_.size() >= kMaxDepth) return GiveUp();
    if (outer_.empty()) outermost_ = out_.size();
    ShellStep open;
    open.kind = Kind::kOpen;
    open.starts_list = now_.command.starts_list;
    open.otherwise = now_.command.otherwise;
    out_.push_back(std::move(open));
    outer_.push_back(std::move(now_));
    now_ = {};
    now_.type = type;
    now_.end = end;
    now_.command.starts_list = true;
  }

  void Leave(char end) {
    if (now_.end != end || now_.quoted) return GiveUp();
    const Frame::Type type = now_.type;
    now_ = std::move(outer_.back());
    outer_.pop_back();
    ShellStep close;
    close.kind = Kind::kClose;
    out_.push_back(std::move(close));
    if (type == Frame::Type::kSubshell) now_.command.starts_list = false;
  }

  // ">", ">>", ">|" name a file, and so does ">&" without a number; "2>&1" names none.
  void Output() {
    const bool numbered = now_.word == "1" || now_.word == "2";
    if (numbered) {
      now_.word.clear();
      now_.in_word = false;
    }
    EndWord();
    if (At(pos_) == '(') {
      ++pos_;
      Add('$');
      return Enter(Frame::Type::kSubstitution, ')');
    }
    if (At(pos_) == '>' || At(pos_) == '|') ++pos_;
    now_.to_file = true;
    if (At(pos_) != '&') return;
    ++pos_;
    const char next = At(pos_);
    if (!numbered && next != '-' && (next < '0' || next > '9')) return;
    now_.to_file = false;
    while (At(pos_) == '-' || (At(pos_) >= '0' && At(pos_) <= '9')) ++pos_;
  }

  // "< file": no word of the command. "<< END": a document begins with the next line.
  void Input() {
    EndWord();
    if (At(pos_) == '(') {
      ++pos_;
      Add('$');
      return Enter(Frame::Type::kSubstitution, ')');
    }
    now_.from = From::kFile;
    if (At(pos_) != '<') return;
    ++pos_;
    if (At(pos_) == '<') {  // a word as input
      ++pos_;
    } else if (At(pos_) == '-') {
      ++pos_;
      now_.from = From::kDocumentTabs;
    } else {
      now_.from = From::kDocument;
    }
  }

  void Operator(char c) {
    const char next = At(pos_);
    if (c == '&' && next == '>') return EndWord();
    if (c == '\n' && now_.joined && !now_.in_word && now_.command.words.empty()) {
      return SkipDocuments();
    }
    const bool twice = (c == '&' || c == '|') && next == c;
    const bool pipe = c == '|' && !twice;
    now_.command.alone = now_.command.alone || pipe;
    EndCommand();
    if (twice || (pipe && next == '&')) ++pos_;
    now_.joined = pipe || twice;
    now_.command.alone = pipe;
    now_.command.otherwise = c == '|' && twice;
    if (pipe || twice) now_.command.starts_list = false;
    if (c == '&' && !twice) {
      ShellStep background;
      background.kind = Kind::kBackground;
      out_.push_back(std::move(background));
    }
    if (c == '\n') SkipDocuments();
  }

  void SkipDocuments() {
    for (const Document& document : documents_) {
      while (pos_ < text_.size()) {
        const size_t newline = std::min(text_.find('\n', pos_), text_.size());
        std::string_view line = text_.substr(pos_, newline - pos_);
        pos_ = std::min(newline + 1, text_.size());
        while (document.tabs && line.starts_with('\t')) line.remove_prefix(1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line == document.end) break;
      }
    }
    documents_.clear();
  }

  void EndWord() {
    if (!now_.in_word) return;
    std::string word = std::exchange(now_.word, {});
    now_.in_word = false;
    const From from = std::exchange(now_.from, From::kNone);
    const bool to_file = std::exchange(now_.to_file, false);
    if (from == From::kDocument || from == From::kDocumentTabs) {
      documents_.push_back({std::move(word), from == From::kDocumentTabs});
    } else if (from == From::kNone && to_file) {
      now_.command.targets.push_back(std::move(word));
    } else if (from == From::kNone) {
      if (now_.in_test) {
        now_.in_test = word != "]]";
      } else if (IsOneOf(word, {"[[", "case", "function"}) && now_.beginning.open()) {
        now_.in_test = word == "[[";
        // The patterns of a case have a ")" without a "(".
        if (word == "function" || (word == "case" && !outer_.empty())) return GiveUp();
      }
      if (!now_.beginning.EndsWith(word)) ++now_.command.program;
      now_.command.words.push_back(std::move(word));
    }
  }

  // The flags of the next command are those of one that begins a list.
  void EndCommand() {
    EndWord();
    now_.to_file = now_.in_test = now_.joined = false;
    now_.from = From::kNone;
    now_.beginning = {};
    ShellStep next;
    next.starts_list = true;
    ShellStep done = std::exchange(now_.command, std::move(next));
    const bool empty = done.words.empty() && done.targets.empty();
    if (!unsure_ && !empty && now_.type != Frame::Type::kArray) out_.push_back(std::move(done));
  }

  void GiveUp() { unsure_ = true; }

  std::string_view text_;
  bool cut_ = false;
  size_t pos_ = 0;
  bool unsure_ = false;
  Frame now_;
  std::vector<Frame> outer_;
  size_t outermost_ = 0;  // steps before the first of them
  std::vector<Document> documents_;
  std::vector<ShellStep> out_;
};

}  // namespace

std::vector<ShellStep> SplitShell(std::string_view text) { return Splitter(text).Split(); }

}  // namespace selftune::hooks

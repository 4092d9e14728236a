#include "hosts/codex/install_toml.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/functional/function_ref.h>

#include "base/json_scan.h"
#include "base/strings.h"

namespace selftune::hosts::codex {
namespace {

constexpr int kMaxDepth = 64;

bool IsBare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// true, a number or a time; not one of its digits is looked at.
bool IsBareValue(std::string_view text) {
  if (text == "true" || text == "false") return true;
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  if (text == "inf" || text == "nan") return true;
  constexpr std::string_view kDigits = "0123456789", kRest = "abcdefABCDEFxo_+-.:TtZz ";
  return !text.empty() && kDigits.find(text[0]) != text.npos &&
         std::ranges::all_of(text, [&](char c) {
           return kDigits.find(c) != kDigits.npos || kRest.find(c) != kRest.npos;
         });
}

class Reader {
 public:
  Reader(std::string_view text, absl::FunctionRef<void(const TomlValue&)> use)
      : text_(text), use_(use) {}

  std::optional<TomlMistake> Read() {
    for (SkipBlank(); pos_ < text_.size(); SkipBlank()) {
      if (text_[pos_] == '[' ? !Header() : !Member(0)) break;
      SkipSpace();
      if (pos_ < text_.size() && !AtLineEnd()) {
        (void)Bad("the end of the line");
        break;
      }
    }
    return mistake_;
  }

 private:
  [[nodiscard]] bool At(char c) const { return pos_ < text_.size() && text_[pos_] == c; }
  [[nodiscard]] bool AtLineEnd() const { return At('\n') || At('\r') || At('#'); }

  bool Bad(std::string_view expected) { return Bad(expected, pos_); }
  bool Bad(std::string_view expected, size_t at) {
    if (!mistake_.has_value()) mistake_ = {at, expected};
    return false;
  }

  void Table(bool in_list) {
    if (hidden_ == 0) use_({.path = path_, .text = "", .is_table = true, .in_list = in_list});
  }

  bool Take(char c) {
    if (!At(c)) return false;
    ++pos_;
    return true;
  }

  void SkipSpace() {
    while (At(' ') || At('\t')) ++pos_;
  }

  // Also breaks of lines and comments.
  void SkipBlank() {
    for (;;) {
      SkipSpace();
      if (At('#')) {
        const size_t end = text_.find('\n', pos_);
        pos_ = end == text_.npos ? text_.size() : end;
      } else if (!Take('\n') && !Take('\r')) {
        return;
      }
    }
  }

  // "[a.b]" and "[[a.b]]".
  bool Header() {
    ++pos_;
    const bool many = Take('[');
    path_.clear();
    if (!Keys()) return false;
    if (!Take(']') || (many && !Take(']'))) return Bad("']'");
    Table(many);
    return true;
  }

  // "a.b = value"
  bool Member(int depth) {
    const size_t above = path_.size();
    if (!Keys()) return false;
    if (!Take('=')) return Bad("'='");
    if (!Value(depth, /*in_list=*/false)) return false;
    path_.resize(above);
    return true;
  }

  // Adds them to the path.
  bool Keys() {
    do {
      SkipSpace();
      if (At('"') || At('\'')) {
        auto key = Quoted();
        if (!key.has_value()) return false;
        path_.push_back(*std::move(key));
      } else {
        const size_t begin = pos_;
        while (pos_ < text_.size() && IsBare(text_[pos_])) ++pos_;
        if (pos_ == begin) return Bad("a key");
        path_.emplace_back(text_.substr(begin, pos_ - begin));
      }
      SkipSpace();
    } while (Take('.'));
    return true;
  }

  bool Value(int depth, bool in_list) {
    if (depth > kMaxDepth) return Bad("at most 64 brackets in one another");
    SkipSpace();
    if (At('{')) {
      Table(in_list);
      return Inside('}', depth);
    }
    if (At('[')) {
      if (hidden_ == 0) use_({.path = path_, .text = "", .is_list = true, .in_list = in_list});
      hidden_ += in_list ? 1 : 0;
      const bool read = Inside(']', depth);
      hidden_ -= in_list ? 1 : 0;
      return read;
    }
    const bool is_text = At('"') || At('\'');
    std::string text;
    if (is_text) {
      auto quoted = Quoted();
      if (!quoted.has_value()) return false;
      text = *std::move(quoted);
    } else {
      const size_t begin = pos_;
      const size_t end = text_.find_first_of(",]}\n\r#", pos_);
      text = base::Trim(text_.substr(pos_, end == text_.npos ? end : end - pos_));
      pos_ = end == text_.npos ? text_.size() : end;
      if (text.empty()) return Bad("a value", begin);
      if (!IsBareValue(text)) (void)Bad("a value", begin);
    }
    if (hidden_ == 0) {
      use_({.path = path_, .text = std::move(text), .is_text = is_text, .in_list = in_list});
    }
    return true;
  }

  // An array, or a table in braces.
  bool Inside(char close, int depth) {
    const bool array = close == ']';
    ++pos_;
    for (SkipBlank(); !At(close); SkipBlank()) {
      if (!(array ? Value(depth + 1, /*in_list=*/true) : Member(depth + 1))) return false;
      SkipBlank();
      if (!Take(',') && !At(close)) return Bad(array ? "',' or ']'" : "',' or '}'");
    }
    return Take(close);
  }

  std::optional<std::string> Quoted() {
    const char quote = text_[pos_];
    const bool lines = text_.substr(pos_, 3) == std::string(3, quote);
    const std::string mark(lines ? 3 : 1, quote);
    pos_ += mark.size();
    const size_t begin = pos_;
    bool escaped = false;
    while (pos_ < text_.size() && text_.substr(pos_, mark.size()) != mark) {
      if (!lines && text_[pos_] == '\n') return Unended();
      const bool escape = text_[pos_] == '\\' && quote == '"';
      escaped = escaped || escape;
      pos_ += escape ? 2 : 1;
    }
    if (pos_ >= text_.size()) return Unended();
    const std::string_view inside = text_.substr(begin, pos_ - begin);
    pos_ += mark.size();
    // Up to two more quotes belong to a text of several lines.
    while (lines && At(quote)) ++pos_;
    if (!escaped) return std::string(inside);
    // Its escapes are JSON's as far as paths and hashes need any.
    return base::JsonSpan{.kind = base::JsonSpan::Kind::kString, .escaped = true, .text = inside}
        .ToString();
  }

  std::optional<std::string> Unended() {
    (void)Bad("the end of a text");
    return std::nullopt;
  }

  std::string_view text_;
  absl::FunctionRef<void(const TomlValue&)> use_;
  size_t pos_ = 0;
  int hidden_ = 0;  // arrays in arrays that are open
  std::vector<std::string> path_;
  std::optional<TomlMistake> mistake_;  // the first one
};

}  // namespace

std::optional<TomlMistake> ReadToml(std::string_view text,
                                    absl::FunctionRef<void(const TomlValue&)> use) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  const size_t skipped = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  std::optional<TomlMistake> mistake = Reader(text.substr(skipped), use).Read();
  if (mistake.has_value()) mistake->at += skipped;
  return mistake;
}

}  // namespace selftune::hosts::codex

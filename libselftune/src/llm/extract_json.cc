#include "llm/extract_json.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_value.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::llm {
namespace {

using base::JsonValue;

constexpr std::string_view kByteOrderMark = "\uFEFF";
constexpr size_t kMaxNesting = 64;  // of JsonValue; deeper spans cannot parse

std::string WithoutMarks(std::string_view reply) {
  while (reply.starts_with(kByteOrderMark)) reply.remove_prefix(kByteOrderMark.size());
  std::string out;
  out.reserve(reply.size());
  for (const char c : reply) {
    if (c != '\r') out.push_back(c);
  }
  return out;
}

using Fits = absl::FunctionRef<bool(const JsonValue&)>;

// The value in the wanted shape; an array may be wrapped in an object.
std::optional<JsonValue> Fitting(JsonValue value, Fits fits) {
  if (fits(value)) return value;
  if (!value.is_object() || value.members().size() != 1) return std::nullopt;
  const JsonValue& inner = value.members()[0].second;
  return inner.is_array() && fits(inner) ? std::optional(inner) : std::nullopt;
}

std::optional<JsonValue> ParseFitting(std::string_view text, Fits fits) {
  auto value = JsonValue::Parse(text);
  if (!value.ok()) return std::nullopt;
  return Fitting(*std::move(value), fits);
}

struct Candidate {
  size_t begin = 0;
  size_t end = 0;
  JsonValue value;
};

bool IsOpener(char c) { return c == '{' || c == '['; }

// How far a span that opens at some position goes.
struct Span {
  enum class State { kBalanced, kMismatched, kUnclosed };
  State state = State::kMismatched;
  size_t end = 0;    // one past the closing bracket
  std::string text;  // repaired text, only of the tolerant scanner
};

// Work that may be spent on starting over at every bracket: replies are small,
// hostile ones must not become quadratic.
class WorkLimit {
 public:
  explicit WorkLimit(size_t size) : left_(32 * size + (size_t{1} << 18)) {}
  [[nodiscard]] bool Spend(size_t n) {
    left_ = n > left_ ? 0 : left_ - n;
    return left_ > 0;
  }

 private:
  size_t left_;
};

Span StrictSpan(std::string_view text, size_t begin) {
  std::string open;
  bool in_string = false;
  for (size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (IsOpener(c)) {
      open.push_back(c == '{' ? '}' : ']');
      if (open.size() > kMaxNesting) return {Span::State::kMismatched, i, {}};
    } else if (c == '}' || c == ']') {
      if (open.back() != c) return {Span::State::kMismatched, i, {}};
      open.pop_back();
      if (open.empty()) return {Span::State::kBalanced, i + 1, {}};
    }
  }
  return {Span::State::kUnclosed, text.size(), {}};
}

// Rewrites one span to strict JSON while it looks for its end.
class TolerantScanner {
 public:
  TolerantScanner(std::string_view text, size_t begin) : text_(text), at_(begin) {}

  Span Run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || (c == '\'' && AfterDelimiter()) || OpensTypographic()) {
        if (!String()) break;
      } else if (IsOpener(c)) {
        open_.push_back(c == '{' ? '}' : ']');
        if (open_.size() > kMaxNesting) return {Span::State::kMismatched, at_, {}};
        Emit(c);
      } else if (c == '}' || c == ']') {
        if (open_.back() != c) return {Span::State::kMismatched, at_, {}};
        open_.pop_back();
        DropTrailingComma();
        Emit(c);
        if (open_.empty()) return {Span::State::kBalanced, at_, std::move(out_)};
      } else if (!Literal()) {
        Emit(c);
      }
    }
    return {Span::State::kUnclosed, text_.size(), {}};
  }

 private:
  void Emit(char c) {
    out_.push_back(c);
    ++at_;
  }

  [[nodiscard]] bool At(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  [[nodiscard]] bool OpensTypographic() const {
    return At("\u201C") || At("\u201D") || At("\u201E") ||
           ((At("\u2018") || At("\u2019")) && AfterDelimiter());
  }

  // A single quote opens a string only where a value or a name may begin.
  [[nodiscard]] bool AfterDelimiter() const {
    for (size_t i = out_.size(); i > 0; --i) {
      const char c = out_[i - 1];
      if (base::IsSpace(c)) continue;
      return c == '{' || c == '[' || c == ',' || c == ':';
    }
    return false;
  }

  // Length of the closing mark at the current position, 0 if there is none.
  [[nodiscard]] size_t Closing(std::string_view opened) const {
    if (opened == "\"" || opened == "'") return At(opened) ? 1 : 0;
    const bool is_double = opened != "\u2018" && opened != "\u2019";
    if (is_double) {
      if (At("\u201C") || At("\u201D")) return 3;
      return At("\"") ? 1 : 0;
    }
    return At("\u2018") || At("\u2019") ? 3 : 0;
  }

  // Does the closing mark of `length` end the string, and not stand in it?
  [[nodiscard]] bool EndsString(size_t length) const {
    size_t i = at_ + length;
    while (i < text_.size() && base::IsSpace(text_[i])) ++i;
    return i == text_.size() || text_[i] == ',' || text_[i] == ':' || text_[i] == '}' ||
           text_[i] == ']';
  }

  bool String() {
    const size_t width = static_cast<unsigned char>(text_[at_]) >= 0x80 ? 3 : 1;
    const std::string_view opened = text_.substr(at_, width);
    at_ += width;
    out_.push_back('"');
    while (at_ < text_.size()) {
      const size_t closing = Closing(opened);
      if (closing > 0 && (opened == "\"" || EndsString(closing))) {
        at_ += closing;
        out_.push_back('"');
        return true;
      }
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        if (text_[at_ + 1] != '\'') out_.push_back('\\');  // JSON knows no \'
        out_.push_back(text_[at_ + 1]);
        at_ += 2;
      } else {
        if (text_[at_] == '"') out_.push_back('\\');
        Emit(text_[at_]);
      }
    }
    return false;
  }

  void DropTrailingComma() {
    size_t end = out_.size();
    while (end > 0 && base::IsSpace(out_[end - 1])) --end;
    if (end > 0 && out_[end - 1] == ',') out_.erase(end - 1, 1);
  }

  bool Literal() {
    struct Pair {
      std::string_view python;
      std::string_view json;
    };
    constexpr Pair kPairs[] = {{"True", "true"}, {"False", "false"}, {"None", "null"}};
    const bool word_before = !out_.empty() && IsWord(out_.back());
    for (const Pair& pair : kPairs) {
      const size_t end = at_ + pair.python.size();
      if (word_before || !At(pair.python) || (end < text_.size() && IsWord(text_[end]))) continue;
      out_.append(pair.json);
      at_ = end;
      return true;
    }
    return false;
  }

  static bool IsWord(char c) {
    const char lower = base::ToLower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_';
  }

  std::string_view text_;
  size_t at_;
  std::string open_;
  std::string out_;
};

// Does the bracket at `at` begin JSON, as far as one can see? Then, if it
// never closes, the reply was cut off and what is inside is no answer.
bool BeginsJson(std::string_view text, size_t at) {
  size_t i = at + 1;
  while (i < text.size() && base::IsSpace(text[i])) ++i;
  if (i == text.size()) return false;
  const bool quote = text[i] == '"' || text.substr(i).starts_with("\u201C");
  return quote || (text[at] == '[' && IsOpener(text[i]));
}

// All fitting spans, outermost first, none inside another.
std::vector<Candidate> FindSpans(std::string_view text, size_t offset, Fits fits, bool tolerant,
                                 WorkLimit& work) {
  std::vector<Candidate> out;
  size_t i = 0;
  while (i < text.size()) {
    if (!IsOpener(text[i])) {
      ++i;
      continue;
    }
    const Span span = tolerant ? TolerantScanner(text, i).Run() : StrictSpan(text, i);
    if (!work.Spend(span.end - i)) break;
    if (span.state == Span::State::kUnclosed && BeginsJson(text, i)) break;
    if (span.state == Span::State::kBalanced) {
      const std::string_view body = tolerant ? span.text : text.substr(i, span.end - i);
      if (auto value = ParseFitting(body, fits)) {
        out.push_back({offset + i, offset + span.end, *std::move(value)});
        i = span.end;
        continue;
      }
    }
    ++i;
  }
  return out;
}

struct Line {
  size_t begin = 0;
  size_t end = 0;  // without the line feed
};

Line LineAt(std::string_view text, size_t begin) {
  return {begin, std::min(text.find('\n', begin), text.size())};
}

// A fence line: its character and length; 0 if it is none. `bare`: nothing
// follows, so it can close a block.
struct FenceLine {
  char mark = 0;
  size_t length = 0;
  bool bare = false;
};

FenceLine ReadFence(std::string_view line) {
  line = base::Trim(line);
  if (line.empty() || (line[0] != '`' && line[0] != '~')) return {};
  size_t n = 0;
  while (n < line.size() && line[n] == line[0]) ++n;
  if (n < 3) return {};
  const std::string_view info = line.substr(n);
  if (line[0] == '`' && info.find('`') != std::string_view::npos) return {};  // a code span
  return {line[0], n, info.empty()};
}

// Bodies of fenced blocks, outer and inner ones: every opening line paired
// with the next line that can close it.
std::vector<Line> FencedBodies(std::string_view text) {
  struct Fence {
    Line line;
    FenceLine fence;
  };
  constexpr size_t kMaxFences = 256;
  std::vector<Fence> fences;
  for (size_t at = 0; at < text.size() && fences.size() < kMaxFences;) {
    const Line line = LineAt(text, at);
    const FenceLine fence = ReadFence(text.substr(line.begin, line.end - line.begin));
    if (fence.length > 0) fences.push_back({line, fence});
    at = line.end + 1;
  }
  std::vector<Line> out;
  for (size_t i = 0; i < fences.size(); ++i) {
    for (size_t j = i + 1; j < fences.size(); ++j) {
      const FenceLine& close = fences[j].fence;
      if (!close.bare || close.mark != fences[i].fence.mark ||
          close.length < fences[i].fence.length) {
        continue;
      }
      const size_t begin = std::min(fences[i].line.end + 1, fences[j].line.begin);
      out.push_back({begin, fences[j].line.begin});
      break;
    }
  }
  return out;
}

std::vector<Candidate> FindAll(std::string_view text, Fits fits, bool tolerant) {
  WorkLimit work(text.size());
  std::vector<Candidate> out;
  for (const Line& body : FencedBodies(text)) {
    const std::string_view inner = text.substr(body.begin, body.end - body.begin);
    for (Candidate& c : FindSpans(inner, body.begin, fits, tolerant, work)) {
      out.push_back(std::move(c));
    }
  }
  for (Candidate& c : FindSpans(text, 0, fits, tolerant, work)) out.push_back(std::move(c));
  return out;
}

bool IsListOfObjects(const JsonValue& value) {
  return !value.items().empty() &&
         std::all_of(value.items().begin(), value.items().end(),
                     [](const JsonValue& item) { return item.is_object(); });
}

// The last candidate that lies in no other one; sorts them.
const Candidate* Best(std::vector<Candidate>& candidates) {
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
  const Candidate* best = nullptr;
  bool best_has_objects = false;
  size_t covered = 0;  // nothing that ends here or before is outermost
  for (const Candidate& c : candidates) {
    if (c.end <= covered) continue;
    covered = c.end;
    const bool has_objects = IsListOfObjects(c.value);
    if (best != nullptr && best_has_objects && !has_objects) continue;
    best = &c;
    best_has_objects = has_objects;
  }
  return best;
}

StatusOr<ExtractedJson> Extract(std::string_view reply, Fits fits) {
  const std::string text = WithoutMarks(reply);
  if (auto value = ParseFitting(base::Trim(text), fits)) return ExtractedJson{*std::move(value)};
  for (const bool tolerant : {false, true}) {
    std::vector<Candidate> candidates = FindAll(text, fits, tolerant);
    if (const Candidate* best = Best(candidates)) {
      return ExtractedJson{best->value, /*repaired=*/tolerant};
    }
  }
  return Fail(kInvalidReply, "looking for the wanted JSON in a reply of {} bytes: found none",
              text.size());
}

}  // namespace

bool JsonShape::Fits(const JsonValue& value) const {
  const auto has_keys = [this](const JsonValue& object) {
    return object.is_object() && std::all_of(keys.begin(), keys.end(), [&](const std::string& key) {
             return object.Has(key);
           });
  };
  if (!array) return has_keys(value);
  return value.is_array() &&
         (keys.empty() || std::all_of(value.items().begin(), value.items().end(), has_keys));
}

StatusOr<ExtractedJson> ExtractJson(std::string_view reply, const JsonShape& shape) {
  return Extract(reply, [&](const JsonValue& value) { return shape.Fits(value); });
}

StatusOr<JsonValue> ExtractJson(std::string_view reply,
                                absl::FunctionRef<bool(const JsonValue&)> fits) {
  ST_ASSIGN_OR_RETURN(ExtractedJson found, Extract(reply, fits));
  return std::move(found.value);
}

}  // namespace selftune::llm

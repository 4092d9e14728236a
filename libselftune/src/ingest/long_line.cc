#include "ingest/long_line.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace selftune::ingest {
namespace {

// Of plain characters on either side of a cut; an escape of JSON in JSON in JSON
// is shorter.
constexpr size_t kPlain = 16;
constexpr size_t kSearch = size_t{64} << 10;
constexpr std::string_view kMark = "\xEF\xBB\xBF";  // of the byte order

enum class Outside : uint8_t { kNever, kBlank, kSign, kScalar };

// What a byte outside of strings is in JSON.
constexpr std::array<Outside, 256> kOutside = [] {
  std::array<Outside, 256> out{};
  for (const char c : std::string_view(" \t\r"))
    out[static_cast<unsigned char>(c)] = Outside::kBlank;
  for (const char c : std::string_view("{}[]:,")) {
    out[static_cast<unsigned char>(c)] = Outside::kSign;
  }
  for (const char c : std::string_view("0123456789+-.eEtrufalsn")) {
    out[static_cast<unsigned char>(c)] = Outside::kScalar;
  }
  return out;
}();

bool IsPlain(char c) { return c >= 0x20 && c < 0x7f && c != '\\' && c != '"'; }

// The first place from `from` on with plain characters on both sides; `to` if
// there is none before it.
size_t PlainPlace(const char* data, size_t from, size_t to) {
  size_t plain = 0;  // characters in a row before `at`
  for (size_t at = from; at < to; ++at) {
    plain = IsPlain(data[at]) ? plain + 1 : 0;
    if (plain == 2 * kPlain) return at + 1 - kPlain;
  }
  return to;
}

// \udc00 to \udfff: the second half of a character.
bool IsLowSurrogate(const char* escape) {
  const auto lower = [escape](size_t at) { return static_cast<char>(escape[at] | 0x20); };
  return escape[1] == 'u' && lower(2) == 'd' && lower(3) >= 'c' && lower(3) <= 'f';
}

// The first escape from `from` on that begins a character; `to` if there is none
// before it. A backslash behind anything else begins one, whatever that belongs to.
size_t EscapePlace(const char* data, size_t from, size_t to) {
  for (size_t at = from; at < to; ++at) {
    if (data[at] == '\\' && data[at - 1] != '\\' && !IsLowSurrogate(data + at)) return at;
  }
  return to;
}

size_t CutPlace(const char* data, size_t from, size_t to) {
  const size_t plain = PlainPlace(data, from, to);
  return plain != to ? plain : EscapePlace(data, from, to);
}

}  // namespace

// Where the string at hand ends, or as far as can be told; sets `ended_`.
size_t LongLine::EndOfString(const char* data, size_t at, size_t used) {
  ended_ = false;
  size_t until = 0;  // of the next quote, looked for once however many escapes come before it
  while (at < used) {
    if (until <= at) {
      const auto* const quote = static_cast<const char*>(std::memchr(data + at, '"', used - at));
      ended_ = quote != nullptr;
      until = ended_ ? static_cast<size_t>(quote - data) : used;
    }
    const auto* const slash = static_cast<const char*>(std::memchr(data + at, '\\', until - at));
    if (slash == nullptr) return until;
    at = static_cast<size_t>(slash - data) + 2;
    if (at > used) {  // what is escaped comes with the next piece
      ended_ = false;
      return at - 2;
    }
  }
  ended_ = false;
  return used;
}

// Takes the middle of [begin_, end) out; returns the new end of the string. Of one
// that goes on so much stays that the last cut finds its place.
size_t LongLine::Cut(char* data, size_t end, size_t used) {
  const bool is_short = end - begin_ < 2 * kKeptBytes + 4 * kSearch;
  if (is_short && !(cut_ && ended_)) return end;
  const size_t from = begin_ + kKeptBytes;
  const size_t until = end - kKeptBytes - (ended_ ? 0 : kSearch);
  // Once it is cut, what follows its head is another part of it.
  const size_t head = cut_ ? head_ : CutPlace(data, from, from + kSearch);
  const size_t tail = CutPlace(data, until - kSearch, until);
  if (head == from + kSearch || tail == until) return end;  // backslashes all over
  std::memmove(data + head, data + tail, used - tail);
  removed_ += tail - head;
  cut_ = true;
  head_ = head;
  return end - (tail - head);
}

void LongLine::LookAt(const char* data, size_t from, size_t to) {
  for (size_t at = from; at < to; ++at) {
    if (at < kMark.size() && data[at] == kMark[at]) continue;
    const Outside kind = kOutside[static_cast<unsigned char>(data[at])];
    if (kind == Outside::kBlank) {
      in_scalar_ = false;
      continue;
    }
    if (begins_ == Begins::kNotYet && data[at] == '{') begins_ = Begins::kObject;
    if (begins_ != Begins::kObject || kind == Outside::kNever) {
      begins_ = Begins::kOtherwise;
      return;
    }
    const bool goes_on = kind == Outside::kScalar && in_scalar_;
    in_scalar_ = kind == Outside::kScalar;
    tokens_ += goes_on ? 0 : 1;
  }
}

size_t LongLine::Squeeze(char* data, size_t used) {
  while (at_ < used) {
    if (!inside_) {
      const auto* const quote = static_cast<const char*>(std::memchr(data + at_, '"', used - at_));
      const size_t until = quote == nullptr ? used : static_cast<size_t>(quote - data);
      LookAt(data, at_, until);
      if (quote == nullptr) {
        at_ = used;
        break;
      }
      if (begins_ == Begins::kNotYet) begins_ = Begins::kOtherwise;  // a string
      ++tokens_;
      in_scalar_ = false;
      begin_ = at_ = static_cast<size_t>(quote - data) + 1;
      inside_ = true;
      cut_ = false;
    }
    const size_t end = EndOfString(data, at_, used);
    const size_t left = Cut(data, end, used);
    used -= end - left;
    at_ = left;
    if (!ended_) break;
    ++at_;  // its quote
    inside_ = false;
  }
  return used;
}

}  // namespace selftune::ingest

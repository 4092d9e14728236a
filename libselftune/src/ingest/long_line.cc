#include "ingest/long_line.h"

#include <algorithm>
#include <cstring>

namespace selftune::ingest {
namespace {

// Of plain characters on either side of a cut; an escape of JSON in JSON in JSON
// is shorter.
constexpr size_t kPlain = 16;
constexpr size_t kSearch = size_t{64} << 10;

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

}  // namespace

// Where the string at hand ends, or as far as can be told; sets `ended_`.
size_t LongLine::EndOfString(const char* data, size_t at, size_t used) {
  ended_ = false;
  while (at < used) {
    const char* const rest = data + at;
    const auto* const quote = static_cast<const char*>(std::memchr(rest, '"', used - at));
    const size_t until = quote == nullptr ? used : static_cast<size_t>(quote - data);
    const auto* const slash = static_cast<const char*>(std::memchr(rest, '\\', until - at));
    if (slash == nullptr) {
      ended_ = quote != nullptr;
      return until;
    }
    at = static_cast<size_t>(slash - data) + 2;
    if (at > used) return at - 2;  // what is escaped comes with the next piece
  }
  return used;
}

// Takes the middle of [begin_, end) out; returns the new end of the string. Of one
// that goes on so much stays that the last cut finds its place.
size_t LongLine::Cut(char* data, size_t end, size_t used) {
  const bool is_short = end - begin_ < 2 * kKeptBytes + 4 * kSearch;
  if (is_short && !(cut_ && ended_)) return end;
  const size_t from = begin_ + kKeptBytes;
  const size_t until = end - kKeptBytes - (ended_ ? 0 : kSearch);
  const size_t head = PlainPlace(data, from, from + kSearch);
  const size_t tail = PlainPlace(data, until - kSearch, until);
  if (head == from + kSearch || tail == until) return end;  // escapes all over
  std::memmove(data + head, data + tail, used - tail);
  removed_ += tail - head;
  cut_ = true;
  return end - (tail - head);
}

size_t LongLine::Squeeze(char* data, size_t used) {
  while (at_ < used) {
    if (!inside_) {
      const auto* const quote = static_cast<const char*>(std::memchr(data + at_, '"', used - at_));
      if (quote == nullptr) {
        at_ = used;
        break;
      }
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

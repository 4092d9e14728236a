// Lines of tens of megabytes: results of tools and images, of which readers need
// nothing but that they are there.
#pragma once

#include <cstddef>
#include <cstdint>

namespace selftune::ingest {

// Takes the middles out of the long strings of one JSON line while the line is
// read piece by piece, so that it need not be held as a whole. What is left is
// the same JSON but for those middles; a quarter of a megabyte at each end of a
// string stays. A cut stands between two plain characters far from any
// backslash, so JSON inside of a string is not damaged unless it is cut itself;
// in a string that consists of escapes it stands between two of those. Once all
// of the line has come, what is left does not depend on the pieces.
//
// Not thread-safe. One per line, or Reset() between two.
class LongLine {
 public:
  static constexpr size_t kKeptBytes = size_t{256} << 10;  // at each end of a string

  // `data` holds the first `used` bytes of the line; those of the last call are
  // where it left them. Returns how many are left.
  size_t Squeeze(char* data, size_t used);
  // Bytes that were taken out so far.
  [[nodiscard]] uint64_t removed() const { return removed_; }
  // Could what has come so far be the beginning of a JSON object? Only what stands
  // outside of strings is looked at.
  [[nodiscard]] bool may_be_object() const { return begins_ != Begins::kOtherwise; }
  // Names, values and signs among them outside of strings: a parser keeps a mark of each.
  [[nodiscard]] uint64_t tokens() const { return tokens_; }
  void Reset() { *this = LongLine(); }

 private:
  enum class Begins { kNotYet, kObject, kOtherwise };

  void LookAt(const char* data, size_t from, size_t to);
  size_t EndOfString(const char* data, size_t at, size_t used);
  [[nodiscard]] size_t Cut(char* data, size_t end, size_t used);

  size_t at_ = 0;     // everything before has been looked at
  size_t begin_ = 0;  // of the string that goes on at `at_`, when inside one
  bool inside_ = false;
  bool ended_ = false;  // the string ends at `at_`
  bool cut_ = false;    // something was taken out of it
  size_t head_ = 0;     // ... behind this place
  uint64_t removed_ = 0;
  Begins begins_ = Begins::kNotYet;
  uint64_t tokens_ = 0;
  bool in_scalar_ = false;  // a number or word goes on
};

}  // namespace selftune::ingest

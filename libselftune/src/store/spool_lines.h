// Reads one file of the spool on from a place, a window at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/time.h"

namespace selftune::store {

// Longer than the longest event a hook keeps, however much of it is escaped.
inline constexpr size_t kMaxSpoolLine = size_t{64} << 20;

struct SpoolPlace {
  uint64_t offset = 0;
  uint64_t line_no = 0;  // lines before it
};

struct SpoolText {
  std::string text;  // "" = empty lines up to the end; of one too long its beginning
  SpoolPlace begin;  // of the text
  SpoolPlace end;    // behind its newline
  bool too_long = false;
};

// The bytes read last. One serves all files that are read in turns.
struct SpoolWindow {
  std::string path;
  uint64_t offset = 0;
  std::string bytes;
};

// A line without its end belongs to a writer at work, or to one that was cut
// short: `settled` says that nobody writes any more, so that it is a line.
class SpoolLines {
 public:
  // `size`: what lies behind it is for the next look.
  SpoolLines(std::string path, uint64_t size, bool settled, SpoolPlace at)
      : path_(std::move(path)), size_(size), settled_(settled), at_(at) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] SpoolPlace at() const { return at_; }
  // When the next record was written, as it says; nullopt when it does not say.
  // Costs no more of a long line than its beginning.
  [[nodiscard]] StatusOr<std::optional<UtcMillis>> TimeOfNext(SpoolWindow& window) const;
  // nullopt: nothing more for now.
  [[nodiscard]] StatusOr<std::optional<SpoolText>> Next(SpoolWindow& window);

 private:
  std::string path_;
  uint64_t size_;
  bool settled_;
  SpoolPlace at_;
};

}  // namespace selftune::store

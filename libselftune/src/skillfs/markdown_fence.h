// Fenced code blocks of Markdown.
#pragma once

#include <cstddef>
#include <string_view>

namespace selftune::skillfs {

// Feed the lines of a text in order, without line ends.
class FenceTracker {
 public:
  // The line opens, closes or lies inside a ``` or ~~~ block.
  bool IsCode(std::string_view line);
  // A block is open after the lines so far.
  [[nodiscard]] bool open() const { return length_ > 0; }

 private:
  char mark_ = 0;
  size_t length_ = 0;  // of the opening fence, 0 = outside
};

}  // namespace selftune::skillfs

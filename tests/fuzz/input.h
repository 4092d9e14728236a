// What every fuzz target shares: a padded copy of the input, and a check that
// stops the fuzzer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::fuzz {

// Bytes followed by 64 readable ones, as JSON parsing needs them.
class Input {
 public:
  explicit Input(std::string_view bytes) : size_(bytes.size()), padded_(bytes) {
    padded_.append(64, '\0');
  }
  [[nodiscard]] std::string_view text() const { return {padded_.data(), size_}; }

 private:
  size_t size_;
  std::string padded_;
};

inline std::string_view AsText(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

inline void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "property broken: %s\n", what);
  std::abort();
}

}  // namespace selftune::fuzz

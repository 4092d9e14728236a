// Which strings quote one of many texts: told by how a text begins, so that an
// excerpt counts as well. Keeps hashes, no words.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::store {

class Quotes {
 public:
  void Add(std::string_view text);
  // Strings with these words count as well, whatever their case.
  void AddWords(std::string_view words);
  // Numbers of JSON count as strings of their digits do: in rows of others, where none is ours.
  void AddNumbers() { numbers_ = true; }
  // Before the first question.
  void Seal();
  [[nodiscard]] bool empty() const { return begins_.empty() && short_.empty() && words_.empty(); }
  [[nodiscard]] bool numbers() const { return numbers_; }
  [[nodiscard]] bool In(std::string_view text) const;
  // The text, or the JSON, with "[forgotten]" for each string that quotes; the same
  // when none does. `codes`: members of the JSON whose one word is ours, whatever it reads like;
  // more than one lower-case word is nobody's code and goes as any other string. An identifier
  // (12 or 64 hexadecimal digits, a UUID, an integer) under the name of one stays in any JSON.
  [[nodiscard]] std::string Without(std::string_view text,
                                    std::span<const std::string_view> codes = {}) const;

 private:
  struct Begin {
    uint64_t key = 0;     // of the first bytes
    uint64_t digest = 0;  // of the first `size` bytes
    uint8_t size = 0;
  };
  std::vector<Begin> begins_;    // sorted by key
  std::vector<uint64_t> short_;  // texts too short to be found inside others, sorted
  std::string words_;            // in lower case
  bool numbers_ = false;
};

}  // namespace selftune::store

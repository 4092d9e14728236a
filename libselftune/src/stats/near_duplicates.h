// Which texts of many are near duplicates, without comparing all with all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace selftune::stats {

struct NearDuplicates {
  std::vector<size_t> first;  // of each text: the first text of its group
  // What it took.
  int64_t looked_up = 0;  // entries of the index
  int64_t compared = 0;   // pairs of texts, word by word
};

// Groups of texts that share at least three fifths of their distinct words (token
// Jaccard >= 0.6, transitive); texts without a word are alike when they are equal.
// Exact. Reads the pairs that share one of their rare words, and compares those of
// them that may still be alike; only texts that all share their rarest words cost
// more than a few looks each.
[[nodiscard]] NearDuplicates GroupNearDuplicates(std::span<const std::string> texts);

}  // namespace selftune::stats

// Which entries of an eval set a proposer may see. Decided by the text alone,
// so that no seed and no new entry moves an old one to the other side.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::stats {

inline constexpr int kTestBuckets = 40;  // bucket < 40: test (held out)
inline constexpr int kValFrom = 80;      // of train, bucket >= 80: val

enum class Split { kTrain, kVal, kTest };
[[nodiscard]] std::string_view SplitName(Split split);  // train val test
[[nodiscard]] Split SplitOfBucket(int bucket);
// Train in the wide sense: everything that is not held out.
[[nodiscard]] inline bool IsHeldOut(Split split) { return split == Split::kTest; }

// NFC, lower case, white space folded and trimmed, digit runs become "0".
[[nodiscard]] std::string NormalizeForSplit(std::string_view query);
// First 8 bytes of SHA-256(skill, NUL, normalised query), big endian.
[[nodiscard]] uint64_t SplitHash(std::string_view skill, std::string_view query);
[[nodiscard]] int SplitBucket(std::string_view skill, std::string_view query);  // 0..99

struct SplitEntry {
  std::string_view query = {};
  // Bucket this entry had before, if it is not new: it keeps it, and new near
  // duplicates follow it.
  std::optional<int> earlier_bucket = std::nullopt;
};
struct SplitAssignment {
  uint64_t hash = 0;
  int bucket = 0;
  size_t cluster = 0;  // index of the first entry of its near duplicates
  Split split = Split::kTrain;
};
// One assignment an entry. Near duplicates (token Jaccard >= 0.6, transitive)
// share the bucket of the member with the smallest hash, members that already
// have a bucket first. The order of the entries does not matter.
[[nodiscard]] std::vector<SplitAssignment> AssignSplits(std::string_view skill,
                                                        std::span<const SplitEntry> entries);

}  // namespace selftune::stats

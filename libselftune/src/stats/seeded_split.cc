#include "stats/seeded_split.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/utf8.h"
#include "stats/near_duplicates.h"

namespace selftune::stats {
namespace {

bool IsDigit(uint32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  return utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_ND;
}

uint64_t HashOf(std::string_view skill, std::string_view normalized) {
  std::string text(skill);
  text.push_back('\0');
  text.append(normalized);
  const base::Sha256Digest digest = base::Sha256(text);
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = value << 8 | digest[i];
  return value;
}

int BucketOf(uint64_t hash) { return static_cast<int>(hash % 100); }

}  // namespace

std::string_view SplitName(Split split) {
  switch (split) {
    case Split::kTrain:
      return "train";
    case Split::kVal:
      return "val";
    case Split::kTest:
      return "test";
  }
  return "train";
}

Split SplitOfBucket(int bucket) {
  if (bucket < kTestBuckets) return Split::kTest;
  return bucket >= kValFrom ? Split::kVal : Split::kTrain;
}

std::string NormalizeForSplit(std::string_view query) {
  const std::string text = base::UnicodeLower(base::Nfc(query));
  std::string out;
  out.reserve(text.size());
  bool gap = false;  // white space since the last character kept
  bool in_digits = false;
  for (size_t pos = 0; pos < text.size();) {
    const size_t begin = pos;
    const uint32_t c = base::NextCodePoint(text, pos);
    if (base::IsUnicodeSpace(c)) {
      gap = true;
      in_digits = false;
      continue;
    }
    if (gap && !out.empty()) out.push_back(' ');
    gap = false;
    const bool digit = IsDigit(c);
    if (!digit) out.append(text, begin, pos - begin);
    if (digit && !in_digits) out.push_back('0');
    in_digits = digit;
  }
  return out;
}

uint64_t SplitHash(std::string_view skill, std::string_view query) {
  return HashOf(skill, NormalizeForSplit(query));
}

int SplitBucket(std::string_view skill, std::string_view query) {
  return BucketOf(SplitHash(skill, query));
}

std::vector<SplitAssignment> AssignSplits(std::string_view skill,
                                          std::span<const SplitEntry> entries) {
  std::vector<std::string> texts;
  std::vector<SplitAssignment> out(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    texts.push_back(NormalizeForSplit(entries[i].query));
    out[i].hash = HashOf(skill, texts[i]);
  }
  const NearDuplicates groups = GroupNearDuplicates(texts);
  // Who decides for a cluster: members with a bucket first, then the smallest
  // hash. (new, hash, bucket) compares in this order.
  using Rank = std::tuple<bool, uint64_t, int>;
  std::map<size_t, Rank> deciders;
  for (size_t i = 0; i < entries.size(); ++i) {
    out[i].cluster = groups.first[i];
    const std::optional<int> earlier = entries[i].earlier_bucket;
    const Rank rank(!earlier.has_value(), out[i].hash, earlier.value_or(BucketOf(out[i].hash)));
    const auto [at, added] = deciders.try_emplace(out[i].cluster, rank);
    if (!added) at->second = std::min(at->second, rank);
  }
  for (size_t i = 0; i < entries.size(); ++i) {
    out[i].bucket = entries[i].earlier_bucket.value_or(std::get<int>(deciders[out[i].cluster]));
    out[i].split = SplitOfBucket(out[i].bucket);
  }
  return out;
}

}  // namespace selftune::stats

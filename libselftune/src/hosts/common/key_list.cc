#include "hosts/common/key_list.h"

#include <charconv>
#include <iterator>

#include <fmt/format.h>

#include "hosts/common/raw_text.h"

namespace selftune::hosts {
namespace {

constexpr size_t kDigits = 12;
constexpr uint64_t kMask = (uint64_t{1} << (kDigits * 4)) - 1;

}  // namespace

bool KeyList::Add(std::string_view id) {
  const uint64_t key = RecordKey(id) & kMask;
  if (!places_.emplace(key, keys_.size()).second) return false;
  keys_.push_back(key);
  return true;
}

std::optional<size_t> KeyList::Find(std::string_view id) const {
  const auto it = places_.find(RecordKey(id) & kMask);
  if (it == places_.end()) return std::nullopt;
  return it->second;
}

std::string KeyList::Save() const {
  std::string packed;
  packed.reserve(keys_.size() * kDigits);
  for (const uint64_t key : keys_) fmt::format_to(std::back_inserter(packed), "{:012x}", key);
  return packed;
}

KeyList KeyList::Load(std::string_view saved) {
  KeyList list;
  for (size_t at = 0; at + kDigits <= saved.size(); at += kDigits) {
    uint64_t key = 0;
    std::from_chars(saved.data() + at, saved.data() + at + kDigits, key, 16);
    if (list.places_.emplace(key, list.keys_.size()).second) list.keys_.push_back(key);
  }
  return list;
}

}  // namespace selftune::hosts

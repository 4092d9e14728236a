#include "dashboard/reply_cache.h"

#include <algorithm>
#include <utility>

namespace selftune::dashboard {
namespace {

// What an entry takes beside its texts: two nodes and three strings, about.
constexpr size_t kEntryBytes = 256;

}  // namespace

const std::string* ReplyCache::Find(const std::string& key, std::string_view tag) const {
  const auto at = entries_.find(key);
  return at != entries_.end() && at->second.tag == tag ? &at->second.body : nullptr;
}

size_t ReplyCache::RoomFor(const std::string& key, const Entry& entry) {
  return 2 * key.size() + entry.tag.size() + entry.body.size() + kEntryBytes;
}

void ReplyCache::Put(std::string key, std::string tag, std::string body) {
  Remove(key);
  Entry entry{std::move(tag), std::move(body)};
  const size_t room = RoomFor(key, entry);
  if (room > limit_ / 4) return;
  while (!ages_.empty() && bytes_ + room > limit_) Remove(std::string(ages_.front()));
  bytes_ += room;
  ages_.push_back(key);
  entries_.emplace(std::move(key), std::move(entry));
}

void ReplyCache::Remove(const std::string& key) {
  const auto at = entries_.find(key);
  if (at == entries_.end()) return;
  bytes_ -= RoomFor(key, at->second);
  ages_.erase(std::find(ages_.begin(), ages_.end(), key));
  entries_.erase(at);
}

}  // namespace selftune::dashboard

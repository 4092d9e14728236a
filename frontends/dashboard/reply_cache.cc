#include "dashboard/reply_cache.h"

#include <algorithm>
#include <utility>

namespace selftune::dashboard {

const std::string* ReplyCache::Find(const std::string& key, std::string_view tag) const {
  const auto at = entries_.find(key);
  return at != entries_.end() && at->second.tag == tag ? &at->second.body : nullptr;
}

void ReplyCache::Put(std::string key, std::string tag, std::string body) {
  Remove(key);
  if (body.size() > limit_ / 4) return;
  while (!ages_.empty() && bytes_ + body.size() > limit_) Remove(std::string(ages_.front()));
  bytes_ += body.size();
  ages_.push_back(key);
  entries_.emplace(std::move(key), Entry{std::move(tag), std::move(body)});
}

void ReplyCache::Remove(const std::string& key) {
  const auto at = entries_.find(key);
  if (at == entries_.end()) return;
  bytes_ -= at->second.body.size();
  ages_.erase(std::find(ages_.begin(), ages_.end(), key));
  entries_.erase(at);
}

}  // namespace selftune::dashboard

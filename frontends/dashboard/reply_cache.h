// Replies that still hold: a page asks for the same things again and again, and
// every open tab after each change. Used on the loop only.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace selftune::dashboard {

class ReplyCache {
 public:
  explicit ReplyCache(size_t bytes) : limit_(bytes) {}

  // The body kept for `key` under this tag; nullptr when there is none.
  [[nodiscard]] const std::string* Find(const std::string& key, std::string_view tag) const;
  // Replaces what was there; the oldest go when there is no room. Keys take room
  // too. A reply that takes more than a quarter of it is not kept.
  void Put(std::string key, std::string tag, std::string body);

  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string tag;
    std::string body;
  };
  void Remove(const std::string& key);
  [[nodiscard]] static size_t RoomFor(const std::string& key, const Entry& entry);

  const size_t limit_;
  size_t bytes_ = 0;
  std::map<std::string, Entry> entries_;
  std::deque<std::string> ages_;  // keys, oldest first, each once
};

}  // namespace selftune::dashboard

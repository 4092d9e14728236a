// A bounded memory of recent look-ups.
#pragma once

#include <cstddef>
#include <utility>

namespace selftune::store {

// Keeps between `limit` and 2 * `limit` of the most recently used entries:
// when the young half is full it becomes the old half, and the former old one
// is dropped. Map is a hash map type.
template <typename Map>
class RecentMap {
 public:
  using Value = typename Map::mapped_type;
  explicit RecentMap(size_t limit) : limit_(limit) {}

  // nullptr when not remembered. Valid until the next call.
  template <typename Key>
  [[nodiscard]] Value* Find(const Key& key) {
    if (const auto it = young_.find(key); it != young_.end()) return &it->second;
    const auto it = old_.find(key);
    if (it == old_.end()) return nullptr;
    typename Map::key_type owned = it->first;
    Value value = std::move(it->second);
    old_.erase(it);
    return Put(std::move(owned), std::move(value));
  }

  Value* Put(typename Map::key_type key, Value value) {
    if (young_.size() >= limit_) {
      old_ = std::move(young_);
      young_.clear();
    }
    return &young_.insert_or_assign(std::move(key), std::move(value)).first->second;
  }

  template <typename Key>
  void Erase(const Key& key) {
    young_.erase(key);
    old_.erase(key);
  }

  void Clear() {
    young_.clear();
    old_.clear();
  }

 private:
  size_t limit_;
  Map young_, old_;
};

}  // namespace selftune::store

// Ids of records in the order in which they came, kept small.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace selftune::hosts {

// 48 bits of a hash stand for an id. Not thread-safe.
class KeyList {
 public:
  // False: it is known.
  bool Add(std::string_view id);
  [[nodiscard]] bool Has(std::string_view id) const { return Find(id).has_value(); }
  [[nodiscard]] std::optional<size_t> Find(std::string_view id) const;

  [[nodiscard]] std::string Save() const;
  [[nodiscard]] static KeyList Load(std::string_view saved);

 private:
  std::vector<uint64_t> keys_;
  std::unordered_map<uint64_t, size_t> places_;
};

}  // namespace selftune::hosts

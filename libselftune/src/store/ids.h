// Keys of rows, one type each, so that a prompt is never taken for a session.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace selftune::store {

// A row's integer key; 0 = none.
template <typename Tag>
struct Id {
  int64_t value = 0;
  [[nodiscard]] explicit operator bool() const { return value != 0; }
  friend auto operator<=>(const Id&, const Id&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Id& id) {
    return H::combine(std::move(h), id.value);
  }
};

using SessionPk = Id<struct SessionTag>;
using PromptPk = Id<struct PromptTag>;
using SkillId = Id<struct SkillTag>;
using SourceId = Id<struct SourceTag>;
using BodyId = Id<struct BodyTag>;
using ObsPk = Id<struct ObsTag>;
using ListingId = Id<struct ListingTag>;

}  // namespace selftune::store

#include "upstream/prompt_index.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace selftune::upstream {
namespace {

// The first of those around a moment.
std::set<std::pair<int64_t, size_t>>::const_iterator FirstNear(
    const std::set<std::pair<int64_t, size_t>>& timed, UtcMillis at) {
  const auto found = timed.lower_bound({at.value - kMoments, 0});
  return found != timed.end() && found->first <= at.value + kMoments ? found : timed.end();
}

}  // namespace

void GreatestBefore::Add(UtcMillis at, int32_t number) {
  const auto after = steps_.upper_bound(at.value);
  if (after != steps_.begin() && std::prev(after)->second >= number) return;
  auto step = steps_.insert_or_assign(at.value, number).first;
  for (++step; step != steps_.end() && step->second <= number;) step = steps_.erase(step);
}

std::optional<int32_t> GreatestBefore::At(UtcMillis at) const {
  const auto after = steps_.upper_bound(at.value);
  if (after == steps_.begin()) return std::nullopt;
  return std::prev(after)->second;
}

void OpenPrompts::Add(const std::string& key, size_t n, const Time& at) {
  const auto said = said_.try_emplace(key).first;
  said->second.all.insert(n);
  if (at.has_value()) {
    said->second.timed.emplace(at->value, n);
    timed_.emplace(at->value, n);
  }
  open_.emplace(n, Place{said, at});
}

void OpenPrompts::Close(size_t n) {
  const auto open = open_.find(n);
  if (open == open_.end()) return;
  const auto& [said, at] = open->second;
  said->second.all.erase(n);
  if (at.has_value()) {
    said->second.timed.erase({at->value, n});
    timed_.erase({at->value, n});
  }
  open_.erase(open);
}

std::optional<size_t> OpenPrompts::Find(const std::string& key, const Time& at) const {
  if (const auto near = FindNear(key, at)) return near;
  const auto said = said_.find(key);
  if (said == said_.end() || said->second.all.empty()) return std::nullopt;
  return *said->second.all.begin();
}

std::optional<size_t> OpenPrompts::FindNear(const std::string& key, const Time& at) const {
  const auto said = said_.find(key);
  if (said == said_.end() || !at.has_value()) return std::nullopt;
  const auto near = FirstNear(said->second.timed, *at);
  return near != said->second.timed.end() ? std::optional(near->second) : std::nullopt;
}

std::vector<size_t> OpenPrompts::Near(const Time& at, size_t most) const {
  std::vector<size_t> out;
  if (!at.has_value()) return out;
  for (auto near = FirstNear(timed_, *at); near != timed_.end(); ++near) {
    if (near->first > at->value + kMoments || out.size() == most) break;
    out.push_back(near->second);
  }
  std::ranges::sort(out);
  return out;
}

void SaidPrompts::Add(const std::string& key, size_t n, int32_t number,
                      const std::optional<UtcMillis>& at) {
  Said& said = said_[key];
  if (!said.by_number.emplace(number, n).second) return;
  if (at.has_value()) {
    said.timed.Add(*at, number);
  } else {
    said.timeless = std::max(number, said.timeless.value_or(0));
  }
}

std::optional<size_t> SaidPrompts::LastBefore(const std::string& key,
                                              const std::optional<UtcMillis>& at) const {
  const auto found = said_.find(key);
  if (found == said_.end()) return std::nullopt;
  const Said& said = found->second;
  if (!at.has_value()) return said.by_number.rbegin()->second;
  const auto timed = said.timed.At(*at);
  if (!timed.has_value() && !said.timeless.has_value()) return said.by_number.begin()->second;
  return said.by_number.at(std::max(timed.value_or(-1), said.timeless.value_or(-1)));
}

void Numbers::Take(int32_t number, const std::optional<UtcMillis>& at) {
  if (taken_.insert(number).second && at.has_value()) timed_.Add(*at, number);
}

int32_t Numbers::NextAt(UtcMillis at) const {
  const int32_t behind = timed_.At(at).value_or(-1) + 1;
  return IsTaken(behind) ? Next() : behind;
}

}  // namespace selftune::upstream

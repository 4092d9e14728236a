#include "signals/skill_names.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include "signals/chars.h"

namespace selftune::signals {
namespace {

bool IsIgnored(char c) {
  return c == '-' || c == '_' || c == '.' || c == ':' || IsByte(c, kSpaceByte);
}

}  // namespace

void NameHash::Add(std::string_view text) {
  for (const char c : text) {
    if (IsIgnored(c)) continue;
    value_ = (value_ ^ static_cast<unsigned char>(LowerByte(c))) * 1099511628211ULL;
  }
}

bool SameName(std::string_view a, std::string_view b) {
  size_t i = 0;
  size_t j = 0;
  while (true) {
    while (i < a.size() && IsIgnored(a[i])) ++i;
    while (j < b.size() && IsIgnored(b[j])) ++j;
    if (i == a.size() || j == b.size()) return i == a.size() && j == b.size();
    if (LowerByte(a[i++]) != LowerByte(b[j++])) return false;
  }
}

std::string_view LastPart(std::string_view skill) {
  const size_t colon = skill.rfind(':');
  return colon == std::string_view::npos ? skill : skill.substr(colon + 1);
}

void SkillNames::Build() const {
  entries_.reserve(installed_.size() + installed_.size() / 4);
  for (size_t i = 0; i < installed_.size(); ++i) {
    const std::string_view name = installed_[i];
    NameHash hash;
    hash.Add(name);
    entries_.push_back({.hash = hash.value(), .last_part = false, .index = i});
    const std::string_view last = LastPart(name);
    if (last.size() == name.size() || last.empty()) continue;
    NameHash last_hash;
    last_hash.Add(last);
    entries_.push_back({.hash = last_hash.value(), .last_part = true, .index = i});
  }
  std::sort(entries_.begin(), entries_.end());
}

std::vector<SkillNames::Entry>::const_iterator SkillNames::First(const NameHash& hash) const {
  if (entries_.empty() && !installed_.empty()) Build();
  return std::lower_bound(entries_.begin(), entries_.end(), Entry{.hash = hash.value()});
}

bool SkillNames::MayHave(const NameHash& hash) const {
  const auto entry = First(hash);
  return entry != entries_.end() && entry->hash == hash.value();
}

std::optional<size_t> SkillNames::Find(std::string_view text) const {
  NameHash hash;
  hash.Add(text);
  std::optional<size_t> found;
  for (auto entry = First(hash); entry != entries_.end() && entry->hash == hash.value(); ++entry) {
    const std::string_view name = installed_[entry->index];
    const std::string_view key = entry->last_part ? LastPart(name) : name;
    if (!SameName(text, key)) continue;  // two names, one hash
    if (!found) found = entry->index;
    if (entry->last_part) break;
    if (name == text) return entry->index;
  }
  return found;
}

}  // namespace selftune::signals

#include "store/quotes.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_value.h"
#include "base/strings.h"

namespace selftune::store {
namespace {

using base::JsonValue;

constexpr size_t kKeyBytes = 12;    // fewer are found in texts that quote nobody
constexpr size_t kBeginBytes = 24;  // that an excerpt has
constexpr std::string_view kInstead = "[forgotten]";

// FNV-1a: these hashes leave the process as little as the words do.
uint64_t HashOf(std::string_view bytes) {
  uint64_t hash = 14695981039346656037U;
  for (const char c : bytes) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
  return hash;
}

using Codes = std::span<const std::string_view>;

bool IsHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// In one of the forms that ours and those of agents have.
bool IsIdentifier(std::string_view text) {
  constexpr std::string_view kUuid = "00000000-0000-0000-0000-000000000000";
  constexpr size_t kEntry = 12, kSha256 = 64;
  if (text.size() == kEntry || text.size() == kSha256) return std::ranges::all_of(text, IsHex);
  return std::ranges::equal(text, kUuid,
                            [](char c, char form) { return form == '-' ? c == '-' : IsHex(c); });
}

bool NamesIdentifier(std::string_view name) {
  return name == "id" || name.ends_with("_id") || name == "sha256";
}

// What is no word of a person.
bool IsCode(Codes codes, const JsonValue::Member& member) {
  const auto& [name, value] = member;
  if (value.is_int()) return NamesIdentifier(name);
  if (!value.is_string()) return false;
  const std::string text = value.AsString();
  if (NamesIdentifier(name)) return IsIdentifier(text);
  return std::ranges::find(codes, name) != codes.end() &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

// Of itself, whatever is below it.
bool QuotesOne(const Quotes& quotes, const JsonValue& value) {
  if (value.is_string()) return quotes.In(value.AsString());
  return quotes.numbers() && value.is_number() && quotes.In(value.ToJson());
}

JsonValue Cleaned(const Quotes& quotes, Codes codes, const JsonValue& value) {
  switch (value.type()) {
    case JsonValue::Type::kString:
    case JsonValue::Type::kInt:
    case JsonValue::Type::kDouble:
      return QuotesOne(quotes, value) ? JsonValue::Text(std::string(kInstead)) : value;
    case JsonValue::Type::kArray: {
      std::vector<JsonValue> items;
      for (const JsonValue& item : value.items()) items.push_back(Cleaned(quotes, codes, item));
      return JsonValue::Array(std::move(items));
    }
    case JsonValue::Type::kObject: {
      std::vector<JsonValue::Member> members;
      for (const JsonValue::Member& member : value.members()) {
        const auto& [name, said] = member;
        members.emplace_back(name, IsCode(codes, member) ? said : Cleaned(quotes, codes, said));
      }
      return JsonValue::Object(std::move(members));
    }
    default:
      return value;
  }
}

bool QuotesAny(const Quotes& quotes, Codes codes, const JsonValue& value) {
  if (QuotesOne(quotes, value)) return true;
  for (const JsonValue& item : value.items()) {
    if (QuotesAny(quotes, codes, item)) return true;
  }
  return std::ranges::any_of(value.members(), [&](const JsonValue::Member& member) {
    return !IsCode(codes, member) && QuotesAny(quotes, codes, member.second);
  });
}

}  // namespace

void Quotes::Add(std::string_view text) {
  text = base::Trim(text);
  if (text.empty()) return;
  if (text.size() < kKeyBytes) {
    short_.push_back(HashOf(text));
    return;
  }
  const std::string_view begin = text.substr(0, kBeginBytes);
  begins_.push_back({.key = HashOf(text.substr(0, kKeyBytes)),
                     .digest = HashOf(begin),
                     .size = static_cast<uint8_t>(begin.size())});
}

void Quotes::AddWords(std::string_view words) { words_ = base::AsciiLower(words); }

void Quotes::Seal() {
  std::sort(begins_.begin(), begins_.end(),
            [](const Begin& a, const Begin& b) { return a.key < b.key; });
  std::sort(short_.begin(), short_.end());
}

bool Quotes::In(std::string_view text) const {
  if (!words_.empty() && base::AsciiLower(text).find(words_) != std::string::npos) return true;
  if (std::binary_search(short_.begin(), short_.end(), HashOf(base::Trim(text)))) return true;
  if (begins_.empty()) return false;
  for (size_t at = 0; at + kKeyBytes <= text.size(); ++at) {
    const uint64_t key = HashOf(text.substr(at, kKeyBytes));
    auto begin = std::lower_bound(begins_.begin(), begins_.end(), key,
                                  [](const Begin& b, uint64_t k) { return b.key < k; });
    for (; begin != begins_.end() && begin->key == key; ++begin) {
      const std::string_view there = text.substr(at, begin->size);
      if (there.size() == begin->size && HashOf(there) == begin->digest) return true;
    }
  }
  return false;
}

std::string Quotes::Without(std::string_view text, Codes codes) const {
  const bool json = text.starts_with('{') || text.starts_with('[') || text.starts_with('"');
  if (json) {
    const auto value = JsonValue::Parse(text);
    if (value.ok()) {
      return QuotesAny(*this, codes, *value) ? Cleaned(*this, codes, *value).ToJson()
                                             : std::string(text);
    }
  }
  return std::string(In(text) ? kInstead : text);
}

}  // namespace selftune::store

// Looks up skills by the many ways people write their names: "code review",
// "Code-Review", "codereview" and, for "acme:billing", "billing".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::signals {

// Running hash of a name without '-', '_', '.', ':', blanks and case.
class NameHash {
 public:
  void Add(std::string_view text);
  [[nodiscard]] uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 14695981039346656037ULL;
};

// True if both are the same name once '-', '_', '.', ':', blanks and case are
// ignored.
[[nodiscard]] bool SameName(std::string_view a, std::string_view b);

// "billing" of "acme:billing"; the whole name if there is no ':'.
[[nodiscard]] std::string_view LastPart(std::string_view skill);

// Borrows `installed`, which must outlive the index. Built on the first
// lookup, because most prompts need none.
class SkillNames {
 public:
  explicit SkillNames(std::span<const std::string> installed) : installed_(installed) {}

  // The installed skill that `text` names. A full name beats a last part,
  // the same spelling beats another one, then the first installed wins.
  [[nodiscard]] std::optional<size_t> Find(std::string_view text) const;
  // False if no name has this hash: saves building the text to look up.
  [[nodiscard]] bool MayHave(const NameHash& hash) const;

  [[nodiscard]] const std::string& operator[](size_t index) const { return installed_[index]; }

 private:
  struct Entry {
    uint64_t hash = 0;
    bool last_part = false;  // sorts after the full names of the same hash
    size_t index = 0;

    friend auto operator<=>(const Entry&, const Entry&) = default;
  };

  // First entry with the hash; builds the entries if need be.
  [[nodiscard]] std::vector<Entry>::const_iterator First(const NameHash& hash) const;
  void Build() const;

  std::span<const std::string> installed_;
  mutable std::vector<Entry> entries_;
};

}  // namespace selftune::signals

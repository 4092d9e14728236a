// How far a text matches a pattern with wildcards.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

namespace selftune::hosts {

// Whether a pattern stands for a text, and how many characters were looked at to know it.
struct PatternMatch {
  bool holds = false;
  size_t steps = 0;
};

// Which beginnings of a text the beginning of a pattern stands for. Each character of the
// pattern moves the first of them on, so that a pattern costs what the text is long, however
// long it is itself. The text outlives this.
class Reached {
 public:
  explicit Reached(std::string_view text) : text_(text), ends_(text.size() + 1, false) {
    ends_[0] = true;
  }

  [[nodiscard]] bool none() const { return first_ > text_.size(); }
  [[nodiscard]] PatternMatch Result() const { return {ends_[text_.size()], steps_}; }

  // One character of the text that `accepts` lets be.
  template <typename Accepts>
  void One(Accepts accepts) {
    for (size_t end = text_.size(); end > first_; --end, ++steps_) {
      ends_[end] = ends_[end - 1] && accepts(text_[end - 1]);
    }
    ends_[first_] = false;
    while (first_ <= text_.size() && !ends_[first_]) ++first_;
  }

  // Nothing, or characters that `passes` lets be; they begin where `starts` and end where
  // `ends` allow, both asked with how much of the text is behind.
  template <typename Starts, typename Passes, typename Ends>
  void Many(Starts starts, Passes passes, Ends ends) {
    bool inside = false;
    for (size_t end = first_; end <= text_.size(); ++end, ++steps_) {
      if (end > 0 && !passes(text_[end - 1])) inside = false;
      const bool begins = ends_[end] && starts(end);
      if (inside && ends(end)) ends_[end] = true;
      inside = inside || begins;
    }
  }

 private:
  std::string_view text_;
  std::vector<bool> ends_;
  size_t first_ = 0;  // the first that is reached
  size_t steps_ = 0;
};

// How many characters at the beginning are the same.
[[nodiscard]] inline size_t SameLength(std::string_view a, std::string_view b) {
  return static_cast<size_t>(
      std::mismatch(a.begin(),
                    a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())),
                    b.begin())
          .first -
      a.begin());
}

}  // namespace selftune::hosts

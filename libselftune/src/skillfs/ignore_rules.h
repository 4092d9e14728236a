// Files that say what lies in a folder and is to be passed over, as `.gitignore` does.
#pragma once

#include <bitset>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::skillfs {

// The files of that kind, in the order in which they are read.
inline constexpr std::string_view kIgnoreFiles[] = {".gitignore", ".ignore", ".fdignore"};

// The rules of all of them below one root, as Pi reads them: case does not matter, a slash at the
// beginning means nothing, and what is in one folder holds there alone: without a slash at any
// depth for the root, right in the folder for all others. Of several rules the last counts, but
// what lies in a folder that is passed over is passed over, too. Not thread-safe.
class IgnoreRules {
 public:
  // `folder`: below the root, "" = the root itself.
  void Add(std::string_view text, std::string_view folder);
  // `path`: below the root, of a file or a folder.
  [[nodiscard]] bool Ignores(std::string_view path, bool is_folder);
  [[nodiscard]] bool empty() const { return rules_.empty(); }
  // Characters compared so far.
  [[nodiscard]] size_t steps() const { return steps_; }

 private:
  // A character, one of a class, or text within a name.
  struct Token {
    std::bitset<256> accepts;
    bool any_text = false;
  };
  struct Segment {
    std::vector<Token> tokens;
    bool any_folders = false;  // "**"
  };
  struct Rule {
    std::vector<Segment> segments;
    bool off = false;           // takes back what a rule before it says
    bool folders_only = false;  // ends with a slash
    bool any_depth = false;     // the last name alone is compared
  };

  static bool Parse(std::string_view pattern, Rule& rule);
  static bool ParseSegment(std::string_view text, Segment& segment);
  bool Decide(std::span<const std::string_view> names, bool is_folder);
  bool Holds(const Rule& rule, std::span<const std::string_view> names);
  bool NameHolds(const Segment& segment, std::string_view name);

  std::vector<Rule> rules_;
  size_t steps_ = 0;
};

}  // namespace selftune::skillfs

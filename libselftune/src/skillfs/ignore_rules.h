// Files that say what lies in a folder and is to be passed over, as `.gitignore` does.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
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
  // Whoever wrote them may be a stranger: so many rules are held, so many characters compared.
  static constexpr size_t kMostRules = 10'000;
  explicit IgnoreRules(size_t most_steps) : most_steps_(most_steps) {}

  // `folder`: below the root, "" = the root itself. False: there are more than kMostRules.
  [[nodiscard]] bool Add(std::string_view text, std::string_view folder);
  // `path`: below the root, of a file or a folder. True once exhausted(): it is
  // not known then.
  [[nodiscard]] bool Ignores(std::string_view path, bool is_folder);
  // Characters compared so far, and whether that is all that may be.
  [[nodiscard]] size_t steps() const { return steps_; }
  [[nodiscard]] bool exhausted() const { return steps_ >= most_steps_; }
  // Rules held; those of a folder that is left go with Keep(what there were before).
  [[nodiscard]] size_t size() const { return rules_.size(); }
  void Keep(size_t rules) { rules_.resize(rules); }

 private:
  // Of a name: a character whatever its case, any, one of a class, or text.
  struct Token {
    enum class Kind : uint8_t { kSign, kAnySign, kClass, kText } kind = Kind::kSign;
    unsigned char sign = 0;  // in lower case
    uint16_t of_class = 0;   // index into Segment::classes
  };
  struct Segment {
    std::vector<Token> tokens;
    std::vector<std::bitset<256>> classes;
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
  static bool Accepts(const Segment& segment, const Token& token, char c);
  bool Decide(std::span<const std::string_view> names, bool is_folder);
  bool Holds(const Rule& rule, std::span<const std::string_view> names);
  bool NameHolds(const Segment& segment, std::string_view name);

  std::vector<Rule> rules_;
  size_t most_steps_, steps_ = 0;
};

}  // namespace selftune::skillfs

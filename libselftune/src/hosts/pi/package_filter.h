// Which skills of a package Pi loads, and where packages lie.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hosts/common/reached.h"
#include "hosts/common/root_list.h"

namespace selftune::hosts::pi {

// Where a package from `npm:NAME@VERSION` or git lies below the folder that the host
// installs into; "" = it is neither, but a path.
[[nodiscard]] std::string PackageFolder(std::string_view source);

// `*` and `?` stand for text within one folder's name, `**` for folders.
[[nodiscard]] PatternMatch PathMatches(std::string_view pattern, std::string_view path);

// A folder of a skill, or a skill that is a single file, as words mean it: from where they are
// relative to, and as a whole.
struct SkillFolder {
  std::string below;
  std::string path = {};  // "" = not asked for
  bool single = false;
};

// Whether the words of a filter let a skill in: plain words let in, `!` takes out; `+` and
// `-` do so with an exact path, whatever the others say. Without a plain word everything
// is let in, and nothing once the effort is used up.
[[nodiscard]] bool LetsIn(const std::vector<std::string>& words, const SkillFolder& skill,
                          Effort& effort);

// The last word that means the skill: true lets it in. Of a package whose skills are not
// loaded but by such words.
enum class Word { kNone, kIn, kOut };
[[nodiscard]] Word LastWord(const std::vector<std::string>& words, const SkillFolder& skill,
                            Effort& effort);

// `!`, `+` and `-` before a word of a list; `*` and `?` in it.
[[nodiscard]] bool IsOverride(std::string_view word);
[[nodiscard]] bool IsGlob(std::string_view word);

}  // namespace selftune::hosts::pi

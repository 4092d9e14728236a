// Pieces the three kinds of answers share; private to this module.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "status/why.h"
#include "store/prompt_lookup.h"
#include "store/queries/sessions.h"
#include "store/queries/timeline.h"

namespace selftune::status {

// Why a model can choose none of the copies by itself, as files and settings are now.
struct Bar {
  enum class Kind {
    kNone,
    kExplicitOnly,  // the file says so
    kDisabled,      // the host's settings say so
    kHidden,        // the copy that is asked about: one of the same name stands before it
    kUnknown,       // settings may do so: they are not understood
  };
  Kind kind = Kind::kNone;
  std::string path = {};  // the SKILL.md, the settings, the other copy

  explicit operator bool() const { return kind != Kind::kNone; }
  // Of a miss: shadowed, disabled or unknown.
  [[nodiscard]] std::string_view cause() const {
    if (kind == Kind::kUnknown) return "unknown";
    return kind == Kind::kHidden ? "shadowed" : "disabled";
  }
};

// Installed copies as of the last sync, and how the hosts that are here treat them.
struct Installed {
  std::vector<store::SkillLocation> locations;
  std::vector<const skillfs::SkillPlacement*> placements;  // empty: nobody looked

  [[nodiscard]] bool any() const { return !locations.empty(); }
  // Leaves out files that are no SKILL.md, where the host takes none of them for a skill.
  void KeepFor(std::string_view platform);
  // For a session of `platform` in `cwd`; "" = of any that is here, anywhere. `skill_path`:
  // the copy that is meant, "" = the one that such a host takes.
  [[nodiscard]] Bar BarFor(std::string_view platform, std::string_view cwd,
                           std::string_view skill_path) const;
  // The projects that see a copy, as it is now where somebody looked; "" = everywhere.
  [[nodiscard]] std::vector<std::string> RootsOf(const store::SkillLocation& location) const;
  // Whether a session in `cwd` can see that copy; one of them.
  [[nodiscard]] bool Sees(std::string_view cwd, const store::SkillLocation& location) const;
  [[nodiscard]] bool VisibleFrom(std::string_view cwd) const;
  // There are copies, and a session in `cwd` sees none of them.
  [[nodiscard]] bool OutOfSight(std::string_view cwd) const;
  // Where the question is asked from; "" = anywhere.
  [[nodiscard]] std::string_view From(const WhyScope& scope) const {
    return scope.or_elsewhere && OutOfSight(scope.cwd) ? std::string_view() : scope.cwd;
  }
  // The one in whose place another copy of the same name was offered there: it lies where
  // the host looks for skills, and describes itself otherwise. nullptr: none is hidden.
  [[nodiscard]] const store::SkillLocation* HiddenBy(const store::ExposureAt& exposure,
                                                     std::string_view platform,
                                                     std::string_view cwd) const;
};
// `found` outlives the result; null: nobody looked.
[[nodiscard]] StatusOr<Installed> ReadInstalled(store::Db& db, const store::SkillRef& skill,
                                                const skillfs::Discovery* found);
void AddInstalled(const Installed& installed, std::string_view cwd, WhyAnswer& answer);
// From where a question without a session looks at them; nothing for "".
void AddHere(const Installed& installed, std::string_view cwd, WhyAnswer& answer);
// That the stored cause is another one than what files and settings say now; nothing when it
// is not, or when none is stored.
void AddStoredCause(WhyAnswer& answer);

// The state of the skill in the newest listing of each host that has one.
struct ListedNow {
  store::ListingSession session;
  const store::ExposureItem* item = nullptr;  // null: not in it
  std::vector<store::ExposureItem> all;
};
[[nodiscard]] StatusOr<std::vector<ListedNow>> ReadListedNow(store::Db& db, std::string_view skill);
void AddListedNow(const std::vector<ListedNow>& listed, WhyAnswer& answer);

// What decides the wording: the same cause has several reasons.
struct WhyScene {
  std::string_view platform = {};           // "" = more than one
  std::optional<ExposureState> state = {};  // as the listing has it
  Bar bar = {};
  std::string_view here = {};  // the question is about this folder, and no session
};
// Sentence and repair for a cause of a miss.
void Explain(std::string_view cause, const Installed& installed, const WhyScene& scene,
             WhyAnswer& answer);

// `text` on one line, at most `n` code points.
[[nodiscard]] std::string OneLine(std::string_view text, size_t n);

}  // namespace selftune::status

// Pieces the three kinds of answers share; private to this module.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "status/why.h"
#include "store/queries/sessions.h"
#include "store/queries/timeline.h"

namespace selftune::status {

// Installed copies, hidden ones, policy; as of the last sync.
struct Installed {
  std::vector<store::SkillLocation> locations;
  bool explicit_only = false;  // every copy says that the model may not load it

  [[nodiscard]] bool any() const { return !locations.empty(); }
  // A copy that a session in `cwd` can see.
  [[nodiscard]] bool VisibleFrom(std::string_view cwd) const;
};
[[nodiscard]] StatusOr<Installed> ReadInstalled(store::Db& db, store::SkillId skill);
void AddInstalled(const Installed& installed, WhyAnswer& answer);

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
};
// Sentence and repair for a cause of a miss.
void Explain(std::string_view cause, const Installed& installed, const WhyScene& scene,
             WhyAnswer& answer);

// `text` on one line, at most `n` code points.
[[nodiscard]] std::string OneLine(std::string_view text, size_t n);

// `word` in quotes, as one word of a shell's line: a suggested command with the name
// of a skill or of a file in it does nothing else, whatever that is.
[[nodiscard]] std::string ShellQuoted(std::string_view word);

}  // namespace selftune::status

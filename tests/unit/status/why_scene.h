// One prompt at which a skill might have run, for the tests of why.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

#include "status/why.h"
#include "status/why_parts.h"
#include "unit/status/status_fixture.h"

namespace selftune::status::testing {

inline constexpr char kPath[] = "/home/dev/.claude/skills/pdf/SKILL.md";

// One session with one prompt at which pdf might have run.
struct Scene {
  World world;
  store::SessionPk session = world.Session("s1", DaysAgo(1));
  store::PromptPk prompt = world.Prompt(session, 3, "turn this into a pdf", DaysAgo(1));

  Scene() { world.Install("pdf", kPath, "Make PDF files from text."); }
  void Offer(store::ListingEntryRow entry) {
    world.Listing(session, std::nullopt, ExposureCause::kListing, {entry, {.name = "other"}});
  }
  WhyAnswer Ask() {
    const auto skill = Must(store::FindSkill(world.db(), "pdf"));
    return Must(WhyAt(world.db(), skill, session, 3));
  }
};

// The copy at kPath as a host sees it.
inline skillfs::SkillPlacement Place(std::string_view platform, Bar::Kind kind = Bar::Kind::kNone) {
  skillfs::SkillPlacement out{
      .path = kPath, .platform = platform, .scope = "global", .name = "pdf"};
  out.explicit_only = kind == Bar::Kind::kExplicitOnly;
  if (kind == Bar::Kind::kDisabled) out.switches.disabled_by = "/home/dev/settings.json";
  if (kind == Bar::Kind::kUnknown) out.switches.unknown_by = "/home/dev/settings.json";
  if (kind == Bar::Kind::kHidden) out.shadowed_by = "/home/dev/.agents/skills/pdf/SKILL.md";
  return out;
}

inline const WhyEvidence* Find(const WhyAnswer& answer, std::string_view check) {
  const auto it = std::find_if(answer.evidence.begin(), answer.evidence.end(),
                               [&](const WhyEvidence& row) { return row.check == check; });
  return it == answer.evidence.end() ? nullptr : &*it;
}

}  // namespace selftune::status::testing

// A small picture of how one skill does, for a README.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "status/skill_states.h"

namespace selftune::status {

enum class BadgeMetric {
  kRecall,    // of the prompts that needed the skill, those that got it
  kSessions,  // of the judged sessions, the good ones
  kRuns       // how often it was used
};
enum class BadgeStyle { kFlat, kFlatSquare };

struct Badge {
  std::string label;    // "Skill Health"
  std::string message;  // "87% ↑", "no data"
  std::string color;    // "#4c1"; by the state of the skill, as everywhere
  std::string title;    // the figures behind it, in words
  int64_t k = 0, n = 0;
};

struct BadgeRequest {
  BadgeMetric metric = BadgeMetric::kRecall;
  std::string_view label = {};  // "" = the usual one
  std::string_view date = {};   // put behind the figure; "" = none
};

[[nodiscard]] Badge MakeBadge(const SkillState& state, const BadgeRequest& request);

// An SVG document: no script, nothing remote, ids of its own.
[[nodiscard]] std::string BadgeSvg(const Badge& badge, BadgeStyle style);
// Of shields.io: a picture that is drawn there, and the JSON of its endpoint.
[[nodiscard]] std::string BadgeUrl(const Badge& badge);
[[nodiscard]] std::string BadgeMarkdown(const Badge& badge, std::string_view skill);
[[nodiscard]] std::string BadgeEndpoint(const Badge& badge);

// Whether these bytes are an earlier state of `content`: a badge of the same form
// and with the same label. Then nothing is lost when `content` replaces them.
[[nodiscard]] bool IsEarlierBadge(std::string_view bytes, std::string_view content,
                                  const Badge& badge);

}  // namespace selftune::status

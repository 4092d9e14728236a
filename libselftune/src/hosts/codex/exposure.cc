// Which skills the model was offered. Codex sends the list at the start of a
// session (0.134 and later in a developer message, 0.98 with AGENTS.md) and
// again after a compaction; what world_state and turn_context repeat of it
// counts only when no message has shown it.
#include <memory>
#include <string_view>
#include <utility>

#include "hosts/codex/listing.h"
#include "hosts/codex/step.h"
#include "hosts/common/shell_skills.h"

namespace selftune::hosts::codex {
namespace {

// May this part of a message hold the host's list? A person can paste one.
bool IsHostText(const Part& part) {
  if (!part.kind.empty()) {
    return part.kind == "host_skills.instructions" || part.kind == "agents_md.instructions";
  }
  if (part.role == Role::kDeveloper) return true;
  return part.role == Role::kUser && (part.text.starts_with("# AGENTS.md instructions for ") ||
                                      part.text.starts_with("<user_instructions>"));
}

// A later read names a file: remember names that the folder does not say, and
// files that do not look like a skill's.
void LearnNames(State& state, const ingest::Listing& listing) {
  for (const ingest::ListingEntry& entry : listing.entries) {
    if (entry.path.empty()) continue;
    const auto folder = SkillOfFile(entry.path);
    const bool plain = folder == entry.name && entry.path.find("/skills/") != std::string::npos;
    if (!plain) state.names[entry.path] = entry.name;
    if (!state.home.empty()) continue;
    const size_t hidden = entry.path.find("/.codex/skills/");
    if (hidden != std::string::npos) state.home = entry.path.substr(0, hidden);
  }
}

void AddExposure(Step& step, std::optional<int32_t> prompt, const PendingExposure& pending) {
  ingest::ExposureFact& fact = step.out.exposures.emplace_back();
  fact.prompt_seq = prompt;
  fact.at = pending.at;
  fact.cause = pending.listing == nullptr ? ExposureCause::kCompaction : ExposureCause::kListing;
  fact.listing = pending.listing;
  fact.origin = {pending.offset, pending.line_no, {}};
}

void Show(Step& step, ingest::Listing listing) {
  State& state = step.state;
  state.listing_seen = true;
  state.listing = HashListing(listing);
  LearnNames(state, listing);
  PendingExposure shown{std::make_shared<const ingest::Listing>(std::move(listing)), step.record.at,
                        step.line.offset, step.line.line_no};
  state.exposure.reset();  // what it would have said is overtaken
  const Turn& turn = state.turn;
  if (state.prompts == 0) {
    AddExposure(step, std::nullopt, shown);
  } else if (turn.marked && turn.has_prompt && !turn.model_active) {
    AddExposure(step, state.prompts - 1, shown);  // sent with the prompt before it
  } else {
    state.exposure = std::move(shown);  // holds from the prompt to come
  }
}

}  // namespace

void ApplyMessageListing(Step& step) {
  for (const Part& part : step.record.parts) {
    if (!IsHostText(part) || !HasListing(part.text)) continue;
    if (auto listing = ParseListing(part.text)) Show(step, *std::move(listing));
  }
}

void ApplyStateListing(Step& step) {
  if (step.record.listing_text.empty()) return;
  const bool context = step.record.kind == Kind::kTurnContext;
  if (context && step.state.listing_seen) return;
  auto listing = ParseListing(step.record.listing_text, /*bare=*/!context);
  if (!listing.has_value() || listing->entries.empty()) return;
  if (step.state.listing == HashListing(*listing)) return;
  Show(step, *std::move(listing));
}

void ApplyCompacted(Step& step) {
  State& state = step.state;
  if (!state.in_copy) {
    ++step.out.metrics.compactions;
    step.Event(EventKind::kCompaction, {});
    ApplyCompactionUsage(step);
  }
  // Without the new history nothing is known; such versions list again.
  if (!step.record.has_history) return;
  const uint64_t before = state.listing;
  state.listing = 0;
  ApplyMessageListing(step);
  if (state.listing != 0 || before == 0) return;
  state.exposure = PendingExposure{nullptr, step.record.at, step.line.offset, step.line.line_no};
}

void FlushExposure(Step& step, int32_t seq) {
  if (!step.state.exposure.has_value()) return;
  AddExposure(step, seq, *step.state.exposure);
  step.state.exposure.reset();
}

}  // namespace selftune::hosts::codex

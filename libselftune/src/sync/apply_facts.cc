// What a reader found, row by row: prompts, skill uses, exposures and the rest.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/utf8.h"
#include "signals/invocation_mode.h"
#include "store/prompt_lookup.h"
#include "sync/apply.h"
#include "sync/prompt_signals.h"

namespace selftune::sync {
namespace {

constexpr size_t kMaxTagged = 64;  // some hosts have one a session, of 10 KB

// Documents and rows have no lines: their facts are found by their records.
store::Provenance From(const ApplyState& state, const ingest::Origin& origin) {
  store::Provenance from{.source = state.source,
                         .generation = state.generation,
                         .offset = origin.offset,
                         .line_no = origin.line_no,
                         .record = origin.record};
  if (state.item->file.rows || state.item->file.kind == "json") {
    from.offset.reset();
    from.line_no = 0;
  }
  return from;
}

std::optional<int64_t> If(bool known, int64_t value) {
  if (!known) return std::nullopt;
  return value;
}

// What loaded the skill, seen from the prompt's side.
InvocationMode ModeOf(const ingest::SkillFact& skill, std::string_view prompt_text) {
  if (skill.level == Level::kExplicit) return InvocationMode::kExplicit;
  return signals::PromptNamesSkill(prompt_text, skill.skill) ? InvocationMode::kImplicit
                                                             : InvocationMode::kInferred;
}

}  // namespace

Status Applier::AddFacts(ApplyState& state, store::SessionPk session,
                         const ingest::SessionFacts& facts) {
  ST_ASSIGN_OR_RETURN(const bool anew, AddPrompts(state, session, facts));
  ST_RETURN_IF_ERROR(AddSkills(state, session, facts));
  ST_RETURN_IF_ERROR(AddExposures(state, session, facts));
  ST_RETURN_IF_ERROR(AddRest(state, session, facts));
  // What came of a prompt that only a history knows is not known: no miss is drawn from it.
  if (CaptureOf(state) == Capture::kTranscript) {
    ST_RETURN_IF_ERROR(AddSignals(session, facts, anew));
  }
  if (facts.finished) ST_RETURN_IF_ERROR(writer_.SweepSession(session, state.generation));
  return absl::OkStatus();
}

// `anew`: what was drawn before may not hold: a prompt was taken back.
Status Applier::AddSignals(store::SessionPk session, const ingest::SessionFacts& facts, bool anew) {
  if (anew) return DrawSessionAgain(writer_, session, *installed_);
  for (const ingest::PromptFact& prompt : facts.prompts) {
    if (prompt.kind != PromptKind::kUser || !prompt.active || prompt.says_nothing) continue;
    ST_RETURN_IF_ERROR(
        AddPromptSignals(writer_, session, prompt.seq, prompt.text, prompt.at, *installed_));
  }
  if (facts.exposures.empty()) return absl::OkStatus();
  // What the model was offered at a prompt may be told behind it.
  int32_t from = INT32_MAX;
  for (const ingest::ExposureFact& exposure : facts.exposures) {
    from = std::min(from, exposure.prompt_seq.value_or(0));
  }
  return ExplainAgain(writer_, session, from);
}

// True: one that was known was taken back, or is back.
StatusOr<bool> Applier::AddPrompts(const ApplyState& state, store::SessionPk session,
                                   const ingest::SessionFacts& facts) {
  for (const ingest::PromptFact& prompt : facts.prompts) {
    const auto added = writer_.UpsertPrompt(session, {.seq = prompt.seq,
                                                      .kind = prompt.kind,
                                                      .text = prompt.text,
                                                      .text_sha256 = prompt.text_sha256,
                                                      .raw_text = prompt.raw_text,
                                                      .native_id = prompt.native_id,
                                                      .command_kind = prompt.command_kind,
                                                      .command_name = prompt.command_name,
                                                      .command_args = prompt.command_args,
                                                      .active = prompt.active,
                                                      .at = prompt.at,
                                                      .capture = CaptureOf(state),
                                                      .origin = From(state, prompt.origin)});
    ST_RETURN_IF_ERROR(added.status());
  }
  bool changed = false;
  for (const bool active : {false, true}) {
    for (const int32_t seq : active ? facts.reactivated_prompts : facts.deactivated_prompts) {
      ST_ASSIGN_OR_RETURN(const bool one, store::SetPromptActive(db_, session, seq, active));
      changed |= one;
    }
  }
  return changed;
}

Status Applier::AddSkills(ApplyState& state, store::SessionPk session,
                          const ingest::SessionFacts& facts) {
  for (const ingest::SkillFact& skill : facts.skills) {
    if (base::IsBlank(skill.skill)) {
      if (!skill.retracted) ST_RETURN_IF_ERROR(AddNameless(state, skill));
      continue;
    }
    std::erase_if(waiting_, [&](const Waiting& one) {
      return one.session == session && one.skill.key == skill.key;
    });
    if (skill.retracted) {
      ST_RETURN_IF_ERROR(writer_.RetractObservation(session, skill.key, skill.key_is_call_id,
                                                    skill.skill, CaptureOf(state)));
    } else if (skill.if_installed && !IsInstalled(skill.skill)) {
      waiting_.push_back({session, CaptureOf(state), skill, From(state, {})});
    } else {
      ST_RETURN_IF_ERROR(AddSkill(session, CaptureOf(state), skill, From(state, skill.origin)));
    }
  }
  return absl::OkStatus();
}

// A use that cannot be shown to belong to anything.
Status Applier::AddNameless(ApplyState& state, const ingest::SkillFact& skill) {
  ++state.bad_lines;
  return writer_.AddBadLine(
      state.source, state.generation,
      {.offset = skill.origin.offset, .line_no = skill.origin.line_no, .reason = "no_skill"});
}

bool Applier::IsInstalled(std::string_view skill) const {
  return std::binary_search(installed_->begin(), installed_->end(), skill);
}

Status Applier::AddWaiting(std::vector<std::string> installed) {
  installed_ = std::make_shared<const std::vector<std::string>>(std::move(installed));
  for (const Waiting& one : std::exchange(waiting_, {})) {
    if (!IsInstalled(one.skill.skill)) continue;
    store::Provenance origin = one.origin;
    if (origin.offset.has_value()) origin.offset = one.skill.origin.offset;
    origin.line_no = origin.offset.has_value() ? one.skill.origin.line_no : 0;
    origin.record = one.skill.origin.record;
    ST_RETURN_IF_ERROR(AddSkill(one.session, one.capture, one.skill, origin));
  }
  return absl::OkStatus();
}

Status Applier::AddSkill(store::SessionPk session, Capture capture, const ingest::SkillFact& skill,
                         const store::Provenance& origin) {
  std::string prompt_text;
  if (skill.prompt_seq.has_value()) {
    ST_ASSIGN_OR_RETURN(prompt_text, store::ReadPromptText(db_, session, *skill.prompt_seq));
  }
  return writer_.UpsertObservation(
      session, {.key = skill.key,
                .key_is_call_id = skill.key_is_call_id,
                .skill = skill.skill,
                .outcome = skill.outcome,
                .level = skill.level,
                .route = skill.route,
                .requested_by = skill.requested_by,
                .mode = ModeOf(skill, prompt_text),
                .prompt_seq = skill.prompt_seq,
                .tool_name = skill.tool_name,
                .tool_call_id = skill.tool_call_id,
                .path = skill.path,
                .scope = {},
                .args = skill.has_args ? std::optional<std::string_view>(skill.args) : std::nullopt,
                .forked = skill.forked,
                .body_sha256 = skill.body_sha256,
                .description_sha256 = {},
                .at = skill.at,
                .capture = capture,
                .origin = origin});
}

Status Applier::AddExposures(const ApplyState& state, store::SessionPk session,
                             const ingest::SessionFacts& facts) {
  for (const ingest::ExposureFact& exposure : facts.exposures) {
    std::vector<store::ListingEntryRow> entries;
    if (exposure.listing != nullptr) {
      entries.reserve(exposure.listing->entries.size());
      for (const ingest::ListingEntry& entry : exposure.listing->entries) {
        if (base::IsBlank(entry.name)) continue;
        entries.push_back({.name = entry.name,
                           .state = entry.state,
                           .description = entry.has_description
                                              ? std::optional<std::string_view>(entry.description)
                                              : std::nullopt,
                           .path = entry.path});
      }
    }
    ST_RETURN_IF_ERROR(writer_.AddExposure(session, {.prompt_seq = exposure.prompt_seq,
                                                     .at = exposure.at,
                                                     .cause = exposure.cause,
                                                     .entries = entries,
                                                     .tag = ListingTag(exposure.listing),
                                                     .origin = From(state, exposure.origin)}));
  }
  return absl::OkStatus();
}

Status Applier::AddRest(const ApplyState& state, store::SessionPk session,
                        const ingest::SessionFacts& facts) {
  const ingest::MetricDelta& delta = facts.metrics;
  const ingest::TokenDelta& tokens = delta.tokens;
  std::vector<store::ToolDeltaRow> tools;
  tools.reserve(delta.tools.size());
  for (const ingest::ToolDelta& tool : delta.tools) {
    tools.push_back({.name = tool.name,
                     .calls = tool.calls,
                     .errors = tool.errors,
                     .nonzero_exits = tool.nonzero_exits,
                     .denied = tool.denied,
                     .unfinished = tool.unfinished});
  }
  ST_RETURN_IF_ERROR(writer_.AddMetricDelta(
      session, {.source = state.source,
                .shared = !state.item->together.empty(),
                .answers = If(delta.known_answers, delta.answers),
                .failed_turns = delta.failed_turns,
                .interruptions = delta.interruptions,
                .compactions = delta.compactions,
                .api_errors = delta.api_errors,
                .input_uncached = If(tokens.known_input, tokens.input_uncached),
                .cache_read = If(tokens.known_cache_read, tokens.cache_read),
                .cache_write = If(tokens.known_cache_write, tokens.cache_write),
                .output = If(tokens.known_output, tokens.output),
                .reasoning = If(tokens.known_reasoning, tokens.reasoning),
                .overhead_input = If(tokens.known_overhead, tokens.overhead_input),
                .overhead_output = If(tokens.known_overhead, tokens.overhead_output),
                .cost_micro_usd = std::nullopt,
                .tools = tools}));
  for (const ingest::EventFact& event : facts.events) {
    if (event.retracted) {
      ST_RETURN_IF_ERROR(
          writer_.RetractEvent(session, {.kind = event.kind, .origin = From(state, event.origin)}));
      continue;
    }
    ST_RETURN_IF_ERROR(writer_.AddEvent(session, {.kind = event.kind,
                                                  .at = event.at,
                                                  .detail = event.detail,
                                                  .origin = From(state, event.origin)}));
  }
  for (const ingest::SpawnFact& spawn : facts.spawns) {
    ST_RETURN_IF_ERROR(writer_.AddSpawn(
        session,
        {.call_id = spawn.call_id, .prompt_seq = spawn.prompt_seq, .child_id = spawn.child_id}));
  }
  if (!facts.record_keys.empty())
    ST_RETURN_IF_ERROR(writer_.AddKeys(session, facts.record_keys, state.source));
  if (!facts.anchors.empty()) ST_RETURN_IF_ERROR(writer_.AddAnchors(session, facts.anchors));
  return absl::OkStatus();
}

const void* Applier::ListingTag(const std::shared_ptr<const ingest::Listing>& listing) {
  if (listing == nullptr) return nullptr;
  for (const auto& known : tagged_) {
    if (known == listing) return listing.get();
  }
  // The address must not be reused for other entries while it is a tag.
  if (tagged_.size() == kMaxTagged) {
    writer_.ForgetTag(tagged_.front().get());
    tagged_.pop_front();
  }
  tagged_.push_back(listing);
  return listing.get();
}

}  // namespace selftune::sync

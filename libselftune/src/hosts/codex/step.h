// One record on its way into facts. Each idea (prompts, skills, calls, tokens,
// turns, exposure) is a file with functions over a Step.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "hosts/codex/inner_json.h"
#include "hosts/codex/record.h"
#include "hosts/codex/state.h"
#include "ingest/facts.h"
#include "ingest/source.h"

namespace selftune::hosts::codex {

struct Step {
  const ingest::Line& line;
  const Record& record;
  State& state;
  ingest::SessionFacts& out;
  InnerJson& inner;
  const ingest::KeySet* copied;  // may be null

  [[nodiscard]] ingest::Origin Origin(std::string_view id = {}) const {
    return {line.offset, line.line_no, std::string(id)};
  }
  // The counters of a tool in this batch.
  ingest::ToolDelta& Tool(std::string_view name) {
    auto& tools = out.metrics.tools;
    const auto found = std::find_if(tools.begin(), tools.end(),
                                    [&](const auto& tool) { return tool.name == name; });
    if (found != tools.end()) return *found;
    tools.emplace_back().name = name;
    return tools.back();
  }
  void Event(EventKind kind, std::string_view detail) {
    out.events.push_back({kind, record.at, std::string(detail), Origin()});
  }
  // Is the record with this key one that a parent session owns? Remembers the
  // key for forks of this session.
  bool Copied(uint64_t key) {
    if (record.has_ordinal) return false;  // formats with ordinals copy nothing
    if (copied != nullptr && copied->contains(key)) return true;
    out.record_keys.push_back(key);
    return false;
  }
};

[[nodiscard]] inline uint64_t HashText(std::string_view text) {
  return base::FieldHash("codex-text").Add(text).Key8();
}

// meta.cc
void ApplyMeta(Step& step);
void ApplyContext(Step& step);

// prompts.cc
void ApplyPromptEvent(Step& step);
void ApplyPromptItem(Step& step);
void ApplyRollback(Step& step);

// skills.cc
void ApplyMentions(Step& step);
// Settles a mention that waits for the record after it.
void SettleMention(Step& step);
// The skill uses a call has proven, or (failed) tried.
void ApplyCallUses(Step& step, const OpenCall& call, bool failed);
void ApplyChanges(Step& step, const OpenCall& call);
// Name of the skill of a SKILL.md, "" if it is none of a skill.
[[nodiscard]] std::string SkillOfPath(const State& state, std::string_view path,
                                      std::string_view folder_name, bool in_skills_folder);

// calls.cc
void ApplyCall(Step& step);
void ApplyWebSearch(Step& step);
void ApplyCallOutput(Step& step);
void ApplyItemDone(Step& step);
void ApplySpawned(Step& step);

// tokens.cc
void ApplyUsage(Step& step);
void ApplyTokenCount(Step& step);
void ApplyCompactionUsage(Step& step);

// turns.cc
void StartTurn(Step& step, std::string_view id, bool marked);
void ApplyTurnStarted(Step& step);
void ApplyTurnComplete(Step& step);
void ApplyTurnAborted(Step& step);
void ApplyErrorEvent(Step& step);
void NoteModel(Step& step, bool answer);
[[nodiscard]] std::optional<Completion> CompletionOf(const State& state);

// exposure.cc
void ApplyMessageListing(Step& step);
void ApplyStateListing(Step& step);
void ApplyCompacted(Step& step);
// The exposure that waited for the prompt `seq`.
void FlushExposure(Step& step, int32_t seq);

}  // namespace selftune::hosts::codex

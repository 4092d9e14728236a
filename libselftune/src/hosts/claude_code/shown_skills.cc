#include "hosts/claude_code/shown_skills.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "hosts/claude_code/exposure.h"
#include "hosts/common/raw_text.h"
#include "hosts/common/state_json.h"

namespace selftune::hosts::claude_code {

using ingest::ExposureFact;

void ShownSkills::OnListing(const Record& record, const Moment& now) {
  const bool compacted = compaction_.has_value();
  ListingChange change = ReadListing(record, any_ && !compacted);
  if (change.listing == nullptr) return;
  Remember(*change.listing, change.is_delta);
  any_ = true;
  ExposureFact fact{.prompt_seq = std::nullopt,
                    .at = now.at,
                    .cause = change.is_delta ? ExposureCause::kDelta : ExposureCause::kListing,
                    .listing = std::move(change.listing),
                    .origin = now.origin};
  const bool for_next = compacted && !compaction_->in_turn && compaction_->turn == now.turn;
  std::vector<ExposureFact> facts;
  if (compacted && record.listing.initial == false) {
    // Only what is new was sent again; the rest went with the compaction.
    facts.push_back(Lost(*compaction_));
    fact.cause = ExposureCause::kDelta;
  }
  facts.push_back(std::move(fact));
  compaction_.reset();
  const bool wait = for_next || !waiting_.empty();
  for (ExposureFact& next : facts) {
    if (wait) {
      waiting_.push_back(std::move(next));
    } else {
      Emit(std::move(next), now.prompt_seq);
    }
  }
}

ExposureFact ShownSkills::Lost(const Compaction& compaction) {
  return {.prompt_seq = std::nullopt,
          .at = compaction.at,
          .cause = ExposureCause::kCompaction,
          .listing = nullptr,
          .origin = compaction.origin};
}

void ShownSkills::OnCompaction(const Moment& now) {
  if (!any_) return;
  waiting_.clear();  // never sent
  compaction_ =
      Compaction{.turn = now.turn, .in_turn = now.turn_open, .at = now.at, .origin = now.origin};
}

void ShownSkills::OnPrompt(std::optional<int32_t> prompt_seq) {
  for (ExposureFact& fact : std::exchange(waiting_, {})) Emit(std::move(fact), prompt_seq);
}

void ShownSkills::OnAnswer(std::optional<int32_t> prompt_seq, int64_t turn) {
  for (ExposureFact& fact : std::exchange(waiting_, {})) Emit(std::move(fact), prompt_seq);
  // A request went out after the compaction, without a new listing. The prompt
  // in whose turn it happened had been sent with the old one.
  if (!compaction_.has_value() || (compaction_->in_turn && compaction_->turn == turn)) return;
  Emit(Lost(*compaction_), prompt_seq);
  compaction_.reset();
  any_ = false;
}

void ShownSkills::Emit(ExposureFact fact, std::optional<int32_t> prompt_seq) {
  // The first listing, in the turn of the first prompt, holds from the start.
  if (prompt_seq.has_value() && (*prompt_seq > 0 || emitted_)) fact.prompt_seq = prompt_seq;
  emitted_ = true;
  ready_.push_back(std::move(fact));
}

void ShownSkills::Remember(const ingest::Listing& listing, bool is_delta) {
  if (!is_delta) names_.clear();
  for (const ingest::ListingEntry& entry : listing.entries) {
    const uint64_t key = RecordKey(entry.name);
    if (entry.state == ExposureState::kAbsent) {
      std::erase(names_, key);
    } else {
      names_.push_back(key);
    }
  }
}

bool ShownSkills::Listed(std::string_view name) const {
  return std::find(names_.begin(), names_.end(), RecordKey(name)) != names_.end();
}

std::vector<ExposureFact> ShownSkills::TakeReady() { return std::exchange(ready_, {}); }

void ShownSkills::Save(base::JsonWriter& w) const {
  w.BeginObject();
  SaveFlag(w, "any", any_);
  SaveFlag(w, "emitted", emitted_);
  SaveKeys(w, "names", names_);
  if (compaction_.has_value()) {
    w.Key("compaction").BeginObject();
    SaveInt(w, "turn", compaction_->turn);
    SaveFlag(w, "in_turn", compaction_->in_turn);
    SaveTime(w, "at", compaction_->at);
    SaveOrigin(w, "origin", compaction_->origin);
    w.EndObject();
  }
  const auto save_facts = [&w](std::string_view key, const std::vector<ExposureFact>& facts) {
    if (facts.empty()) return;
    w.Key(key).BeginArray();
    for (const ExposureFact& fact : facts) SaveExposure(w, fact);
    w.EndArray();
  };
  save_facts("waiting", waiting_);
  save_facts("ready", ready_);
  w.EndObject();
}

ShownSkills ShownSkills::Load(const base::JsonValue& value) {
  ShownSkills shown;
  shown.any_ = value["any"].AsBool();
  shown.emitted_ = value["emitted"].AsBool();
  shown.names_ = LoadKeys(value["names"]);
  if (const base::JsonValue& saved = value["compaction"]; saved.is_object()) {
    shown.compaction_ = Compaction{.turn = saved["turn"].AsInt(),
                                   .in_turn = saved["in_turn"].AsBool(),
                                   .at = LoadTime(saved["at"]),
                                   .origin = LoadOrigin(saved["origin"])};
  }
  for (const base::JsonValue& fact : value["waiting"].items()) {
    shown.waiting_.push_back(LoadExposure(fact));
  }
  for (const base::JsonValue& fact : value["ready"].items()) {
    shown.ready_.push_back(LoadExposure(fact));
  }
  return shown;
}

}  // namespace selftune::hosts::claude_code

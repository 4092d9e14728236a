// Writes facts. Every call belongs into a WriteTxn; the caller commits facts
// and the cursor of their source together, so that each is stored exactly once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"
#include "store/rows.h"

namespace selftune::store {

// A prompt that a hook saw.
struct HookPrompt {
  PromptPk pk;
  bool is_new = false;  // false: it was known already
};

// Rows may arrive in any order; missing parents are made (a session stub). The
// same row again replaces the earlier one and keeps its key; only the deltas
// (AddMetricDelta) and events add up.
//
// Re-reading a source from its start:
//   StartGeneration(source, g + 1)     old bad lines and counts go
//   ResetSession(pk, g + 1)            for each session when its first fact comes
//   ... facts with generation g + 1 ...
//   SweepSource(source, g + 1)         what did not come again goes
//
// Keeps ids of skills, texts, sessions and listings between transactions, and
// forgets them after a rollback or another process's commit. Not thread-safe.
class IngestWriter {
 public:
  IngestWriter(Db& db, UtcMillis now);
  ~IngestWriter();
  IngestWriter(const IngestWriter&) = delete;
  IngestWriter& operator=(const IngestWriter&) = delete;

  // ---- sources
  // Finds or makes the row; `kind` is one of transcript rollout sqlite json spool import.
  [[nodiscard]] StatusOr<SourceId> UpsertSource(std::string_view platform, std::string_view kind,
                                                std::string_view path, std::string_view parser,
                                                int64_t parser_version);
  // Stores where to go on, by state.id, and adds to the record counters.
  [[nodiscard]] Status SaveCursor(const SourceState& state, const RecordCounts& counts);
  // May the state of the source's reader be stored? Not when it may hold what
  // was forgotten of a session (forget.h).
  [[nodiscard]] StatusOr<bool> MayKeepReaderState(SourceId source);
  [[nodiscard]] Status StartGeneration(SourceId source, int64_t generation);
  [[nodiscard]] Status AddBadLine(SourceId source, int64_t generation, const BadLineRow& row);
  // The row at `offset` is looked at again.
  [[nodiscard]] Status ForgetBadLine(SourceId source, uint64_t offset);
  // state: active missing quarantined; error "" clears it.
  [[nodiscard]] Status SetSourceState(SourceId source, std::string_view state,
                                      std::string_view error);
  // The file cannot be read now: says why, and the next look finds it changed.
  // What is stored of it, and where to go on, stays. `size`: of a file that was never read,
  // so that it does not pass for an empty one; 0 = not known.
  [[nodiscard]] Status SetUnreadable(SourceId source, std::string_view error, uint64_t size = 0);

  // ---- sessions
  [[nodiscard]] StatusOr<SessionPk> EnsureSession(std::string_view platform, std::string_view id);
  // 0 when it is not known.
  [[nodiscard]] StatusOr<SessionPk> FindSession(std::string_view platform, std::string_view id);
  // Merges (started only moves earlier, ended later; a field of a weaker
  // capture never replaces one of a stronger) and makes stubs of the sessions
  // it names. Returns the session's key.
  [[nodiscard]] StatusOr<SessionPk> UpdateSession(const SessionUpdate& update);
  // Before a session is read again from the start: its counters, tools,
  // events, exposures, spawns, keys, anchors and what was drawn from its texts
  // (pending signals, labels and misses by signal) go, but for what only hooks
  // know; prompts and observations stay until SweepSession, so that those which
  // come again keep their keys.
  // What a kept source gave (session_parts.h) always stays; `behind_kept`: there
  // is one, and so the session's own fields stay as well.
  [[nodiscard]] Status ResetSession(SessionPk session, int64_t generation,
                                    bool behind_kept = false);
  // Removes transcript prompts and observations of an older generation.
  [[nodiscard]] Status SweepSession(SessionPk session, int64_t generation);
  // SweepSession for all sessions of a source; a session that did not come
  // again and that nothing else knows goes altogether.
  [[nodiscard]] Status SweepSource(SourceId source, int64_t generation, bool behind_kept = false);
  [[nodiscard]] Status DeleteInternalSession(SessionPk session);

  // ---- evidence
  [[nodiscard]] StatusOr<PromptPk> UpsertPrompt(SessionPk session, const PromptRow& row);
  // A prompt of a hook, which knows no numbers (row.seq): found again by turn
  // and words, else put behind the others until a transcript tells its place.
  [[nodiscard]] StatusOr<HookPrompt> UpsertHookPrompt(SessionPk session, const PromptRow& row);
  [[nodiscard]] Status UpsertObservation(SessionPk session, const ObservationRow& row);
  [[nodiscard]] Status RetractObservation(SessionPk session, std::string_view key,
                                          bool key_is_call_id, std::string_view skill,
                                          Capture capture);
  // A judged miss; the same (prompt, skill) again replaces it.
  [[nodiscard]] Status AddMissed(const MissedRow& row);
  [[nodiscard]] Status AddMetricDelta(SessionPk session, const MetricDeltaRow& delta);
  [[nodiscard]] Status AddEvent(SessionPk session, const EventRow& row);
  // Takes back one of the kind at the place.
  [[nodiscard]] Status RetractEvent(SessionPk session, const EventRow& row);
  [[nodiscard]] Status AddExposure(SessionPk session, const ExposureRow& row);
  // The tag may stand for other entries from now on.
  void ForgetTag(const void* tag);
  [[nodiscard]] Status AddSpawn(SessionPk session, const SpawnRow& row);
  [[nodiscard]] Status AddKeys(SessionPk session, std::span<const uint64_t> keys,
                               SourceId source = {});
  [[nodiscard]] Status AddAnchors(SessionPk session, std::span<const uint64_t> anchors);
  // True when the signal is new.
  [[nodiscard]] StatusOr<bool> AddSignal(const SignalRow& row);
  // The same (prompt, skill, reason, source) again replaces it.
  [[nodiscard]] Status AddLabel(const LabelRow& row);

  // ---- skills
  [[nodiscard]] StatusOr<SkillId> EnsureSkill(std::string_view name);
  // A SKILL.md that lies on this machine; also remembers its content.
  [[nodiscard]] Status UpsertSkillLocation(const SkillLocationRow& row);

  // Is anything forgotten, and are these words of the session, said then (forget.h)?
  [[nodiscard]] StatusOr<bool> AnyForgotten();
  [[nodiscard]] StatusOr<bool> IsForgotten(SessionPk session, std::optional<UtcMillis> at,
                                           std::string_view text);
  // Is it before the moment from which on words are kept at all?
  [[nodiscard]] StatusOr<bool> IsPast(UtcMillis at);

  // The text's row; equal texts share one.
  [[nodiscard]] StatusOr<BodyId> InternBody(std::string_view text);

  [[nodiscard]] Db& db();

  struct Impl;  // private to the files of this class

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace selftune::store

// Evidence that the reference had: rows which say less than ours, and which
// yield to what is read from transcripts. Everything belongs into a WriteTxn.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"
#include "store/eval_rows.h"
#include "store/evolution_log.h"
#include "store/ids.h"
#include "store/ingest_writer.h"
#include "store/job_rows.h"

namespace selftune::store {

// ---- sessions

struct ImportSession {
  SessionPk pk;  // 0 = not known
  std::string platform, id;
  bool told_by_file = false;  // a transcript tells it: nothing here is believed
  bool is_person = true;      // kind main
};
// By id and host; with no host (or `unknown`) the only session of that id.
[[nodiscard]] StatusOr<ImportSession> FindImportSession(Db& db, std::string_view platform,
                                                        std::string_view id);

// The session of the subagent, which here has its parent's id before its own.
[[nodiscard]] StatusOr<ImportSession> FindSubagent(Db& db, std::string_view platform,
                                                   std::string_view agent);

struct StoredPrompt {
  PromptPk pk;
  int32_t seq = 0;
  std::string words;  // SHA-256 of them; of forgotten ones ErasedBodyKey (forget.h)
  std::optional<UtcMillis> at;
  bool actionable = false;
};
// In order of their numbers.
[[nodiscard]] StatusOr<std::vector<StoredPrompt>> PromptsOfSession(Db& db, SessionPk session);

// ---- skill decisions

struct ImportedUse {
  std::string_view session_id;  // as it is there
  std::string_view key;         // unique in the session, always the same
  std::string_view skill;       // as written there
  Outcome outcome = Outcome::kTriggered;
  Level level = Level::kTool;
  Route route = Route::kSkillTool;
  RequestedBy requested_by = RequestedBy::kModel;
  std::string_view mode;  // explicit implicit inferred contextual repaired
  double confidence = 1;
  Capture capture = Capture::kLegacy;  // or kRepair
  bool misattributed = false;          // the prompt named is known to be wrong: ranks below all
  bool polluted = false;
  bool counts = true;  // false: another capture told the skill of this session
  std::optional<StoredPrompt> prompt;
  std::string_view query;  // where no prompt holds it
  std::optional<UtcMillis> at;
  std::string_view tool_name, agent_type, path, scope, extra;
};
// Does another capture tell of the skill in this session? Imported rows yield to it.
[[nodiscard]] StatusOr<bool> IsToldByOthers(Db& db, SessionPk session, SkillId skill);
struct WrittenUse {
  int64_t pk = 0;
  bool is_new = false;
};
[[nodiscard]] StatusOr<WrittenUse> WriteImportedUse(IngestWriter& writer, SessionPk session,
                                                    const ImportedUse& use);

// A use that an import wrote, and that its row does not tell any more. What another capture
// wrote stays.
[[nodiscard]] Status DropImportedUse(Db& db, int64_t pk);

struct StoredUse {
  int64_t pk = 0;
  std::string skill_key;  // lower case
  bool triggered = false;
};
// All captures, newest last.
[[nodiscard]] StatusOr<std::vector<StoredUse>> UsesOfSession(Db& db, SessionPk session);

// ---- figures of a session

struct ImportedFigures {
  std::vector<std::pair<std::string, int64_t>> tools;  // calls by name, each >= 1
  std::optional<int64_t> answers;
  int64_t errors = 0;  // at most the calls
  std::optional<int64_t> input_uncached, cache_read, output, reasoning, cost_micro_usd;
  std::optional<int64_t> files_changed, lines_added, lines_removed, lines_modified, artifacts;
  std::string session_type;
};
struct FiguresSize {
  int64_t answers = -1, calls = -1;  // -1 = none are stored
  friend auto operator<=>(const FiguresSize&, const FiguresSize&) = default;
};
[[nodiscard]] StatusOr<FiguresSize> SizeOfFigures(Db& db, SessionPk session);
// Takes the place of what is there. `tools` in order of their names.
[[nodiscard]] Status SetFigures(Db& db, SessionPk session, const ImportedFigures& figures,
                                UtcMillis now);
// Only what is unknown so far.
[[nodiscard]] Status FillFigures(Db& db, SessionPk session, const ImportedFigures& figures);

// ---- signals

// What became of a signal after it was written.
struct SignalState {
  PromptPk prompt;
  std::string_view kind, mention;
  bool consumed = false;
  std::string_view run_id;
  std::optional<UtcMillis> at;
};
[[nodiscard]] Status SetSignalState(Db& db, const SignalState& state);
[[nodiscard]] StatusOr<int64_t> FindSignal(Db& db, PromptPk prompt, std::string_view kind,
                                           std::string_view mention);
[[nodiscard]] StatusOr<bool> KnowsSkill(Db& db, std::string_view name);

// ---- history

struct ImportedStep {
  std::string event_id;  // always the same for the same step
  ProposalState action = ProposalState::kCreated;
  UtcMillis at;
  std::string details, snapshot, validation, eval_set;  // JSON but the first
  std::string mode, agent;
  std::optional<int64_t> iterations;
};
struct ImportedProposal {
  std::string proposal_id, skill, location, target = "description";
  std::string original, proposed, rationale;
  std::optional<double> confidence;
  std::vector<ImportedStep> steps;  // oldest first, at least one
};
// Writes the steps that are not there yet, and the proposal as the newest of them
// leaves it; one that was left open is superseded, nobody here goes on with it.
struct WrittenSteps {
  std::vector<int64_t> pks;
  std::vector<bool> is_new;
};
[[nodiscard]] StatusOr<WrittenSteps> WriteImportedProposal(IngestWriter& writer,
                                                           const ImportedProposal& proposal);

struct ImportedReplay {
  std::string_view proposal_id, run_id, phase, skill, mode, query, evidence;
  int64_t entry_no = 0;
  bool should_trigger = false, triggered = false, passed = false;
};
// False: it was there.
[[nodiscard]] StatusOr<bool> WriteImportedReplay(IngestWriter& writer, const ImportedReplay& row);

struct ImportedRun {
  std::string_view run_id, job, status, approval_mode, metrics, error;
  UtcMillis started;
  std::optional<int64_t> elapsed_ms;
  bool dry_run = false;
  std::vector<JobAction> actions;
};
// False: it was there.
[[nodiscard]] StatusOr<bool> WriteImportedRun(IngestWriter& writer, const ImportedRun& run);

// ---- eval sets

// The name under which the skill is known here, whatever its case; else `name`.
[[nodiscard]] StatusOr<std::string> NameOfSkill(Db& db, std::string_view name);

struct ImportedEntry {
  EvalEntryRow row;
  std::string words;  // whole, where the query is not all of them
};
// Some entries of a set: they come as inactive ones. Entries that are here stay as they are,
// those that a person's forgetting took out too, and what is older than is kept does not come.
// `extra` of the entries says that they were imported: {"reason":"imported"}.
[[nodiscard]] Status AddImportedEntries(IngestWriter& writer, std::string_view skill,
                                        std::span<const ImportedEntry> entries);

enum class EvalSetPlace : uint8_t {
  kActive,
  kBehindOurs,   // a set of ours is the active one
  kBehindNewer,  // an imported one that was stored later
};
struct PlacedEvalSet {
  SkillId skill;
  EvalSetPlace place = EvalSetPlace::kActive;
  int64_t made = 0;         // entries that this set brought
  int64_t contrary = 0;     // of ours with the other label: no part of the set
  int64_t forgotten = 0;    // whose words are; not taken
  int64_t past = 0;         // older than is kept; not taken
  bool took_place = false;  // of an older one, that was active before
};
// All entries of a set that was stored then, when all are added. While no set of ours is the
// active one, the newest imported one is, with entries of ours of the same label; one without
// an entry changes nothing. What several imported sets say is as the newest says it.
[[nodiscard]] StatusOr<PlacedEvalSet> PlaceImportedEvalSet(IngestWriter& writer,
                                                           std::string_view skill, UtcMillis stored,
                                                           std::span<const ImportedEntry> entries);

// ---- does the row that the map names exist?

enum class ImportTarget : uint8_t { kSession, kPrompt, kUse, kSignal, kStep };
[[nodiscard]] StatusOr<bool> HasImportTarget(Db& db, ImportTarget target, int64_t pk);

}  // namespace selftune::store

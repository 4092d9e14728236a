// Values that writers hand to the store. Views are copied before a call
// returns; "" means unknown unless said otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/time.h"
#include "store/ids.h"
#include "store/vocabulary.h"

namespace selftune::store {

// The byte a fact comes from.
struct Provenance {
  SourceId source = {};
  int64_t generation = 1;
  std::optional<uint64_t> offset = {};  // empty: not a line-oriented file
  uint64_t line_no = 0;                 // 0 = none
  std::string_view record = {};         // the record's own id
};

// ---- sources

// What sync compares with the disk, and where it goes on.
struct SourceState {
  SourceId id = {};
  std::string platform = {}, kind = {}, path = {};
  uint64_t dev = 0, inode = 0;
  int64_t generation = 1;
  uint64_t size = 0;
  int64_t mtime_ns = 0;
  std::string head_sha256 = {};  // raw bytes of the first min(size, 1024)
  uint64_t offset = 0;           // just past the last complete line consumed
  uint64_t line_no = 0;
  std::string tail_sha256 = {};  // of the min(offset, 1024) bytes before offset
  std::string stamp = {};        // of the file's last change of any kind; "" = unknown
  std::string parser = {};
  int64_t parser_version = 0;
  std::string parser_state = {};
  std::string state = "active";  // active missing quarantined
  std::string host_schema = {};
  uint64_t pending_bytes = 0;
  std::string last_error = {};
  std::optional<UtcMillis> read = {};  // as of when; now, if nobody says
};

// What one read added to the counters of a source.
struct RecordCounts {
  int64_t seen = 0, used = 0, unknown = 0;
};

struct BadLineRow {
  uint64_t offset = 0;
  uint64_t line_no = 0;
  std::string_view reason = {}, excerpt = {};
};

// ---- sessions

// Everything new about a session; unset and empty fields say nothing.
struct SessionUpdate {
  std::string_view platform = {}, id = {};
  Capture capture = Capture::kTranscript;
  SessionKind kind = SessionKind::kMain;
  bool kind_certain = false;  // kMain replaces what was said before
  std::string_view parent_id = {}, root_id = {}, spawn_call_id = {}, prompt_native_id = {},
                   forked_from = {};
  std::optional<uint64_t> fork_end_offset = {};
  std::string_view host_version = {}, agent_cli = {}, agent_type = {}, provider = {}, model = {};
  std::string_view cwd = {}, branch = {}, commit_sha = {}, repo_remote = {};
  int32_t depth = 0;
  std::optional<bool> archived = {};
  std::optional<UtcMillis> started = {}, ended = {}, born = {};
  std::optional<Completion> completion = {};
  SourceId source = {};    // file it is read from
  int64_t generation = 1;  // of that file
};

// Changes of one tool's counters in one session.
struct ToolDeltaRow {
  std::string_view name = {};
  int64_t calls = 0, errors = 0, nonzero_exits = 0, denied = 0, unfinished = 0;
};

// Changes of a session's counters. Empty = the source does not have it.
struct MetricDeltaRow {
  SourceId source = {};
  // The session's records lie in several files: the share of each is kept apart.
  bool shared = false;
  std::optional<int64_t> answers = {};
  int64_t failed_turns = 0, interruptions = 0, compactions = 0, api_errors = 0;
  std::optional<int64_t> input_uncached = {}, cache_read = {}, cache_write = {}, output = {},
                         reasoning = {};
  std::optional<int64_t> overhead_input = {}, overhead_output = {};
  std::optional<int64_t> cost_micro_usd = {};
  std::span<const ToolDeltaRow> tools = {};  // a name at most once
};

struct PromptRow {
  int32_t seq = 0;
  PromptKind kind = PromptKind::kUser;
  std::string_view other_kind = {};  // of an import: no person's prompt, in the reference's word
  std::string_view text = {};
  std::optional<base::Sha256Digest> text_sha256 = {};  // of `text`, where it is known already
  std::string_view raw_text = {};                      // "" = equal to text; kept up to 64 KiB
  std::string_view native_id = {};
  CommandKind command_kind = CommandKind::kNone;
  std::string_view command_name = {}, command_args = {};
  bool active = true;
  std::optional<UtcMillis> at = {};
  Capture capture = Capture::kTranscript;
  Provenance origin = {};
};

// One capture of one skill decision.
struct ObservationRow {
  // The host's tool call id, or a text unique in the session and stable over
  // re-reads (prompt, skill and count: "p3:pdf:0").
  std::string_view key = {};
  bool key_is_call_id = false;
  std::string_view skill = {};  // as the host writes it
  Outcome outcome = Outcome::kTriggered;
  Level level = Level::kTool;
  Route route = Route::kSkillTool;
  RequestedBy requested_by = RequestedBy::kModel;
  InvocationMode mode = InvocationMode::kInferred;
  std::optional<int32_t> prompt_seq = {};  // of this session; ignored in a subagent
  std::string_view tool_name = {}, tool_call_id = {};
  std::string_view path = {}, scope = {};  // scope "" = unknown
  std::optional<std::string_view> args = {};
  bool forked = false;
  bool polluted = false;                                       // kept for audit, never effective
  std::string_view body_sha256 = {}, description_sha256 = {};  // raw bytes
  std::optional<UtcMillis> at = {};
  Capture capture = Capture::kTranscript;
  Provenance origin = {};
};

// A judged miss: the skill should have run after this prompt.
struct MissedRow {
  PromptPk prompt = {};
  std::string_view skill = {};
  MissReason reason = MissReason::kSignal;
  MissCause cause = MissCause::kUnknown;
  double confidence = 1;
};

struct ListingEntryRow {
  std::string_view name = {};
  ExposureState state = ExposureState::kFull;
  std::optional<std::string_view> description = {};  // as shown
  std::string_view path = {};
};

struct ExposureRow {
  std::optional<int32_t> prompt_seq = {};  // empty: from the start
  std::optional<UtcMillis> at = {};
  ExposureCause cause = ExposureCause::kListing;
  // kListing: everything offered from now on. kDelta: only what changed.
  // kCompaction: empty, nothing is offered any more.
  std::span<const ListingEntryRow> entries = {};
  // Address of shared entries: an equal non-null tag within one IngestWriter
  // means equal entries, so that they are looked up once.
  const void* tag = nullptr;
  Provenance origin = {};
};

struct EventRow {
  EventKind kind = EventKind::kToolError;
  std::optional<UtcMillis> at = {};
  std::string_view detail = {};
  Provenance origin = {};
};

struct SpawnRow {
  std::string_view call_id = {};
  std::optional<int32_t> prompt_seq = {};
  std::string_view child_id = {};
};

struct SignalRow {
  PromptPk prompt = {};
  SignalKind kind = SignalKind::kCorrection;
  std::string_view mention = {};  // as written
  std::string_view skill = {};    // installed skill it names, "" = unresolved
  std::optional<UtcMillis> at = {};
};

struct LabelRow {
  PromptPk prompt = {};
  std::string_view skill = {};
  Label label = Label::kUnknown;
  MissReason reason = MissReason::kSignal;
  std::string_view source = {};  // who says so: "signal:correction", "user", a run
  double weight = 1;
  std::string_view run_id = {}, detail = {};
};

// ---- skills

struct SkillLocationRow {
  std::string_view skill = {}, path = {};
  std::string_view scope = "unknown";  // project global admin system unknown
  std::string_view registry_dir = {}, project_root = {}, real_path = {};
  uint64_t dev = 0, inode = 0;
  std::string_view content_sha256 = {};              // raw bytes
  std::optional<std::string_view> description = {};  // of the file
  std::optional<bool> implicit_allowed = {}, in_git = {};
  uint64_t size = 0;
  int64_t mtime_ns = 0, ctime_ns = 0;
};

}  // namespace selftune::store

// What a reader found in a stretch of one source: plain values, no database.
//
// A reader turns lines into a Batch; sync applies the batch and the cursor in
// one transaction. Counts are deltas, so that reading a file in pieces (chunks,
// later appends) gives the same totals as reading it at once. Text fields own
// their bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/time.h"
#include "store/vocabulary.h"

namespace selftune::ingest {

// Where a fact came from: the first byte of its line.
struct Origin {
  uint64_t offset = 0;
  uint64_t line_no = 0;  // 1-based
  std::string record;    // the record's own id, if it has one
};

// A prompt: typed by a person, the task of a subagent, or of an automation.
// Emitting the same `seq` of a session again replaces the earlier fact (a
// command may turn out to be a skill only with the next record).
struct PromptFact {
  int32_t seq = 0;  // order inside the session, from 0, never reused
  PromptKind kind = PromptKind::kUser;
  std::string text;       // as typed, wrappers and expansions removed
  std::string raw_text;   // as stored by the host; "" = equal to text
  std::string native_id;  // the host's turn or message id, "" = none
  CommandKind command_kind = CommandKind::kNone;
  std::string command_name, command_args;
  bool active = true;  // false: on an abandoned or rolled-back branch
  std::optional<UtcMillis> at;
  Origin origin;
  // What sync found out in the thread that read it:
  std::optional<base::Sha256Digest> text_sha256;
  bool says_nothing = false;  // about skills, for certain
};

// One decision about one skill. The same `key` again replaces the earlier
// fact: a later record may prove more, or (retracted) that it was none.
struct SkillFact {
  // Identity inside the session: the host's tool call id, or a text the reader
  // makes from prompt, skill and count ("p3:pdf:0"). Stable over re-reads.
  std::string key;
  bool key_is_call_id = false;
  bool retracted = false;
  bool if_installed = false;  // counts only when a skill of this name is installed
  std::string skill;          // as the host writes it, case kept
  Outcome outcome = Outcome::kTriggered;
  Level level = Level::kTool;
  Route route = Route::kSkillTool;
  RequestedBy requested_by = RequestedBy::kModel;
  std::optional<int32_t> prompt_seq;    // prompt of its turn in this session;
                                        // empty in a subagent (the root's is used)
  std::string tool_name, tool_call_id;  // "" = loaded without a call
  std::string path;                     // of SKILL.md as recorded, "" = unknown
  std::string args;
  bool has_args = false;
  bool forked = false;      // ran in an agent of its own
  std::string body_sha256;  // 32 raw bytes of the loaded text, "" = unknown
  int64_t body_bytes = 0;
  std::optional<UtcMillis> at;
  Origin origin;
};

struct ListingEntry {
  std::string name;
  ExposureState state = ExposureState::kFull;
  bool has_description = false;  // false: not shown, or text unknown
  std::string description;       // text as shown
  std::string path;              // "" = the listing does not say
};

// What the model was offered, as one unit. Shared: most sessions of a machine
// show the same listing.
struct Listing {
  std::vector<ListingEntry> entries;
};

struct ExposureFact {
  std::optional<int32_t> prompt_seq;  // first prompt it holds for; empty: from the start
  std::optional<UtcMillis> at;
  ExposureCause cause = ExposureCause::kListing;
  // A kDelta names only what changed (kAbsent entries: removed); a kListing
  // replaces all before it; a kCompaction without a later listing has none.
  std::shared_ptr<const Listing> listing;
  Origin origin;
};

// The rows behind the small counters.
struct EventFact {
  EventKind kind = EventKind::kToolError;
  std::optional<UtcMillis> at;
  std::string detail;  // tool name, error text (cut to 200 bytes)
  Origin origin;
  bool retracted = false;  // takes back an earlier one of the same kind and place
};

// Changes of one tool's counters.
struct ToolDelta {
  std::string name;
  int64_t calls = 0, errors = 0, nonzero_exits = 0, denied = 0, unfinished = 0;
};

// More than any record says of one answer: a figure above it is no figure, and
// sums of such would not fit.
inline constexpr int64_t kMaxFigure = 1'000'000'000'000;

// Changes of token counters in the normal form: the three input parts do not
// overlap, output includes reasoning. `known_*` false = the source has none.
struct TokenDelta {
  bool known_input = false, known_cache_read = false, known_cache_write = false;
  bool known_output = false, known_reasoning = false, known_overhead = false;
  int64_t input_uncached = 0, cache_read = 0, cache_write = 0, output = 0, reasoning = 0;
  int64_t overhead_input = 0, overhead_output = 0;
};

struct MetricDelta {
  bool known_answers = false;
  int64_t answers = 0;
  int64_t failed_turns = 0, interruptions = 0, compactions = 0, api_errors = 0;
  TokenDelta tokens;
  std::vector<ToolDelta> tools;  // at most one entry a name
};

// A call of this session that can start subagents; how children find their parent.
struct SpawnFact {
  std::string call_id;
  std::optional<int32_t> prompt_seq;  // prompt of its turn
  std::string child_id;               // session id of the child, "" = not known yet
};

// How a session hangs together with others. Ids are the host's; sync resolves
// them whenever both ends are known, in any order.
struct SessionLinks {
  std::string parent_id;         // session whose call started it, "" = unknown
  std::string root_id;           // main session it belongs to, "" = unknown
  std::string spawn_call_id;     // the call that started it, "" = unknown
  std::string prompt_native_id;  // native id of the root's prompt, "" = unknown
  std::string forked_from;       // session whose history this one continues
  // A fork that copies nothing: it saw the parent's records before this byte.
  std::optional<uint64_t> fork_end_offset;

  friend bool operator==(const SessionLinks&, const SessionLinks&) = default;
};

// Everything new about one session in a batch. Empty or unset fields say
// nothing; `started` only ever moves earlier, `ended` later.
struct SessionFacts {
  std::string id;
  SessionKind kind = SessionKind::kMain;
  // kMain is no default but what the records show: it replaces kAutomation.
  bool kind_certain = false;
  bool internal = false;  // made by selftune itself: nothing of it is kept
  // Sessions read from rows: these are its first facts, and what the source said
  // of it before no longer holds; these are its last.
  bool whole = false, finished = false;
  SessionLinks links;
  std::string host_version, agent_cli, agent_type, provider, model;
  std::string cwd, branch, commit_sha, repo_remote;
  int32_t depth = 0;
  bool archived = false;
  std::optional<UtcMillis> started, ended;
  // The earliest time stamp of any record of the file, copies included; forks
  // of old formats are told from their originals by it.
  std::optional<UtcMillis> born;
  std::optional<Completion> completion;  // state of the last turn so far
  MetricDelta metrics;
  std::vector<PromptFact> prompts;
  std::vector<SkillFact> skills;
  std::vector<ExposureFact> exposures;
  std::vector<EventFact> events;
  std::vector<SpawnFact> spawns;
  // Seqs of prompts of earlier batches that were rolled back: no longer active.
  std::vector<int32_t> deactivated_prompts;
  // ... and those that lie on the living branch again.
  std::vector<int32_t> reactivated_prompts;
  // Hosts whose forks copy records: keys of the records that made facts, and
  // the anchors (first record, roots of chains) by which copies are found.
  std::vector<uint64_t> record_keys;
  std::vector<uint64_t> anchors;
};

struct BadLine {
  uint64_t offset = 0;  // of a row: a number made of its table and key
  uint64_t line_no = 0;
  std::string reason;   // not_utf8 not_json too_long truncated wrong_shape decompression
  std::string excerpt;  // first 200 bytes, escaped
};

inline constexpr size_t kExcerptBytes = 200;
[[nodiscard]] std::string Excerpt(std::string_view line);
// A record whose parts are of other types than they should be.
[[nodiscard]] BadLine WrongShape(uint64_t offset, uint64_t line_no, std::string_view text);

struct Batch {
  std::vector<SessionFacts> sessions;
  std::vector<BadLine> bad_lines;
  // Of rows: offsets of bad lines of earlier reads that are looked at again here.
  std::vector<uint64_t> read_again;
  int64_t records_seen = 0, records_used = 0, records_unknown = 0;
  std::string host_schema;  // "" = none
  // Of stores of rows: why it cannot be understood as a whole, "" = it can.
  std::string problem;

  // The entry of `id`, appended when new. The reference is valid until the
  // next call.
  SessionFacts& Session(const std::string& id);
  // Rows this batch will write, roughly; decides when to flush.
  [[nodiscard]] size_t row_count() const;
};

}  // namespace selftune::ingest

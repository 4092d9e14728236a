#include "sync/apply.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/status_macros.h"
#include "ingest/prompt_history.h"
#include "store/lost_source.h"
#include "store/prompt_lookup.h"
#include "store/session_parts.h"

namespace selftune::sync {
namespace {

constexpr size_t kMaxReaderState = size_t{1} << 20;

// Of two sources that tell one session: a database is what the host reads
// today, the other forms are what it came from.
int RankOf(std::string_view kind) {
  if (kind == "sqlite") return 3;
  return kind == "json" ? 2 : 1;
}

// Does another source tell the session better than `file`? Of equals it is the
// first by path, whichever was read first.
bool IsBetter(const store::SessionSource& owner, const ingest::SourceFile& file) {
  if (owner.state == "missing") return false;
  const int theirs = RankOf(owner.kind);
  const int ours = RankOf(file.kind);
  return theirs != ours ? theirs > ours : owner.path < file.path;
}

bool IsHistory(const ingest::SourceFile& file) { return file.kind == ingest::kPromptHistory; }

// A session is only written when something happened in it: a file that holds
// nothing but settings leaves none.
bool HasContent(const ingest::SessionFacts& facts) {
  return !facts.prompts.empty() || !facts.skills.empty() || !facts.metrics.tools.empty() ||
         facts.metrics.answers != 0 || facts.started.has_value() || !facts.exposures.empty() ||
         !facts.cwd.empty();  // it was begun, at a time that nobody wrote down
}

// What the source says of its own form: a number, else which version of the
// host wrote it.
std::string SchemaOf(const ingest::Batch& batch, const store::SourceState& before) {
  if (!batch.host_schema.empty()) return batch.host_schema;
  for (auto facts = batch.sessions.rbegin(); facts != batch.sessions.rend(); ++facts) {
    if (!facts->host_version.empty()) return facts->host_version;
  }
  return before.host_schema;
}

// Numbers of a reader that knew nothing of the prompts before.
ingest::SessionFacts Shifted(ingest::SessionFacts facts, int32_t shift) {
  const auto move = [shift](std::optional<int32_t>& seq) {
    if (seq.has_value()) *seq += shift;
  };
  for (ingest::PromptFact& prompt : facts.prompts) prompt.seq += shift;
  for (int32_t& seq : facts.deactivated_prompts) seq += shift;
  for (ingest::ExposureFact& exposure : facts.exposures) move(exposure.prompt_seq);
  for (ingest::SpawnFact& spawn : facts.spawns) move(spawn.prompt_seq);
  for (ingest::SkillFact& skill : facts.skills) {
    move(skill.prompt_seq);
    if (!skill.key_is_call_id) skill.key = fmt::format("{}+{}", shift, skill.key);
  }
  return facts;
}

}  // namespace

Applier::Applier(store::Db& db, std::vector<std::string> installed, UtcMillis now)
    : db_(db),
      writer_(db, now),
      installed_(std::make_shared<const std::vector<std::string>>(std::move(installed))) {}

// The row of the file, which may have moved.
StatusOr<store::SourceId> Applier::SourceOf(const WorkItem& item) {
  if (item.moved) {
    ST_RETURN_IF_ERROR(store::MoveSource(db_, item.state().id, item.file.path, item.file.archived));
  }
  const std::string_view kind = IsHistory(item.file) ? "transcript" : item.file.kind;
  return writer_.UpsertSource(item.source->platform(), kind, item.file.path,
                              ingest::ParserOf(*item.source, item.file),
                              item.source->parser_version());
}

StatusOr<ApplyState> Applier::Begin(const WorkItem& item, int64_t min_generation) {
  ApplyState state;
  state.item = &item;
  ST_ASSIGN_OR_RETURN(state.source, SourceOf(item));
  state.generation = item.state().id ? item.state().generation : 1;
  if (item.state().id && item.together.empty()) {
    ST_ASSIGN_OR_RETURN(state.set_aside,
                        store::SharesSession(db_, state.source, item.change == Change::kReplaced));
    if (state.set_aside) {
      set_aside_.push_back(state.source);
      return state;
    }
  }
  if (item.file.rows && item.change == Change::kNew) return state;
  if (item.change == Change::kReplaced) {
    state.generation = std::max(state.generation + 1, min_generation);
    state.rereading = true;
    ST_RETURN_IF_ERROR(writer_.StartGeneration(state.source, state.generation));
  }
  return state;
}

Status Applier::Apply(ApplyState& state, const ReadChunk& chunk) {
  for (const ingest::SessionFacts& facts : chunk.batch.sessions) {
    if (state.set_aside) break;
    ST_RETURN_IF_ERROR(ApplySession(state, facts));
  }
  for (const uint64_t offset : chunk.batch.read_again) {
    ST_RETURN_IF_ERROR(writer_.ForgetBadLine(state.source, offset));
  }
  for (const ingest::BadLine& line : chunk.batch.bad_lines) {
    if (state.set_aside) break;
    ST_RETURN_IF_ERROR(writer_.AddBadLine(state.source, state.generation,
                                          {.offset = line.offset,
                                           .line_no = line.line_no,
                                           .reason = line.reason,
                                           .excerpt = line.excerpt}));
    ++state.bad_lines;
  }
  ST_RETURN_IF_ERROR(SaveCursor(state, chunk));
  // Rows are swept session by session; one that the host deleted stays.
  const bool sweeps = state.rereading && !state.item->file.rows;
  if (chunk.last && sweeps && !state.set_aside && state.item->together.empty()) {
    ST_RETURN_IF_ERROR(Sweep(state));
  }
  return absl::OkStatus();
}

// A history of prompts is kept short by its host: the sessions that fell out of it stay.
Status Applier::Sweep(const ApplyState& state) {
  if (!IsHistory(state.item->file)) return writer_.SweepSource(state.source, state.generation);
  for (const auto& [id, shift] : state.sessions) {
    ST_ASSIGN_OR_RETURN(const store::SessionPk session,
                        writer_.FindSession(state.item->source->platform(), id));
    if (session) ST_RETURN_IF_ERROR(writer_.SweepSession(session, state.generation));
  }
  return absl::OkStatus();
}

Status Applier::Unreadable(const WorkItem& item, const Status& why) {
  ST_ASSIGN_OR_RETURN(const store::SourceId source, SourceOf(item));
  return writer_.SetUnreadable(source, Message(why), item.info.size);
}

Status Applier::Failed(const ApplyState& state, const Status& why) {
  return writer_.SetSourceState(state.source, "active", Message(why));
}

std::vector<store::SourceId> Applier::TakeSetAside() { return std::exchange(set_aside_, {}); }

// Its records belong among those of another file; nothing of it is written now.
Status Applier::SetAside(ApplyState& state, const store::SessionSource& owner) {
  state.set_aside = true;
  set_aside_.push_back(state.source);
  ST_RETURN_IF_ERROR(store::ForgetSeen(db_, state.source));
  return store::AddSessionParts(db_, owner.session, owner.source, state.source);
}

// Makes room for what the file says about a session that is known already.
Status Applier::TakeOver(ApplyState& state, const store::SessionSource& owner) {
  if (store::LostItsSource(owner)) {
    ST_RETURN_IF_ERROR(store::FoundSource(db_, owner.session));
    return writer_.ResetSession(owner.session, state.generation, state.item->behind_kept);
  }
  const bool elsewhere = owner.source && owner.source != state.source;
  if (!state.item->together.empty()) {
    if (!owner.session || owner.read_generation == state.generation) return absl::OkStatus();
    return writer_.ResetSession(owner.session, state.generation, state.item->behind_kept);
  }
  if (elsewhere && state.generation <= owner.generation) {
    // The other file is gone, and this one holds all it had.
    state.generation = owner.generation + 1;
    state.rereading = true;
    ST_RETURN_IF_ERROR(writer_.StartGeneration(state.source, state.generation));
  }
  if (!owner.session || (!elsewhere && !state.rereading)) return absl::OkStatus();
  return writer_.ResetSession(owner.session, state.generation);
}

Capture Applier::CaptureOf(const ApplyState& state) {
  return IsHistory(state.item->file) ? Capture::kBatch : Capture::kTranscript;
}

// Of the session a history of prompts says nothing that is not known better.
StatusOr<bool> Applier::IsToldByOthers(const ApplyState& state, const store::SessionSource& owner) {
  if (!IsHistory(state.item->file) || !owner.session) return false;
  if (owner.source) return owner.source != state.source;
  ST_ASSIGN_OR_RETURN(const std::string capture, store::CaptureOf(db_, owner.session));
  return !capture.empty();
}

// Does the session belong to another file as well? Then all are read together.
StatusOr<bool> Applier::Tied(const ApplyState& state, const store::SessionSource& owner) {
  const std::vector<store::SourceId>& together = state.item->together;
  if (!owner.source || owner.source == state.source ||
      std::find(together.begin(), together.end(), owner.source) != together.end()) {
    return false;
  }
  // A transcript takes the place of what was known by a history of prompts alone.
  if (IsHistory(state.item->source->Describe(owner.path))) return false;
  if (owner.state != "missing") return true;
  ST_ASSIGN_OR_RETURN(const bool parts, store::HasParts(db_, owner.session));
  if (parts) return true;
  // A file that is gone is followed by one that begins with all it had, or that
  // is the same in another form; any other leaves it what it gave.
  const ingest::Source& source = *state.item->source;
  if (source.Identity(owner.path) == source.Identity(state.item->file.path)) return false;
  ST_ASSIGN_OR_RETURN(const store::SourceState other, store::LoadSourceState(db_, owner.source));
  ST_ASSIGN_OR_RETURN(const bool follows,
                      BeginsWith(source, state.item->file, state.item->info.size, other));
  return !follows;
}

StatusOr<int32_t> Applier::Shift(const ApplyState& state, store::SessionPk session) {
  const WorkItem& item = *state.item;
  if (item.behind_kept) return store::ShiftBehindKept(db_, session, state.source, item.anew);
  return store::PromptShift(db_, session, state.source);
}

// A session read from rows is told from its start: what was known goes, unless
// another source tells it better.
Status Applier::BeginWhole(ApplyState& state, const ingest::SessionFacts& facts) {
  ST_ASSIGN_OR_RETURN(const store::SessionSource owner,
                      store::FindSessionSource(db_, state.item->source->platform(), facts.id));
  state.left_out.erase(facts.id);
  if (store::LostItsSource(owner)) {
    ST_RETURN_IF_ERROR(store::FoundSource(db_, owner.session));
  } else if (!owner.source) {
    return absl::OkStatus();
  }
  if (owner.source != state.source && IsBetter(owner, state.item->file)) {
    state.left_out.insert(facts.id);
    return absl::OkStatus();
  }
  state.generation = std::max(state.generation, owner.read_generation + 1);
  return writer_.ResetSession(owner.session, state.generation);
}

// Decides whose session it is before its first fact is written.
StatusOr<store::SessionPk> Applier::OpenSession(ApplyState& state,
                                                const ingest::SessionFacts& facts) {
  if (facts.whole) ST_RETURN_IF_ERROR(BeginWhole(state, facts));
  if (state.left_out.contains(facts.id)) return store::SessionPk{};
  const bool rows = state.item->file.rows;
  const std::string_view platform = state.item->source->platform();
  if (IsHistory(state.item->file) && !state.sessions.contains(facts.id)) {
    ST_ASSIGN_OR_RETURN(const store::SessionSource owner,
                        store::FindSessionSource(db_, platform, facts.id));
    ST_ASSIGN_OR_RETURN(const bool told, IsToldByOthers(state, owner));
    if (told) {
      state.left_out.insert(facts.id);
      return store::SessionPk{};
    }
  }
  const auto [seen, first] = state.sessions.try_emplace(facts.id, 0);
  if (first && !rows) {
    ST_ASSIGN_OR_RETURN(const store::SessionSource owner,
                        store::FindSessionSource(db_, platform, facts.id));
    // Files of one session are read together; beside a database they say nothing.
    if (owner.kind == "sqlite" && IsBetter(owner, state.item->file)) {
      state.left_out.insert(facts.id);
      return store::SessionPk{};
    }
    ST_ASSIGN_OR_RETURN(const bool tied, Tied(state, owner));
    if (tied) {
      ST_RETURN_IF_ERROR(SetAside(state, owner));
      return store::SessionPk{};
    }
    ST_RETURN_IF_ERROR(TakeOver(state, owner));
    if (owner.session) {
      ST_ASSIGN_OR_RETURN(seen->second, Shift(state, owner.session));
    }
  }
  // In one transaction with what the fork has of its own: later nothing would tell.
  const WorkItem& item = *state.item;
  const bool told = !facts.links.forked_from.empty() || facts.id != item.fork;
  const std::string_view forked_from = told ? facts.links.forked_from : item.forked_from;
  return writer_.UpdateSession({.platform = platform,
                                .id = facts.id,
                                .capture = CaptureOf(state),
                                .kind = facts.kind,
                                .kind_certain = facts.kind_certain,
                                .parent_id = facts.links.parent_id,
                                .root_id = facts.links.root_id,
                                .spawn_call_id = facts.links.spawn_call_id,
                                .prompt_native_id = facts.links.prompt_native_id,
                                .forked_from = forked_from,
                                .fork_end_offset = facts.links.fork_end_offset,
                                .host_version = facts.host_version,
                                .agent_cli = facts.agent_cli,
                                .agent_type = facts.agent_type,
                                .provider = facts.provider,
                                .model = facts.model,
                                .cwd = facts.cwd,
                                .branch = facts.branch,
                                .commit_sha = facts.commit_sha,
                                .repo_remote = facts.repo_remote,
                                .depth = facts.depth,
                                .archived = rows ? facts.archived : state.item->file.archived,
                                .started = facts.started,
                                .ended = facts.ended,
                                .born = facts.born,
                                .completion = facts.completion,
                                .source = state.source,
                                .generation = state.generation});
}

Status Applier::ApplySession(ApplyState& state, const ingest::SessionFacts& facts) {
  if (facts.internal) {
    ST_ASSIGN_OR_RETURN(const store::SessionSource owner,
                        store::FindSessionSource(db_, state.item->source->platform(), facts.id));
    return owner.session ? writer_.DeleteInternalSession(owner.session) : absl::OkStatus();
  }
  if (!HasContent(facts) && !state.sessions.contains(facts.id)) {
    ST_ASSIGN_OR_RETURN(const store::SessionSource owner,
                        store::FindSessionSource(db_, state.item->source->platform(), facts.id));
    if (!owner.session) return absl::OkStatus();
  }
  ST_ASSIGN_OR_RETURN(const store::SessionPk session, OpenSession(state, facts));
  if (!session) return absl::OkStatus();
  const int32_t shift = state.sessions.find(facts.id)->second;
  return shift == 0 ? AddFacts(state, session, facts)
                    : AddFacts(state, session, Shifted(facts, shift));
}

Status Applier::SaveCursor(const ApplyState& state, const ReadChunk& chunk) {
  if (state.set_aside) return absl::OkStatus();  // until it is read with the others
  const WorkItem& item = *state.item;
  store::SourceState row = item.state();
  row.id = state.source;
  row.generation = state.generation;
  if (!item.only_session.empty()) return writer_.SaveCursor(row, {});
  row.dev = item.info.dev;
  row.inode = item.info.inode;
  row.parser = ingest::ParserOf(*item.source, item.file);
  row.parser_version = item.source->parser_version();
  row.host_schema = SchemaOf(chunk.batch, item.state());
  row.state = "active";
  row.last_error = chunk.damage;
  row.tail_sha256.clear();  // of the offset, which moves
  if (chunk.last) {
    // Only a file read to its end counts as seen: a crash before leaves the
    // ledger behind the disk, and the next run goes on at the cursor.
    row.size = item.info.size;
    row.mtime_ns = item.info.mtime_ns;
    row.stamp = StampOf(item.file, item.info);
    row.read = item.looked;
    row.head_sha256 = chunk.head_sha256;
    row.tail_sha256 = chunk.tail_sha256;
  } else if (state.rereading) {
    // ... or from the start: what the ledger says is about the earlier read.
    row.size = 0;
    row.mtime_ns = 0;
    row.stamp.clear();
    row.head_sha256.clear();
  }
  row.offset = chunk.cursor.offset;
  row.line_no = chunk.cursor.line_no;
  row.parser_state = chunk.reader_state;
  const bool in_files = !item.file.rows && !row.parser_state.empty();
  ST_ASSIGN_OR_RETURN(const bool may_keep,
                      in_files ? writer_.MayKeepReaderState(row.id) : StatusOr<bool>(true));
  if ((row.parser_state.size() > kMaxReaderState && !item.file.rows) || !may_keep) {
    // No place for it: the next change makes the file one to read from its start.
    row.parser_state.clear();
    row.head_sha256.clear();
    row.tail_sha256.clear();
  }
  row.pending_bytes = chunk.pending_bytes;
  return writer_.SaveCursor(row, {.seen = chunk.batch.records_seen,
                                  .used = chunk.batch.records_used,
                                  .unknown = chunk.batch.records_unknown});
}

}  // namespace selftune::sync

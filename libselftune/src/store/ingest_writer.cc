#include "store/ingest_writer.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/identity.h"
#include "store/writer_impl.h"

namespace selftune::store {
namespace {

constexpr char kHasHost[] = R"sql(SELECT 1 FROM host WHERE platform=?1)sql";
constexpr char kAddHost[] =
    R"sql(INSERT INTO host(platform,name) VALUES(?1,?1) ON CONFLICT DO NOTHING)sql";
constexpr char kFindSkill[] = R"sql(SELECT skill_id FROM skill WHERE name_key=?1)sql";
constexpr char kAddSkill[] = R"sql(INSERT INTO skill(name,name_key) VALUES(?1,?2))sql";
constexpr char kAddBody[] = R"sql(
  INSERT INTO body(sha256,bytes,text) VALUES(?1,?2,?3) ON CONFLICT DO NOTHING)sql";
constexpr char kFindBody[] =
    R"sql(SELECT body_id, text IS NOT NULL AND erased_ms IS NOT NULL FROM body WHERE sha256=?1)sql";
// Somebody is about to drop it (forget_texts.h) and learns by this that it is used again.
constexpr char kUsedAgain[] = R"sql(UPDATE body SET erased_ms=0 WHERE body_id=?1)sql";
constexpr char kAddWorkspace[] = R"sql(
  INSERT INTO workspace(path,repo_remote) VALUES(?1,?2)
  ON CONFLICT DO UPDATE SET repo_remote=coalesce(excluded.repo_remote,repo_remote))sql";
constexpr char kFindWorkspace[] = R"sql(SELECT workspace_id FROM workspace WHERE path=?1)sql";
constexpr char kFindSession[] = R"sql(
  SELECT session_pk FROM session WHERE session_id=?1 AND platform=?2)sql";
constexpr char kAddSession[] = R"sql(
  INSERT INTO session(session_pk,platform,session_id,root_pk,updated_ms)
  VALUES((SELECT coalesce(max(session_pk),0)+1 FROM session),?1,?2,
    (SELECT coalesce(max(session_pk),0)+1 FROM session),?3))sql";
constexpr char kAdopt[] = R"sql(
  UPDATE session SET platform=?2, rev=rev+1 WHERE session_id=?1 AND platform='unknown')sql";
// A subagent's session that an import knew by the name of its file.
constexpr char kAdoptAgent[] = R"sql(
  UPDATE session SET session_id=?1, rev=rev+1 WHERE session_id='agent-'||?3 AND platform=?2 AND capture_rank<=2)sql";
constexpr char kRenamePrompts[] = R"sql(
  UPDATE prompt SET prompt_id=?1||':p'||seq WHERE session_pk=(
    SELECT session_pk FROM session WHERE session_id=?1 AND platform=?2))sql";
constexpr char kReadSession[] = R"sql(
  SELECT platform,session_id,kind,parent_prompt_pk,capture_rank FROM session WHERE session_pk=?1)sql";

constexpr char kAddLocation[] = R"sql(
  INSERT INTO skill_location(skill_id,path,scope,registry_dir,project_root,first_ms,last_ms,real_path,dev,inode,
    content_sha256,description_body,implicit_allowed,in_git,size,mtime_ns,ctime_ns)
  VALUES(?1,?2,?3,?4,?5,?6,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)
  ON CONFLICT DO UPDATE SET scope=excluded.scope, registry_dir=excluded.registry_dir, project_root=excluded.project_root,
    last_ms=excluded.last_ms, real_path=excluded.real_path, dev=excluded.dev, inode=excluded.inode,
    content_sha256=excluded.content_sha256, description_body=excluded.description_body,
    implicit_allowed=excluded.implicit_allowed, in_git=excluded.in_git, size=excluded.size,
    mtime_ns=excluded.mtime_ns, ctime_ns=excluded.ctime_ns)sql";
constexpr char kAddVersion[] = R"sql(
  INSERT INTO skill_version(skill_id,content_sha256,description_body,first_ms,last_ms) VALUES(?1,?2,?3,?4,?4)
  ON CONFLICT DO UPDATE SET last_ms=excluded.last_ms)sql";

constexpr char kFindSource[] =
    R"sql(SELECT source_id FROM source_file WHERE platform=?1 AND path=?2)sql";
constexpr char kAddSource[] = R"sql(
  INSERT INTO source_file(platform,kind,path,parser,parser_version) VALUES(?1,?2,?3,?4,?5))sql";
constexpr char kSaveCursor[] = R"sql(
  UPDATE source_file SET dev=?2, inode=?3, generation=?4, size=?5, mtime_ns=?6, head_sha256=?7, offset=?8, line_no=?9,
    foreign_cursor=?10, parser=?11, parser_version=?12, parser_state=?13, state=?14, host_schema=?15, pending_bytes=?16,
    records_seen=records_seen+?17, records_used=records_used+?18, records_unknown=records_unknown+?19,
    last_error=?20, last_read_ms=?21, tail_sha256=?22 WHERE source_id=?1)sql";
constexpr char kStartGeneration[] = R"sql(
  UPDATE source_file SET generation=?2, offset=0, line_no=0, foreign_cursor=NULL, parser_state=NULL,
    tail_sha256=NULL, pending_bytes=0,
    records_seen=0, records_used=0, records_unknown=0, bad_lines=0, last_error=NULL WHERE source_id=?1)sql";
constexpr char kDropBadLines[] = R"sql(DELETE FROM bad_line WHERE source_id=?1)sql";
constexpr char kForgetBadLine[] = R"sql(DELETE FROM bad_line WHERE source_id=?1 AND offset=?2)sql";
constexpr char kUncountBadLines[] =
    R"sql(UPDATE source_file SET bad_lines=bad_lines-?2 WHERE source_id=?1)sql";
constexpr char kAddBadLine[] = R"sql(
  INSERT INTO bad_line(source_id,generation,offset,line_no,reason,excerpt,seen_ms) VALUES(?1,?2,?3,?4,?5,?6,?7)
  ON CONFLICT DO NOTHING)sql";
constexpr char kCountBadLine[] =
    R"sql(UPDATE source_file SET bad_lines=bad_lines+1 WHERE source_id=?1)sql";
constexpr char kSetUnreadable[] = R"sql(
  UPDATE source_file SET state='active', last_error=?2, mtime_ns=0, size=CASE size WHEN 0 THEN ?3 ELSE size END
  WHERE source_id=?1)sql";
constexpr char kSetSourceState[] = R"sql(
  UPDATE source_file SET state=?2, last_error=?3 WHERE source_id=?1)sql";

SessionKind ParseKind(std::string_view word) {
  for (const SessionKind kind : {SessionKind::kSubagent, SessionKind::kAutomation}) {
    if (Word(kind) == word) return kind;
  }
  return SessionKind::kMain;
}

}  // namespace

// ------------------------------------------------------------------ memory

Status IngestWriter::Impl::CheckMemory() {
  if (txn_begun == db.transactions() && seen_rollbacks == db.rollbacks()) return absl::OkStatus();
  if (!db.in_transaction()) return Fail(kInternal, "writing evidence outside a transaction");
  ST_ASSIGN_OR_RETURN(const int64_t version, db.DataVersion());
  if (seen_rollbacks != db.rollbacks()) {
    skills.Clear();
    workspaces.Clear();
    tagged.Clear();
    hosts.clear();
  }
  // Another process may have added to, or removed, what is remembered of sessions, and
  // forgotten texts; skills and workspaces are only ever added.
  if (seen_rollbacks != db.rollbacks() || version != data_version) {
    bodies.Clear();
    sessions.Clear();
    session_ids.Clear();
    forget_rules.reset();
  }
  seen_rollbacks = db.rollbacks();
  data_version = version;
  txn_begun = db.transactions();
  return absl::OkStatus();
}

StatusOr<SessionMemo*> IngestWriter::Impl::Memo(SessionPk session) {
  ST_RETURN_IF_ERROR(CheckMemory());
  if (auto* known = sessions.Find(session.value)) return known->get();
  auto memo = std::make_unique<SessionMemo>();
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kReadSession, session));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) return Fail(kSessionNotFound, "writing to session {}: no such row", session.value);
    memo->pk = session;
    memo->platform = row.String(0);
    memo->id = row.String(1);
    memo->kind = ParseKind(row.Text(2));
    memo->parent_prompt = row.Key<PromptPk>(3);
    memo->rank = static_cast<int>(row.Int(4));
  }
  return sessions.Put(session.value, std::move(memo))->get();
}

void IngestWriter::Impl::Forget(SessionPk session) {
  if (auto* known = sessions.Find(session.value)) {
    session_ids.Erase((*known)->platform + '\x1f' + (*known)->id);
  }
  sessions.Erase(session.value);
}

Status IngestWriter::Impl::EnsureHost(std::string_view platform) {
  if (hosts.contains(platform)) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const int64_t known, db.QueryInt(kHasHost, 0, platform));
  if (known == 0) ST_RETURN_IF_ERROR(db.Run(kAddHost, platform));
  hosts.insert(std::string(platform));
  return absl::OkStatus();
}

StatusOr<SessionPk> IngestWriter::Impl::FindSession(std::string_view platform,
                                                    std::string_view id) {
  std::string key;
  key.reserve(platform.size() + id.size() + 1);
  key.append(platform).append(1, '\x1f').append(id);
  if (const SessionPk* known = session_ids.Find(key)) return *known;
  ST_ASSIGN_OR_RETURN(const int64_t found, db.QueryInt(kFindSession, 0, id, platform));
  if (found != 0) session_ids.Put(std::move(key), SessionPk{found});
  return SessionPk{found};
}

StatusOr<SessionPk> IngestWriter::Impl::EnsureSession(std::string_view platform,
                                                      std::string_view id) {
  ST_RETURN_IF_ERROR(CheckMemory());
  if (id.empty()) return Fail(kInvalidRequest, "writing a session of {}: it has no id", platform);
  ST_ASSIGN_OR_RETURN(const SessionPk known, FindSession(platform, id));
  if (known) return known;
  ST_RETURN_IF_ERROR(EnsureHost(platform));
  ST_RETURN_IF_ERROR(db.Run(kAdopt, id, platform));
  if (db.changes() > 0) return Adopted(platform, id);
  constexpr std::string_view kAgent = ":agent:";
  if (const size_t at = id.rfind(kAgent); at != id.npos) {
    ST_RETURN_IF_ERROR(db.Run(kAdoptAgent, id, platform, id.substr(at + kAgent.size())));
    if (db.changes() > 0) {
      ST_RETURN_IF_ERROR(db.Run(kRenamePrompts, id, platform));
      return Adopted(platform, id);
    }
  }
  ST_RETURN_IF_ERROR(db.Run(kAddSession, platform, id, now));
  db.Count(Counter::kSessions, 1);
  const SessionPk made{db.last_insert_id()};
  auto memo = std::make_unique<SessionMemo>();
  memo->pk = made;
  memo->platform = platform;
  memo->id = id;
  memo->made_here = true;
  memo->max_seq = -1;
  memo->text_counts.emplace();
  memo->shown.emplace();
  memo->hook_prompts = false;
  memo->shared = false;
  sessions.Put(made.value, std::move(memo));
  std::string key(platform);
  key.append(1, '\x1f').append(id);
  session_ids.Put(std::move(key), made);
  return made;
}

StatusOr<SessionPk> IngestWriter::Impl::Adopted(std::string_view platform, std::string_view id) {
  sessions.Clear();
  session_ids.Clear();
  ST_ASSIGN_OR_RETURN(const SessionPk session, FindSession(platform, id));
  ST_ASSIGN_OR_RETURN(SessionMemo * memo, Memo(session));
  ST_RETURN_IF_ERROR(Rekey(*memo, 0, 0));
  return session;
}

StatusOr<SkillId> IngestWriter::Impl::EnsureSkill(std::string_view name) {
  ST_RETURN_IF_ERROR(CheckMemory());
  const std::string_view trimmed = base::Trim(name);
  if (const SkillId* known = skills.Find(trimmed)) return *known;
  const std::string key = base::AsciiLower(trimmed);
  ST_ASSIGN_OR_RETURN(int64_t id, db.QueryInt(kFindSkill, 0, key));
  if (id == 0) {
    ST_RETURN_IF_ERROR(db.Run(kAddSkill, trimmed, key));
    id = db.last_insert_id();
  }
  return *skills.Put(std::string(trimmed), SkillId{id});
}

StatusOr<int64_t> IngestWriter::Impl::FindBody(std::string_view sha256) {
  int64_t id = 0;
  bool marked = false;
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kFindBody, Blob{sha256}));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (!found) return Fail(kInternal, "finding a text that is there already");
    id = row.Int(0);
    marked = row.Bool(1);
  }
  if (marked) ST_RETURN_IF_ERROR(db.Run(kUsedAgain, id));
  return id;
}

StatusOr<BodyId> IngestWriter::Impl::InternBody(std::string_view text,
                                                const base::Sha256Digest& digest) {
  ST_RETURN_IF_ERROR(CheckMemory());
  const std::string_view key(reinterpret_cast<const char*>(digest.data()), digest.size());
  if (const BodyId* known = bodies.Find(key)) return *known;
  // A new text is the usual case. One that was erased stays erased.
  ST_RETURN_IF_ERROR(db.Run(kAddBody, Blob{key}, static_cast<int64_t>(text.size()), text));
  int64_t id = db.last_insert_id();
  if (db.changes() == 0) {
    ST_ASSIGN_OR_RETURN(id, FindBody(key));
  }
  return *bodies.Put(std::string(key), BodyId{id});
}

StatusOr<int64_t> IngestWriter::Impl::EnsureWorkspace(std::string_view path,
                                                      std::string_view repo_remote) {
  if (path.empty()) return 0;
  if (const int64_t* known = workspaces.Find(path); known != nullptr && repo_remote.empty()) {
    return *known;
  }
  ST_RETURN_IF_ERROR(db.Run(kAddWorkspace, path, OrNull{repo_remote}));
  ST_ASSIGN_OR_RETURN(const int64_t id, db.QueryInt(kFindWorkspace, 0, path));
  return *workspaces.Put(std::string(path), id);
}

// ------------------------------------------------------------------ public

IngestWriter::IngestWriter(Db& db, UtcMillis now) : impl_(std::make_unique<Impl>(db, now)) {}

IngestWriter::~IngestWriter() = default;

Db& IngestWriter::db() { return impl_->db; }

StatusOr<SessionPk> IngestWriter::EnsureSession(std::string_view platform, std::string_view id) {
  return impl_->EnsureSession(platform, id);
}

StatusOr<SessionPk> IngestWriter::FindSession(std::string_view platform, std::string_view id) {
  ST_RETURN_IF_ERROR(impl_->CheckMemory());
  return impl_->FindSession(platform, id);
}

StatusOr<SkillId> IngestWriter::EnsureSkill(std::string_view name) {
  return impl_->EnsureSkill(name);
}

StatusOr<BodyId> IngestWriter::InternBody(std::string_view text) { return impl_->InternBody(text); }

Status IngestWriter::UpsertSkillLocation(const SkillLocationRow& row) {
  ST_ASSIGN_OR_RETURN(const SkillId skill, impl_->EnsureSkill(row.skill));
  BodyId description;
  if (row.description.has_value()) {
    ST_ASSIGN_OR_RETURN(description, impl_->InternBody(*row.description));
  }
  Db& db = impl_->db;
  ST_RETURN_IF_ERROR(db.Run(kAddLocation, skill, row.path, row.scope, OrNull{row.registry_dir},
                            OrNull{row.project_root}, impl_->now, OrNull{row.real_path}, row.dev,
                            row.inode, Blob{row.content_sha256}, description, row.implicit_allowed,
                            row.in_git, row.size, row.mtime_ns, row.ctime_ns));
  if (row.content_sha256.size() != 32) return absl::OkStatus();
  ST_RETURN_IF_ERROR(db.Run(kAddVersion, skill, Blob{row.content_sha256}, description, impl_->now));
  return description ? KnowWhole(db, skill, description) : absl::OkStatus();
}

StatusOr<SourceId> IngestWriter::UpsertSource(std::string_view platform, std::string_view kind,
                                              std::string_view path, std::string_view parser,
                                              int64_t parser_version) {
  ST_RETURN_IF_ERROR(impl_->CheckMemory());
  Db& db = impl_->db;
  ST_ASSIGN_OR_RETURN(const int64_t known, db.QueryInt(kFindSource, 0, platform, path));
  if (known != 0) return SourceId{known};
  ST_RETURN_IF_ERROR(impl_->EnsureHost(platform));
  ST_RETURN_IF_ERROR(db.Run(kAddSource, platform, kind, path, parser, parser_version));
  return SourceId{db.last_insert_id()};
}

Status IngestWriter::SaveCursor(const SourceState& state, const RecordCounts& counts) {
  return impl_->db.Run(
      kSaveCursor, state.id, state.dev, state.inode, state.generation, state.size, state.mtime_ns,
      Blob{state.head_sha256}, state.offset, state.line_no, OrNull{state.stamp}, state.parser,
      state.parser_version, Blob{state.parser_state}, state.state, OrNull{state.host_schema},
      state.pending_bytes, counts.seen, counts.used, counts.unknown, OrNull{state.last_error},
      state.read.value_or(impl_->now), Blob{state.tail_sha256});
}

Status IngestWriter::StartGeneration(SourceId source, int64_t generation) {
  ST_RETURN_IF_ERROR(impl_->db.Run(kStartGeneration, source, generation));
  return impl_->db.Run(kDropBadLines, source);
}

Status IngestWriter::AddBadLine(SourceId source, int64_t generation, const BadLineRow& row) {
  std::optional<uint64_t> line;
  if (row.line_no > 0) line = row.line_no;
  Db& db = impl_->db;
  ST_RETURN_IF_ERROR(db.Run(kAddBadLine, source, generation, row.offset, line, row.reason,
                            OrNull{row.excerpt}, impl_->now));
  if (db.changes() == 0) return absl::OkStatus();  // seen before
  return db.Run(kCountBadLine, source);
}

Status IngestWriter::ForgetBadLine(SourceId source, uint64_t offset) {
  Db& db = impl_->db;
  ST_RETURN_IF_ERROR(db.Run(kForgetBadLine, source, offset));
  const int64_t gone = db.changes();
  return gone == 0 ? absl::OkStatus() : db.Run(kUncountBadLines, source, gone);
}

Status IngestWriter::SetSourceState(SourceId source, std::string_view state,
                                    std::string_view error) {
  return impl_->db.Run(kSetSourceState, source, state, OrNull{error});
}

Status IngestWriter::SetUnreadable(SourceId source, std::string_view error, uint64_t size) {
  return impl_->db.Run(kSetUnreadable, source, error, static_cast<int64_t>(size));
}

}  // namespace selftune::store

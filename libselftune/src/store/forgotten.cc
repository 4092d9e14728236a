// The IngestWriter's memory of what shall not be kept (forget.h).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "store/forget.h"
#include "store/forget_texts.h"
#include "store/identity.h"
#include "store/ingest_writer.h"
#include "store/writer_impl.h"

namespace selftune::store {
namespace {

constexpr char kAny[] = R"sql(SELECT EXISTS(SELECT 1 FROM forgotten))sql";
constexpr char kBefore[] = R"sql(
  SELECT max(CAST(CAST(text_key AS TEXT) AS INTEGER)) FROM forgotten WHERE session_key=zeroblob(16))sql";
constexpr char kOfSession[] = R"sql(SELECT text_key FROM forgotten WHERE session_key=?1)sql";
constexpr char kAbove[] = R"sql(
  SELECT r.session_id, u.session_id, s.forked_from FROM session s LEFT JOIN session r ON r.session_pk=s.root_pk
  LEFT JOIN session u ON u.session_pk=s.parent_pk WHERE s.session_pk=?1)sql";
constexpr char kWhole[] = R"sql(SELECT 1 FROM forgotten WHERE session_key=?1 AND text_key=x'')sql";
constexpr char kAddErased[] = R"sql(
  INSERT INTO body(sha256,bytes,text,erased_ms) VALUES(?1,0,NULL,?2) ON CONFLICT DO NOTHING)sql";
constexpr char kFindBody[] = R"sql(SELECT body_id FROM body WHERE sha256=?1)sql";
constexpr char kSessionsOf[] = R"sql(
  SELECT session_pk,coalesce(ended_ms,started_ms,0) FROM session WHERE source_id=?1)sql";
constexpr char kErasedAt[] = R"sql(
  SELECT b.text IS NULL FROM prompt p JOIN body b ON b.body_id=p.body_id WHERE p.session_pk=?1 AND p.seq=?2)sql";

}  // namespace

std::string ErasedBodyKey(std::string_view text_sha256) {
  return base::Sha256Bytes("forgotten " + std::string(text_sha256));
}

StatusOr<BodyId> ErasedBody(Db& db, std::string_view text_sha256, UtcMillis now) {
  const std::string key = ErasedBodyKey(text_sha256);
  ST_RETURN_IF_ERROR(db.Run(kAddErased, Blob{key}, now));
  ST_ASSIGN_OR_RETURN(const int64_t id, db.QueryInt(kFindBody, 0, Blob{key}));
  return BodyId{id};
}

Status EraseQueries(Db& db, const std::vector<std::string>& queries, UtcMillis now) {
  for (const std::string& query : queries) {
    ST_RETURN_IF_ERROR(db.Run(kAddErased, Blob{ErasedBodyKey(base::Sha256Bytes(query))}, now));
  }
  return absl::OkStatus();
}

Status IngestWriter::Impl::LoadForgetRules() {
  if (forget_rules.has_value()) return absl::OkStatus();
  ForgetRules rules;
  ST_ASSIGN_OR_RETURN(const bool table, db.Has("forgotten"));
  if (!table) {
    forget_rules = rules;
    return absl::OkStatus();
  }
  ST_ASSIGN_OR_RETURN(const int64_t any, db.QueryInt(kAny, 0));
  rules.any = any != 0;
  ST_ASSIGN_OR_RETURN(const int64_t before, db.QueryInt(kBefore, 0));
  if (before > 0) rules.before_ms = before;
  forget_rules = rules;
  return absl::OkStatus();
}

// What a forgotten session started, and copies of its history, are forgotten, too.
StatusOr<bool> IngestWriter::Impl::IsForgottenAbove(const SessionMemo& memo) {
  std::vector<std::string> ids;
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kAbove, memo.pk));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    for (int i = 0; found && i < 3; ++i) {
      if (!row.IsNull(i)) ids.push_back(row.String(i));
    }
  }
  for (const std::string& id : ids) {
    ST_ASSIGN_OR_RETURN(const int64_t whole,
                        db.QueryInt(kWhole, 0, Blob{ForgottenSessionKey(memo.platform, id)}));
    if (whole != 0) return true;
  }
  return false;
}

Status IngestWriter::Impl::LoadForgotten(SessionMemo& memo) {
  if (memo.forgotten.has_value()) return absl::OkStatus();
  ForgottenOf found;
  if (forget_rules->any) {
    ST_ASSIGN_OR_RETURN(Cursor rows,
                        db.Query(kOfSession, Blob{ForgottenSessionKey(memo.platform, memo.id)}));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      const std::string_view key = rows.Bytes(0);
      found.all |= key.empty();
      if (!key.empty()) found.texts.emplace(key);
    }
    ST_ASSIGN_OR_RETURN(const bool above, IsForgottenAbove(memo));
    found.all |= above;
  }
  memo.forgotten = std::move(found);
  return absl::OkStatus();
}

StatusOr<bool> IngestWriter::Impl::IsForgotten(SessionMemo& memo, std::optional<UtcMillis> at,
                                               std::string_view text) {
  ST_RETURN_IF_ERROR(LoadForgetRules());
  if (forget_rules->before_ms.has_value() && at.has_value() &&
      at->value < *forget_rules->before_ms) {
    return true;
  }
  if (!forget_rules->any) return false;
  ST_RETURN_IF_ERROR(LoadForgotten(memo));
  if (memo.forgotten->all) return true;
  return !memo.forgotten->texts.empty() &&
         memo.forgotten->texts.contains(ForgottenTextKey(memo.platform, memo.id, text));
}

StatusOr<bool> IngestWriter::AnyForgotten() {
  ST_RETURN_IF_ERROR(impl_->CheckMemory());
  ST_RETURN_IF_ERROR(impl_->LoadForgetRules());
  return impl_->forget_rules->some();
}

StatusOr<bool> IngestWriter::IsForgotten(SessionPk session, std::optional<UtcMillis> at,
                                         std::string_view text) {
  ST_ASSIGN_OR_RETURN(const bool any, AnyForgotten());
  if (!any) return false;
  ST_ASSIGN_OR_RETURN(SessionMemo * memo, impl_->Memo(session));
  return impl_->IsForgotten(*memo, at, text);
}

StatusOr<bool> IngestWriter::IsPast(UtcMillis at) {
  ST_RETURN_IF_ERROR(impl_->CheckMemory());
  ST_RETURN_IF_ERROR(impl_->LoadForgetRules());
  const std::optional<int64_t> before = impl_->forget_rules->before_ms;
  return before.has_value() && at.value < *before;
}

StatusOr<bool> IngestWriter::MayKeepReaderState(SourceId source) {
  ST_RETURN_IF_ERROR(impl_->CheckMemory());
  ST_RETURN_IF_ERROR(impl_->LoadForgetRules());
  const Impl::ForgetRules& rules = *impl_->forget_rules;
  if (!rules.any && !rules.before_ms.has_value()) return true;
  std::vector<SessionPk> sessions;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, impl_->db.Query(kSessionsOf, source));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      if (rules.before_ms.has_value() && rows.Int(1) < *rules.before_ms) return false;
      sessions.push_back(rows.Key<SessionPk>(0));
    }
  }
  for (const SessionPk session : sessions) {
    ST_ASSIGN_OR_RETURN(SessionMemo * memo, impl_->Memo(session));
    ST_RETURN_IF_ERROR(impl_->LoadForgotten(*memo));
    if (!memo->forgotten->none()) return false;
  }
  return true;
}

StatusOr<BodyId> IngestWriter::Impl::PromptBody(SessionMemo& memo, std::optional<UtcMillis> at,
                                                std::string_view text,
                                                const std::optional<base::Sha256Digest>& digest) {
  ST_ASSIGN_OR_RETURN(const bool forgotten, IsForgotten(memo, at, text));
  if (!forgotten) return digest.has_value() ? InternBody(text, *digest) : InternBody(text);
  ST_RETURN_IF_ERROR(EraseQueries(db, QueriesOf(text), now));
  return ErasedBody(db, base::Sha256Bytes(text), now);
}

StatusOr<bool> IngestWriter::Impl::IsPromptForgotten(SessionMemo& memo, std::optional<UtcMillis> at,
                                                     std::optional<int32_t> seq) {
  ST_ASSIGN_OR_RETURN(const bool all, IsForgotten(memo, at, ""));
  if (all || !seq.has_value() || !memo.forgotten.has_value() || memo.forgotten->none()) return all;
  ST_ASSIGN_OR_RETURN(const int64_t erased, db.QueryInt(kErasedAt, 0, memo.pk, *seq));
  return erased != 0;
}

}  // namespace selftune::store

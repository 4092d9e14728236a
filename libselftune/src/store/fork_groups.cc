// Which sessions share records: the groups in which forks are told from their
// originals.
#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "store/link.h"

namespace selftune::store {
namespace {

constexpr char kOpenAnchors[] = R"sql(
  SELECT a.session_pk,b.session_pk FROM session_anchor a JOIN session_anchor b ON b.key=a.key AND b.session_pk<>a.session_pk
  WHERE a.settled=0)sql";
constexpr char kMember[] = R"sql(
  SELECT s.platform,s.session_id,s.forked_from,s.born_ms,s.started_ms,s.source_id,f.path,
    NOT EXISTS(SELECT 1 FROM session_anchor a WHERE a.session_pk=s.session_pk AND a.settled=0)
  FROM session s LEFT JOIN source_file f ON f.source_id=s.source_id WHERE s.session_pk=?1)sql";
constexpr char kKeys[] = R"sql(SELECT keys FROM session_keys WHERE session_pk=?1 ORDER BY seq)sql";
constexpr char kSettle[] =
    R"sql(UPDATE session_anchor SET settled=1 WHERE session_pk=?1 AND settled=0)sql";
constexpr char kUnsettled[] = R"sql(SELECT 1 FROM session_anchor WHERE settled=0 LIMIT 1)sql";
constexpr char kSettleAlone[] = R"sql(
  UPDATE session_anchor SET settled=1 WHERE settled=0 AND session_pk NOT IN
    (SELECT a.session_pk FROM session_anchor a JOIN session_anchor b ON b.key=a.key AND b.session_pk<>a.session_pk
     WHERE a.settled=0))sql";

StatusOr<ForkMember> ReadMember(Db& db, SessionPk session) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kMember, session));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return Fail(kSessionNotFound, "settling session {}: no such row", session.value);
  return ForkMember{.session = session,
                    .platform = row.String(0),
                    .session_id = row.String(1),
                    .forked_from = row.String(2),
                    .born = row.OptTime(3),
                    .started = row.OptTime(4),
                    .source = row.Key<SourceId>(5),
                    .path = row.String(6),
                    .settled = row.Bool(7)};
}

bool Older(const ForkMember& a, const ForkMember& b) {
  constexpr UtcMillis kNever{INT64_MAX};
  return std::tuple(a.started.value_or(kNever), a.born.value_or(kNever),
                    std::string_view(a.session_id),
                    a.session) < std::tuple(b.started.value_or(kNever), b.born.value_or(kNever),
                                            std::string_view(b.session_id), b.session);
}

// Joins sessions into groups by their shared anchors.
class Groups {
 public:
  void Join(SessionPk a, SessionPk b) { parent_[Root(a)] = Root(b); }
  [[nodiscard]] std::map<SessionPk, std::vector<SessionPk>> Members() {
    std::map<SessionPk, std::vector<SessionPk>> out;
    std::vector<SessionPk> all;
    for (const auto& [session, up] : parent_) all.push_back(session);
    for (const SessionPk session : all) out[Root(session)].push_back(session);
    return out;
  }

 private:
  SessionPk Root(SessionPk session) {
    parent_.try_emplace(session, session);
    while (parent_[session] != session) session = parent_[session] = parent_[parent_[session]];
    return session;
  }
  std::map<SessionPk, SessionPk> parent_;
};

}  // namespace

StatusOr<std::vector<ForkGroup>> UnsettledForks(Db& db) {
  Groups groups;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kOpenAnchors));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      groups.Join(rows.Key<SessionPk>(0), rows.Key<SessionPk>(1));
    }
  }
  std::vector<ForkGroup> out;
  for (const auto& [root, sessions] : groups.Members()) {
    ForkGroup& group = out.emplace_back();
    for (const SessionPk session : sessions) {
      ST_ASSIGN_OR_RETURN(ForkMember member, ReadMember(db, session));
      group.members.push_back(std::move(member));
    }
    std::sort(group.members.begin(), group.members.end(), Older);
  }
  return out;
}

StatusOr<std::vector<uint64_t>> SessionKeys(Db& db, SessionPk session) {
  std::vector<uint64_t> keys;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kKeys, session));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return keys;
    AppendKeys(rows.Bytes(0), keys);
  }
}

void AppendKeys(std::string_view stored, std::vector<uint64_t>& keys) {
  const size_t count = stored.size() / sizeof(uint64_t);
  const size_t at = keys.size();
  keys.resize(at + count);
  if (count > 0) std::memcpy(keys.data() + at, stored.data(), count * sizeof(uint64_t));
}

Status MarkSettled(Db& db, SessionPk session) { return db.Run(kSettle, session); }

Status SettleAlone(Db& db) {
  ST_ASSIGN_OR_RETURN(const int64_t any, db.QueryInt(kUnsettled, 0));
  return any == 0 ? absl::OkStatus() : db.Run(kSettleAlone);
}

}  // namespace selftune::store

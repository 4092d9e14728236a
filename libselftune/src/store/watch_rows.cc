#include "store/watch_rows.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/ingest_writer.h"

namespace selftune::store {
namespace {

constexpr char kInsert[] =
    "INSERT INTO watch(deploy_id,skill_id,content_sha256,q,alpha,k0,n0,state,started_ms) "
    "VALUES(?1,?2,?3,?4,?5,?6,?7,'watching',?8)";

constexpr char kUpdate[] =
    "UPDATE watch SET n=?2, f=?3, s=?4, invalid=?5, excluded=?6, e_down=?7, e_up=?8, state=?9, "
    "reason=?10, decided_ms=?11, q=?12, alpha=?13 WHERE deploy_id=?1";

#define ST_WATCH_COLUMNS                                                                     \
  "SELECT w.deploy_id, k.name, w.content_sha256, w.q, w.alpha, w.k0, w.n0, w.n, w.f, w.s, "  \
  "w.invalid, w.excluded, w.e_down, w.e_up, w.state, w.reason, w.started_ms, w.decided_ms, " \
  "w.state='regressed' AND d.state='deployed' AS due "                                       \
  "FROM watch w JOIN skill k ON k.skill_id=w.skill_id "                                      \
  "LEFT JOIN deploy d ON d.deploy_id=w.deploy_id "

constexpr char kBySkill[] =
    ST_WATCH_COLUMNS "WHERE k.name_key=?1 ORDER BY w.started_ms DESC, w.deploy_id DESC";
constexpr char kOpen[] = ST_WATCH_COLUMNS
    "WHERE w.state IN('watching','suspended') OR (w.state='regressed' AND d.state='deployed') "
    "ORDER BY w.started_ms DESC, w.deploy_id DESC";
constexpr char kAll[] = ST_WATCH_COLUMNS "ORDER BY w.started_ms DESC, w.deploy_id DESC";
#undef ST_WATCH_COLUMNS

constexpr char kPut[] =
    "INSERT OR REPLACE INTO watch_observation(deploy_id,session_pk,x,source,labelled_ms) "
    "VALUES(?1,?2,?3,?4,?5)";

// Root sessions of people that started in the window, joined to what they say
// about the skill. Driven by the skill's own rows: cost follows its evidence.
constexpr char kUses[] =
    "SELECT r.session_pk, r.session_id, r.platform, r.started_ms, o.outcome, o.requested_by, "
    "o.cause, coalesce(o.occurred_ms,r.started_ms), coalesce(m.answers,0) "
    "FROM observation o JOIN skill k ON k.skill_id=o.skill_id "
    "JOIN session s ON s.session_pk=o.session_pk "
    "JOIN session r ON r.session_pk=coalesce(s.root_pk,s.session_pk) "
    "LEFT JOIN session_metric m ON m.session_pk=r.session_pk "
    "WHERE k.name_key=?1 AND o.effective=1 AND r.kind='main' AND r.started_ms>=?2 "
    "AND r.started_ms<?3 ORDER BY o.occurred_ms";

constexpr char kSignals[] =
    "SELECT r.session_pk, r.session_id, r.platform, r.started_ms, g.kind, g.occurred_ms, "
    "coalesce(m.answers,0) FROM improvement_signal g JOIN skill k ON k.skill_id=g.skill_id "
    "JOIN session r ON r.session_pk=g.session_pk "
    "LEFT JOIN session_metric m ON m.session_pk=r.session_pk "
    "WHERE k.name_key=?1 AND r.kind='main' AND r.started_ms>=?2 AND r.started_ms<?3 "
    "AND g.state<>'dismissed' ORDER BY g.occurred_ms";

constexpr char kLabels[] =
    "SELECT r.session_pk, r.session_id, r.platform, r.started_ms, l.label, coalesce(m.answers,0), "
    "l.prompt_pk, l.skill_id FROM label l JOIN skill k ON k.skill_id=l.skill_id "
    "JOIN prompt p ON p.prompt_pk=l.prompt_pk JOIN session r ON r.session_pk=p.session_pk "
    "LEFT JOIN session_metric m ON m.session_pk=r.session_pk "
    "WHERE k.name_key=?1 AND l.reason IN('grader','curated') AND r.kind='main' "
    "AND r.started_ms>=?2 AND r.started_ms<?3";

constexpr char kShown[] =
    "SELECT b.sha256 FROM exposure e JOIN listing_entry le ON le.listing_id=e.listing_id "
    "JOIN skill k ON k.skill_id=le.skill_id JOIN body b ON b.body_id=le.description_body "
    "WHERE e.session_pk=?1 AND k.name_key=?2 AND le.state='full' "
    "ORDER BY e.exposure_pk DESC LIMIT 1";

WatchRow FromRow(const Cursor& row) {
  WatchRow out;
  out.deploy_id = row.String(0);
  out.skill = row.String(1);
  out.content_sha256 = std::string(row.Bytes(2));
  out.q = row.Double(3);
  out.alpha = row.Double(4);
  out.k0 = row.Int(5);
  out.n0 = row.Int(6);
  out.n = row.Int(7);
  out.f = row.Int(8);
  out.s = row.Int(9);
  out.invalid = row.Int(10);
  out.excluded = row.Int(11);
  out.e_down = row.Double(12);
  out.e_up = row.Double(13);
  out.state = row.String(14);
  out.reason = row.String(15);
  out.started = row.Time(16);
  out.decided = row.OptTime(17);
  out.rollback_due = row.Int(18) != 0;
  return out;
}

// Sessions under construction, found by key.
class SessionSet {
 public:
  SkillSession& At(const Cursor& row, int64_t answers) {
    SkillSession& session = sessions_[row.Int(0)];
    if (!session.session) {
      session.session = row.Key<SessionPk>(0);
      session.session_id = row.String(1);
      session.platform = row.String(2);
      session.started = row.Time(3);
    }
    session.answers = std::max(session.answers, answers);
    return session;
  }
  std::vector<SkillSession> Take(int64_t limit) && {
    std::vector<SkillSession> out;
    for (auto& [pk, session] : sessions_) out.push_back(std::move(session));
    std::sort(out.begin(), out.end(), [](const SkillSession& a, const SkillSession& b) {
      return a.started != b.started ? a.started < b.started : a.session < b.session;
    });
    if (static_cast<int64_t>(out.size()) > limit) {
      out.erase(out.begin(), out.end() - limit);
    }
    return out;
  }

 private:
  std::map<int64_t, SkillSession> sessions_;
};

Status AddUses(Db& db, std::string_view key, UtcMillis from, UtcMillis to, SessionSet& set) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kUses, key, from, to));
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return absl::OkStatus();
    SkillSession& session = set.At(rows, rows.Int(8));
    session.AddUse(rows.Text(4), rows.Text(5), rows.Text(6));
  }
}

Status AddSignals(Db& db, std::string_view key, UtcMillis from, UtcMillis to, SessionSet& set) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kSignals, key, from, to));
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return absl::OkStatus();
    SkillSession& session = set.At(rows, rows.Int(6));
    if (rows.Text(4) == "unwanted") session.unwanted = true;
  }
}

Status AddLabels(Db& db, std::string_view key, UtcMillis from, UtcMillis to, SessionSet& set) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kLabels, key, from, to));
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return absl::OkStatus();
    SkillSession& session = set.At(rows, rows.Int(5));
    ST_ASSIGN_OR_RETURN(const LoadedBy use,
                        ReadLoadedBy(db, rows.Key<PromptPk>(6), rows.Key<SkillId>(7)));
    session.AddVerdict(rows.Text(4), use);
  }
}

Status AddShown(Db& db, std::string_view key, std::vector<SkillSession>& sessions) {
  for (SkillSession& session : sessions) {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kShown, session.session, key));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (found) session.shown_sha256 = base::Hex(row.Bytes(0));
  }
  return absl::OkStatus();
}

}  // namespace

Status InsertWatch(Db& db, const WatchRow& row, UtcMillis now) {
  IngestWriter writer(db, now);
  ST_ASSIGN_OR_RETURN(const SkillId skill, writer.EnsureSkill(row.skill));
  db.Touch(kTopicEvolution);
  return db.Run(kInsert, row.deploy_id, skill, Blob{row.content_sha256}, row.q, row.alpha, row.k0,
                row.n0, row.started);
}

Status UpdateWatch(Db& db, const WatchRow& row) {
  db.Touch(kTopicEvolution);
  return db.Run(kUpdate, row.deploy_id, row.n, row.f, row.s, row.invalid, row.excluded, row.e_down,
                row.e_up, row.state, OrNull{row.reason}, row.decided, row.q, row.alpha);
}

StatusOr<std::vector<WatchRow>> ListWatches(Db& db, std::string_view skill, bool open_only) {
  std::vector<WatchRow> out;
  const char* sql = !skill.empty() ? kBySkill : open_only ? kOpen : kAll;
  ST_ASSIGN_OR_RETURN(Cursor rows,
                      skill.empty() ? db.Query(sql) : db.Query(sql, base::AsciiLower(skill)));
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    WatchRow row = FromRow(rows);
    if (open_only && !row.open()) continue;
    out.push_back(std::move(row));
  }
}

Status PutWatchObservations(Db& db, std::string_view deploy_id,
                            const std::vector<WatchObservationRow>& rows, UtcMillis now) {
  for (const WatchObservationRow& row : rows) {
    ST_RETURN_IF_ERROR(db.Run(kPut, deploy_id, row.session, row.x, row.source, now));
  }
  db.Touch(kTopicEvolution);
  return absl::OkStatus();
}

StatusOr<std::vector<SkillSession>> ReadSkillSessions(Db& db, std::string_view skill,
                                                      UtcMillis from, UtcMillis to, int64_t limit) {
  const std::string key = base::AsciiLower(skill);
  SessionSet set;
  ST_RETURN_IF_ERROR(AddUses(db, key, from, to, set));
  ST_RETURN_IF_ERROR(AddSignals(db, key, from, to, set));
  ST_RETURN_IF_ERROR(AddLabels(db, key, from, to, set));
  std::vector<SkillSession> out = std::move(set).Take(limit);
  ST_RETURN_IF_ERROR(AddShown(db, key, out));
  return out;
}

}  // namespace selftune::store

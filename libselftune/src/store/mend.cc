#include "store/mend.h"

#include <sqlite3.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "store/any_statement.h"
#include "store/identity.h"
#include "store/listing.h"
#include "store/lost_source.h"
#include "store/resolver.h"

namespace selftune::store {
namespace {

using internal::AnyStatement;
using internal::PrepareAny;
using internal::Quoted;
using internal::StepAny;

constexpr char kDoing[] = "mending";

// Texts that rows name and that are not there. ?1 the moment, ?2 unused.
constexpr char kLostTexts[] = R"sql(
  SELECT DISTINCT id FROM (
    SELECT body_id id FROM prompt UNION SELECT raw_body_id FROM prompt UNION SELECT query_body_id FROM observation
    UNION SELECT description_body FROM skill_location UNION SELECT description_body FROM skill_version
    UNION SELECT description_body FROM listing_entry UNION SELECT query_body FROM eval_entry
    UNION SELECT original_body FROM proposal UNION SELECT proposed_body FROM proposal
    UNION SELECT query_body FROM replay_result)
  WHERE id IS NOT NULL AND id NOT IN (SELECT body_id FROM body))sql";
constexpr char kErasedText[] =
    R"sql(INSERT INTO body(body_id,sha256,bytes,text,erased_ms) VALUES(?1,?2,0,NULL,?3))sql";

constexpr char kLostSkills[] = R"sql(
  SELECT id, max(name) FROM (
    SELECT skill_id id, skill_text name FROM observation UNION ALL SELECT skill_id, name FROM listing_entry
    UNION ALL SELECT skill_id, NULL FROM skill_location UNION ALL SELECT skill_id, NULL FROM skill_version
    UNION ALL SELECT skill_id, NULL FROM skill_state UNION ALL SELECT skill_id, NULL FROM improvement_signal
    UNION ALL SELECT skill_id, NULL FROM label UNION ALL SELECT skill_id, NULL FROM eval_entry
    UNION ALL SELECT skill_id, NULL FROM holdout_look UNION ALL SELECT skill_id, NULL FROM proposal
    UNION ALL SELECT skill_id, NULL FROM evolution_event UNION ALL SELECT skill_id, NULL FROM replay_result
    UNION ALL SELECT skill_id, NULL FROM deploy UNION ALL SELECT skill_id, NULL FROM watch
    UNION ALL SELECT skill_id, NULL FROM job_action)
  WHERE id IS NOT NULL AND id NOT IN (SELECT skill_id FROM skill) GROUP BY id)sql";
constexpr char kAddSkill[] =
    R"sql(INSERT OR IGNORE INTO skill(skill_id,name,name_key) VALUES(?1,?2,lower(?2)))sql";

constexpr char kLostSessions[] = R"sql(
  INSERT OR IGNORE INTO session(session_pk,platform,session_id,root_pk,link_pending,capture,capture_rank,source_id,generation,updated_ms)
  SELECT p.session_pk, coalesce(f.platform,'unknown'), substr(p.prompt_id,1,length(p.prompt_id)-length(':p'||p.seq)),
    p.session_pk, 0, max(CASE WHEN p.capture='transcript' THEN p.capture END), 5*max(p.capture='transcript'), max(p.source_id), max(p.generation), ?1
  FROM prompt p LEFT JOIN source_file f ON f.source_id=p.source_id
  WHERE p.session_pk NOT IN (SELECT session_pk FROM session) GROUP BY p.session_pk)sql";

// References that are no foreign keys.
constexpr const char* kLooseEnds[] = {
    R"sql(UPDATE prompt SET actionable=(kind='user') WHERE actionable<>(kind='user'))sql",
    R"sql(UPDATE prompt SET prompt_id=(SELECT s.session_id FROM session s WHERE s.session_pk=prompt.session_pk)||':p'||seq
      WHERE prompt_id IS NOT (SELECT s.session_id FROM session s WHERE s.session_pk=prompt.session_pk)||':p'||seq)sql",
    R"sql(UPDATE session SET parent_pk=NULL WHERE parent_pk IS NOT NULL AND parent_pk NOT IN (SELECT session_pk FROM session))sql",
    R"sql(UPDATE session SET root_pk=session_pk WHERE root_pk NOT IN (SELECT session_pk FROM session)
      OR root_pk NOT IN (SELECT session_pk FROM session r WHERE r.root_pk=r.session_pk))sql",
    R"sql(UPDATE session SET parent_prompt_pk=NULL WHERE parent_prompt_pk IS NOT NULL AND NOT EXISTS
      (SELECT 1 FROM prompt p WHERE p.prompt_pk=session.parent_prompt_pk AND p.session_pk=session.root_pk))sql",
    R"sql(UPDATE observation SET prompt_pk=NULL WHERE prompt_pk IS NOT NULL AND NOT EXISTS (SELECT 1 FROM prompt p
      JOIN session s ON s.session_pk=observation.session_pk
      WHERE p.prompt_pk=observation.prompt_pk AND p.actionable=1 AND p.session_pk=s.root_pk))sql",
    R"sql(UPDATE source_file SET bad_lines=(SELECT count(*) FROM bad_line b WHERE b.source_id=source_file.source_id)
      WHERE bad_lines<>(SELECT count(*) FROM bad_line b WHERE b.source_id=source_file.source_id))sql",
    R"sql(UPDATE watch SET n=(SELECT count(*) FROM watch_observation o WHERE o.deploy_id=watch.deploy_id AND o.x IS NOT NULL)
      WHERE n<>(SELECT count(*) FROM watch_observation o WHERE o.deploy_id=watch.deploy_id AND o.x IS NOT NULL))sql",
    R"sql(INSERT OR IGNORE INTO session_metric(session_pk,updated_ms) SELECT DISTINCT session_pk,0 FROM session_tool)sql",
    R"sql(INSERT INTO session_tool(session_pk,tool,calls,errors,nonzero_exits,denied,unfinished)
      SELECT session_pk,'(lost)',n,0,0,0,0 FROM (SELECT m.session_pk, m.total_tool_calls
        - coalesce((SELECT sum(calls) FROM session_tool t WHERE t.session_pk=m.session_pk),0) n FROM session_metric m)
      WHERE n>0)sql",
    R"sql(UPDATE session_metric SET (total_tool_calls,tool_errors,nonzero_exits,denied,unfinished_calls)=
      (SELECT coalesce(sum(calls),0),coalesce(sum(errors),0),coalesce(sum(nonzero_exits),0),coalesce(sum(denied),0),
        coalesce(sum(unfinished),0) FROM session_tool t WHERE t.session_pk=session_metric.session_pk)
      WHERE (total_tool_calls,tool_errors,nonzero_exits,denied,unfinished_calls) IS NOT
      (SELECT coalesce(sum(calls),0),coalesce(sum(errors),0),coalesce(sum(nonzero_exits),0),coalesce(sum(denied),0),
        coalesce(sum(unfinished),0) FROM session_tool t WHERE t.session_pk=session_metric.session_pk))sql",
};

// Where the audit ends, when only that was lost: whether steps behind it were
// lost as well, nothing tells.
constexpr char kChainEnd[] = R"sql(
  INSERT INTO meta(key,value) SELECT 'evolution_chain', (SELECT count(*) FROM evolution_event)||' '||lower(hex(hash))
  FROM evolution_event WHERE event_pk=(SELECT max(event_pk) FROM evolution_event)
    AND NOT EXISTS(SELECT 1 FROM meta WHERE key='evolution_chain'))sql";

constexpr const char* kCountAll[] = {
    R"sql(UPDATE counter SET value=(SELECT count(*) FROM session) WHERE name='sessions')sql",
    R"sql(UPDATE counter SET value=(SELECT count(*) FROM prompt WHERE actionable=1) WHERE name='prompts')sql",
    R"sql(UPDATE counter SET value=(SELECT count(*) FROM evolution_event) WHERE name='evidence')sql",
    R"sql(UPDATE counter SET value=(SELECT count(*) FROM session_metric) WHERE name='telemetry')sql",
};

// Stand-ins for lost texts bear the moment of this run.
constexpr char kErasedSessions[] = R"sql(
  SELECT DISTINCT s.platform, s.session_id FROM prompt p JOIN body b ON b.body_id=p.body_id
    JOIN session s ON s.session_pk=p.session_pk WHERE b.text IS NULL AND b.erased_ms<>?1)sql";
constexpr char kForgetSession[] =
    R"sql(INSERT INTO forgotten(session_key,text_key,at_ms) VALUES(?1,x'',?2) ON CONFLICT DO NOTHING)sql";

constexpr const char* kRecompute[] = {
    "DELETE FROM skill_day",
    "DELETE FROM skill_session",
    "DELETE FROM skill_total",
    "UPDATE counter SET value=0 WHERE name='observations'",
    R"sql(INSERT INTO rollup_dirty(skill_id,day) SELECT DISTINCT skill_id,day FROM observation WHERE true ON CONFLICT DO NOTHING)sql",
    R"sql(INSERT INTO skill_session(skill_id,session_pk,n) SELECT skill_id,session_pk,count(*) FROM observation
      WHERE effective=1 GROUP BY 1,2)sql",
};

constexpr char kForgetReading[] = R"sql(
  UPDATE source_file SET size=0, mtime_ns=0, head_sha256=NULL, tail_sha256=NULL, offset=0, line_no=0, foreign_cursor=NULL,
    parser_state=NULL, pending_bytes=0, generation=generation+1 WHERE kind<>'spool' AND kind<>'import')sql";

struct Reference {
  std::string column, parent;
};

StatusOr<std::vector<Reference>> ReferencesOf(Db& db, const std::string& table) {
  std::vector<Reference> out;
  ST_ASSIGN_OR_RETURN(
      const AnyStatement stmt,
      PrepareAny(db, "SELECT \"from\", \"table\" FROM pragma_foreign_key_list('" + table + "')",
                 kDoing));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, StepAny(db, stmt.get(), kDoing));
    if (!more) return out;
    out.push_back({.column = std::string(internal::BytesAt(stmt.get(), 0)),
                   .parent = std::string(internal::BytesAt(stmt.get(), 1))});
  }
}

class Mender {
 public:
  Mender(Db& db, const std::vector<TableShape>& tables, UtcMillis now)
      : db_(db), tables_(tables), now_(now) {}

  StatusOr<MendReport> Run() {
    ST_RETURN_IF_ERROR(Skills());
    ST_RETURN_IF_ERROR(Texts());
    ST_RETURN_IF_ERROR(db_.Run(kLostSessions, now_));
    if (db_.changes() > 0) report_.made["session"] += db_.changes();
    ST_RETURN_IF_ERROR(Hanging());
    ST_RETURN_IF_ERROR(NoteLostSources(db_));
    report_.contradictions += db_.changes();
    ST_ASSIGN_OR_RETURN(const int64_t listings, MendListings(db_));
    report_.contradictions += listings;
    for (const char* const sql : kLooseEnds) {
      ST_RETURN_IF_ERROR(db_.Run(sql));
      report_.contradictions += db_.changes();
    }
    ST_RETURN_IF_ERROR(Resolve());
    ST_RETURN_IF_ERROR(db_.Run(kChainEnd));
    for (const char* const sql : kCountAll) ST_RETURN_IF_ERROR(db_.Execute(sql));
    return std::move(report_);
  }

 private:
  Status Texts() {
    std::vector<int64_t> lost;
    {
      ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kLostTexts));
      for (;;) {
        ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
        if (!more) break;
        lost.push_back(rows.Int(0));
      }
    }
    for (const int64_t id : lost) {
      const std::string sha256 = base::Sha256Bytes("lost text " + std::to_string(id));
      ST_RETURN_IF_ERROR(db_.Run(kErasedText, id, Blob{sha256}, now_));
    }
    if (!lost.empty()) report_.made["body"] += static_cast<int64_t>(lost.size());
    return absl::OkStatus();
  }

  Status Skills() {
    std::vector<std::pair<int64_t, std::string>> lost;
    {
      ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kLostSkills));
      for (;;) {
        ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
        if (!more) break;
        lost.emplace_back(rows.Int(0), rows.String(1));
      }
    }
    for (const auto& [id, name] : lost) {
      const std::string unnamed = "lost-skill-" + std::to_string(id);
      ST_RETURN_IF_ERROR(db_.Run(kAddSkill, id, name.empty() ? unnamed : name));
      if (db_.changes() == 0) ST_RETURN_IF_ERROR(db_.Run(kAddSkill, id, unnamed));
    }
    if (!lost.empty()) report_.made["skill"] += static_cast<int64_t>(lost.size());
    return absl::OkStatus();
  }

  // A reference into nothing becomes none where that is allowed; else the row
  // goes, and perhaps rows that name it.
  Status Hanging() {
    for (bool again = true; again;) {
      again = false;
      for (const TableShape& table : tables_) {
        ST_ASSIGN_OR_RETURN(const auto references, ReferencesOf(db_, table.name));
        for (const Reference& reference : references) {
          ST_ASSIGN_OR_RETURN(const bool dropped, Settle(table, reference));
          again |= dropped;
        }
      }
    }
    return absl::OkStatus();
  }

  StatusOr<bool> Settle(const TableShape& table, const Reference& reference) {
    const TableShape* parent = nullptr;
    for (const TableShape& each : tables_) {
      if (each.name == reference.parent) parent = &each;
    }
    bool optional = true;
    for (const ColumnShape& column : table.columns) {
      if (column.name == reference.column) optional = !column.not_null && column.key == 0;
    }
    if (parent == nullptr || parent->key.size() != 1) {
      return Fail(kInternal, "mending: {}.{} names no table", table.name, reference.column);
    }
    const std::string column = Quoted(reference.column);
    const std::string key = Quoted(parent->columns[static_cast<size_t>(parent->key[0])].name);
    const std::string where = " WHERE " + column + " IS NOT NULL AND NOT EXISTS (SELECT 1 FROM " +
                              Quoted(parent->name) + " parent WHERE parent." + key + "=" +
                              Quoted(table.name) + "." + column + ")";
    const std::string name = Quoted(table.name);
    ST_RETURN_IF_ERROR(db_.Execute(optional ? "UPDATE " + name + " SET " + column + "=NULL" + where
                                            : "DELETE FROM " + name + where));
    const int64_t changed = db_.changes();
    report_.contradictions += changed;
    if (changed == 0 || optional) return false;
    report_.dropped[table.name] += changed;
    return true;
  }

  Status Resolve() {
    ST_ASSIGN_OR_RETURN(const std::vector<std::string> keys, UnresolvedOccurrences(db_, SIZE_MAX));
    for (const std::string& key : keys) ST_RETURN_IF_ERROR(ResolveOccurrence(db_, key));
    report_.contradictions += static_cast<int64_t>(keys.size());
    return absl::OkStatus();
  }

  Db& db_;
  const std::vector<TableShape>& tables_;
  UtcMillis now_;
  MendReport report_;
};

}  // namespace

StatusOr<MendReport> Mend(Db& db, const std::vector<TableShape>& tables, UtcMillis now) {
  return Mender(db, tables, now).Run();
}

Status ForgetAllReading(Db& db) { return db.Run(kForgetReading); }

StatusOr<int64_t> KeepErasedSessions(Db& db, UtcMillis now) {
  std::vector<std::string> keys;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kErasedSessions, now));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      keys.push_back(ForgottenSessionKey(rows.Text(0), rows.Text(1)));
    }
  }
  for (const std::string& key : keys) ST_RETURN_IF_ERROR(db.Run(kForgetSession, Blob{key}, now));
  return static_cast<int64_t>(keys.size());
}

Status RecomputeDerived(Db& db) {
  for (const char* const sql : kRecompute) ST_RETURN_IF_ERROR(db.Execute(sql));
  for (const char* const sql : kCountAll) ST_RETURN_IF_ERROR(db.Execute(sql));
  return absl::OkStatus();
}

}  // namespace selftune::store

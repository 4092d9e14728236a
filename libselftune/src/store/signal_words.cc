#include "store/signal_words.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"

namespace selftune::store {
namespace {

constexpr char kDropSignals[] =
    R"sql(DELETE FROM improvement_signal WHERE prompt_pk=?1 AND state='pending')sql";
constexpr char kDropLabels[] = R"sql(DELETE FROM label WHERE prompt_pk=?1 AND reason='signal')sql";
constexpr char kDropMisses[] = R"sql(
  DELETE FROM observation WHERE prompt_pk=?1 AND capture='label' AND reason='signal')sql";
constexpr char kDropAllSignals[] =
    R"sql(DELETE FROM improvement_signal WHERE session_pk=?1 AND state='pending')sql";
constexpr char kDropAllLabels[] = R"sql(
  DELETE FROM label WHERE reason='signal' AND prompt_pk IN(SELECT prompt_pk FROM prompt WHERE session_pk=?1))sql";
constexpr char kDropAllMisses[] = R"sql(
  DELETE FROM observation WHERE session_pk=?1 AND capture='label' AND reason='signal')sql";

constexpr char kWords[] = R"sql(
  SELECT p.seq,b.text,p.occurred_ms FROM prompt p JOIN body b ON b.body_id=p.body_id
  WHERE p.session_pk=?1 AND p.actionable=1 AND p.active=1 ORDER BY p.seq)sql";
constexpr char kNamed[] = R"sql(
  SELECT DISTINCT k.name FROM improvement_signal g JOIN skill k ON k.skill_id=g.skill_id
  WHERE g.session_pk=?1 ORDER BY 1)sql";
// Asked when skills were installed.
constexpr char kWordsSince[] = R"sql(
  SELECT p.prompt_pk,p.session_pk,b.text FROM prompt p JOIN session s ON s.session_pk=p.session_pk
    JOIN body b ON b.body_id=p.body_id
  WHERE p.prompt_pk>?1 AND s.updated_ms>=?2 AND p.actionable=1 AND p.active=1 AND b.text IS NOT NULL
  ORDER BY p.prompt_pk LIMIT ?3)sql";
constexpr int64_t kPromptsAtATime = 500;
constexpr char kWithWords[] = R"sql(
  SELECT session_pk FROM improvement_signal
  UNION SELECT p.session_pk FROM label l JOIN prompt p USING(prompt_pk) WHERE l.reason='signal'
  UNION SELECT session_pk FROM observation WHERE capture='label' AND reason='signal' ORDER BY 1)sql";
constexpr char kSignalMisses[] = R"sql(
  SELECT o.prompt_pk,k.name,coalesce(o.cause,'') FROM observation o JOIN prompt p ON p.prompt_pk=o.prompt_pk
    JOIN skill k ON k.skill_id=o.skill_id
  WHERE o.session_pk=?1 AND p.session_pk=?1 AND p.seq>=?2 AND o.capture='label' AND o.reason='signal' ORDER BY p.seq)sql";
constexpr char kPrompts[] = R"sql(SELECT value FROM counter WHERE name='prompts')sql";

}  // namespace

Status ForgetWords(Db& db, PromptPk prompt) {
  for (const char* sql : {kDropSignals, kDropLabels, kDropMisses}) {
    ST_RETURN_IF_ERROR(db.Run(sql, prompt));
  }
  return absl::OkStatus();
}

Status ForgetWords(Db& db, SessionPk session) {
  for (const char* sql : {kDropAllSignals, kDropAllLabels, kDropAllMisses}) {
    ST_RETURN_IF_ERROR(db.Run(sql, session));
  }
  return absl::OkStatus();
}

StatusOr<SessionWords> ReadSessionWords(Db& db, SessionPk session) {
  SessionWords out;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kWords, session));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      if (rows.IsNull(1)) {
        out.whole = false;
        continue;
      }
      out.prompts.push_back({static_cast<int32_t>(rows.Int(0)), rows.String(1), rows.OptTime(2)});
    }
  }
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kNamed, session));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.skills.push_back(rows.String(0));
  }
}

StatusOr<std::vector<SessionPk>> SessionsThatSay(
    Db& db, UtcMillis since, absl::FunctionRef<bool(std::string_view text)> says,
    absl::FunctionRef<Status()> go_on) {
  std::set<SessionPk> found;
  for (PromptPk last;;) {
    ST_RETURN_IF_ERROR(go_on());
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kWordsSince, last.value, since, kPromptsAtATime));
    int64_t read = 0;
    for (;; ++read) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      last = rows.Key<PromptPk>(0);
      const SessionPk session = rows.Key<SessionPk>(1);
      if (!found.contains(session) && says(rows.Text(2))) found.insert(session);
    }
    if (read < kPromptsAtATime) return std::vector<SessionPk>(found.begin(), found.end());
  }
}

StatusOr<std::vector<SessionPk>> SessionsWithWords(Db& db) {
  std::vector<SessionPk> out;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kWithWords));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back(rows.Key<SessionPk>(0));
  }
}

StatusOr<std::vector<SignalMiss>> SignalMisses(Db& db, SessionPk session, int32_t seq) {
  std::vector<SignalMiss> out;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kSignalMisses, session, seq));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({rows.Key<PromptPk>(0), rows.String(1), rows.String(2)});
  }
}

StatusOr<bool> AnyPrompt(Db& db) {
  ST_ASSIGN_OR_RETURN(const int64_t prompts, db.QueryInt(kPrompts, 0));
  return prompts > 0;
}

}  // namespace selftune::store

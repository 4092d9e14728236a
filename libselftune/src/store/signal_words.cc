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
constexpr char kAnySignal[] =
    R"sql(SELECT 1 FROM improvement_signal WHERE session_pk=?1 LIMIT 1)sql";
// All of them: asked when skills were installed.
constexpr char kAllWords[] = R"sql(
  SELECT p.session_pk,b.text FROM prompt p JOIN body b ON b.body_id=p.body_id
  WHERE p.actionable=1 AND p.active=1 AND b.text IS NOT NULL)sql";
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

StatusOr<bool> HasSignals(Db& db, SessionPk session) {
  ST_ASSIGN_OR_RETURN(const int64_t one, db.QueryInt(kAnySignal, 0, session));
  return one != 0;
}

StatusOr<std::vector<SessionPk>> SessionsThatSay(
    Db& db, absl::FunctionRef<bool(std::string_view text)> says) {
  std::set<SessionPk> found;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kAllWords));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return std::vector<SessionPk>(found.begin(), found.end());
    const SessionPk session = rows.Key<SessionPk>(0);
    if (!found.contains(session) && says(rows.Text(1))) found.insert(session);
  }
}

StatusOr<bool> AnyPrompt(Db& db) {
  ST_ASSIGN_OR_RETURN(const int64_t prompts, db.QueryInt(kPrompts, 0));
  return prompts > 0;
}

}  // namespace selftune::store

#include "store/signal_words.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/resolver.h"

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

// Not those of a history of prompts: what came of them is not known.
constexpr char kWords[] = R"sql(
  SELECT p.seq,b.text,p.occurred_ms FROM prompt p JOIN body b ON b.body_id=p.body_id
  WHERE p.session_pk=?1 AND p.actionable=1 AND p.active=1 AND p.capture<>'batch' ORDER BY p.seq)sql";
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
constexpr char kLeftAt[] =
    R"sql(SELECT occurrence_key FROM observation WHERE prompt_pk=?1 AND capture='label')sql";
constexpr char kLeftIn[] =
    R"sql(SELECT occurrence_key FROM observation WHERE session_pk=?1 AND capture='label')sql";
constexpr char kDrawnSignals[] = R"sql(
  SELECT signal_pk,prompt_pk,kind,mention,0 FROM improvement_signal WHERE session_pk=?1 AND state='pending')sql";
constexpr char kDrawnLabels[] = R"sql(
  SELECT l.label_pk,l.prompt_pk,k.name_key,l.source,l.skill_id FROM prompt p JOIN label l ON l.prompt_pk=p.prompt_pk
    JOIN skill k ON k.skill_id=l.skill_id
  WHERE p.session_pk=?1 AND l.reason='signal')sql";
constexpr char kDrawnMisses[] = R"sql(
  SELECT o.obs_pk,o.prompt_pk,k.name_key FROM observation o JOIN skill k ON k.skill_id=o.skill_id
  WHERE o.session_pk=?1 AND o.capture='label' AND o.reason='signal')sql";
constexpr char kDropSignal[] = R"sql(DELETE FROM improvement_signal WHERE signal_pk=?1)sql";
constexpr char kDropLabel[] = R"sql(DELETE FROM label WHERE label_pk=?1)sql";
constexpr char kDropMiss[] = R"sql(DELETE FROM observation WHERE obs_pk=?1)sql";
constexpr char kTyped[] = R"sql(
  SELECT p.prompt_pk,p.seq,b.text,p.occurred_ms,p.source_id,p.generation,p.offset,coalesce(p.line_no,0),coalesce(p.source_record,''),s.platform
  FROM prompt p JOIN body b ON b.body_id=p.body_id JOIN session s ON s.session_pk=p.session_pk
  WHERE p.session_pk=?1 AND p.kind='user' AND p.command_kind IS NULL AND p.capture='transcript' AND substr(b.text,1,1)='/'
  ORDER BY p.seq)sql";
constexpr char kLoaded[] = R"sql(
  SELECT skill_text FROM observation WHERE prompt_pk=?1 AND outcome IN('triggered','read_only') AND effective=1 ORDER BY 1)sql";
constexpr char kPrompts[] = R"sql(SELECT value FROM counter WHERE name='prompts')sql";

}  // namespace

namespace {

// Misses that others judged count again when no label contradicts them any more.
Status ResolveLeft(Db& db, StatusOr<Cursor> query) {
  std::vector<std::string> keys;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, std::move(query));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      keys.emplace_back(rows.Bytes(0));
    }
  }
  for (const std::string& key : keys) ST_RETURN_IF_ERROR(ResolveOccurrence(db, key));
  return absl::OkStatus();
}

}  // namespace

Status ForgetWords(Db& db, PromptPk prompt) {
  for (const char* sql : {kDropSignals, kDropLabels, kDropMisses}) {
    ST_RETURN_IF_ERROR(db.Run(sql, prompt));
  }
  return ResolveLeft(db, db.Query(kLeftAt, prompt));
}

Status ForgetWords(Db& db, SessionPk session) {
  for (const char* sql : {kDropAllSignals, kDropAllLabels, kDropAllMisses}) {
    ST_RETURN_IF_ERROR(db.Run(sql, session));
  }
  return ResolveLeft(db, db.Query(kLeftIn, session));
}

void DrawnWords::AddSignal(PromptPk prompt, std::string_view kind, std::string_view mention) {
  signals.insert({prompt, std::string(kind) + "\n" + base::AsciiLower(mention)});
}
void DrawnWords::AddLabel(PromptPk prompt, std::string_view skill, std::string_view source) {
  labels.insert({prompt, base::AsciiLower(base::Trim(skill)) + "\n" + std::string(source)});
}
void DrawnWords::AddMiss(PromptPk prompt, std::string_view skill) {
  misses.insert({prompt, base::AsciiLower(base::Trim(skill))});
}

namespace {

// Rows that nobody said again.
struct Stale {
  std::vector<int64_t> rows;
  std::vector<std::pair<PromptPk, SkillId>> about;
};

// `columns`: of what is compared, behind the key and the prompt.
StatusOr<Stale> FindStale(StatusOr<Cursor> query, int columns,
                          const std::set<DrawnWords::Said>& said) {
  ST_ASSIGN_OR_RETURN(Cursor rows, std::move(query));
  Stale out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    std::string what = rows.String(2);
    if (columns == 2) what += "\n" + rows.String(3);
    const auto prompt = rows.Key<PromptPk>(1);
    if (said.contains({prompt, std::move(what)})) continue;
    out.rows.push_back(rows.Int(0));
    if (columns == 2 && rows.Int(4) != 0) out.about.emplace_back(prompt, rows.Key<SkillId>(4));
  }
}

}  // namespace

Status ForgetWordsBut(Db& db, SessionPk session, const DrawnWords& drawn) {
  ST_ASSIGN_OR_RETURN(const Stale signals,
                      FindStale(db.Query(kDrawnSignals, session), 2, drawn.signals));
  ST_ASSIGN_OR_RETURN(const Stale labels,
                      FindStale(db.Query(kDrawnLabels, session), 2, drawn.labels));
  ST_ASSIGN_OR_RETURN(const Stale misses,
                      FindStale(db.Query(kDrawnMisses, session), 1, drawn.misses));
  for (const int64_t row : signals.rows) ST_RETURN_IF_ERROR(db.Run(kDropSignal, row));
  for (const int64_t row : misses.rows) ST_RETURN_IF_ERROR(db.Run(kDropMiss, row));
  for (const int64_t row : labels.rows) ST_RETURN_IF_ERROR(db.Run(kDropLabel, row));
  for (const auto& [prompt, skill] : labels.about) {
    ST_RETURN_IF_ERROR(ResolveMisses(db, prompt, skill));
  }
  return absl::OkStatus();
}

StatusOr<std::vector<TypedRequest>> ReadTypedRequests(Db& db, SessionPk session) {
  std::vector<TypedRequest> out;
  std::vector<PromptPk> prompts;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kTyped, session));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      prompts.push_back(rows.Key<PromptPk>(0));
      TypedRequest& typed = out.emplace_back();
      typed.seq = static_cast<int32_t>(rows.Int(1));
      typed.text = rows.String(2);
      typed.at = rows.OptTime(3);
      typed.origin.source = rows.Key<SourceId>(4);
      typed.origin.generation = rows.Int(5);
      if (const auto offset = rows.OptInt(6); offset.has_value()) {
        typed.origin.offset = static_cast<uint64_t>(*offset);
      }
      typed.origin.line_no = static_cast<uint64_t>(rows.Int(7));
      typed.record = rows.String(8);
      typed.platform = rows.String(9);
    }
  }
  for (size_t i = 0; i < out.size(); ++i) {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kLoaded, prompts[i]));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      out[i].loaded.push_back(rows.String(0));
    }
  }
  return out;
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

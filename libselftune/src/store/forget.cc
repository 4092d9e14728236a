#include "store/forget.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/identity.h"
#include "store/write_txn.h"

namespace selftune::store {
namespace {

constexpr int64_t kRowsPerCheck = 1000;
constexpr int kLogAttempts = 20;
constexpr std::chrono::milliseconds kLogPause{50};

// Asked by a person, rarely. ?1 session, ?2 workspace, ?3 skill key, ?4 before, ?5 words; NULL =
// any.
constexpr char kChosen[] = R"sql(
  SELECT p.prompt_pk, s.session_pk, s.platform, s.session_id, b.sha256, b.text, p.body_id, p.raw_body_id,
    p.occurred_ms IS NOT NULL
  FROM prompt p JOIN session s ON s.session_pk=p.session_pk JOIN body b ON b.body_id=p.body_id
    LEFT JOIN session r ON r.session_pk=s.root_pk LEFT JOIN workspace w ON w.workspace_id=s.workspace_id
    LEFT JOIN workspace rw ON rw.workspace_id=r.workspace_id
  WHERE (?1 IS NULL OR s.session_id=?1 OR r.session_id=?1)
    AND (?2 IS NULL OR w.path=?2 OR substr(w.path,1,length(?2)+1)=?2||'/' OR rw.path=?2
      OR substr(rw.path,1,length(?2)+1)=?2||'/')
    AND (?3 IS NULL OR EXISTS(SELECT 1 FROM observation o JOIN skill k ON k.skill_id=o.skill_id
      WHERE o.prompt_pk=p.prompt_pk AND k.name_key=?3))
    AND (?4 IS NULL OR coalesce(p.occurred_ms,s.started_ms,s.ended_ms,0)<?4)
    AND (?5 IS NULL OR instr(lower(b.text),lower(?5))>0)
    AND (b.text IS NOT NULL OR p.raw_body_id IS NOT NULL OR p.command_args IS NOT NULL))sql";
constexpr char kChosenSessions[] = R"sql(
  SELECT s.session_pk, s.platform, s.session_id FROM session s LEFT JOIN session r ON r.session_pk=s.root_pk
    LEFT JOIN workspace w ON w.workspace_id=s.workspace_id LEFT JOIN workspace rw ON rw.workspace_id=r.workspace_id
  WHERE (?1 IS NULL OR s.session_id=?1 OR r.session_id=?1)
    AND (?2 IS NULL OR w.path=?2 OR substr(w.path,1,length(?2)+1)=?2||'/' OR rw.path=?2
      OR substr(rw.path,1,length(?2)+1)=?2||'/'))sql";

constexpr char kErasePrompt[] = R"sql(
  UPDATE prompt SET body_id=?2, raw_body_id=NULL, command_args=NULL, rev=rev+1 WHERE prompt_pk=?1)sql";
constexpr char kUseTexts[] =
    R"sql(SELECT query_body_id FROM observation WHERE prompt_pk=?1 AND query_body_id IS NOT NULL)sql";
constexpr char kEraseUses[] = R"sql(
  UPDATE observation SET args=NULL, query_body_id=NULL, extra=NULL, rev=rev+1
  WHERE prompt_pk=?1 AND (args IS NOT NULL OR query_body_id IS NOT NULL OR extra IS NOT NULL))sql";
constexpr char kSessionUseTexts[] =
    R"sql(SELECT query_body_id FROM observation WHERE session_pk=?1 AND query_body_id IS NOT NULL)sql";
constexpr char kEraseSessionUses[] = R"sql(
  UPDATE observation SET args=NULL, query_body_id=NULL, extra=NULL, rev=rev+1
  WHERE session_pk=?1 AND (args IS NOT NULL OR query_body_id IS NOT NULL OR extra IS NOT NULL))sql";
constexpr char kEraseRemarks[] =
    R"sql(UPDATE label SET detail=NULL WHERE prompt_pk=?1 AND detail IS NOT NULL)sql";
constexpr char kEraseEvents[] =
    R"sql(UPDATE session_event SET detail=NULL WHERE session_pk=?1 AND detail IS NOT NULL)sql";
constexpr char kEraseExcerpts[] = R"sql(
  UPDATE bad_line SET excerpt=NULL WHERE source_id=(SELECT source_id FROM session WHERE session_pk=?1) AND excerpt IS NOT NULL)sql";
// Readers note the turn they are in; without that note a file is read from its
// start when it goes on.
constexpr char kDropReaderState[] = R"sql(
  UPDATE source_file SET parser_state=NULL, head_sha256=NULL, tail_sha256=NULL WHERE kind<>'sqlite' AND parser_state IS NOT NULL
    AND (source_id=(SELECT source_id FROM session WHERE session_pk=?1)
      OR source_id IN (SELECT source_id FROM session_part WHERE session_pk=?1)))sql";
constexpr char kDropOldReaderStates[] = R"sql(
  UPDATE source_file SET parser_state=NULL, head_sha256=NULL, tail_sha256=NULL WHERE kind<>'sqlite' AND parser_state IS NOT NULL
    AND source_id IN (SELECT source_id FROM session WHERE coalesce(ended_ms,started_ms,0)<?1))sql";
constexpr char kRemember[] = R"sql(
  INSERT INTO forgotten(session_key,text_key,at_ms) VALUES(?1,?2,?3) ON CONFLICT DO NOTHING)sql";
constexpr char kRememberAll[] = R"sql(
  INSERT INTO forgotten(session_key,text_key,at_ms) VALUES(?1,x'',?2) ON CONFLICT DO NOTHING)sql";
constexpr char kRememberBefore[] = R"sql(
  INSERT INTO forgotten(session_key,text_key,at_ms) VALUES(zeroblob(16),CAST(?1 AS BLOB),?2) ON CONFLICT DO NOTHING)sql";

constexpr char kMakeChosen[] =
    "CREATE TEMP TABLE IF NOT EXISTS forget_text(body_id INTEGER PRIMARY KEY); "
    "DELETE FROM temp.forget_text";
constexpr char kChooseText[] = R"sql(INSERT OR IGNORE INTO temp.forget_text VALUES(?1))sql";
// Somebody else said it, or it is no prompt.
constexpr char kStillSaid[] = R"sql(
  DELETE FROM temp.forget_text WHERE body_id IN (
    SELECT body_id FROM prompt UNION ALL SELECT raw_body_id FROM prompt WHERE raw_body_id IS NOT NULL
    UNION ALL SELECT query_body_id FROM observation WHERE query_body_id IS NOT NULL
    UNION ALL SELECT description_body FROM skill_location WHERE description_body IS NOT NULL
    UNION ALL SELECT description_body FROM skill_version WHERE description_body IS NOT NULL
    UNION ALL SELECT description_body FROM listing_entry WHERE description_body IS NOT NULL
    UNION ALL SELECT original_body FROM proposal WHERE original_body IS NOT NULL
    UNION ALL SELECT proposed_body FROM proposal WHERE proposed_body IS NOT NULL))sql";
constexpr char kDropEntries[] = R"sql(
  UPDATE eval_entry SET active=0, extra=NULL
  WHERE query_body IN (SELECT body_id FROM temp.forget_text) AND active=1)sql";
constexpr char kEmptyTexts[] = R"sql(
  UPDATE body SET text=NULL, erased_ms=?1 WHERE text IS NOT NULL AND body_id IN (SELECT body_id FROM temp.forget_text)
    AND (body_id IN (SELECT query_body FROM eval_entry) OR body_id IN (SELECT query_body FROM replay_result)))sql";
constexpr char kDropTexts[] = R"sql(
  DELETE FROM body WHERE body_id IN (SELECT body_id FROM temp.forget_text)
    AND body_id NOT IN (SELECT query_body FROM eval_entry) AND body_id NOT IN (SELECT query_body FROM replay_result))sql";
// What an import could not place may quote what it was said with: by the session
// it names, or by the words looked for.
constexpr char kHasNotes[] =
    R"sql(SELECT 1 FROM sqlite_schema WHERE type='table' AND name='import_map')sql";
constexpr char kMakeSessions[] =
    "CREATE TEMP TABLE IF NOT EXISTS forget_session(id TEXT PRIMARY KEY); "
    "DELETE FROM temp.forget_session";
constexpr char kChooseSession[] = R"sql(INSERT OR IGNORE INTO temp.forget_session VALUES(?1))sql";
constexpr char kEraseNotes[] = R"sql(
  UPDATE import_map SET note=NULL WHERE note IS NOT NULL AND (
    (?1 IS NOT NULL AND instr(lower(note),lower(?1))>0)
    OR EXISTS(SELECT 1 FROM temp.forget_session f WHERE instr(note,f.id)>0 OR instr(src_id,f.id)>0)))sql";
constexpr char kDropReplies[] = R"sql(DELETE FROM llm_cache WHERE created_ms<?1)sql";

constexpr char kEraseOldUses[] = R"sql(
  UPDATE observation SET args=NULL, extra=NULL, rev=rev+1
  WHERE occurred_ms<?1 AND (args IS NOT NULL OR extra IS NOT NULL))sql";
constexpr char kEraseOldEvents[] =
    R"sql(UPDATE session_event SET detail=NULL WHERE at_ms<?1 AND detail IS NOT NULL)sql";
constexpr char kEraseOldExcerpts[] =
    R"sql(UPDATE bad_line SET excerpt=NULL WHERE seen_ms<?1 AND excerpt IS NOT NULL)sql";
constexpr char kHasSession[] = R"sql(SELECT 1 FROM session WHERE session_id=?1)sql";
constexpr char kHasSkill[] = R"sql(SELECT 1 FROM skill WHERE name_key=?1)sql";
constexpr char kBefore[] = R"sql(
  SELECT max(CAST(CAST(text_key AS TEXT) AS INTEGER)) FROM forgotten WHERE session_key=zeroblob(16))sql";

struct Chosen {
  PromptPk prompt;
  SessionPk session;
  std::string platform, session_id, sha256;
  std::string text_key;  // "" when the text is gone already
  int64_t body = 0, raw = 0;
  bool has_time = false;
};

struct ChosenSession {
  SessionPk pk;
  std::string platform, id;
};

class Forgetter {
 public:
  Forgetter(Db& db, const ForgetOptions& options, UtcMillis now)
      : db_(db), options_(options), now_(now) {}

  StatusOr<ForgetReport> Run() {
    ST_RETURN_IF_ERROR(MustExist());
    ST_ASSIGN_OR_RETURN(const std::vector<Chosen> prompts, Prompts());
    ST_RETURN_IF_ERROR(db_.Execute(kMakeChosen));
    ST_RETURN_IF_ERROR(db_.Execute(kMakeSessions));
    SessionPk last;
    for (const Chosen& prompt : prompts) {
      ST_RETURN_IF_ERROR(ErasePrompt(prompt));
      if (prompt.session != last) {
        ST_RETURN_IF_ERROR(db_.Run(kDropReaderState, prompt.session));
        ST_RETURN_IF_ERROR(db_.Run(kChooseSession, prompt.session_id));
      }
      last = prompt.session;
    }
    if (options_.whole_sessions()) ST_RETURN_IF_ERROR(EraseSessions());
    if (options_.only_before()) ST_RETURN_IF_ERROR(EraseBefore());
    ST_RETURN_IF_ERROR(Texts());
    ST_RETURN_IF_ERROR(EraseNotes());
    if (report_.changed()) {
      const int64_t until = options_.retention ? options_.before->value : INT64_MAX;
      ST_RETURN_IF_ERROR(db_.Run(kDropReplies, until));
      report_.cached_replies = db_.changes();
    }
    return report_;
  }

 private:
  Status MustExist() {
    if (!options_.session.empty()) {
      ST_ASSIGN_OR_RETURN(const int64_t known, db_.QueryInt(kHasSession, 0, options_.session));
      if (known == 0) {
        return WithSuggestion(
            Fail(kSessionNotFound, "forgetting session {}: it is not known", options_.session),
            "see which there are", "selftune evidence --sessions");
      }
    }
    if (options_.skill.empty()) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(const int64_t known,
                        db_.QueryInt(kHasSkill, 0, base::AsciiLower(options_.skill)));
    if (known != 0) return absl::OkStatus();
    return WithSuggestion(
        Fail(kSkillNotFound, "forgetting skill {}: it is not known", options_.skill),
        "see which there are", "selftune skills list");
  }

  // Also what belongs to no prompt.
  Status EraseBefore() {
    ST_RETURN_IF_ERROR(db_.Run(kRememberBefore, std::to_string(options_.before->value), now_));
    ST_RETURN_IF_ERROR(db_.Run(kEraseOldUses, options_.before));
    report_.arguments += db_.changes();
    ST_RETURN_IF_ERROR(db_.Run(kDropOldReaderStates, options_.before));
    ST_RETURN_IF_ERROR(db_.Run(kEraseOldEvents, options_.before));
    return db_.Run(kEraseOldExcerpts, options_.before);
  }

  StatusOr<std::vector<Chosen>> Prompts() {
    std::vector<Chosen> out;
    SessionPk last;
    ST_ASSIGN_OR_RETURN(Cursor rows,
                        db_.Query(kChosen, OrNull{options_.session}, OrNull{options_.workspace},
                                  OrNull{base::AsciiLower(options_.skill)}, options_.before,
                                  OrNull{options_.match}));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) return out;
      if (out.size() % kRowsPerCheck == 0 && options_.cancel != nullptr) {
        ST_RETURN_IF_ERROR(options_.cancel->Check());
      }
      Chosen prompt{.prompt = rows.Key<PromptPk>(0),
                    .session = rows.Key<SessionPk>(1),
                    .platform = rows.String(2),
                    .session_id = rows.String(3),
                    .sha256 = std::string(rows.Bytes(4)),
                    .text_key = {},
                    .body = rows.Int(6),
                    .raw = rows.Int(7),
                    .has_time = rows.Bool(8)};
      if (!rows.IsNull(5)) {
        prompt.text_key = ForgottenTextKey(prompt.platform, prompt.session_id, rows.Text(5));
      }
      if (prompt.session != last) ++report_.sessions;
      last = prompt.session;
      out.push_back(std::move(prompt));
    }
  }

  Status ErasePrompt(const Chosen& prompt) {
    BodyId erased{prompt.body};
    if (!prompt.text_key.empty()) {
      // The rule of time knows it, and the same words said later are no business of it.
      const bool by_time = options_.only_before() && prompt.has_time;
      if (!by_time) {
        ST_RETURN_IF_ERROR(db_.Run(kRemember,
                                   Blob{ForgottenSessionKey(prompt.platform, prompt.session_id)},
                                   Blob{prompt.text_key}, now_));
      }
      ST_ASSIGN_OR_RETURN(erased, ErasedBody(db_, prompt.sha256, now_));
      ST_RETURN_IF_ERROR(db_.Run(kChooseText, prompt.body));
    }
    if (prompt.raw != 0) ST_RETURN_IF_ERROR(db_.Run(kChooseText, prompt.raw));
    ST_RETURN_IF_ERROR(db_.Run(kErasePrompt, prompt.prompt, erased));
    ST_RETURN_IF_ERROR(db_.Run(kEraseRemarks, prompt.prompt));
    ++report_.prompts;
    return EraseUses(kUseTexts, kEraseUses, prompt.prompt.value);
  }

  Status EraseUses(const char* texts, const char* erase, int64_t of) {
    std::vector<int64_t> bodies;
    {
      ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(texts, of));
      for (;;) {
        ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
        if (!more) break;
        bodies.push_back(rows.Int(0));
      }
    }
    for (const int64_t body : bodies) ST_RETURN_IF_ERROR(db_.Run(kChooseText, body));
    ST_RETURN_IF_ERROR(db_.Run(erase, of));
    report_.arguments += db_.changes();
    return absl::OkStatus();
  }

  // Also sessions without words so far: they may go on.
  Status EraseSessions() {
    std::vector<ChosenSession> sessions;
    {
      ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kChosenSessions, OrNull{options_.session},
                                                 OrNull{options_.workspace}));
      for (;;) {
        ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
        if (!more) break;
        sessions.push_back({rows.Key<SessionPk>(0), rows.String(1), rows.String(2)});
      }
    }
    for (const ChosenSession& session : sessions) {
      const std::string key = ForgottenSessionKey(session.platform, session.id);
      ST_RETURN_IF_ERROR(db_.Run(kRememberAll, Blob{key}, now_));
      ST_RETURN_IF_ERROR(db_.Run(kChooseSession, session.id));
      ST_RETURN_IF_ERROR(EraseUses(kSessionUseTexts, kEraseSessionUses, session.pk.value));
      ST_RETURN_IF_ERROR(db_.Run(kDropReaderState, session.pk));
      ST_RETURN_IF_ERROR(db_.Run(kEraseEvents, session.pk));
      ST_RETURN_IF_ERROR(db_.Run(kEraseExcerpts, session.pk));
    }
    return absl::OkStatus();
  }

  Status EraseNotes() {
    ST_ASSIGN_OR_RETURN(const int64_t has_notes, db_.QueryInt(kHasNotes, 0));
    return has_notes != 0 ? db_.Run(kEraseNotes, OrNull{options_.match}) : absl::OkStatus();
  }

  // Texts that nobody else said.
  Status Texts() {
    ST_RETURN_IF_ERROR(db_.Run(kStillSaid));
    ST_RETURN_IF_ERROR(db_.Run(kDropEntries));
    report_.eval_entries = db_.changes();
    ST_RETURN_IF_ERROR(db_.Run(kEmptyTexts, now_));
    report_.texts = db_.changes();
    ST_RETURN_IF_ERROR(db_.Run(kDropTexts));
    report_.texts += db_.changes();
    return absl::OkStatus();
  }

  Db& db_;
  const ForgetOptions& options_;
  UtcMillis now_;
  ForgetReport report_;
};

}  // namespace

StatusOr<ForgetReport> Forget(Db& db, const ForgetOptions& options, UtcMillis now) {
  if (options.empty()) return Fail(kInvalidRequest, "forgetting: nothing was chosen");
  ST_RETURN_IF_ERROR(db.Execute("PRAGMA secure_delete=ON"));
  ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db));
  ST_ASSIGN_OR_RETURN(const ForgetReport report, Forgetter(db, options, now).Run());
  ST_RETURN_IF_ERROR(txn.Commit());
  // The log still has the words, and a reader may hold it.
  ForgetReport done = report;
  for (int i = 0; i < kLogAttempts; ++i) {
    ST_RETURN_IF_ERROR(db.Checkpoint(/*truncate=*/true));
    const auto log = base::Stat(db.path() + "-wal");
    done.left_in_log = log.ok() && log->size > 0;
    if (!done.left_in_log) break;
    std::this_thread::sleep_for(kLogPause);
  }
  return done;
}

StatusOr<ForgetReport> ApplyRetention(Db& db, int64_t days, UtcMillis now,
                                      const base::Cancel* cancel) {
  const UtcMillis cutoff{(DayOf(now) - days) * kDayMs};
  ST_ASSIGN_OR_RETURN(const int64_t done, db.QueryInt(kBefore, 0));
  if (days <= 0 || cutoff.value <= done) return ForgetReport{};
  return Forget(db, {.before = cutoff, .retention = true, .cancel = cancel}, now);
}

}  // namespace selftune::store

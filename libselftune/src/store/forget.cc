#include "store/forget.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/audit_chain.h"
#include "store/identity.h"
#include "store/quotes.h"
#include "store/write_txn.h"

namespace selftune::store {
namespace {

constexpr int64_t kBatch = 2000;      // prompts or rows of a transaction
constexpr int64_t kTexts = 20'000;    // each look at them reads all references once
constexpr size_t kQuotedBytes = 256;  // of a text, to find quotes of it
constexpr int kLogAttempts = 20;
constexpr char kFastDelete[] = "PRAGMA secure_delete=FAST";
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
    AND (b.text IS NOT NULL OR p.raw_body_id IS NOT NULL OR p.command_args IS NOT NULL)
    AND p.prompt_pk>?6 ORDER BY p.prompt_pk LIMIT ?7)sql";
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
constexpr char kEraseTitles[] =
    R"sql(UPDATE vcs_commit SET title=NULL WHERE session_pk=?1 AND title IS NOT NULL)sql";
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
// Marked as erased while its words are still there: to be looked at when the rows that
// said it are done, also by the next forget when this one is cut off.
constexpr char kMarkText[] =
    R"sql(UPDATE body SET erased_ms=?2 WHERE body_id=?1 AND text IS NOT NULL)sql";
constexpr char kChooseTexts[] = R"sql(
  INSERT INTO temp.forget_text SELECT body_id FROM body WHERE body_id>?1 AND erased_ms IS NOT NULL AND text IS NOT NULL
  ORDER BY body_id LIMIT ?2)sql";
constexpr char kLastText[] = R"sql(SELECT max(body_id) FROM temp.forget_text)sql";
constexpr char kUnmarkTexts[] = R"sql(
  UPDATE body SET erased_ms=NULL WHERE text IS NOT NULL AND body_id IN (SELECT body_id FROM temp.forget_text))sql";
constexpr char kClearSessions[] = R"sql(DELETE FROM temp.forget_session)sql";
constexpr char kClearTexts[] = R"sql(DELETE FROM temp.forget_text)sql";
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
constexpr char kProposalTexts[] = R"sql(
  SELECT proposal_id, coalesce(rationale,''), coalesce(evidence,'') FROM proposal)sql";
constexpr char kSetProposalTexts[] =
    R"sql(UPDATE proposal SET rationale=?2, evidence=?3 WHERE proposal_id=?1)sql";
constexpr char kReplayTexts[] = R"sql(
  SELECT json_array(proposal_id,run_id,phase,entry_no,rep), evidence, '' FROM replay_result WHERE evidence IS NOT NULL)sql";
constexpr char kSetReplayTexts[] = R"sql(
  UPDATE replay_result SET evidence=?2 WHERE ?3 IS NULL AND proposal_id=json_extract(?1,'$[0]') AND run_id=json_extract(?1,'$[1]')
    AND phase=json_extract(?1,'$[2]') AND entry_no=json_extract(?1,'$[3]') AND rep=json_extract(?1,'$[4]'))sql";
constexpr char kUnfinished[] =
    R"sql(INSERT OR REPLACE INTO meta(key,value) VALUES('forget_unfinished','1'))sql";
constexpr char kFinished[] = R"sql(DELETE FROM meta WHERE key='forget_unfinished')sql";
constexpr char kIsUnfinished[] =
    R"sql(SELECT EXISTS(SELECT 1 FROM meta WHERE key='forget_unfinished'))sql";
constexpr char kDropReplies[] = R"sql(DELETE FROM llm_cache WHERE created_ms<?1)sql";

constexpr char kEraseOldUses[] = R"sql(
  UPDATE observation SET args=NULL, extra=NULL, rev=rev+1 WHERE obs_pk IN (SELECT obs_pk FROM observation
    WHERE occurred_ms<?1 AND (args IS NOT NULL OR extra IS NOT NULL) LIMIT ?2))sql";
constexpr char kEraseOldEvents[] =
    R"sql(UPDATE session_event SET detail=NULL WHERE at_ms<?1 AND detail IS NOT NULL)sql";
constexpr char kEraseOldTitles[] =
    R"sql(UPDATE vcs_commit SET title=NULL WHERE committed_ms<?1 AND title IS NOT NULL)sql";
constexpr char kEraseOldExcerpts[] =
    R"sql(UPDATE bad_line SET excerpt=NULL WHERE seen_ms<?1 AND excerpt IS NOT NULL)sql";
constexpr char kHasSession[] = R"sql(SELECT 1 FROM session WHERE session_id=?1)sql";
constexpr char kHasSkill[] = R"sql(SELECT 1 FROM skill WHERE name_key=?1)sql";
constexpr char kBefore[] = R"sql(
  SELECT max(CAST(CAST(text_key AS TEXT) AS INTEGER)) FROM forgotten WHERE session_key=zeroblob(16))sql";

constexpr char kRemembered[] = R"sql(SELECT session_key,text_key FROM forgotten)sql";
constexpr char kEverySession[] = R"sql(SELECT session_pk,platform,session_id FROM session)sql";

struct Chosen {
  PromptPk prompt;
  SessionPk session;
  std::string platform, session_id, sha256;
  std::string text_key;  // "" when the text is gone already
  std::string text;      // how it begins
  int64_t body = 0, raw = 0;
  bool has_time = false;
};

struct ChosenSession {
  SessionPk pk;
  std::string platform, id;
};

// In transactions of bounded size, so that hooks and others get their turn. What is not
// to be read again is written down first, then words go batch by batch, each with what was
// made of it: cut off, the same command goes on where it was.
class Forgetter {
 public:
  Forgetter(Db& db, const ForgetOptions& options, UtcMillis now)
      : db_(db), options_(options), now_(now) {}

  StatusOr<ForgetReport> Run() {
    ST_RETURN_IF_ERROR(MustExist());
    ST_RETURN_IF_ERROR(db_.Execute(kMakeChosen));
    ST_RETURN_IF_ERROR(db_.Execute(kMakeSessions));
    ST_RETURN_IF_ERROR(InTransaction([&] { return Begin(); }));
    for (bool more = true; more;) {
      ST_RETURN_IF_ERROR(InTransaction([&] { return EraseBatch(more); }));
    }
    for (const ChosenSession& session : sessions_) {
      ST_RETURN_IF_ERROR(InTransaction([&] { return EraseSession(session); }));
    }
    if (options_.only_before()) ST_RETURN_IF_ERROR(EraseBefore());
    int64_t last = 0;
    for (bool more = true; more;) {
      ST_RETURN_IF_ERROR(InTransaction([&] { return DropTexts(last, more); }));
    }
    ST_RETURN_IF_ERROR(InTransaction([&] { return End(); }));
    report_.sessions = std::ssize(seen_);
    return report_;
  }

 private:
  template <typename Work>
  Status InTransaction(Work work) {
    if (options_.cancel != nullptr) ST_RETURN_IF_ERROR(options_.cancel->Check());
    ST_ASSIGN_OR_RETURN(WriteTxn txn, WriteTxn::Begin(db_));
    ST_RETURN_IF_ERROR(work());
    return txn.Commit();
  }

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

  // The rules, before any word goes.
  Status Begin() {
    ST_RETURN_IF_ERROR(db_.Run(kUnfinished));
    if (options_.only_before()) {
      ST_RETURN_IF_ERROR(db_.Run(kRememberBefore, std::to_string(options_.before->value), now_));
    }
    if (options_.again) return Remember();
    if (!options_.whole_sessions()) return absl::OkStatus();
    // Also sessions without words so far: they may go on.
    {
      ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kChosenSessions, OrNull{options_.session},
                                                 OrNull{options_.workspace}));
      for (;;) {
        ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
        if (!more) break;
        sessions_.push_back({rows.Key<SessionPk>(0), rows.String(1), rows.String(2)});
      }
    }
    for (const ChosenSession& session : sessions_) {
      const std::string key = ForgottenSessionKey(session.platform, session.id);
      ST_RETURN_IF_ERROR(db_.Run(kRememberAll, Blob{key}, now_));
    }
    return absl::OkStatus();
  }

  // Keys alone say what was forgotten: which session has one is seen by making it.
  Status Remember() {
    {
      ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kRemembered));
      for (;;) {
        ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
        if (!more) break;
        remembered_[std::string(rows.Bytes(0))].emplace(rows.Bytes(1));
      }
    }
    ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kEverySession));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) return absl::OkStatus();
      ChosenSession session{rows.Key<SessionPk>(0), rows.String(1), rows.String(2)};
      if (IsRemembered(session.platform, session.id, "")) sessions_.push_back(std::move(session));
    }
  }

  [[nodiscard]] bool IsRemembered(std::string_view platform, std::string_view session,
                                  std::string_view text_key) const {
    const auto found = remembered_.find(ForgottenSessionKey(platform, session));
    return found != remembered_.end() &&
           (found->second.contains("") || found->second.contains(std::string(text_key)));
  }

  // ---- prompts

  Status EraseBatch(bool& more) {
    ST_ASSIGN_OR_RETURN(const std::vector<Chosen> prompts, NextPrompts(more));
    Quotes quotes;
    quotes.AddWords(options_.match);
    for (const Chosen& prompt : prompts) {
      quotes.Add(prompt.text);
      ST_RETURN_IF_ERROR(ErasePrompt(prompt));
      if (!seen_.insert(prompt.session.value).second) continue;
      ST_RETURN_IF_ERROR(db_.Run(kDropReaderState, prompt.session));
      ST_RETURN_IF_ERROR(db_.Run(kChooseSession, prompt.session_id));
    }
    quotes.Seal();
    ST_RETURN_IF_ERROR(EraseQuotes(quotes));
    return EraseNotes();
  }

  // `more`: there may be further ones.
  StatusOr<std::vector<Chosen>> NextPrompts(bool& more) {
    std::vector<Chosen> out;
    int64_t seen = 0;
    ST_ASSIGN_OR_RETURN(Cursor rows,
                        db_.Query(kChosen, OrNull{options_.session}, OrNull{options_.workspace},
                                  OrNull{base::AsciiLower(options_.skill)}, options_.before,
                                  OrNull{options_.match}, last_.value, kBatch));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool found, rows.Next());
      if (!found) break;
      ++seen;
      Chosen prompt{.prompt = rows.Key<PromptPk>(0),
                    .session = rows.Key<SessionPk>(1),
                    .platform = rows.String(2),
                    .session_id = rows.String(3),
                    .sha256 = std::string(rows.Bytes(4)),
                    .text_key = {},
                    .text = {},
                    .body = rows.Int(6),
                    .raw = rows.Int(7),
                    .has_time = rows.Bool(8)};
      if (!rows.IsNull(5)) {
        prompt.text_key = ForgottenTextKey(prompt.platform, prompt.session_id, rows.Text(5));
        prompt.text = rows.Text(5).substr(0, kQuotedBytes);
      }
      last_ = prompt.prompt;
      if (options_.again && !IsRemembered(prompt.platform, prompt.session_id, prompt.text_key)) {
        continue;
      }
      out.push_back(std::move(prompt));
    }
    more = seen == kBatch;
    return out;
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
      ST_RETURN_IF_ERROR(db_.Run(kMarkText, prompt.body, now_));
    }
    if (prompt.raw != 0) ST_RETURN_IF_ERROR(db_.Run(kMarkText, prompt.raw, now_));
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
    for (const int64_t body : bodies) ST_RETURN_IF_ERROR(db_.Run(kMarkText, body, now_));
    ST_RETURN_IF_ERROR(db_.Run(erase, of));
    report_.arguments += db_.changes();
    return absl::OkStatus();
  }

  // ---- what was made of them

  // Steps of the audit, proposals and replays may quote what was said.
  Status EraseQuotes(const Quotes& quotes) {
    if (quotes.empty()) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(const int64_t steps, EraseFromAudit(db_, quotes));
    report_.audit_steps += steps;
    ST_RETURN_IF_ERROR(EraseFrom(kProposalTexts, kSetProposalTexts, quotes));
    return EraseFrom(kReplayTexts, kSetReplayTexts, quotes);
  }

  // `read`: a number of the row and two texts.
  Status EraseFrom(const char* read, const char* write, const Quotes& quotes) {
    struct Row {
      std::string key, one, two;
    };
    std::vector<Row> changed;
    {
      ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(read));
      for (;;) {
        ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
        if (!more) break;
        Row row{rows.String(0), quotes.Without(rows.Text(1)), quotes.Without(rows.Text(2))};
        if (row.one != rows.Text(1) || row.two != rows.Text(2)) changed.push_back(std::move(row));
      }
    }
    for (const Row& row : changed) {
      ST_RETURN_IF_ERROR(db_.Run(write, row.key, OrNull{row.one}, OrNull{row.two}));
    }
    report_.quotes += std::ssize(changed);
    return absl::OkStatus();
  }

  Status EraseSession(const ChosenSession& session) {
    ST_RETURN_IF_ERROR(db_.Run(kChooseSession, session.id));
    ST_RETURN_IF_ERROR(EraseUses(kSessionUseTexts, kEraseSessionUses, session.pk.value));
    ST_RETURN_IF_ERROR(db_.Run(kDropReaderState, session.pk));
    ST_RETURN_IF_ERROR(db_.Run(kEraseEvents, session.pk));
    ST_RETURN_IF_ERROR(db_.Run(kEraseTitles, session.pk));
    ST_RETURN_IF_ERROR(db_.Run(kEraseExcerpts, session.pk));
    return EraseNotes();
  }

  // Of the sessions chosen since the last time, and those with the words.
  Status EraseNotes() {
    ST_ASSIGN_OR_RETURN(const int64_t has_notes, db_.QueryInt(kHasNotes, 0));
    if (has_notes == 0) return absl::OkStatus();
    ST_RETURN_IF_ERROR(db_.Run(kEraseNotes, OrNull{options_.match}));
    return db_.Run(kClearSessions);
  }

  // Also what belongs to no prompt.
  Status EraseBefore() {
    for (int64_t some = kBatch; some == kBatch;) {
      ST_RETURN_IF_ERROR(InTransaction([&]() -> Status {
        ST_RETURN_IF_ERROR(db_.Run(kEraseOldUses, options_.before, kBatch));
        some = db_.changes();
        report_.arguments += some;
        return absl::OkStatus();
      }));
    }
    return InTransaction([&]() -> Status {
      ST_RETURN_IF_ERROR(db_.Run(kDropOldReaderStates, options_.before));
      ST_RETURN_IF_ERROR(db_.Run(kEraseOldEvents, options_.before));
      ST_RETURN_IF_ERROR(db_.Run(kEraseOldTitles, options_.before));
      return db_.Run(kEraseOldExcerpts, options_.before);
    });
  }

  // Texts that nobody else said.
  Status DropTexts(int64_t& last, bool& more) {
    ST_RETURN_IF_ERROR(db_.Run(kClearTexts));
    ST_RETURN_IF_ERROR(db_.Run(kChooseTexts, last, kTexts));
    more = db_.changes() == kTexts;
    ST_ASSIGN_OR_RETURN(const int64_t newest, db_.QueryInt(kLastText, 0));
    last = newest;
    if (newest == 0) return absl::OkStatus();
    ST_RETURN_IF_ERROR(db_.Run(kUnmarkTexts));
    ST_RETURN_IF_ERROR(db_.Run(kStillSaid));
    ST_RETURN_IF_ERROR(db_.Run(kDropEntries));
    report_.eval_entries += db_.changes();
    ST_RETURN_IF_ERROR(db_.Run(kEmptyTexts, now_));
    report_.texts += db_.changes();
    ST_RETURN_IF_ERROR(db_.Run(kDropTexts));
    report_.texts += db_.changes();
    return absl::OkStatus();
  }

  Status End() {
    if (report_.changed()) {
      const int64_t until = options_.retention ? options_.before->value : INT64_MAX;
      ST_RETURN_IF_ERROR(db_.Run(kDropReplies, until));
      report_.cached_replies = db_.changes();
    }
    return db_.Run(kFinished);
  }

  Db& db_;
  const ForgetOptions& options_;
  UtcMillis now_;
  std::vector<ChosenSession> sessions_;
  std::set<int64_t> seen_;                                   // with prompts that were erased
  std::map<std::string, std::set<std::string>> remembered_;  // keys of texts by session's
  PromptPk last_;
  ForgetReport report_;
};

}  // namespace

StatusOr<ForgetReport> Forget(Db& db, const ForgetOptions& options, UtcMillis now) {
  if (options.empty()) return Fail(kInvalidRequest, "forgetting: nothing was chosen");
  ST_ASSIGN_OR_RETURN(const int64_t secure, db.QueryInt("PRAGMA secure_delete", 0));
  ST_RETURN_IF_ERROR(db.Execute("PRAGMA secure_delete=ON"));
  StatusOr<ForgetReport> report = Forgetter(db, options, now).Run();
  if (secure != 1) {
    ST_RETURN_IF_ERROR(db.Execute(secure == 0 ? "PRAGMA secure_delete=OFF" : kFastDelete));
  }
  ST_RETURN_IF_ERROR(report.status());
  // The log still has the words, and a reader may hold it.
  ForgetReport done = *report;
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
  if (days <= 0) return ForgetReport{};
  ST_ASSIGN_OR_RETURN(const int64_t unfinished, db.QueryInt(kIsUnfinished, 0));
  if (cutoff.value <= done && unfinished == 0) return ForgetReport{};
  return Forget(db, {.before = cutoff, .retention = true, .cancel = cancel}, now);
}

}  // namespace selftune::store

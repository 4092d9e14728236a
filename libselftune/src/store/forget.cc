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
#include "store/forget_quotes.h"
#include "store/forget_texts.h"
#include "store/identity.h"
#include "store/quotes.h"
#include "store/write_txn.h"

namespace selftune::store {
namespace {

constexpr int64_t kBatch = 2000;      // prompts or rows of a transaction
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

constexpr char kUnfinished[] =
    R"sql(INSERT OR REPLACE INTO meta(key,value) VALUES('forget_unfinished','1'))sql";
constexpr char kFinished[] = R"sql(DELETE FROM meta WHERE key='forget_unfinished')sql";
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
constexpr char kRemembered[] = R"sql(SELECT session_key,text_key FROM forgotten)sql";
constexpr char kEverySession[] = R"sql(SELECT session_pk,platform,session_id FROM session)sql";

struct Chosen {
  PromptPk prompt;
  SessionPk session;
  std::string platform, session_id, sha256;
  std::string text_key;              // "" when the text is gone already
  std::string text;                  // how it begins
  std::vector<std::string> queries;  // that eval sets may have of it
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
      : db_(db), options_(options), now_(now), texts_(db), notes_(db) {}

  StatusOr<ForgetReport> Run() {
    ST_RETURN_IF_ERROR(MustExist());
    ST_RETURN_IF_ERROR(texts_.Prepare());
    ST_RETURN_IF_ERROR(notes_.Prepare());
    ST_RETURN_IF_ERROR(InTransaction([&] { return Begin(); }));
    for (bool more = true; more;) {
      ST_RETURN_IF_ERROR(InTransaction([&] { return EraseBatch(more); }));
    }
    for (const ChosenSession& session : sessions_) {
      ST_RETURN_IF_ERROR(InTransaction([&] { return EraseSession(session); }));
    }
    if (options_.only_before()) ST_RETURN_IF_ERROR(EraseBefore());
    ST_RETURN_IF_ERROR(InTransaction([&] { return MarkImported(); }));
    for (bool more = true; more;) {
      ST_RETURN_IF_ERROR(InTransaction([&] { return DropTexts(more); }));
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
      ST_RETURN_IF_ERROR(notes_.Choose(prompt.session_id));
    }
    quotes.Seal();
    ST_ASSIGN_OR_RETURN(const ErasedQuotes erased, EraseQuotes(db_, quotes));
    report_.audit_steps += erased.audit_steps;
    report_.quotes += erased.rows;
    return notes_.Erase(options_.match);
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
                    .queries = {},
                    .body = rows.Int(6),
                    .raw = rows.Int(7),
                    .has_time = rows.Bool(8)};
      if (!rows.IsNull(5)) {
        prompt.text_key = ForgottenTextKey(prompt.platform, prompt.session_id, rows.Text(5));
        prompt.text = rows.Text(5).substr(0, kQuotedBytes);
        prompt.queries = QueriesOf(rows.Text(5));
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
      ST_RETURN_IF_ERROR(EraseQueries(db_, prompt.queries, now_));
      ST_RETURN_IF_ERROR(texts_.Mark(prompt.body, now_));
    }
    if (prompt.raw != 0) ST_RETURN_IF_ERROR(texts_.Mark(prompt.raw, now_));
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
    for (const int64_t body : bodies) ST_RETURN_IF_ERROR(texts_.Mark(body, now_));
    ST_RETURN_IF_ERROR(db_.Run(erase, of));
    report_.arguments += db_.changes();
    return absl::OkStatus();
  }

  // ---- what belongs to no prompt

  Status EraseSession(const ChosenSession& session) {
    ST_RETURN_IF_ERROR(notes_.Choose(session.id));
    ST_RETURN_IF_ERROR(EraseUses(kSessionUseTexts, kEraseSessionUses, session.pk.value));
    ST_RETURN_IF_ERROR(db_.Run(kDropReaderState, session.pk));
    ST_RETURN_IF_ERROR(db_.Run(kEraseEvents, session.pk));
    ST_RETURN_IF_ERROR(db_.Run(kEraseTitles, session.pk));
    ST_RETURN_IF_ERROR(db_.Run(kEraseExcerpts, session.pk));
    return notes_.Erase(options_.match);
  }

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

  // Entries of imported sets have no session and no folder.
  Status MarkImported() {
    const bool of_place = !options_.session.empty() || !options_.workspace.empty();
    const bool of_words = options_.before.has_value() || !options_.match.empty();
    if (options_.again) {
      const std::set<std::string>& keys = remembered_[KeysOfQuery("").session_key];
      return keys.empty() ? absl::OkStatus() : texts_.MarkImported({.keys = &keys}, now_);
    }
    if (of_place || !of_words) return absl::OkStatus();
    const std::string skill = base::AsciiLower(options_.skill);
    return texts_.MarkImported({.before = options_.before,
                                .match = options_.match,
                                .skill = skill,
                                .by_time = options_.only_before()},
                               now_);
  }

  // Texts that nobody else said.
  Status DropTexts(bool& more) {
    ST_ASSIGN_OR_RETURN(const ForgetTexts::Dropped dropped, texts_.DropBatch(now_));
    report_.texts += dropped.texts;
    report_.eval_entries += dropped.eval_entries;
    more = dropped.more;
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
  ForgetTexts texts_;
  ForgetNotes notes_;
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

}  // namespace selftune::store

#include "store/forget.h"

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <absl/functional/function_ref.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/lock_file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/forget_choice.h"
#include "store/forget_quotes.h"
#include "store/forget_texts.h"
#include "store/forget_words.h"
#include "store/identity.h"
#include "store/quotes.h"
#include "store/write_pieces.h"

namespace selftune::store {
namespace {

constexpr int kLogAttempts = 20;
constexpr int kPasses = 8;
constexpr char kFastDelete[] = "PRAGMA secure_delete=FAST";
constexpr std::chrono::milliseconds kLogPause{50};

constexpr char kErasePrompt[] = R"sql(
  UPDATE prompt SET body_id=?2, raw_body_id=NULL, command_args=NULL, rev=rev+1 WHERE prompt_pk=?1)sql";
constexpr char kEraseUse[] = R"sql(
  UPDATE observation SET args=NULL, query_body_id=NULL, extra=NULL, rev=rev+1 WHERE obs_pk=?1)sql";
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
// A signal that somebody acted on stays, and counts; what it names is of the prompt.
constexpr char kEraseMentions[] =
    R"sql(UPDATE improvement_signal SET mention='[forgotten '||signal_pk||']' WHERE prompt_pk=?1)sql";
constexpr char kEraseMentionsIn[] =
    R"sql(UPDATE improvement_signal SET mention='[forgotten '||signal_pk||']' WHERE session_pk=?1)sql";
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
constexpr char kRemember[] = R"sql(
  INSERT INTO forgotten(session_key,text_key,at_ms) VALUES(?1,?2,?3) ON CONFLICT DO NOTHING)sql";
constexpr char kRememberAll[] = R"sql(
  INSERT INTO forgotten(session_key,text_key,at_ms) VALUES(?1,x'',?2) ON CONFLICT DO NOTHING)sql";
constexpr char kRememberBefore[] = R"sql(
  INSERT INTO forgotten(session_key,text_key,at_ms) VALUES(zeroblob(16),CAST(?1 AS BLOB),?2) ON CONFLICT DO NOTHING)sql";

constexpr char kUnfinished[] =
    R"sql(INSERT OR REPLACE INTO meta(key,value) VALUES('forget_unfinished','1'))sql";
constexpr char kIsUnfinished[] = R"sql(SELECT 1 FROM meta WHERE key='forget_unfinished')sql";
constexpr char kFinished[] = R"sql(DELETE FROM meta WHERE key='forget_unfinished')sql";
constexpr char kReplies[] = R"sql(SELECT key FROM llm_cache WHERE created_ms<?1)sql";
constexpr char kDropReply[] = R"sql(DELETE FROM llm_cache WHERE key=?1)sql";

constexpr char kOldUses[] = R"sql(
  SELECT obs_pk FROM observation WHERE occurred_ms<?1 AND (args IS NOT NULL OR extra IS NOT NULL))sql";
constexpr char kEraseOldUse[] =
    R"sql(UPDATE observation SET args=NULL, extra=NULL, rev=rev+1 WHERE obs_pk=?1 AND occurred_ms<?2)sql";
// What else a moment erases: numbers of sessions or files that have such rows, and those of one.
struct OldRows {
  const char* of;
  const char* erase;
};
constexpr char kWithOldEvents[] =
    R"sql(SELECT DISTINCT session_pk FROM session_event WHERE at_ms<?1 AND detail IS NOT NULL)sql";
constexpr char kEraseOldEvents[] = R"sql(
  UPDATE session_event SET detail=NULL WHERE session_pk=?1 AND at_ms<?2 AND detail IS NOT NULL)sql";
constexpr char kWithOldTitles[] =
    R"sql(SELECT DISTINCT session_pk FROM vcs_commit WHERE committed_ms<?1 AND title IS NOT NULL)sql";
constexpr char kEraseOldTitles[] = R"sql(
  UPDATE vcs_commit SET title=NULL WHERE session_pk=?1 AND committed_ms<?2 AND title IS NOT NULL)sql";
constexpr char kWithOldExcerpts[] =
    R"sql(SELECT DISTINCT source_id FROM bad_line WHERE seen_ms<?1 AND excerpt IS NOT NULL)sql";
constexpr char kEraseOldExcerpts[] = R"sql(
  UPDATE bad_line SET excerpt=NULL WHERE source_id=?1 AND seen_ms<?2 AND excerpt IS NOT NULL)sql";
constexpr char kWithOldStates[] = R"sql(
  SELECT source_id FROM source_file WHERE kind<>'sqlite' AND parser_state IS NOT NULL
    AND source_id IN (SELECT source_id FROM session WHERE coalesce(ended_ms,started_ms,0)<?1))sql";
constexpr char kDropOldStates[] = R"sql(
  UPDATE source_file SET parser_state=NULL, head_sha256=NULL, tail_sha256=NULL WHERE source_id=?1 AND ?2>0)sql";
constexpr OldRows kOldRows[] = {{kWithOldStates, kDropOldStates},
                                {kWithOldEvents, kEraseOldEvents},
                                {kWithOldTitles, kEraseOldTitles},
                                {kWithOldExcerpts, kEraseOldExcerpts}};
constexpr char kHasSession[] = R"sql(SELECT 1 FROM session WHERE session_id=?1)sql";
constexpr char kHasSkill[] = R"sql(SELECT 1 FROM skill WHERE name_key=?1)sql";
// In short transactions, so that hooks and others get their turn; what is to be erased is
// looked for outside of them. What is not to be read again is written down first, then words go
// batch by batch, behind what quotes them: cut off, the same command goes on where it was.
class Forgetter {
 public:
  Forgetter(Db& db, const ForgetOptions& options, UtcMillis now)
      : db_(db),
        options_(options),
        now_(now),
        choice_(db, options),
        texts_(db, options.cancel, now),
        notes_(db, options.cancel) {}

  StatusOr<ForgetReport> Run() {
    ST_RETURN_IF_ERROR(MustExist());
    ST_RETURN_IF_ERROR(texts_.Prepare());
    ST_RETURN_IF_ERROR(notes_.Prepare());
    ST_RETURN_IF_ERROR(Begin());
    for (int pass = 1;; ++pass) {
      ST_RETURN_IF_ERROR(EraseChosen());
      if (!overtaken_) break;
      if (pass == kPasses) return Overtaken();
    }
    ST_RETURN_IF_ERROR(EraseSessions());
    if (options_.only_before()) ST_RETURN_IF_ERROR(EraseBefore());
    if (options_.only_words()) ST_RETURN_IF_ERROR(EraseWordsLeft());
    ST_ASSIGN_OR_RETURN(const ForgetTexts::Dropped dropped, texts_.DropMarked());
    report_.texts += dropped.texts;
    report_.eval_entries += dropped.eval_entries;
    ST_RETURN_IF_ERROR(End());
    report_.sessions = std::ssize(seen_);
    return report_;
  }

 private:
  // All that is there; what others changed meanwhile is for the next pass.
  Status EraseChosen() {
    overtaken_ = false;
    choice_.Restart();
    for (bool more = true; more;) {
      ST_ASSIGN_OR_RETURN(more, ErasePrompts());
    }
    for (bool more = true; more;) {
      ST_ASSIGN_OR_RETURN(more, EraseUses());
    }
    return EraseImported();
  }

  Status EraseWordsLeft() {
    ST_ASSIGN_OR_RETURN(const int64_t rows, EraseWords(db_, options_.match, options_.cancel));
    report_.quotes += rows;
    return texts_.MarkLeft(options_.match);
  }

  static Status Overtaken() {
    return WithSuggestion(
        Fail(kStoreBusy, "forgetting: others changed what was chosen each of {} times", kPasses),
        "some of it is gone; the same command again goes on when less is written",
        "selftune forget");
  }

  Status One(const char* sql) {
    return InPieces(1, [&](size_t) { return db_.Run(sql); });
  }

  Status InPieces(size_t count, absl::FunctionRef<Status(size_t)> each) {
    return WriteInPieces(db_, options_.cancel, count, each);
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
    ST_ASSIGN_OR_RETURN(const int64_t cut_off, db_.QueryInt(kIsUnfinished, 0));
    cut_off_ = cut_off == 1;
    ST_RETURN_IF_ERROR(One(kUnfinished));
    if (options_.only_before()) {
      const std::string before = std::to_string(options_.before->value);
      ST_RETURN_IF_ERROR(
          InPieces(1, [&](size_t) { return db_.Run(kRememberBefore, before, now_); }));
    }
    ST_ASSIGN_OR_RETURN(sessions_, choice_.Sessions());
    if (options_.again) return absl::OkStatus();  // they are remembered
    return InPieces(sessions_.size(), [&](size_t i) {
      const std::string key = ForgottenSessionKey(sessions_[i].platform, sessions_[i].id);
      return db_.Run(kRememberAll, Blob{key}, now_);
    });
  }

  // ---- prompts

  // True: there may be further ones.
  StatusOr<bool> ErasePrompts() {
    ST_ASSIGN_OR_RETURN(const auto batch, choice_.NextPrompts());
    const std::vector<ChosenPrompt>& prompts = batch.items;
    std::vector<std::string_view> said;
    for (const ChosenPrompt& prompt : prompts) {
      said.push_back(prompt.text);
      ST_RETURN_IF_ERROR(notes_.Choose(prompt.session_id));
    }
    ST_RETURN_IF_ERROR(EraseQuotesOf(said));
    ST_RETURN_IF_ERROR(InPieces(prompts.size(), [&](size_t i) -> Status {
      const ChosenPrompt& prompt = prompts[i];
      ST_ASSIGN_OR_RETURN(const bool same, choice_.StillSo(prompt));
      if (!same) {
        overtaken_ = true;
        return absl::OkStatus();
      }
      ST_RETURN_IF_ERROR(ErasePrompt(prompt));
      if (!seen_.insert(ForgottenSessionKey(prompt.platform, prompt.session_id)).second) {
        return absl::OkStatus();
      }
      return db_.Run(kDropReaderState, prompt.session);
    }));
    return batch.more;
  }

  Status EraseQuotesOf(const std::vector<std::string_view>& said) {
    Quotes quotes;
    quotes.AddWords(options_.match);
    for (const std::string_view text : said) quotes.Add(text);
    quotes.Seal();
    for (int pass = 1;; ++pass) {
      ST_ASSIGN_OR_RETURN(const ErasedQuotes erased, EraseQuotes(db_, quotes, options_.cancel));
      report_.audit_steps += erased.audit_steps;
      report_.quotes += erased.rows;
      if (!erased.overtaken) break;
      if (pass == kPasses) return Overtaken();
    }
    return notes_.Erase(options_.match);
  }

  Status ErasePrompt(const ChosenPrompt& prompt) {
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
      ST_RETURN_IF_ERROR(texts_.Mark(prompt.body));
    }
    if (prompt.raw != 0) ST_RETURN_IF_ERROR(texts_.Mark(prompt.raw));
    ST_RETURN_IF_ERROR(db_.Run(kErasePrompt, prompt.prompt, erased));
    for (const char* const erase : {kEraseRemarks, kEraseMentions}) {
      ST_RETURN_IF_ERROR(db_.Run(erase, prompt.prompt));
    }
    ++report_.prompts;
    return EraseUsesOf(kUseTexts, kEraseUses, prompt.prompt.value);
  }

  Status EraseUsesOf(const char* texts, const char* erase, int64_t of) {
    std::vector<int64_t> bodies;
    {
      ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(texts, of));
      for (;;) {
        ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
        if (!more) break;
        bodies.push_back(rows.Int(0));
      }
    }
    for (const int64_t body : bodies) ST_RETURN_IF_ERROR(texts_.Mark(body));
    ST_RETURN_IF_ERROR(db_.Run(erase, of));
    report_.arguments += db_.changes();
    return absl::OkStatus();
  }

  // ---- what belongs to no prompt

  // The same of uses that hold their words themselves.
  StatusOr<bool> EraseUses() {
    ST_ASSIGN_OR_RETURN(const auto batch, choice_.NextUses());
    const std::vector<ChosenUse>& uses = batch.items;
    if (uses.empty()) return batch.more;
    std::vector<std::string_view> said;
    for (const ChosenUse& use : uses) {
      said.push_back(use.text);
      ST_RETURN_IF_ERROR(notes_.Choose(use.session_id));
    }
    ST_RETURN_IF_ERROR(EraseQuotesOf(said));
    ST_RETURN_IF_ERROR(InPieces(uses.size(), [&](size_t i) -> Status {
      const ChosenUse& use = uses[i];
      ST_ASSIGN_OR_RETURN(const bool same, choice_.StillSo(use));
      if (!same) {
        overtaken_ = true;
        return absl::OkStatus();
      }
      if (!options_.only_before() || !use.has_time) {
        ST_RETURN_IF_ERROR(db_.Run(kRemember, Blob{use.session_key}, Blob{use.text_key}, now_));
      }
      ST_RETURN_IF_ERROR(texts_.Mark(use.body));
      ++report_.arguments;
      return db_.Run(kEraseUse, use.pk);
    }));
    return batch.more;
  }

  Status EraseSessions() {
    for (const ChosenSession& session : sessions_) {
      ST_RETURN_IF_ERROR(notes_.Choose(session.id));
    }
    ST_RETURN_IF_ERROR(notes_.Erase(options_.match));
    return InPieces(sessions_.size(), [&](size_t i) -> Status {
      ST_ASSIGN_OR_RETURN(const SessionPk pk, choice_.NumberOf(sessions_[i]));
      if (!pk) return absl::OkStatus();
      ST_RETURN_IF_ERROR(EraseUsesOf(kSessionUseTexts, kEraseSessionUses, pk.value));
      for (const char* const erase :
           {kDropReaderState, kEraseEvents, kEraseTitles, kEraseExcerpts, kEraseMentionsIn}) {
        ST_RETURN_IF_ERROR(db_.Run(erase, pk));
      }
      return absl::OkStatus();
    });
  }

  StatusOr<std::vector<int64_t>> Numbers(const char* sql) {
    std::vector<int64_t> out;
    ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(sql, options_.before));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) return out;
      out.push_back(rows.Int(0));
    }
  }

  Status EraseBefore() {
    ST_ASSIGN_OR_RETURN(const std::vector<int64_t> uses, Numbers(kOldUses));
    ST_RETURN_IF_ERROR(InPieces(
        uses.size(), [&](size_t i) { return db_.Run(kEraseOldUse, uses[i], options_.before); }));
    report_.arguments += std::ssize(uses);
    for (const auto& [of, erase] : kOldRows) {
      ST_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers, Numbers(of));
      ST_RETURN_IF_ERROR(InPieces(
          numbers.size(), [&](size_t i) { return db_.Run(erase, numbers[i], options_.before); }));
    }
    return absl::OkStatus();
  }

  // Entries of imported sets have no session and no folder.
  Status EraseImported() {
    const bool of_place = !options_.session.empty() || !options_.workspace.empty();
    const bool of_words = options_.before.has_value() || !options_.match.empty();
    const std::string skill = base::AsciiLower(options_.skill);
    ImportedEntries which{.before = options_.before, .match = options_.match, .skill = skill};
    if (options_.again) {
      which = {.keys = &choice_.remembered_queries()};
      if (which.keys->empty()) return absl::OkStatus();
    } else if (of_place || !of_words) {
      return absl::OkStatus();
    }
    ST_ASSIGN_OR_RETURN(const std::vector<ImportedQuery> queries, FindImported(db_, which));
    ST_RETURN_IF_ERROR(EraseQuotesOfImported(queries));
    // The rule of time alone chose them, and knows them when they come again.
    const bool remember = !options_.only_before();
    ST_RETURN_IF_ERROR(InPieces(queries.size(), [&](size_t i) -> Status {
      ST_ASSIGN_OR_RETURN(const bool same, texts_.IsStill(queries[i]));
      if (!same) {
        overtaken_ = true;
        return absl::OkStatus();
      }
      const auto& [session_key, text_key] = queries[i].keys;
      if (remember) {
        ST_RETURN_IF_ERROR(db_.Run(kRemember, Blob{session_key}, Blob{text_key}, now_));
      }
      return texts_.Mark(queries[i].body);
    }));
    return which.before.has_value() ? EraseUntoldSets(db_, options_.cancel) : absl::OkStatus();
  }

  Status EraseQuotesOfImported(const std::vector<ImportedQuery>& queries) {
    if (queries.empty()) return absl::OkStatus();
    std::vector<std::string_view> said;
    Quotes quotes;
    for (const ImportedQuery& query : queries) {
      said.push_back(query.begin);
      quotes.Add(query.begin);
    }
    quotes.Seal();
    ST_RETURN_IF_ERROR(EraseQuotesOf(said));
    return EraseNotesWith(db_, quotes, options_.cancel);
  }

  Status End() {
    // One that was cut off may have erased what these quote.
    if (report_.changed() || cut_off_) {
      const bool all = !options_.retention || cut_off_;
      const int64_t until = all ? INT64_MAX : options_.before->value;
      std::vector<std::string> replies;
      {
        ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kReplies, until));
        for (;;) {
          ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
          if (!more) break;
          replies.emplace_back(rows.Bytes(0));
        }
      }
      ST_RETURN_IF_ERROR(InPieces(replies.size(),
                                  [&](size_t i) { return db_.Run(kDropReply, Blob{replies[i]}); }));
      report_.cached_replies = std::ssize(replies);
    }
    return One(kFinished);
  }

  Db& db_;
  const ForgetOptions& options_;
  UtcMillis now_;
  ForgetChoice choice_;
  ForgetTexts texts_;
  ForgetNotes notes_;
  std::vector<ChosenSession> sessions_;
  std::set<std::string> seen_;  // keys of those with prompts that were erased
  bool overtaken_ = false;      // others changed what was chosen before it was erased
  bool cut_off_ = false;        // a forget of before, whichever it was
  ForgetReport report_;
};

// Two at once would count each other's rows, and the end of one would pass for that of the other.
StatusOr<base::LockFile> Lock(const Db& db, const ForgetOptions& options, UtcMillis now) {
  const std::string dir = base::JoinPath(base::DirName(db.path()), "locks");
  ST_RETURN_IF_ERROR(base::MakeDirs(dir, 0700));
  base::JsonWriter holder;
  holder.BeginObject()
      .Field("what", "forget")
      .Field("pid", static_cast<int64_t>(::getpid()))
      .Field("started_at", now)
      .EndObject();
  StatusOr<base::LockFile> lock = base::LockFile::Acquire(
      base::JoinPath(dir, "forget.lock"), holder.view(), options.wait, options.cancel);
  if (lock.ok() || CodeOf(lock.status()).name != kLockHeld.name) return lock;
  return WithSuggestion(lock.status(),
                        "another forget of this store is at work; the same command again, later",
                        "selftune doctor --only 'lock*'");
}

}  // namespace

StatusOr<ForgetReport> Forget(Db& db, const ForgetOptions& options, UtcMillis now) {
  if (options.empty()) return Fail(kInvalidRequest, "forgetting: nothing was chosen");
  ST_ASSIGN_OR_RETURN(const base::LockFile lock, Lock(db, options, now));
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

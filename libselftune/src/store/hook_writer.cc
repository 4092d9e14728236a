// The IngestWriter's prompts that hooks saw, or that an import brought. A hook is faster than the
// transcript and knows less: it may have missed the beginning of a session,
// and what it saw may never be written. So its prompts get numbers behind
// those that are known, and the transcript takes each over when it comes to it.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/hook_evidence.h"
#include "store/identity.h"
#include "store/ingest_writer.h"
#include "store/resolver.h"
#include "store/signal_words.h"
#include "store/writer_impl.h"

namespace selftune::store {
namespace {

// A file's clock and ours differ, and records are not written in order.
constexpr int64_t kSlackMs = 5'000;
constexpr int64_t kNearMs = 120'000;

constexpr char kAnyHookPrompt[] = R"sql(
  SELECT EXISTS(SELECT 1 FROM prompt WHERE session_pk=?1 AND capture='hook' AND source_id IS NULL)
    OR EXISTS(SELECT 1 FROM prompt WHERE session_pk=?1 AND source_id IS NULL AND capture IN('repair','legacy')))sql";
constexpr char kHookPrompts[] = R"sql(
  SELECT prompt_pk,seq,native_id,body_id,occurred_ms FROM prompt
  WHERE session_pk=?1 AND source_id IS NULL ORDER BY seq)sql";
constexpr char kTakenSeq[] = R"sql(
  SELECT source_id IS NULL FROM prompt WHERE session_pk=?1 AND seq=?2)sql";
constexpr char kMovePrompt[] =
    R"sql(UPDATE prompt SET seq=?2, prompt_id=?3, rev=rev+1 WHERE prompt_pk=?1)sql";
constexpr char kMoveUses[] = R"sql(
  UPDATE observation SET prompt_seq=?2 WHERE prompt_pk=?1 AND capture IN('hook','repair','legacy'))sql";
constexpr char kJudgements[] = R"sql(
  SELECT o.obs_pk,k.name_key FROM observation o JOIN skill k ON k.skill_id=o.skill_id
  WHERE o.prompt_pk=?1 AND o.capture='label')sql";
constexpr char kMoveJudgement[] = R"sql(
  UPDATE observation SET occurrence_key=?2, prompt_seq=?3 WHERE obs_pk=?1)sql";
constexpr char kMaxSeq[] = R"sql(SELECT max(seq) FROM prompt WHERE session_pk=?1)sql";

constexpr char kSameText[] = R"sql(
  SELECT prompt_pk,native_id,seen_mask,occurred_ms FROM prompt WHERE session_pk=?1 AND body_id=?2 ORDER BY seq)sql";
constexpr char kSameTurn[] = R"sql(
  SELECT prompt_pk FROM prompt WHERE session_pk=?1 AND native_id=?2 AND actionable=1 AND seen_mask&2=0
  ORDER BY seq LIMIT 1)sql";
constexpr char kSeen[] = R"sql(UPDATE prompt SET seen_mask=seen_mask|2 WHERE prompt_pk=?1)sql";

constexpr char kRefuted[] = R"sql(
  SELECT p.prompt_pk FROM prompt p JOIN session s ON s.session_pk=p.session_pk
  WHERE p.capture='hook' AND p.source_id IS NULL AND +p.actionable=1 AND s.capture='transcript'
    AND s.ended_ms>p.occurred_ms+?1)sql";
constexpr char kRefute[] = R"sql(
  UPDATE prompt SET kind='unknown', actionable=0, active=0, rev=rev+1 WHERE prompt_pk=?1)sql";
constexpr char kUnlink[] = R"sql(UPDATE observation SET prompt_pk=NULL WHERE prompt_pk=?1)sql";
constexpr char kOutranked[] =
    R"sql(SELECT key FROM meta WHERE key>='outranked.' AND key<'outranked/')sql";
constexpr char kImportedOnly[] = R"sql(
  SELECT p.prompt_pk FROM prompt p JOIN session s ON s.session_pk=p.session_pk
  WHERE p.session_pk=?1 AND p.source_id IS NULL AND p.capture IN('repair','legacy') AND +p.actionable=1
    AND s.capture='transcript' AND coalesce(s.ended_ms>=p.occurred_ms,1))sql";
constexpr char kForgetOutranked[] = R"sql(DELETE FROM meta WHERE key=?1)sql";
constexpr char kPassedUses[] = R"sql(
  SELECT o.occurrence_key,o.session_pk,o.prompt_pk,o.skill_id FROM observation o JOIN session s ON s.session_pk=o.session_pk
  WHERE o.capture='hook' AND o.effective=1 AND s.capture='transcript' AND s.ended_ms>o.occurred_ms+?1)sql";

constexpr char kTurn[] = R"sql(
  SELECT p.prompt_pk,p.seq,b.text FROM prompt p JOIN body b ON b.body_id=p.body_id
  WHERE p.session_pk=?1 AND p.actionable=1 ORDER BY coalesce(p.native_id=?2,0) DESC,p.seq DESC LIMIT 1)sql";
constexpr char kSeq[] = R"sql(SELECT seq FROM prompt WHERE prompt_pk=?1)sql";
constexpr char kUsesOfTurn[] = R"sql(
  SELECT skill_text,level,capture,tool_call_id FROM observation
  WHERE prompt_pk=?1 AND outcome='triggered' AND polluted=0)sql";
constexpr char kUsesOfSession[] = R"sql(
  SELECT skill_text,level,capture,tool_call_id FROM observation
  WHERE session_pk=?1 AND outcome='triggered' AND polluted=0)sql";

constexpr char kHeard[] = R"sql(
  INSERT INTO meta(key,value) VALUES('hook_heard_ms.'||?1,?2)
  ON CONFLICT DO UPDATE SET value=excluded.value WHERE CAST(excluded.value AS INTEGER)>CAST(value AS INTEGER))sql";
constexpr char kLastHeard[] = R"sql(SELECT value FROM meta WHERE key='hook_heard_ms.'||?1)sql";

// A prompt that only hooks know.
struct HookRow {
  int64_t pk = 0;
  int32_t seq = 0;
  std::string native;
  BodyId body;
  std::optional<UtcMillis> at;
};

StatusOr<std::vector<HookRow>> HookRows(Db& db, SessionPk session) {
  std::vector<HookRow> out;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kHookPrompts, session));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({rows.Int(0), static_cast<int32_t>(rows.Int(1)), rows.String(2),
                   rows.Key<BodyId>(3), rows.OptTime(4)});
  }
}

bool CanBeSame(std::string_view a, std::string_view b) { return a.empty() || b.empty() || a == b; }

bool Near(const std::optional<UtcMillis>& a, const std::optional<UtcMillis>& b) {
  return a.has_value() && b.has_value() && std::abs(a->value - b->value) <= kNearMs;
}

// The row that `row` of a transcript tells about: by turn and words, else by
// words, else by words and time (a queued prompt has the id of the running turn
// for the hook, one of its own in the file), else by turn alone (the host may
// write other words than were typed).
const HookRow* Match(const std::vector<HookRow>& rows, const PromptRow& row, BodyId body) {
  const auto find = [&](auto&& matches) -> const HookRow* {
    const auto found = std::ranges::find_if(rows, matches);
    return found != rows.end() ? &*found : nullptr;
  };
  const bool known = !row.native_id.empty();
  const HookRow* match =
      find([&](const HookRow& h) { return known && h.native == row.native_id && h.body == body; });
  if (match == nullptr) {
    match = find(
        [&](const HookRow& h) { return h.body == body && CanBeSame(h.native, row.native_id); });
  }
  if (match == nullptr) {
    match = find([&](const HookRow& h) { return h.body == body && Near(h.at, row.at); });
  }
  if (match == nullptr) {
    match = find([&](const HookRow& h) { return known && h.native == row.native_id; });
  }
  return match;
}

// Gives a prompt another number, and what is known by that number with it.
Status Move(Db& db, const SessionMemo& memo, int64_t pk, int32_t seq) {
  std::vector<std::pair<int64_t, std::string>> judged;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kJudgements, pk));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      judged.emplace_back(rows.Int(0), rows.String(1));
    }
  }
  ST_RETURN_IF_ERROR(db.Run(kMovePrompt, pk, seq, PromptPublicId(memo.id, seq)));
  ST_RETURN_IF_ERROR(db.Run(kMoveUses, pk, seq));
  for (const auto& [obs, skill] : judged) {
    const std::string key = MissedKey(memo.platform, memo.id, seq, skill);
    ST_RETURN_IF_ERROR(db.Run(kMoveJudgement, obs, Blob{key}, seq));
  }
  return absl::OkStatus();
}

StatusOr<int32_t> LastSeq(Db& db, SessionPk session) {
  ST_ASSIGN_OR_RETURN(const int64_t last, db.QueryInt(kMaxSeq, -1, session));
  return static_cast<int32_t>(last);
}

}  // namespace

StatusOr<bool> IngestWriter::Impl::HasHookPrompts(SessionMemo& memo) {
  if (!memo.hook_prompts.has_value()) {
    ST_ASSIGN_OR_RETURN(const int64_t any, db.QueryInt(kAnyHookPrompt, 0, memo.pk));
    memo.hook_prompts = any != 0;
  }
  return *memo.hook_prompts;
}

Status IngestWriter::Impl::MakeRoomForPrompt(SessionMemo& memo, const PromptRow& row, BodyId body) {
  ST_ASSIGN_OR_RETURN(const int64_t taken, db.QueryInt(kTakenSeq, -1, memo.pk, row.seq));
  if (taken == 0) return absl::OkStatus();  // known from its file already
  ST_ASSIGN_OR_RETURN(const std::vector<HookRow> rows, HookRows(db, memo.pk));
  memo.hook_prompts = !rows.empty();
  const HookRow* const match = Match(rows, row, body);
  if (match == nullptr ? taken != 1 : match->seq == row.seq) return absl::OkStatus();
  if (taken == 1) {
    // Those that are not told yet come later, in their order.
    ST_ASSIGN_OR_RETURN(int32_t next, LastSeq(db, memo.pk));
    for (const HookRow& other : rows) {
      if (other.seq < row.seq || &other == match) continue;
      ST_RETURN_IF_ERROR(Move(db, memo, other.pk, ++next));
    }
  }
  if (match != nullptr) ST_RETURN_IF_ERROR(Move(db, memo, match->pk, row.seq));
  ST_ASSIGN_OR_RETURN(memo.max_seq, LastSeq(db, memo.pk));
  memo.last_seq = -1;
  // Equal texts are counted in order of their numbers.
  for (const HookRow& moved : rows) {
    ST_RETURN_IF_ERROR(Rekey(memo, moved.body.value, moved.body.value));
  }
  return absl::OkStatus();
}

namespace {

// The known prompt with these words that a hook's `row` is about. With a turn
// id the same event twice (two installed hooks) is one prompt; without, the
// same words twice are two.
StatusOr<PromptPk> SameText(Db& db, SessionPk session, BodyId body, const PromptRow& row) {
  PromptPk by_words, by_time;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kSameText, session, body));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return by_words ? by_words : by_time;
    const std::string_view native = rows.Text(1);
    if (!row.native_id.empty() && native == row.native_id) return rows.Key<PromptPk>(0);
    if ((rows.Int(2) & SeenBit(Capture::kHook)) != 0) continue;
    if (!by_words && CanBeSame(native, row.native_id)) by_words = rows.Key<PromptPk>(0);
    if (!by_time && Near(rows.OptTime(3), row.at)) by_time = rows.Key<PromptPk>(0);
  }
}

}  // namespace

StatusOr<HookPrompt> IngestWriter::UpsertHookPrompt(SessionPk session, const PromptRow& row) {
  ST_ASSIGN_OR_RETURN(SessionMemo * memo, impl_->Memo(session));
  ST_ASSIGN_OR_RETURN(const BodyId body, impl_->PromptBody(*memo, row.at, row.text));
  Db& db = impl_->db;
  ST_ASSIGN_OR_RETURN(PromptPk same, SameText(db, session, body, row));
  if (!same && !row.native_id.empty()) {
    ST_ASSIGN_OR_RETURN(const int64_t found, db.QueryInt(kSameTurn, 0, session, row.native_id));
    same = PromptPk{found};
  }
  if (same) {
    ST_RETURN_IF_ERROR(db.Run(kSeen, same));
    return HookPrompt{same, /*is_new=*/false};
  }
  PromptRow behind = row;
  ST_ASSIGN_OR_RETURN(const int32_t last, LastSeq(db, session));
  behind.seq = last + 1;
  behind.capture = Capture::kHook;
  ST_ASSIGN_OR_RETURN(const PromptPk made, UpsertPrompt(session, behind));
  memo->hook_prompts = true;
  return HookPrompt{made, /*is_new=*/true};
}

namespace {

// The transcript went on without this prompt: it was blocked, or taken back.
Status Refute(Db& db, PromptPk prompt) {
  ST_RETURN_IF_ERROR(ForgetWords(db, prompt));
  for (const char* sql : {kUnlink, kRefute}) ST_RETURN_IF_ERROR(db.Run(sql, prompt));
  db.Count(Counter::kPrompts, -1);
  return absl::OkStatus();
}

// A use that only a hook saw.
struct PassedUse {
  std::string key;
  SessionPk session;
  PromptPk prompt;
  SkillId skill;
};

template <typename T, typename Read>
StatusOr<std::vector<T>> All(StatusOr<Cursor> query, Read read) {
  ST_ASSIGN_OR_RETURN(Cursor rows, std::move(query));
  std::vector<T> out;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back(read(rows));
  }
}

}  // namespace

Status RefuteImported(Db& db, SessionPk session) {
  ST_ASSIGN_OR_RETURN(const std::vector<PromptPk> prompts,
                      All<PromptPk>(db.Query(kImportedOnly, session),
                                    [](Cursor& row) { return row.Key<PromptPk>(0); }));
  for (const PromptPk prompt : prompts) ST_RETURN_IF_ERROR(Refute(db, prompt));
  return absl::OkStatus();
}

namespace {

// Sessions that an import told and that a transcript tells by now.
Status SettleImported(Db& db) {
  constexpr size_t kPrefix = std::string_view("outranked.").size();
  ST_ASSIGN_OR_RETURN(
      const std::vector<std::string> keys,
      All<std::string>(db.Query(kOutranked), [](Cursor& row) { return row.String(0); }));
  for (const std::string& key : keys) {
    const SessionPk session{base::ParseInt(key.substr(kPrefix)).value_or(0)};
    ST_RETURN_IF_ERROR(RefuteImported(db, session));
    ST_RETURN_IF_ERROR(db.Run(kForgetOutranked, key));
  }
  return absl::OkStatus();
}

}  // namespace

Status SettleHookEvidence(Db& db) {
  ST_RETURN_IF_ERROR(SettleImported(db));
  ST_ASSIGN_OR_RETURN(const std::vector<PromptPk> refuted,
                      All<PromptPk>(db.Query(kRefuted, kSlackMs),
                                    [](Cursor& row) { return row.Key<PromptPk>(0); }));
  for (const PromptPk prompt : refuted) ST_RETURN_IF_ERROR(Refute(db, prompt));
  ST_ASSIGN_OR_RETURN(const std::vector<PassedUse> uses,
                      All<PassedUse>(db.Query(kPassedUses, kSlackMs), [](Cursor& row) {
                        return PassedUse{std::string(row.Bytes(0)), row.Key<SessionPk>(1),
                                         row.Key<PromptPk>(2), row.Key<SkillId>(3)};
                      }));
  for (const PassedUse& use : uses) {
    ST_RETURN_IF_ERROR(ResolveOccurrence(db, use.key));
    ST_RETURN_IF_ERROR(ResolveNeighbours(db, use.session, use.prompt, use.skill));
  }
  return absl::OkStatus();
}

Status NoteHookEvent(Db& db, std::string_view platform, UtcMillis at) {
  return db.Run(kHeard, platform, std::to_string(at.value));
}

StatusOr<std::optional<UtcMillis>> LastHookEvent(Db& db, std::string_view platform) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kLastHeard, platform));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return std::optional<UtcMillis>();
  const std::optional<int64_t> at = base::ParseInt(row.Text(0));
  return at.has_value() ? std::optional(UtcMillis{*at}) : std::nullopt;
}

StatusOr<TurnPrompt> FindTurn(Db& db, SessionPk session, std::string_view native_id) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kTurn, session, OrNull{native_id}));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return TurnPrompt{};
  return TurnPrompt{row.Key<PromptPk>(0), static_cast<int32_t>(row.Int(1)), row.String(2)};
}

StatusOr<int32_t> SeqOfPrompt(Db& db, PromptPk prompt) {
  ST_ASSIGN_OR_RETURN(const int64_t seq, db.QueryInt(kSeq, -1, prompt));
  if (seq < 0) return Fail(kNotFound, "reading prompt {}: no such row", prompt.value);
  return static_cast<int32_t>(seq);
}

StatusOr<std::vector<TurnUse>> UsesOfTurn(Db& db, SessionPk session, PromptPk prompt) {
  auto uses = prompt ? db.Query(kUsesOfTurn, prompt) : db.Query(kUsesOfSession, session);
  return All<TurnUse>(std::move(uses), [](Cursor& row) {
    return TurnUse{.skill = row.String(0),
                   .read = row.Text(1) == Word(Level::kRead),
                   .by_hook = row.Text(2) == Word(Capture::kHook),
                   .call_id = row.String(3)};
  });
}

}  // namespace selftune::store

// The IngestWriter's prompts.
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "store/identity.h"
#include "store/ingest_writer.h"
#include "store/signal_words.h"
#include "store/writer_impl.h"

namespace selftune::store {
namespace {

constexpr size_t kMaxRawText = 64 << 10;  // bytes

constexpr char kMaxSeq[] = R"sql(SELECT max(seq) FROM prompt WHERE session_pk=?1)sql";
constexpr char kTextCounts[] = R"sql(
  SELECT body_id,count(*) FROM prompt WHERE session_pk=?1 GROUP BY body_id)sql";
constexpr char kFindPrompt[] = R"sql(
  SELECT prompt_pk,body_id,actionable,capture,seen_mask FROM prompt WHERE session_pk=?1 AND seq=?2)sql";
constexpr char kInsertPrompt[] = R"sql(
  INSERT INTO prompt(session_pk,prompt_key,prompt_id,seq,occurred_ms,kind,actionable,active,native_id,command_name,
    command_args,command_kind,body_id,raw_body_id,source_id,generation,offset,line_no,source_record,capture,seen_mask)
  VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21))sql";
constexpr char kUpdatePrompt[] = R"sql(
  UPDATE prompt SET occurred_ms=coalesce(?2,occurred_ms), kind=?3, actionable=?4, active=?5, native_id=coalesce(?6,native_id),
    command_name=?7, command_args=?8, command_kind=?9, body_id=?10, raw_body_id=?11, source_id=?12, generation=?13,
    offset=?14, line_no=?15, source_record=?16, capture=?17, seen_mask=seen_mask|?18, rev=rev+1 WHERE prompt_pk=?1)sql";
constexpr char kSeenPrompt[] = R"sql(
  UPDATE prompt SET occurred_ms=coalesce(occurred_ms,?2), native_id=coalesce(native_id,?3), seen_mask=seen_mask|?4
  WHERE prompt_pk=?1)sql";
constexpr char kSessionPrompts[] = R"sql(
  SELECT p.prompt_pk,p.body_id,b.text,p.prompt_key FROM prompt p JOIN body b ON b.body_id=p.body_id
  WHERE p.session_pk=?1 ORDER BY p.seq)sql";
constexpr char kErasedKeys[] = R"sql(
  SELECT p.prompt_key FROM prompt p JOIN body b ON b.body_id=p.body_id WHERE p.session_pk=?1 AND b.text IS NULL)sql";
constexpr char kKeyTaken[] = R"sql(SELECT 1 FROM prompt WHERE prompt_key=?1)sql";
constexpr char kSetKey[] = R"sql(UPDATE prompt SET prompt_key=?2 WHERE prompt_pk=?1)sql";
// A guess by time may improve with each prompt of the root. Most prompts find
// nobody who waits: to ask costs a tenth of an update that changes nothing.
constexpr char kGuesses[] =
    R"sql(SELECT 1 FROM session WHERE root_pk=?1 AND link_pending=2 LIMIT 1)sql";
constexpr char kGuessAgain[] =
    R"sql(UPDATE session SET link_pending=1 WHERE root_pk=?1 AND link_pending=2)sql";
// Decisions that came before their prompt.
constexpr char kWaiting[] = R"sql(
  SELECT 1 FROM observation WHERE session_pk=?1 AND prompt_seq=?2 AND prompt_pk IS NULL LIMIT 1)sql";
constexpr char kLinkWaiting[] = R"sql(
  UPDATE observation SET prompt_pk=?3 WHERE session_pk=?1 AND prompt_seq=?2 AND prompt_pk IS NULL)sql";
constexpr char kUnlink[] = R"sql(UPDATE observation SET prompt_pk=NULL WHERE prompt_pk=?1)sql";
constexpr char kActionable[] = R"sql(
  SELECT prompt_pk FROM prompt WHERE session_pk=?1 AND seq=?2 AND actionable=1)sql";

// What the columns of a prompt take from a row.
struct Columns {
  std::string_view kind;
  bool actionable = false;
  BodyId body, raw;
  std::optional<std::string_view> command_name, command_args;
  std::optional<uint64_t> line;
};

StatusOr<Columns> ColumnsOf(IngestWriter::Impl& impl, SessionMemo& memo, const PromptRow& row) {
  Columns c;
  const PromptKind kind = row.kind == PromptKind::kUser ? TypedIn(memo.kind) : row.kind;
  c.kind = row.other_kind.empty() ? Word(kind) : row.other_kind;
  c.actionable = row.other_kind.empty() && kind == PromptKind::kUser;
  ST_ASSIGN_OR_RETURN(const bool forgotten, impl.IsForgotten(memo, row.at, row.text));
  ST_ASSIGN_OR_RETURN(c.body, impl.PromptBody(memo, row.at, row.text, row.text_sha256));
  const bool raw_differs = !forgotten && !row.raw_text.empty() && row.raw_text != row.text;
  if (raw_differs && row.raw_text.size() <= kMaxRawText) {
    ST_ASSIGN_OR_RETURN(c.raw, impl.InternBody(row.raw_text));
  }
  if (row.command_kind != CommandKind::kNone) {
    c.command_name = row.command_name;
    if (!forgotten) c.command_args = row.command_args;
  }
  if (row.origin.line_no > 0) c.line = row.origin.line_no;
  return c;
}

Capture ParseCapture(std::string_view word) {
  for (const Capture capture : {Capture::kTranscript, Capture::kHook, Capture::kWrapper,
                                Capture::kBatch, Capture::kRepair}) {
    if (Word(capture) == word) return capture;
  }
  return Capture::kLegacy;
}

StatusOr<std::set<std::string>> ErasedKeys(Db& db, SessionPk session) {
  std::set<std::string> out;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kErasedKeys, session));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.emplace(rows.Bytes(0));
  }
}

// A key nothing else has, while the real ones change places.
std::string PlaceholderKey(int64_t prompt_pk) {
  std::string key(16, '\0');
  for (int i = 0; i < 8; ++i) key[8 + i] = static_cast<char>(prompt_pk >> (8 * i));
  return key;
}

}  // namespace

PromptKind TypedIn(SessionKind session) {
  switch (session) {
    case SessionKind::kMain:
      return PromptKind::kUser;
    case SessionKind::kSubagent:
      return PromptKind::kAgent;
    case SessionKind::kAutomation:
      break;
  }
  return PromptKind::kAutomation;
}

StatusOr<PromptPk> IngestWriter::Impl::ActionablePrompt(SessionMemo& memo, int32_t seq) {
  if (memo.last_seq == seq) return memo.last_prompt;
  ST_ASSIGN_OR_RETURN(const int64_t found, db.QueryInt(kActionable, 0, memo.pk, seq));
  if (found != 0) {
    memo.last_seq = seq;
    memo.last_prompt = PromptPk{found};
  }
  return PromptPk{found};
}

Status IngestWriter::Impl::Rekey(SessionMemo& memo, int64_t body_a, int64_t body_b) {
  struct Change {
    int64_t pk;
    std::string key;
  };
  std::vector<Change> changes;
  {
    std::unordered_map<int64_t, int64_t> seen;
    ST_ASSIGN_OR_RETURN(const std::set<std::string> erased, ErasedKeys(db, memo.pk));
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kSessionPrompts, memo.pk));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      const int64_t body = rows.Int(1);
      // An erased text cannot be hashed again; its keys stay as they are.
      if (rows.IsNull(2)) continue;
      if (body_a != 0 && body != body_a && body != body_b) continue;
      std::string key;
      do {  // one of the keys may be that of an erased prompt with the same words
        key = PromptKey(memo.platform, memo.id, rows.Text(2), seen[body]++);
      } while (erased.contains(key));
      if (key != rows.Bytes(3)) changes.push_back({rows.Int(0), std::move(key)});
    }
  }
  for (const Change& change : changes) {
    ST_RETURN_IF_ERROR(db.Run(kSetKey, change.pk, Blob{PlaceholderKey(change.pk)}));
  }
  for (const Change& change : changes) {
    ST_RETURN_IF_ERROR(db.Run(kSetKey, change.pk, Blob{change.key}));
  }
  return absl::OkStatus();
}

namespace {

// How often the session has this text already, counting it once more.
StatusOr<int64_t> CountText(Db& db, SessionMemo& memo, BodyId body) {
  if (!memo.text_counts.has_value()) {
    memo.text_counts.emplace();
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kTextCounts, memo.pk));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      (*memo.text_counts)[rows.Int(0)] = rows.Int(1);
    }
  }
  return (*memo.text_counts)[body.value]++;
}

// Those who waited for an actionable prompt at this place.
Status TellWaiting(Db& db, SessionPk session, int32_t seq, PromptPk prompt) {
  ST_ASSIGN_OR_RETURN(const int64_t guesses, db.QueryInt(kGuesses, 0, session));
  if (guesses != 0) ST_RETURN_IF_ERROR(db.Run(kGuessAgain, session));
  ST_ASSIGN_OR_RETURN(const int64_t waiting, db.QueryInt(kWaiting, 0, session, seq));
  return waiting != 0 ? db.Run(kLinkWaiting, session, seq, prompt) : absl::OkStatus();
}

StatusOr<PromptPk> Insert(Db& db, SessionMemo& memo, const PromptRow& row, const Columns& c,
                          bool some_erased) {
  ST_ASSIGN_OR_RETURN(int64_t nth, CountText(db, memo, c.body));
  std::string key = PromptKey(memo.platform, memo.id, row.text, nth);
  // Erased prompts with the same words are counted apart from those that are not.
  while (some_erased) {
    ST_ASSIGN_OR_RETURN(const int64_t taken, db.QueryInt(kKeyTaken, 0, Blob{key}));
    if (taken == 0) break;
    key = PromptKey(memo.platform, memo.id, row.text, ++nth);
  }
  ST_RETURN_IF_ERROR(db.Run(kInsertPrompt, memo.pk, Blob{key}, PromptPublicId(memo.id, row.seq),
                            row.seq, row.at, c.kind, c.actionable, row.active,
                            OrNull{row.native_id}, c.command_name, c.command_args,
                            OrNull{Word(row.command_kind)}, c.body, c.raw, row.origin.source,
                            row.origin.generation, row.origin.offset, c.line,
                            OrNull{row.origin.record}, Word(row.capture), SeenBit(row.capture)));
  const PromptPk made{db.last_insert_id()};
  if (!c.actionable) return made;
  db.Count(Counter::kPrompts, 1);
  memo.last_seq = row.seq;
  memo.last_prompt = made;
  ST_RETURN_IF_ERROR(TellWaiting(db, memo.pk, row.seq, made));
  return made;
}

struct Existing {
  PromptPk pk;
  BodyId body;
  bool actionable = false;
  int rank = 0;
};

StatusOr<std::optional<Existing>> Find(Db& db, SessionPk session, int32_t seq) {
  ST_ASSIGN_OR_RETURN(Cursor found, db.Query(kFindPrompt, session, seq));
  ST_ASSIGN_OR_RETURN(const bool some, found.Next());
  if (!some) return std::optional<Existing>();
  return std::optional<Existing>({.pk = found.Key<PromptPk>(0),
                                  .body = found.Key<BodyId>(1),
                                  .actionable = found.Bool(2),
                                  .rank = RankOf(ParseCapture(found.Text(3)))});
}

Status Replace(Db& db, SessionMemo& memo, const Existing& old, const PromptRow& row,
               const Columns& c) {
  ST_RETURN_IF_ERROR(db.Run(kUpdatePrompt, old.pk, row.at, c.kind, c.actionable, row.active,
                            OrNull{row.native_id}, c.command_name, c.command_args,
                            OrNull{Word(row.command_kind)}, c.body, c.raw, row.origin.source,
                            row.origin.generation, row.origin.offset, c.line,
                            OrNull{row.origin.record}, Word(row.capture), SeenBit(row.capture)));
  if (old.actionable == c.actionable) return absl::OkStatus();
  db.Count(Counter::kPrompts, c.actionable ? 1 : -1);
  memo.last_seq = -1;
  if (c.actionable) return db.Run(kLinkWaiting, memo.pk, row.seq, old.pk);
  return db.Run(kUnlink, old.pk);
}

}  // namespace

StatusOr<PromptPk> IngestWriter::UpsertPrompt(SessionPk session, const PromptRow& row) {
  ST_ASSIGN_OR_RETURN(SessionMemo * memo, impl_->Memo(session));
  ST_ASSIGN_OR_RETURN(const Columns columns, ColumnsOf(*impl_, *memo, row));
  Db& db = impl_->db;
  if (RankOf(row.capture) > RankOf(Capture::kHook)) {
    ST_ASSIGN_OR_RETURN(const bool hooks, impl_->HasHookPrompts(*memo));
    if (hooks) ST_RETURN_IF_ERROR(impl_->MakeRoomForPrompt(*memo, row, columns.body));
  }
  if (!memo->max_seq.has_value()) {
    ST_ASSIGN_OR_RETURN(const int64_t last, db.QueryInt(kMaxSeq, -1, session));
    memo->max_seq = static_cast<int32_t>(last);
  }
  if (row.seq > *memo->max_seq) {
    memo->max_seq = row.seq;
    return Insert(db, *memo, row, columns, impl_->forget_rules->some());
  }
  ST_ASSIGN_OR_RETURN(const std::optional<Existing> old, Find(db, session, row.seq));
  if (!old.has_value()) {
    ST_ASSIGN_OR_RETURN(const PromptPk made,
                        Insert(db, *memo, row, columns, impl_->forget_rules->some()));
    ST_RETURN_IF_ERROR(impl_->Rekey(*memo, columns.body.value, columns.body.value));
    return made;
  }
  if (RankOf(row.capture) < old->rank) {
    ST_RETURN_IF_ERROR(
        db.Run(kSeenPrompt, old->pk, row.at, OrNull{row.native_id}, SeenBit(row.capture)));
    return old->pk;
  }
  if (old->rank <= RankOf(Capture::kHook) && RankOf(row.capture) > RankOf(Capture::kHook)) {
    ST_RETURN_IF_ERROR(ForgetWords(db, old->pk));  // said again by who knows better
  }
  ST_RETURN_IF_ERROR(Replace(db, *memo, *old, row, columns));
  if (old->body != columns.body) {
    memo->text_counts.reset();
    ST_RETURN_IF_ERROR(impl_->Rekey(*memo, old->body.value, columns.body.value));
  }
  return old->pk;
}

}  // namespace selftune::store

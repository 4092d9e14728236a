#include "store/forget_choice.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/forget_texts.h"
#include "store/identity.h"

namespace selftune::store {
namespace {

constexpr int64_t kBatch = 2000;  // prompts or uses read at a time

// Of a session `s`: which session it belongs to, and where both were. ?1 session, ?2 workspace;
// with what is below either.
#define ST_WITH_PLACES                                                      \
  "LEFT JOIN session r ON r.session_pk=s.root_pk LEFT JOIN workspace w ON " \
  "w.workspace_id=s.workspace_id LEFT JOIN workspace rw ON rw.workspace_id=r.workspace_id "
#define ST_IS_CHOSEN                                                                    \
  "(?1 IS NULL OR s.session_id=?1 OR r.session_id=?1) AND (?2 IS NULL OR w.path=?2 OR " \
  "substr(w.path,1,length(?2)+1)=?2||'/' OR rw.path=?2 OR "                             \
  "substr(rw.path,1,length(?2)+1)=?2||'/')"
// Asked by a person, rarely. ?1 session, ?2 workspace, ?3 skill key, ?4 before, ?5 words; NULL =
// any.
constexpr char kChosen[] = R"sql(
  SELECT p.prompt_pk, s.session_pk, s.platform, s.session_id, b.sha256, b.text, p.body_id, p.raw_body_id,
    p.occurred_ms IS NOT NULL
  FROM prompt p JOIN session s ON s.session_pk=p.session_pk JOIN body b ON b.body_id=p.body_id
    )sql" ST_WITH_PLACES "WHERE " ST_IS_CHOSEN R"sql(
    AND (?3 IS NULL OR EXISTS(SELECT 1 FROM observation o JOIN skill k ON k.skill_id=o.skill_id
      WHERE o.prompt_pk=p.prompt_pk AND k.name_key=?3))
    AND (?4 IS NULL OR coalesce(p.occurred_ms,s.started_ms,s.ended_ms,0)<?4)
    AND (?5 IS NULL OR instr(lower(b.text),lower(?5))>0)
    AND (b.text IS NOT NULL OR p.raw_body_id IS NOT NULL OR p.command_args IS NOT NULL)
    AND p.prompt_pk>?6 ORDER BY p.prompt_pk LIMIT ?7)sql";
// Uses whose words no prompt holds: an import brought them. The same numbers.
constexpr char kChosenUses[] = R"sql(
  SELECT o.obs_pk, s.session_pk, s.platform, s.session_id, b.text, o.query_body_id, o.occurred_ms IS NOT NULL
  FROM observation o JOIN session s ON s.session_pk=o.session_pk JOIN body b ON b.body_id=o.query_body_id
    JOIN skill k ON k.skill_id=o.skill_id )sql" ST_WITH_PLACES "WHERE " ST_IS_CHOSEN R"sql(
    AND (?3 IS NULL OR k.name_key=?3)
    AND (?4 IS NULL OR coalesce(o.occurred_ms,s.started_ms,s.ended_ms,0)<?4)
    AND (?5 IS NULL OR instr(lower(b.text),lower(?5))>0) AND b.text IS NOT NULL
    AND o.obs_pk>?6 ORDER BY o.obs_pk LIMIT ?7)sql";
constexpr char kChosenSessions[] =
    "SELECT s.session_pk, s.platform, s.session_id FROM session s " ST_WITH_PLACES
    "WHERE " ST_IS_CHOSEN;

constexpr char kStillPrompt[] = R"sql(
  SELECT 1 FROM prompt p JOIN session s ON s.session_pk=p.session_pk JOIN body b ON b.body_id=p.body_id
  WHERE p.prompt_pk=?1 AND s.session_pk=?2 AND s.platform=?3 AND s.session_id=?4 AND b.body_id=?5 AND b.sha256=?6
    AND (b.text IS NULL)=?7 AND coalesce(p.raw_body_id,0)=?8)sql";
constexpr char kUseNow[] = R"sql(
  SELECT s.platform,s.session_id,b.text FROM observation o JOIN session s ON s.session_pk=o.session_pk
    JOIN body b ON b.body_id=o.query_body_id
  WHERE o.obs_pk=?1 AND o.query_body_id=?2 AND b.text IS NOT NULL)sql";
constexpr char kNumberOf[] =
    R"sql(SELECT session_pk FROM session WHERE platform=?1 AND session_id=?2)sql";
constexpr char kRemembered[] = R"sql(SELECT session_key,text_key FROM forgotten)sql";
constexpr char kEverySession[] = R"sql(SELECT session_pk,platform,session_id FROM session)sql";

}  // namespace

StatusOr<std::vector<ChosenSession>> ForgetChoice::Sessions() {
  if (options_.again) return Remembered();
  std::vector<ChosenSession> out;
  if (!options_.whole_sessions()) return out;
  ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kChosenSessions, OrNull{options_.session},
                                             OrNull{options_.workspace}));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    out.push_back({rows.Key<SessionPk>(0), rows.String(1), rows.String(2)});
  }
}

// Keys alone say what was forgotten: which session has one is seen by making it.
StatusOr<std::vector<ChosenSession>> ForgetChoice::Remembered() {
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kRemembered));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      remembered_[std::string(rows.Bytes(0))].emplace(rows.Bytes(1));
    }
  }
  std::vector<ChosenSession> out;
  ST_ASSIGN_OR_RETURN(Cursor rows, db_.Query(kEverySession));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    ChosenSession session{rows.Key<SessionPk>(0), rows.String(1), rows.String(2)};
    if (IsRemembered(session.platform, session.id, "")) out.push_back(std::move(session));
  }
}

StatusOr<bool> ForgetChoice::StillSo(const ChosenPrompt& prompt) {
  ST_ASSIGN_OR_RETURN(const int64_t same,
                      db_.QueryInt(kStillPrompt, 0, prompt.prompt, prompt.session, prompt.platform,
                                   prompt.session_id, prompt.body, Blob{prompt.sha256},
                                   prompt.text_key.empty(), prompt.raw));
  return same == 1;
}

StatusOr<bool> ForgetChoice::StillSo(const ChosenUse& use) {
  ST_ASSIGN_OR_RETURN(Cursor row, db_.Query(kUseNow, use.pk, use.body));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found && ForgottenSessionKey(row.Text(0), row.Text(1)) == use.session_key &&
         ForgottenTextKey(row.Text(0), row.Text(1), row.Text(2)) == use.text_key;
}

StatusOr<SessionPk> ForgetChoice::NumberOf(const ChosenSession& session) {
  ST_ASSIGN_OR_RETURN(const int64_t now, db_.QueryInt(kNumberOf, 0, session.platform, session.id));
  return SessionPk{now};
}

void ForgetChoice::Restart() {
  last_ = 0;
  last_use_ = 0;
}

bool ForgetChoice::IsRemembered(std::string_view platform, std::string_view session,
                                std::string_view text_key) const {
  const auto found = remembered_.find(ForgottenSessionKey(platform, session));
  return found != remembered_.end() &&
         (found->second.contains("") || found->second.contains(std::string(text_key)));
}

const std::set<std::string>& ForgetChoice::remembered_queries() {
  return remembered_[KeysOfQuery("").session_key];
}

// Rows of `sql` behind `last`, which moves on, some at a time; `read` makes the item of one.
template <typename Item>
StatusOr<ForgetChoice::Batch<Item>> ForgetChoice::Next(const char* sql, int64_t& last,
                                                       Item (*read)(const Cursor& row)) {
  Batch<Item> out;
  int64_t seen = 0;
  ST_ASSIGN_OR_RETURN(Cursor rows,
                      db_.Query(sql, OrNull{options_.session}, OrNull{options_.workspace},
                                OrNull{base::AsciiLower(options_.skill)}, options_.before,
                                OrNull{options_.match}, last, kBatch));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool found, rows.Next());
    if (!found) break;
    ++seen;
    last = rows.Int(0);
    Item item = read(rows);
    if (options_.again && !IsRemembered(item.platform, item.session_id, item.text_key)) continue;
    out.items.push_back(std::move(item));
  }
  out.more = seen == kBatch;
  return out;
}

StatusOr<ForgetChoice::Batch<ChosenPrompt>> ForgetChoice::NextPrompts() {
  return Next<ChosenPrompt>(kChosen, last_, [](const Cursor& row) {
    ChosenPrompt prompt{.prompt = row.Key<PromptPk>(0),
                        .session = row.Key<SessionPk>(1),
                        .platform = row.String(2),
                        .session_id = row.String(3),
                        .sha256 = std::string(row.Bytes(4)),
                        .text_key = {},
                        .text = {},
                        .queries = {},
                        .body = row.Int(6),
                        .raw = row.Int(7),
                        .has_time = row.Bool(8)};
    if (!row.IsNull(5)) {
      prompt.text_key = ForgottenTextKey(prompt.platform, prompt.session_id, row.Text(5));
      prompt.text = row.Text(5).substr(0, kQuotedBytes);
      prompt.queries = QueriesOf(row.Text(5));
    }
    return prompt;
  });
}

StatusOr<ForgetChoice::Batch<ChosenUse>> ForgetChoice::NextUses() {
  return Next<ChosenUse>(kChosenUses, last_use_, [](const Cursor& row) {
    return ChosenUse{.pk = row.Int(0),
                     .platform = row.String(2),
                     .session_id = row.String(3),
                     .session_key = ForgottenSessionKey(row.Text(2), row.Text(3)),
                     .text_key = ForgottenTextKey(row.Text(2), row.Text(3), row.Text(4)),
                     .text = std::string(row.Text(4).substr(0, kQuotedBytes)),
                     .body = row.Int(5),
                     .has_time = row.Bool(6)};
  });
}

}  // namespace selftune::store

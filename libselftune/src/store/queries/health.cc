#include "store/queries/health.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "store/queries/for_each.h"
#include "store/queries/signals.h"

namespace selftune::store {
namespace {

// Labels have no time of their own that counts; the prompt's does. Of prompts an index has
// what is asked, and sessions are read only when a host is asked for: the rows of both lie
// all over the file. Stores of older programs are without the index until the next sync.
#define ST_LABELS                                                                              \
  "SELECT "                                                                                    \
  "k.skill_id,l.prompt_pk,p.occurred_ms,l.label,l.reason,l.source='signal:manual_invocation' " \
  "FROM skill k CROSS JOIN label l ON l.skill_id=k.skill_id JOIN prompt p "
#define ST_LABELS_IN_TIME                                                                       \
  "ON p.prompt_pk=l.prompt_pk WHERE (?3=0 OR k.skill_id=?3) AND coalesce(p.occurred_ms,0)>=?1 " \
  "AND coalesce(p.occurred_ms,0)<?2 "                                                           \
  "AND (?4='' OR ?4=(SELECT platform FROM session s WHERE s.session_pk=p.session_pk))"
constexpr char kLabels[] = ST_LABELS "INDEXED BY prompt_facts " ST_LABELS_IN_TIME;
constexpr char kLabelsOfOld[] = ST_LABELS ST_LABELS_IN_TIME;
constexpr char kMisses[] = R"sql(
  SELECT o.skill_id,o.prompt_pk,o.occurred_ms,o.cause FROM observation o
  WHERE o.effective=1 AND o.outcome='missed' AND o.prompt_pk IS NOT NULL
    AND coalesce(o.occurred_ms,0)>=?1 AND coalesce(o.occurred_ms,0)<?2
    AND (?3=0 OR o.skill_id=?3)
    AND (?4='' OR ?4=(SELECT platform FROM session s WHERE s.session_pk=o.session_pk)))sql";
constexpr char kLabelsIn[] = R"sql(
  SELECT l.skill_id,l.prompt_pk,p.occurred_ms,l.label,l.reason,l.source='signal:manual_invocation' FROM prompt p JOIN label l ON l.prompt_pk=p.prompt_pk
  WHERE p.session_pk=?1)sql";
constexpr char kMissesIn[] = R"sql(
  SELECT skill_id,prompt_pk,occurred_ms,cause FROM observation
  WHERE session_pk=?1 AND effective=1 AND outcome='missed' AND prompt_pk IS NOT NULL)sql";
constexpr char kSkillName[] = R"sql(SELECT name FROM skill WHERE skill_id=?1)sql";
constexpr char kConversation[] = R"sql(
  SELECT session_pk FROM session WHERE root_pk=?1 ORDER BY session_pk<>?1,session_pk)sql";
constexpr char kLoadedBy[] = R"sql(
  SELECT coalesce(max(requested_by='model'),0),coalesce(max(requested_by='user'),0) FROM observation
  WHERE prompt_pk=?1 AND skill_id=?2 AND effective=1 AND outcome='triggered')sql";

// What can make a session count. Uses by the model alone, however many, say
// nothing; each of these walks an index of what does.
constexpr char kMissedIn[] = R"sql(
  SELECT o.skill_id,s.root_pk FROM observation o JOIN session s ON s.session_pk=o.session_pk
  WHERE o.effective=1 AND o.outcome='missed' AND coalesce(o.occurred_ms,0)>=?1 AND (?2=0 OR o.skill_id=?2))sql";
constexpr char kStarted[] = R"sql(
  SELECT o.skill_id,s.root_pk FROM observation o JOIN session s ON s.session_pk=o.session_pk
  WHERE o.effective=1 AND o.outcome='triggered' AND o.requested_by='user' AND coalesce(o.occurred_ms,0)>=?1
    AND (?2=0 OR o.skill_id=?2))sql";
constexpr char kUnwanted[] = R"sql(
  SELECT DISTINCT g.skill_id,s.root_pk FROM improvement_signal g INDEXED BY signal_newest CROSS JOIN session s ON s.session_pk=g.session_pk
  WHERE g.kind='unwanted' AND g.state<>'dismissed' AND g.skill_id IS NOT NULL AND g.occurred_ms>=?1
    AND (?2=0 OR g.skill_id=?2))sql";
#define ST_VERDICTS                                  \
  "SELECT k.skill_id,s.root_pk,l.label,l.prompt_pk " \
  "FROM skill k CROSS JOIN label l ON l.skill_id=k.skill_id JOIN prompt p "
#define ST_VERDICTS_IN_TIME                                                 \
  "ON p.prompt_pk=l.prompt_pk JOIN session s ON s.session_pk=p.session_pk " \
  "WHERE l.label<>'unknown' AND l.reason IN('grader','curated') AND "       \
  "coalesce(p.occurred_ms,0)>=?1 "                                          \
  "AND (?2=0 OR k.skill_id=?2)"
constexpr char kVerdicts[] = ST_VERDICTS "INDEXED BY prompt_facts " ST_VERDICTS_IN_TIME;
constexpr char kVerdictsOfOld[] = ST_VERDICTS ST_VERDICTS_IN_TIME;
constexpr char kRoot[] = R"sql(
  SELECT s.session_id,s.platform,s.started_ms,coalesce(m.answers,0) FROM session s
  LEFT JOIN session_metric m ON m.session_pk=s.session_pk
  WHERE s.session_pk=?1 AND s.kind='main' AND s.started_ms>=?2 AND s.started_ms<?3 AND (?4='' OR s.platform=?4))sql";
constexpr char kInConversation[] = R"sql(
  SELECT o.outcome,o.requested_by,o.cause FROM session s JOIN observation o ON o.session_pk=s.session_pk
  WHERE s.root_pk=?1 AND o.skill_id=?2 AND o.effective=1 ORDER BY o.occurred_ms,o.obs_pk)sql";

using PairKey = std::pair<int64_t, int64_t>;  // skill, then prompt or session

struct Draft {
  std::optional<UtcMillis> at;
  std::vector<LabelItem> labels;
  bool by_command = true;  // all that is said for the skill is its own command
  bool missed = false;
  std::string cause;
};

using Drafts = std::map<PairKey, Draft>;

void AddLabel(const Cursor& row, Drafts& drafts) {
  Draft& draft = drafts[{row.Int(0), row.Int(1)}];
  draft.at = row.OptTime(2);
  draft.labels.push_back({.label = row.String(3), .reason = row.String(4)});
  draft.by_command = draft.by_command && (row.Text(3) != "should" || row.Bool(5));
}

void AddMiss(const Cursor& row, Drafts& drafts) {
  Draft& draft = drafts[{row.Int(0), row.Int(1)}];
  if (!draft.at.has_value()) draft.at = row.OptTime(2);
  draft.missed = true;
  draft.cause = row.String(3);
}

// Who loaded the skill decides what a judgement says about the model.
StatusOr<std::vector<JudgedPrompt>> Finish(Db& db, const Drafts& drafts) {
  std::vector<JudgedPrompt> out;
  out.reserve(drafts.size());
  for (const auto& [key, draft] : drafts) {
    JudgedPrompt& prompt = out.emplace_back();
    prompt.skill = SkillId{key.first};
    prompt.prompt = PromptPk{key.second};
    prompt.at = draft.at;
    if (!draft.labels.empty()) prompt.label = EffectiveLabel(draft.labels);
    prompt.missed = draft.missed;
    prompt.by_command = draft.by_command && prompt.label == "should";
    prompt.cause = draft.cause;
    ST_RETURN_IF_ERROR(
        ForEach(db.Query(kLoadedBy, prompt.prompt, prompt.skill), [&](const Cursor& row) {
          prompt.by_model = row.Bool(0);
          prompt.by_user = row.Bool(1);
        }));
  }
  return out;
}

// What is said about one skill in one conversation, besides its rows.
struct Telling {
  bool unwanted = false;
  std::vector<std::pair<std::string, LoadedBy>> verdicts;  // label, who loaded it there
};

StatusOr<std::map<PairKey, Telling>> FindTelling(Db& db, const EvidenceScope& scope, int64_t from) {
  std::map<PairKey, Telling> out;
  for (const char* sql : {kMissedIn, kStarted}) {
    ST_RETURN_IF_ERROR(ForEach(db.Query(sql, from, scope.skill.value), [&](const Cursor& row) {
      out.try_emplace({row.Int(0), row.Int(1)});
    }));
  }
  ST_RETURN_IF_ERROR(ForEach(db.Query(kUnwanted, from, scope.skill.value), [&](const Cursor& row) {
    out[{row.Int(0), row.Int(1)}].unwanted = true;
  }));
  ST_ASSIGN_OR_RETURN(const bool indexed, db.Has("prompt_facts"));
  ST_ASSIGN_OR_RETURN(Cursor rows,
                      db.Query(indexed ? kVerdicts : kVerdictsOfOld, from, scope.skill.value));
  while (true) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    ST_ASSIGN_OR_RETURN(const LoadedBy use,
                        ReadLoadedBy(db, rows.Key<PromptPk>(3), rows.Key<SkillId>(0)));
    out[{rows.Int(0), rows.Int(1)}].verdicts.emplace_back(rows.String(2), use);
  }
}

}  // namespace

StatusOr<std::vector<JudgedPrompt>> ReadJudgedPrompts(Db& db, const EvidenceScope& scope) {
  const WindowBounds bounds = BoundsOf(scope.window);
  Drafts drafts;
  ST_ASSIGN_OR_RETURN(const bool indexed, db.Has("prompt_facts"));
  ST_RETURN_IF_ERROR(ForEach(db.Query(indexed ? kLabels : kLabelsOfOld, bounds.from, bounds.to,
                                      scope.skill.value, scope.platform),
                             [&](const Cursor& row) { AddLabel(row, drafts); }));
  ST_RETURN_IF_ERROR(
      ForEach(db.Query(kMisses, bounds.from, bounds.to, scope.skill.value, scope.platform),
              [&](const Cursor& row) { AddMiss(row, drafts); }));
  return Finish(db, drafts);
}

StatusOr<std::vector<NamedJudgement>> ReadJudgedInSession(Db& db, SessionPk session) {
  Drafts drafts;
  ST_RETURN_IF_ERROR(
      ForEach(db.Query(kLabelsIn, session), [&](const Cursor& row) { AddLabel(row, drafts); }));
  ST_RETURN_IF_ERROR(
      ForEach(db.Query(kMissesIn, session), [&](const Cursor& row) { AddMiss(row, drafts); }));
  ST_ASSIGN_OR_RETURN(std::vector<JudgedPrompt> prompts, Finish(db, drafts));
  std::vector<NamedJudgement> out;
  for (JudgedPrompt& prompt : prompts) {
    NamedJudgement& named = out.emplace_back();
    ST_RETURN_IF_ERROR(ForEach(db.Query(kSkillName, prompt.skill),
                               [&](const Cursor& row) { named.skill = row.String(0); }));
    named.prompt = std::move(prompt);
  }
  return out;
}

StatusOr<std::vector<SessionPk>> ConversationOf(Db& db, SessionPk root) {
  std::vector<SessionPk> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kConversation, root),
                             [&](const Cursor& row) { out.push_back(row.Key<SessionPk>(0)); }));
  return out;
}

StatusOr<std::vector<JudgedSession>> ReadJudgedSessions(Db& db, const EvidenceScope& scope) {
  const WindowBounds bounds = BoundsOf(scope.window);
  ST_ASSIGN_OR_RETURN(const auto telling, FindTelling(db, scope, bounds.from));
  std::vector<JudgedSession> out;
  for (const auto& [key, said] : telling) {
    JudgedSession judged;
    SkillSession& session = judged.session;
    ST_RETURN_IF_ERROR(ForEach(db.Query(kRoot, key.second, bounds.from, bounds.to, scope.platform),
                               [&](const Cursor& row) {
                                 session.session = SessionPk{key.second};
                                 session.session_id = row.String(0);
                                 session.platform = row.String(1);
                                 session.started = row.Time(2);
                                 session.answers = row.Int(3);
                               }));
    if (!session.session) continue;  // not a person's, or outside
    judged.skill = SkillId{key.first};
    ST_RETURN_IF_ERROR(
        ForEach(db.Query(kInConversation, key.second, key.first),
                [&](const Cursor& row) { session.AddUse(row.Text(0), row.Text(1), row.Text(2)); }));
    session.unwanted = said.unwanted;
    for (const auto& [label, use] : said.verdicts) session.AddVerdict(label, use);
    out.push_back(std::move(judged));
  }
  std::sort(out.begin(), out.end(), [](const JudgedSession& a, const JudgedSession& b) {
    return std::tie(a.session.started, a.session.session, a.skill) <
           std::tie(b.session.started, b.session.session, b.skill);
  });
  return out;
}

}  // namespace selftune::store

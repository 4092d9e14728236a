#include "store/queries/health.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/queries/signals.h"

namespace selftune::store {
namespace {

constexpr int64_t kMsPerDay = 86'400'000;

// Labels have no time of their own that counts; the prompt's does.
constexpr char kLabels[] = R"sql(
  SELECT k.skill_id,l.prompt_pk,p.occurred_ms,l.label,l.reason
  FROM skill k JOIN label l ON l.skill_id=k.skill_id JOIN prompt p ON p.prompt_pk=l.prompt_pk
  JOIN session s ON s.session_pk=p.session_pk
  WHERE (?3=0 OR k.skill_id=?3) AND coalesce(p.occurred_ms,0)>=?1 AND coalesce(p.occurred_ms,0)<?2
    AND (?4='' OR s.platform=?4))sql";
constexpr char kMisses[] = R"sql(
  SELECT o.skill_id,o.prompt_pk,o.occurred_ms,o.cause
  FROM observation o JOIN session s ON s.session_pk=o.session_pk
  WHERE o.effective=1 AND o.outcome='missed' AND o.prompt_pk IS NOT NULL
    AND coalesce(o.occurred_ms,0)>=?1 AND coalesce(o.occurred_ms,0)<?2
    AND (?3=0 OR o.skill_id=?3) AND (?4='' OR s.platform=?4))sql";
constexpr char kLabelsIn[] = R"sql(
  SELECT l.skill_id,l.prompt_pk,p.occurred_ms,l.label,l.reason FROM prompt p JOIN label l ON l.prompt_pk=p.prompt_pk
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

// What can make a session count: everything but uses by the model alone.
constexpr char kTelling[] = R"sql(
  SELECT o.skill_id,s.root_pk FROM observation o INDEXED BY obs_time JOIN session s ON s.session_pk=o.session_pk
  WHERE o.effective=1 AND (o.outcome<>'triggered' OR o.requested_by='user')
    AND coalesce(o.occurred_ms,0)>=?1 AND (?2=0 OR o.skill_id=?2)
  GROUP BY 1,2)sql";
constexpr char kUnwanted[] = R"sql(
  SELECT DISTINCT g.skill_id,s.root_pk FROM improvement_signal g JOIN session s ON s.session_pk=g.session_pk
  WHERE g.kind='unwanted' AND g.state<>'dismissed' AND g.skill_id IS NOT NULL AND g.occurred_ms>=?1
    AND (?2=0 OR g.skill_id=?2))sql";
constexpr char kVerdicts[] = R"sql(
  SELECT k.skill_id,s.root_pk,l.label,
    EXISTS(SELECT 1 FROM observation o WHERE o.prompt_pk=l.prompt_pk AND o.skill_id=l.skill_id AND o.effective=1
      AND o.outcome='triggered')
  FROM skill k JOIN label l ON l.skill_id=k.skill_id JOIN prompt p ON p.prompt_pk=l.prompt_pk
  JOIN session s ON s.session_pk=p.session_pk
  WHERE l.reason IN('grader','curated') AND coalesce(p.occurred_ms,0)>=?1 AND (?2=0 OR k.skill_id=?2))sql";
constexpr char kRoot[] = R"sql(
  SELECT s.session_id,s.platform,s.started_ms,coalesce(m.answers,0) FROM session s
  LEFT JOIN session_metric m ON m.session_pk=s.session_pk
  WHERE s.session_pk=?1 AND s.kind='main' AND s.started_ms>=?2 AND s.started_ms<?3 AND (?4='' OR s.platform=?4))sql";
constexpr char kInConversation[] = R"sql(
  SELECT o.outcome,o.requested_by,o.cause FROM session s JOIN observation o ON o.session_pk=s.session_pk
  WHERE s.root_pk=?1 AND o.skill_id=?2 AND o.effective=1 ORDER BY o.occurred_ms,o.obs_pk)sql";

constexpr char kTotals[] = R"sql(
  SELECT k.skill_id,k.name,t.checks,t.triggered,t.missed,t.sessions,t.last_ms,t.last_scope,x.autonomy,
    x.cooldown_until_ms,x.frozen_until_ms
  FROM skill k LEFT JOIN skill_total t ON t.skill_id=k.skill_id LEFT JOIN skill_state x ON x.skill_id=k.skill_id
  ORDER BY k.name)sql";
constexpr char kWindows[] = R"sql(
  SELECT skill_id,sum(triggered),sum(refused),sum(requested),sum(missed) FROM skill_day
  WHERE day>=?1 AND day<=?2 AND skill_id<>0 GROUP BY skill_id)sql";
constexpr char kPlaces[] = R"sql(
  SELECT skill_id,path,scope,registry_dir,project_root,content_sha256,implicit_allowed,in_git
  FROM skill_location ORDER BY skill_id,path)sql";
constexpr char kPlatforms[] = R"sql(SELECT platform FROM host ORDER BY platform)sql";
constexpr char kSessionsOn[] = R"sql(SELECT session_pk FROM session WHERE platform=?1)sql";
constexpr char kSkillSessions[] = R"sql(
  SELECT k.skill_id,z.session_pk FROM skill k JOIN skill_session z ON z.skill_id=k.skill_id)sql";
constexpr char kListed[] = R"sql(
  SELECT length(l.name)+coalesce(length(b.text),0) FROM listing_entry l LEFT JOIN body b ON b.body_id=l.description_body
  WHERE l.skill_id=?1 AND l.state IN('full','truncated','name_only') ORDER BY l.listing_id DESC LIMIT 1)sql";
constexpr char kSignals[] = R"sql(
  SELECT skill_id,kind,count(DISTINCT session_pk) FROM improvement_signal
  WHERE state='pending' AND skill_id IS NOT NULL AND resolved=1 AND occurred_ms>=?1 GROUP BY 1,2)sql";
constexpr char kDeploys[] = R"sql(
  SELECT skill_id,deploy_id,proposal_id,coalesce(finished_ms,started_ms) FROM deploy d
  WHERE kind IN('deploy','publish') AND state='deployed'
    AND NOT EXISTS(SELECT 1 FROM deploy u WHERE u.undoes=d.deploy_id AND u.state='deployed')
  ORDER BY skill_id,started_ms DESC,deploy_id DESC)sql";
constexpr char kOpen[] = R"sql(
  SELECT skill_id,count(*) FROM proposal WHERE state IN('created','validated','approved') GROUP BY skill_id)sql";
constexpr char kWatches[] = R"sql(
  SELECT skill_id,deploy_id,state,drifting FROM watch ORDER BY skill_id,started_ms DESC,deploy_id DESC)sql";
constexpr char kCounts[] = R"sql(
  SELECT (SELECT value FROM counter WHERE name='sessions'),(SELECT value FROM counter WHERE name='prompts'),
    (SELECT coalesce(sum(triggered),0) FROM skill_total))sql";
constexpr char kNewest[] = R"sql(
  SELECT ended_ms FROM session WHERE strftime('%Y-%m-%dT%H:%M:%fZ',ended_ms/1000.0,'unixepoch')>''
  ORDER BY strftime('%Y-%m-%dT%H:%M:%fZ',ended_ms/1000.0,'unixepoch') DESC LIMIT 1)sql";
constexpr char kNth[] = R"sql(
  SELECT started_ms FROM session WHERE kind='main' AND coalesce(started_ms,0)>0
  ORDER BY coalesce(started_ms,0) DESC,session_pk DESC LIMIT 1 OFFSET ?1)sql";
constexpr char kPromptsWithout[] = R"sql(
  SELECT p.body_id,EXISTS(SELECT 1 FROM observation o WHERE o.prompt_pk=p.prompt_pk AND o.effective=1
      AND o.outcome='triggered')
  FROM prompt p JOIN session s ON s.session_pk=p.session_pk
  WHERE p.actionable=1 AND p.active=1 AND coalesce(p.occurred_ms,0)>=?1 AND coalesce(p.occurred_ms,0)<?2
    AND (?3='' OR s.platform=?3)
  ORDER BY coalesce(p.occurred_ms,0) DESC,p.prompt_pk DESC LIMIT ?4)sql";
constexpr char kBody[] = R"sql(SELECT sha256,text FROM body WHERE body_id=?1)sql";

template <typename Row>
Status ForEach(StatusOr<Cursor> query, Row&& row) {
  ST_ASSIGN_OR_RETURN(Cursor rows, std::move(query));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return absl::OkStatus();
    row(rows);
  }
}

using PairKey = std::pair<int64_t, int64_t>;  // skill, then prompt or session

struct Draft {
  std::optional<UtcMillis> at;
  std::vector<LabelItem> labels;
  bool missed = false;
  std::string cause;
};

using Drafts = std::map<PairKey, Draft>;

void AddLabel(const Cursor& row, Drafts& drafts) {
  Draft& draft = drafts[{row.Int(0), row.Int(1)}];
  draft.at = row.OptTime(2);
  draft.labels.push_back({.label = row.String(3), .reason = row.String(4)});
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
    prompt.cause = draft.cause;
    ST_RETURN_IF_ERROR(ForEach(db.Query(kLoadedBy, prompt.prompt, prompt.skill),
                               [&](const Cursor& row) {
                                 prompt.by_model = row.Bool(0);
                                 prompt.by_user = row.Bool(1);
                               }));
  }
  return out;
}

// What a verdict says about one skill in one conversation.
struct Verdict {
  bool unwanted = false, wanted = false, rejected = false, should_have = false;
};

Status AddVerdicts(Db& db, const EvidenceScope& scope, int64_t from,
                   std::map<PairKey, Verdict>& out) {
  ST_RETURN_IF_ERROR(ForEach(db.Query(kTelling, from, scope.skill.value), [&](const Cursor& row) {
    out.try_emplace({row.Int(0), row.Int(1)});
  }));
  ST_RETURN_IF_ERROR(ForEach(db.Query(kUnwanted, from, scope.skill.value), [&](const Cursor& row) {
    out[{row.Int(0), row.Int(1)}].unwanted = true;
  }));
  return ForEach(db.Query(kVerdicts, from, scope.skill.value), [&](const Cursor& row) {
    const bool ran = row.Bool(3);
    const std::string_view label = row.Text(2);
    if (label == "unknown" || (label == "should_not" && !ran)) return;
    Verdict& verdict = out[{row.Int(0), row.Int(1)}];
    if (label == "should_not") verdict.rejected = true;
    if (label == "should" && ran) verdict.wanted = true;
    if (label == "should" && !ran) verdict.should_have = true;
  });
}

void AddUse(const Cursor& row, SkillSession& session) {
  const std::string_view outcome = row.Text(0);
  if (outcome == "read_only") session.edited = true;
  if (outcome == "missed") {
    const std::string_view cause = row.Text(2);
    if (cause == "description" || cause == "unknown" || cause.empty()) {
      session.missed = true;
      session.missed_before_auto |= !session.auto_triggered;
    }
  }
  if (outcome != "triggered") return;
  if (row.Text(1) == "model") {
    session.auto_triggered = true;
  } else {
    session.user_started = true;
    session.started_before_auto |= !session.auto_triggered;
  }
}

}  // namespace

StatusOr<std::vector<JudgedPrompt>> ReadJudgedPrompts(Db& db, const EvidenceScope& scope) {
  const WindowBounds bounds = BoundsOf(scope.window);
  Drafts drafts;
  ST_RETURN_IF_ERROR(
      ForEach(db.Query(kLabels, bounds.from, bounds.to, scope.skill.value, scope.platform),
              [&](const Cursor& row) { AddLabel(row, drafts); }));
  ST_RETURN_IF_ERROR(
      ForEach(db.Query(kMisses, bounds.from, bounds.to, scope.skill.value, scope.platform),
              [&](const Cursor& row) { AddMiss(row, drafts); }));
  return Finish(db, drafts);
}

StatusOr<std::vector<NamedJudgement>> ReadJudgedInSession(Db& db, SessionPk session) {
  Drafts drafts;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kLabelsIn, session),
                             [&](const Cursor& row) { AddLabel(row, drafts); }));
  ST_RETURN_IF_ERROR(ForEach(db.Query(kMissesIn, session),
                             [&](const Cursor& row) { AddMiss(row, drafts); }));
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
  ST_RETURN_IF_ERROR(ForEach(db.Query(kConversation, root), [&](const Cursor& row) {
    out.push_back(row.Key<SessionPk>(0));
  }));
  return out;
}

StatusOr<std::vector<JudgedSession>> ReadJudgedSessions(Db& db, const EvidenceScope& scope) {
  const WindowBounds bounds = BoundsOf(scope.window);
  std::map<PairKey, Verdict> verdicts;
  ST_RETURN_IF_ERROR(AddVerdicts(db, scope, bounds.from, verdicts));
  std::vector<JudgedSession> out;
  for (const auto& [key, verdict] : verdicts) {
    JudgedSession judged;
    SkillSession& session = judged.session;
    ST_RETURN_IF_ERROR(ForEach(
        db.Query(kRoot, key.second, bounds.from, bounds.to, scope.platform),
        [&](const Cursor& row) {
          session.session = SessionPk{key.second};
          session.session_id = row.String(0);
          session.platform = row.String(1);
          session.started = row.Time(2);
          session.answers = row.Int(3);
        }));
    if (!session.session) continue;  // not a person's, or outside
    judged.skill = SkillId{key.first};
    ST_RETURN_IF_ERROR(ForEach(db.Query(kInConversation, key.second, key.first),
                               [&](const Cursor& row) { AddUse(row, session); }));
    session.unwanted = verdict.unwanted;
    session.wanted_label = verdict.wanted;
    session.rejected_label = verdict.rejected;
    session.missed |= verdict.should_have;
    session.missed_before_auto |= verdict.should_have && !session.auto_triggered;
    out.push_back(std::move(judged));
  }
  std::sort(out.begin(), out.end(), [](const JudgedSession& a, const JudgedSession& b) {
    return std::tie(a.session.started, a.session.session, a.skill) <
           std::tie(b.session.started, b.session.session, b.skill);
  });
  return out;
}

StatusOr<std::vector<SkillTotals>> ReadSkillTotals(Db& db) {
  std::vector<SkillTotals> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kTotals), [&](const Cursor& row) {
    out.push_back({.id = row.Key<SkillId>(0),
                   .name = row.String(1),
                   .checks = row.Int(2),
                   .triggered = row.Int(3),
                   .missed = row.Int(4),
                   .sessions = row.Int(5),
                   .last = row.OptTime(6),
                   .last_scope = row.String(7),
                   .autonomy = row.String(8),
                   .cooldown_until = row.OptTime(9),
                   .frozen_until = row.OptTime(10)});
  }));
  return out;
}

StatusOr<std::vector<SkillWindow>> ReadSkillWindows(Db& db, const TimeWindow& window) {
  const int64_t from = window.from.has_value() ? DayOf(*window.from) : INT64_MIN;
  int64_t to = INT64_MAX;
  if (window.to.has_value()) {
    // A window that ends at midnight does not reach into the next day.
    to = DayOf(*window.to);
    if (window.to->value == to * kMsPerDay) --to;
  }
  std::vector<SkillWindow> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kWindows, from, to), [&](const Cursor& row) {
    out.push_back({row.Key<SkillId>(0), row.Int(1), row.Int(2), row.Int(3), row.Int(4)});
  }));
  return out;
}

StatusOr<std::vector<SkillPlace>> ReadSkillPlaces(Db& db) {
  std::vector<SkillPlace> out;
  const auto flag = [](const Cursor& row, int column) -> std::optional<bool> {
    if (row.IsNull(column)) return std::nullopt;
    return row.Bool(column);
  };
  ST_RETURN_IF_ERROR(ForEach(db.Query(kPlaces), [&](const Cursor& row) {
    out.push_back({.id = row.Key<SkillId>(0),
                   .path = row.String(1),
                   .scope = row.String(2),
                   .registry_dir = row.String(3),
                   .project_root = row.String(4),
                   .content_sha256 = std::string(row.Bytes(5)),
                   .implicit_allowed = flag(row, 6),
                   .in_git = flag(row, 7)});
  }));
  return out;
}

StatusOr<std::vector<std::pair<SkillId, std::string>>> ReadSkillPlatforms(Db& db) {
  std::vector<std::string> platforms;
  ST_RETURN_IF_ERROR(
      ForEach(db.Query(kPlatforms), [&](const Cursor& row) { platforms.push_back(row.String(0)); }));
  // Joined here: a map by row number is cheaper than a look-up of each session.
  std::vector<uint8_t> platform_of;
  for (size_t i = 0; i < platforms.size(); ++i) {
    ST_RETURN_IF_ERROR(ForEach(db.Query(kSessionsOn, platforms[i]), [&](const Cursor& row) {
      const auto pk = static_cast<size_t>(row.Int(0));
      if (pk >= platform_of.size()) platform_of.resize(pk + 1, UINT8_MAX);
      platform_of[pk] = static_cast<uint8_t>(i);
    }));
  }
  std::set<std::pair<int64_t, size_t>> seen;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kSkillSessions), [&](const Cursor& row) {
    const auto pk = static_cast<size_t>(row.Int(1));
    if (pk >= platform_of.size() || platform_of[pk] == UINT8_MAX) return;
    seen.insert({row.Int(0), platform_of[pk]});
  }));
  std::vector<std::pair<SkillId, std::string>> out;
  for (const auto& [skill, platform] : seen) out.emplace_back(SkillId{skill}, platforms[platform]);
  return out;
}

StatusOr<std::optional<int64_t>> ListedChars(Db& db, SkillId skill) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kListed, skill));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? row.OptInt(0) : std::nullopt;
}

StatusOr<std::vector<SignalWeight>> ReadSignalWeights(Db& db, UtcMillis since) {
  std::vector<SignalWeight> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kSignals, since), [&](const Cursor& row) {
    out.push_back({row.Key<SkillId>(0), row.String(1), row.Int(2)});
  }));
  return out;
}

StatusOr<std::vector<StandingDeploy>> ReadStandingDeploys(Db& db) {
  std::vector<StandingDeploy> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kDeploys), [&](const Cursor& row) {
    const auto id = row.Key<SkillId>(0);
    if (!out.empty() && out.back().id == id) return;  // an older one
    out.push_back({id, row.String(1), row.String(2), row.Time(3)});
  }));
  return out;
}

StatusOr<std::vector<std::pair<SkillId, int64_t>>> ReadOpenProposals(Db& db) {
  std::vector<std::pair<SkillId, int64_t>> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kOpen), [&](const Cursor& row) {
    out.emplace_back(row.Key<SkillId>(0), row.Int(1));
  }));
  return out;
}

StatusOr<std::vector<SkillWatch>> ReadSkillWatches(Db& db) {
  std::vector<SkillWatch> out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kWatches), [&](const Cursor& row) {
    const auto id = row.Key<SkillId>(0);
    if (!out.empty() && out.back().id == id) return;
    out.push_back({id, row.String(1), row.String(2), row.Bool(3)});
  }));
  return out;
}

StatusOr<Counts> ReadCounts(Db& db) {
  Counts out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kCounts), [&](const Cursor& row) {
    out = {row.Int(0), row.Int(1), row.Int(2)};
  }));
  return out;
}

StatusOr<std::optional<UtcMillis>> NewestEvidence(Db& db) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kNewest));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? row.OptTime(0) : std::nullopt;
}

StatusOr<std::optional<UtcMillis>> NthNewestSession(Db& db, int64_t n) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kNth, std::max<int64_t>(n, 1) - 1));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? row.OptTime(0) : std::nullopt;
}

StatusOr<Unmatched> ReadUnmatched(Db& db, const EvidenceScope& scope, int64_t limit, size_t top) {
  const WindowBounds bounds = BoundsOf(scope.window);
  Unmatched out;
  std::map<int64_t, std::pair<int64_t, int64_t>> bodies;  // count, place of the newest
  ST_RETURN_IF_ERROR(ForEach(
      db.Query(kPromptsWithout, bounds.from, bounds.to, scope.platform, limit + 1),
      [&](const Cursor& row) {
        if (out.prompts == limit) {
          out.truncated = true;
          return;
        }
        const int64_t place = out.prompts++;
        if (row.Bool(1)) return;
        ++out.count;
        const auto [it, added] = bodies.try_emplace(row.Int(0), 0, place);
        ++it->second.first;
      }));
  std::vector<std::pair<int64_t, std::pair<int64_t, int64_t>>> order(bodies.begin(), bodies.end());
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.second.first != b.second.first ? a.second.first > b.second.first
                                            : a.second.second < b.second.second;
  });
  if (order.size() > top) order.resize(top);
  for (const auto& [body, count] : order) {
    ST_RETURN_IF_ERROR(ForEach(db.Query(kBody, body), [&, &n = count.first](const Cursor& row) {
      out.top.push_back({base::Hex(row.Bytes(0)), row.String(1), n});
    }));
  }
  return out;
}

}  // namespace selftune::store

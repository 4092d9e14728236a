#include "store/resolver.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/status_macros.h"

namespace selftune::store {
namespace {

constexpr char kCandidates[] = R"sql(
  SELECT o.obs_pk, o.effective, o.capture_rank, o.occurred_ms,
    o.polluted=0
    AND NOT (o.capture IN('repair','legacy') AND EXISTS(SELECT 1 FROM observation y WHERE y.session_pk=o.session_pk
      AND y.skill_id=o.skill_id AND y.polluted=0 AND y.capture NOT IN('repair','legacy','label')))
    AND NOT (o.capture='hook' AND EXISTS(SELECT 1 FROM session s WHERE s.session_pk=o.session_pk
      AND s.capture='transcript' AND s.ended_ms>o.occurred_ms+5000))
    AND NOT (o.capture='label' AND o.prompt_pk IS NOT NULL AND EXISTS(SELECT 1 FROM observation y
      WHERE y.prompt_pk=o.prompt_pk AND y.skill_id=o.skill_id AND y.effective=1 AND y.outcome='triggered'))
    AND NOT (o.capture='label' AND EXISTS(SELECT 1 FROM label l WHERE l.prompt_pk=o.prompt_pk AND l.skill_id=o.skill_id
      AND l.label<>'should' AND NOT EXISTS(SELECT 1 FROM label m WHERE m.prompt_pk=l.prompt_pk AND m.skill_id=l.skill_id
        AND (m.reason='curated' AND l.reason<>'curated' OR m.reason='grader' AND l.reason='signal'))))
  FROM observation o WHERE o.occurrence_key=?1)sql";
// All that leave a choice: several rows, one that does not count, or a miss of
// which a label says otherwise.
constexpr char kChoices[] = R"sql(
  SELECT occurrence_key FROM observation GROUP BY occurrence_key HAVING count(*)>1 OR max(effective)=0
  UNION SELECT o.occurrence_key FROM label l CROSS JOIN observation o ON o.prompt_pk=l.prompt_pk AND o.skill_id=l.skill_id
  WHERE l.label<>'should' AND o.capture='label')sql";
constexpr char kSetEffective[] = R"sql(UPDATE observation SET effective=?2 WHERE obs_pk=?1)sql";
constexpr char kImported[] = R"sql(
  SELECT occurrence_key FROM observation WHERE session_pk=?1 AND skill_id=?2 AND capture IN('repair','legacy'))sql";
constexpr char kMisses[] = R"sql(
  SELECT occurrence_key FROM observation WHERE prompt_pk=?1 AND skill_id=?2 AND capture='label')sql";

StatusOr<std::vector<std::string>> Keys(StatusOr<Cursor> query) {
  ST_ASSIGN_OR_RETURN(Cursor rows, std::move(query));
  std::vector<std::string> keys;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return keys;
    keys.emplace_back(rows.Bytes(0));
  }
}

// Rows of an occurrence; 0 = none.
struct Candidates {
  int64_t winner = 0;  // that is to count
  int64_t former = 0;  // that counts
};

// The stronger capture wins, then the later one, then the row that was there first.
StatusOr<Candidates> FindCandidates(Db& db, std::string_view occurrence_key) {
  Candidates out;
  std::tuple<int64_t, int64_t, int64_t> best;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kCandidates, Blob{occurrence_key}));
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return out;
    if (rows.Bool(1)) out.former = rows.Int(0);
    if (!rows.Bool(4)) continue;
    const std::tuple rank(rows.Int(2), rows.OptInt(3).value_or(INT64_MIN), -rows.Int(0));
    if (out.winner != 0 && rank < best) continue;
    out.winner = rows.Int(0);
    best = rank;
  }
}

}  // namespace

Status ResolveOccurrence(Db& db, std::string_view occurrence_key) {
  ST_ASSIGN_OR_RETURN(const Candidates found, FindCandidates(db, occurrence_key));
  const auto [winner, former] = found;
  if (winner == former) return absl::OkStatus();
  // In this order: an index allows one effective row only.
  if (former != 0) ST_RETURN_IF_ERROR(db.Run(kSetEffective, former, 0));
  if (winner != 0) ST_RETURN_IF_ERROR(db.Run(kSetEffective, winner, 1));
  return absl::OkStatus();
}

StatusOr<std::vector<std::string>> UnresolvedOccurrences(Db& db, size_t limit) {
  std::vector<std::string> out;
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kChoices));
  while (out.size() < limit) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) break;
    const std::string key(rows.Bytes(0));
    ST_ASSIGN_OR_RETURN(const Candidates found, FindCandidates(db, key));
    if (found.winner != found.former) out.push_back(key);
  }
  return out;
}

Status ResolveMisses(Db& db, PromptPk prompt, SkillId skill) {
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> keys, Keys(db.Query(kMisses, prompt, skill)));
  for (const std::string& key : keys) ST_RETURN_IF_ERROR(ResolveOccurrence(db, key));
  return absl::OkStatus();
}

Status ResolveNeighbours(Db& db, SessionPk session, PromptPk prompt, SkillId skill) {
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> keys,
                      Keys(db.Query(kImported, session, skill)));
  for (const std::string& key : keys) ST_RETURN_IF_ERROR(ResolveOccurrence(db, key));
  return prompt ? ResolveMisses(db, prompt, skill) : absl::OkStatus();
}

}  // namespace selftune::store

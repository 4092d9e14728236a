#include "store/queries/merged.h"

#include <utility>

#include "base/status_macros.h"
#include "store/queries/for_each.h"

namespace selftune::store {
namespace {

// The resolver's rules (resolver.cc), by which a row lost; o: the row, w: the one that
// counts in its place.
#define ST_WHY                                                                          \
  "CASE WHEN w.obs_pk IS NOT NULL THEN 'outranked' WHEN o.polluted=1 THEN 'polluted' "  \
  "WHEN o.capture='hook' THEN 'refuted' WHEN o.capture<>'label' THEN 'imported' "       \
  "WHEN EXISTS(SELECT 1 FROM observation y WHERE y.prompt_pk=o.prompt_pk "              \
  "AND y.skill_id=o.skill_id AND y.effective=1 AND y.outcome='triggered') THEN 'used' " \
  "ELSE 'relabelled' END"

constexpr char kPrompts[] = R"sql(
  SELECT s.platform,(p.seen_mask>>1)&1,p.seen_mask&1,count(*) FROM prompt p JOIN session s ON s.session_pk=p.session_pk
  WHERE p.actionable=1 GROUP BY 1,2,3 ORDER BY 1,2,3)sql";
constexpr char kRows[] =
    "SELECT s.platform,o.capture," ST_WHY R"sql(,coalesce(w.capture,''),count(*)
  FROM observation o JOIN session s ON s.session_pk=o.session_pk
  LEFT JOIN observation w ON w.occurrence_key=o.occurrence_key AND w.effective=1
  WHERE o.effective=0 GROUP BY 1,2,3,4 ORDER BY 1,2,3,4)sql";
constexpr char kExamples[] =
    "SELECT s.platform,s.session_id,o.skill_text," ST_WHY R"sql(,p.prompt_id,o.occurred_ms,
    o.capture,o.outcome,o.level,f.path,o.line_no,o.offset,
    w.obs_pk IS NOT NULL,w.capture,w.outcome,w.level,g.path,w.line_no,w.offset
  FROM observation o JOIN session s ON s.session_pk=o.session_pk
  LEFT JOIN observation w ON w.occurrence_key=o.occurrence_key AND w.effective=1
  LEFT JOIN prompt p ON p.prompt_pk=coalesce(o.prompt_pk,w.prompt_pk)
  LEFT JOIN source_file f ON f.source_id=o.source_id LEFT JOIN source_file g ON g.source_id=w.source_id
  WHERE o.effective=0 ORDER BY coalesce(o.occurred_ms,0) DESC,o.obs_pk DESC LIMIT ?1)sql";

constexpr int64_t kShown = 20;

MergedPlace PlaceOf(Cursor& row, int first) {
  return {.capture = row.String(first),
          .outcome = row.String(first + 1),
          .level = row.String(first + 2),
          .path = row.String(first + 3),
          .line = row.OptInt(first + 4),
          .offset = row.OptInt(first + 5)};
}

}  // namespace

StatusOr<Merged> ReadMerged(Db& db) {
  Merged out;
  ST_RETURN_IF_ERROR(ForEach(db.Query(kPrompts), [&](Cursor& row) {
    out.prompts.push_back({.platform = row.String(0),
                           .hook = row.Bool(1),
                           .transcript = row.Bool(2),
                           .prompts = row.Int(3)});
  }));
  ST_RETURN_IF_ERROR(ForEach(db.Query(kRows), [&](Cursor& row) {
    out.rows.push_back({.platform = row.String(0),
                        .capture = row.String(1),
                        .why = row.String(2),
                        .counts = row.String(3),
                        .rows = row.Int(4)});
  }));
  ST_RETURN_IF_ERROR(ForEach(db.Query(kExamples, kShown), [&](Cursor& row) {
    constexpr int kRow = 6, kCounts = 12;
    MergedExample& example = out.examples.emplace_back();
    example = {.platform = row.String(0),
               .session_id = row.String(1),
               .skill = row.String(2),
               .why = row.String(3),
               .prompt_id = row.String(4),
               .at = row.OptTime(5),
               .row = PlaceOf(row, kRow),
               .counts = {}};
    if (row.Bool(kCounts)) example.counts = PlaceOf(row, kCounts + 1);
  }));
  return out;
}

}  // namespace selftune::store

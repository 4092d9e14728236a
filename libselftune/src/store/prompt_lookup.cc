#include "store/prompt_lookup.h"

#include <string>
#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::store {
namespace {

// The last row of the skill that holds at the prompt: from the start first,
// then by prompt, then by place in the file. Rows of the session say whether
// the source records listings at all.
constexpr char kExposureAt[] =
    "SELECT le.state, e.cause, b.text, le.location, f.path, e.offset "
    "FROM prompt p JOIN exposure e ON e.session_pk=p.session_pk "
    "JOIN listing_entry le ON le.listing_id=e.listing_id "
    "JOIN skill k ON k.skill_id=le.skill_id "
    "LEFT JOIN body b ON b.body_id=le.description_body "
    "LEFT JOIN source_file f ON f.source_id=e.source_id "
    "WHERE p.prompt_pk=?1 AND k.name_key=?2 AND (e.prompt_seq IS NULL OR e.prompt_seq<=p.seq) "
    "ORDER BY coalesce(e.prompt_seq,-1) DESC, e.inherited, e.exposure_pk DESC LIMIT 1";

constexpr char kRecorded[] =
    "SELECT 1 FROM prompt p JOIN exposure e ON e.session_pk=p.session_pk "
    "WHERE p.prompt_pk=?1 LIMIT 1";

constexpr char kBefore[] =
    "SELECT prompt_pk, capture<>'hook' FROM prompt WHERE session_pk=?1 AND seq<?2 AND "
    "actionable=1 AND (NOT ?3 OR capture<>'hook') ORDER BY seq DESC LIMIT 1";

constexpr char kFind[] =
    "SELECT prompt_pk, capture<>'hook' FROM prompt WHERE session_pk=?1 AND seq=?2 AND actionable=1";

constexpr char kText[] =
    "SELECT b.text FROM prompt p JOIN body b ON b.body_id=p.body_id "
    "WHERE p.session_pk=?1 AND p.seq=?2";

constexpr char kSetActive[] =
    "UPDATE prompt SET active=?3 WHERE session_pk=?1 AND seq=?2 AND active<>?3";

constexpr char kTriggered[] =
    "SELECT 1 FROM prompt p JOIN observation o ON o.session_pk=p.session_pk AND "
    "o.prompt_pk=p.prompt_pk JOIN skill k ON k.skill_id=o.skill_id "
    "WHERE p.prompt_pk=?1 AND k.name_key=?2 AND o.effective=1 AND "
    "o.outcome='triggered' AND (NOT ?3 OR o.capture<>'hook') LIMIT 1";

StatusOr<PlacedPrompt> Placed(StatusOr<Cursor> query) {
  ST_ASSIGN_OR_RETURN(Cursor row, std::move(query));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return PlacedPrompt{};
  return PlacedPrompt{.pk = row.Key<PromptPk>(0), .by_source = row.Bool(1)};
}

}  // namespace

StatusOr<ExposureAt> ReadExposureAt(Db& db, PromptPk prompt, std::string_view skill) {
  ExposureAt out;
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kExposureAt, prompt, base::AsciiLower(skill)));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (found) {
      out.recorded = true;
      out.state = ParseExposureState(row.Text(0)).value_or(ExposureState::kAbsent);
      out.cause = ParseExposureCause(row.Text(1)).value_or(ExposureCause::kListing);
      out.description = row.OptString(2);
      out.skill_path = row.String(3);
      out.source_path = row.String(4);
      out.source_offset = row.OptInt(5);
      return out;
    }
  }
  ST_ASSIGN_OR_RETURN(const int64_t recorded, db.QueryInt(kRecorded, 0, prompt));
  out.recorded = recorded != 0;
  return out;
}

MissCause CauseOf(const ExposureAt& exposure) {
  if (!exposure.recorded) return MissCause::kUnknown;
  switch (exposure.state) {
    case ExposureState::kFull:
      return MissCause::kDescription;
    case ExposureState::kTruncated:
    case ExposureState::kNameOnly:
      return MissCause::kTruncated;
    case ExposureState::kExplicitOnly:
    case ExposureState::kDisabled:
      return MissCause::kDisabled;
    case ExposureState::kAbsent:
      return exposure.cause == ExposureCause::kCompaction ? MissCause::kCompacted
                                                          : MissCause::kNotListed;
  }
  return MissCause::kUnknown;
}

StatusOr<PlacedPrompt> UserPromptBefore(Db& db, SessionPk session, int32_t seq,
                                        const PlacedPrompt& here) {
  return Placed(db.Query(kBefore, session, seq, here.by_source));
}

StatusOr<PlacedPrompt> FindPrompt(Db& db, SessionPk session, int32_t seq) {
  return Placed(db.Query(kFind, session, seq));
}

StatusOr<std::string> ReadPromptText(Db& db, SessionPk session, int32_t seq) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kText, session, seq));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? row.String(0) : std::string();
}

StatusOr<bool> SetPromptActive(Db& db, SessionPk session, int32_t seq, bool active) {
  db.Touch(kTopicEvidence);
  ST_RETURN_IF_ERROR(db.Run(kSetActive, session, seq, active));
  return db.changes() > 0;
}

StatusOr<bool> TriggeredAt(Db& db, const PlacedPrompt& prompt, std::string_view skill) {
  ST_ASSIGN_OR_RETURN(const int64_t one, db.QueryInt(kTriggered, 0, prompt.pk,
                                                     base::AsciiLower(skill), prompt.by_source));
  return one != 0;
}

}  // namespace selftune::store

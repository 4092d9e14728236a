#include "store/prompt_lookup.h"

#include <string>
#include <string_view>

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
    "SELECT prompt_pk FROM prompt WHERE session_pk=?1 AND seq<?2 AND actionable=1 "
    "ORDER BY seq DESC LIMIT 1";

constexpr char kFind[] = "SELECT prompt_pk FROM prompt WHERE session_pk=?1 AND seq=?2";

constexpr char kText[] =
    "SELECT b.text FROM prompt p JOIN body b ON b.body_id=p.body_id "
    "WHERE p.session_pk=?1 AND p.seq=?2";

constexpr char kSetActive[] =
    "UPDATE prompt SET active=?3 WHERE session_pk=?1 AND seq=?2 AND active<>?3";

constexpr char kTriggered[] =
    "SELECT 1 FROM prompt p JOIN observation o ON o.session_pk=p.session_pk AND "
    "o.prompt_pk=p.prompt_pk JOIN skill k ON k.skill_id=o.skill_id "
    "WHERE p.prompt_pk=?1 AND k.name_key=?2 AND o.effective=1 AND o.outcome='triggered' LIMIT 1";

ExposureState ParseState(std::string_view word) {
  for (const ExposureState state :
       {ExposureState::kFull, ExposureState::kTruncated, ExposureState::kNameOnly,
        ExposureState::kExplicitOnly, ExposureState::kDisabled}) {
    if (Word(state) == word) return state;
  }
  return ExposureState::kAbsent;
}

ExposureCause ParseCause(std::string_view word) {
  if (word == Word(ExposureCause::kDelta)) return ExposureCause::kDelta;
  return word == Word(ExposureCause::kCompaction) ? ExposureCause::kCompaction
                                                  : ExposureCause::kListing;
}

}  // namespace

StatusOr<ExposureAt> ReadExposureAt(Db& db, PromptPk prompt, std::string_view skill) {
  ExposureAt out;
  {
    ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kExposureAt, prompt, base::AsciiLower(skill)));
    ST_ASSIGN_OR_RETURN(const bool found, row.Next());
    if (found) {
      out.recorded = true;
      out.state = ParseState(row.Text(0));
      out.cause = ParseCause(row.Text(1));
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

StatusOr<PromptPk> UserPromptBefore(Db& db, SessionPk session, int32_t seq) {
  ST_ASSIGN_OR_RETURN(const int64_t pk, db.QueryInt(kBefore, 0, session, seq));
  return PromptPk{pk};
}

StatusOr<PromptPk> FindPrompt(Db& db, SessionPk session, int32_t seq) {
  ST_ASSIGN_OR_RETURN(const int64_t pk, db.QueryInt(kFind, 0, session, seq));
  return PromptPk{pk};
}

StatusOr<std::string> ReadPromptText(Db& db, SessionPk session, int32_t seq) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kText, session, seq));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  return found ? row.String(0) : std::string();
}

Status SetPromptActive(Db& db, SessionPk session, int32_t seq, bool active) {
  db.Touch(kTopicEvidence);
  return db.Run(kSetActive, session, seq, active);
}

StatusOr<bool> TriggeredAt(Db& db, PromptPk prompt, std::string_view skill) {
  ST_ASSIGN_OR_RETURN(const int64_t one,
                      db.QueryInt(kTriggered, 0, prompt, base::AsciiLower(skill)));
  return one != 0;
}

}  // namespace selftune::store

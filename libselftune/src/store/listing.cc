#include "store/listing.h"

#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "store/prompt_lookup.h"

namespace selftune::store {
namespace {

constexpr char kFindListing[] = R"sql(SELECT listing_id FROM listing WHERE sha256=?1)sql";
constexpr char kAddListing[] = R"sql(INSERT INTO listing(sha256,skills,chars) VALUES(?1,?2,?3))sql";
constexpr char kAddEntry[] = R"sql(
  INSERT INTO listing_entry(listing_id,ord,skill_id,name,state,description_body,location) VALUES(?1,?2,?3,?4,?5,?6,?7))sql";
constexpr char kEntries[] = R"sql(
  SELECT skill_id,name,state,description_body,location FROM listing_entry WHERE listing_id=?1 ORDER BY ord)sql";
constexpr char kRows[] = R"sql(
  SELECT listing_id FROM exposure WHERE session_pk=?1 AND (?2 IS NULL OR inherited=1 OR offset<?2)
  ORDER BY inherited DESC, exposure_pk)sql";

constexpr char kShortened[] = R"sql(
  SELECT DISTINCT listing_id FROM listing_entry WHERE skill_id=?1 AND description_body=?2 AND state='truncated')sql";
constexpr char kSetWhole[] = R"sql(
  UPDATE listing_entry SET state='full' WHERE listing_id=?1 AND skill_id=?2 AND description_body=?3 AND state='truncated')sql";
constexpr char kSetDigest[] = R"sql(UPDATE listing SET sha256=?2 WHERE listing_id=?1)sql";
constexpr char kShowOther[] = R"sql(UPDATE exposure SET listing_id=?2 WHERE listing_id=?1)sql";
constexpr char kDropEntries[] = R"sql(DELETE FROM listing_entry WHERE listing_id=?1)sql";
constexpr char kDropListing[] = R"sql(DELETE FROM listing WHERE listing_id=?1)sql";
constexpr char kIncomplete[] = R"sql(
  SELECT l.listing_id, count(e.ord) FROM listing l LEFT JOIN listing_entry e ON e.listing_id=l.listing_id
  GROUP BY l.listing_id HAVING count(e.ord)<>l.skills)sql";
constexpr char kCountEntries[] = R"sql(
  UPDATE listing SET (skills,chars)=(SELECT count(*), coalesce(sum(length(CAST(e.name AS BLOB))+coalesce(b.bytes,0)),0)
    FROM listing_entry e LEFT JOIN body b ON b.body_id=e.description_body WHERE e.listing_id=listing.listing_id)
  WHERE listing_id=?1)sql";
constexpr char kShowNothing[] = R"sql(DELETE FROM exposure WHERE listing_id=?1)sql";
constexpr char kMissedShort[] = R"sql(
  SELECT o.obs_pk,o.prompt_pk,k.name FROM observation o JOIN skill k ON k.skill_id=o.skill_id
  WHERE o.skill_id=?1 AND o.effective=1 AND o.outcome='missed' AND o.cause='truncated' AND o.prompt_pk IS NOT NULL)sql";
constexpr char kSetCause[] = R"sql(UPDATE observation SET cause=?2, rev=rev+1 WHERE obs_pk=?1)sql";

bool Offered(ExposureState state) {
  return state != ExposureState::kAbsent && state != ExposureState::kDisabled;
}

// Interned ids are as good as texts here: the digest never leaves this file.
std::string Digest(const std::vector<ListedSkill>& entries) {
  std::string text;
  for (const ListedSkill& entry : entries) {
    text.append(entry.name).push_back('\x1f');
    text.append(Word(entry.state)).push_back('\x1f');
    text.append(std::to_string(entry.description.value)).push_back('\x1f');
    text.append(entry.location).push_back('\x1e');
  }
  return base::Sha256Bytes(text);
}

}  // namespace

StatusOr<ListingId> InternListing(Db& db, const std::vector<ListedSkill>& entries) {
  const std::string digest = Digest(entries);
  ST_ASSIGN_OR_RETURN(const int64_t known, db.QueryInt(kFindListing, 0, Blob{digest}));
  if (known != 0) return ListingId{known};
  int64_t chars = 0;
  for (const ListedSkill& entry : entries) chars += entry.chars;
  ST_RETURN_IF_ERROR(
      db.Run(kAddListing, Blob{digest}, static_cast<int64_t>(entries.size()), chars));
  const ListingId listing{db.last_insert_id()};
  int64_t ord = 0;
  for (const ListedSkill& entry : entries) {
    ST_RETURN_IF_ERROR(db.Run(kAddEntry, listing, ord++, entry.skill, entry.name, Word(entry.state),
                              entry.description, OrNull{entry.location}));
  }
  return listing;
}

namespace {

// The digest says what is in it now; one that is the same stands for both.
Status Redigest(Db& db, ListingId listing) {
  ST_ASSIGN_OR_RETURN(const std::vector<ListedSkill> entries, ReadListing(db, listing));
  const std::string digest = Digest(entries);
  ST_ASSIGN_OR_RETURN(const int64_t same, db.QueryInt(kFindListing, 0, Blob{digest}));
  if (same == listing.value) return absl::OkStatus();
  if (same == 0) return db.Run(kSetDigest, listing, Blob{digest});
  ST_RETURN_IF_ERROR(db.Run(kShowOther, listing, same));
  ST_RETURN_IF_ERROR(db.Run(kDropEntries, listing));
  return db.Run(kDropListing, listing);
}

Status ExplainShort(Db& db, SkillId skill) {
  struct Miss {
    int64_t row;
    PromptPk prompt;
    std::string skill;
  };
  std::vector<Miss> misses;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kMissedShort, skill));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      misses.push_back({rows.Int(0), rows.Key<PromptPk>(1), rows.String(2)});
    }
  }
  for (const Miss& miss : misses) {
    ST_ASSIGN_OR_RETURN(const ExposureAt seen, ReadExposureAt(db, miss.prompt, miss.skill));
    const MissCause cause = CauseOf(seen);
    if (cause == MissCause::kTruncated) continue;
    ST_RETURN_IF_ERROR(db.Run(kSetCause, miss.row, Word(cause)));
  }
  return absl::OkStatus();
}

}  // namespace

Status KnowWhole(Db& db, SkillId skill, BodyId description) {
  std::vector<ListingId> listings;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kShortened, skill, description));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      listings.push_back(rows.Key<ListingId>(0));
    }
  }
  if (listings.empty()) return absl::OkStatus();
  for (const ListingId listing : listings) {
    ST_RETURN_IF_ERROR(db.Run(kSetWhole, listing, skill, description));
    ST_RETURN_IF_ERROR(Redigest(db, listing));
  }
  db.Touch(kTopicEvidence);
  return ExplainShort(db, skill);
}

StatusOr<int64_t> MendListings(Db& db) {
  std::vector<std::pair<ListingId, int64_t>> incomplete;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kIncomplete));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      incomplete.emplace_back(rows.Key<ListingId>(0), rows.Int(1));
    }
  }
  for (const auto& [listing, entries] : incomplete) {
    if (entries > 0) {
      ST_RETURN_IF_ERROR(db.Run(kCountEntries, listing));
      ST_RETURN_IF_ERROR(Redigest(db, listing));
      continue;
    }
    ST_RETURN_IF_ERROR(db.Run(kShowNothing, listing));
    ST_RETURN_IF_ERROR(db.Run(kDropListing, listing));
  }
  if (!incomplete.empty()) db.Touch(kTopicEvidence);
  return static_cast<int64_t>(incomplete.size());
}

void ShownState::Apply(const std::vector<ListedSkill>& row) {
  for (const ListedSkill& entry : row) shown_.erase(entry.name);
  for (const ListedSkill& entry : row) {
    if (entry.state != ExposureState::kAbsent) shown_[entry.name].push_back(entry);
  }
}

std::vector<ListedSkill> ShownState::Present() const {
  std::vector<ListedSkill> present;
  for (const auto& [name, entries] : shown_) {
    present.insert(present.end(), entries.begin(), entries.end());
  }
  return present;
}

std::vector<ListedSkill> ShownState::Vanished(const std::vector<ListedSkill>& row) const {
  std::unordered_set<std::string_view> named;
  for (const ListedSkill& entry : row) named.insert(entry.name);
  std::vector<ListedSkill> gone;
  for (const auto& [name, entries] : shown_) {
    if (named.contains(std::string_view(name)) || !Offered(entries.front().state)) continue;
    gone.push_back({.skill = entries.front().skill,
                    .name = name,
                    .state = ExposureState::kAbsent,
                    .description = {},
                    .location = entries.front().location});
  }
  return gone;
}

StatusOr<std::vector<ListedSkill>> ReadListing(Db& db, ListingId listing) {
  ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kEntries, listing));
  std::vector<ListedSkill> entries;
  for (;;) {
    ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) return entries;
    entries.push_back({.skill = rows.Key<SkillId>(0),
                       .name = rows.String(1),
                       .state = ParseExposureState(rows.Text(2)).value_or(ExposureState::kAbsent),
                       .description = rows.Key<BodyId>(3),
                       .location = rows.String(4)});
  }
}

StatusOr<ShownState> ReplayExposures(Db& db, SessionPk session,
                                     std::optional<uint64_t> end_offset) {
  std::vector<ListingId> listings;
  {
    ST_ASSIGN_OR_RETURN(Cursor rows, db.Query(kRows, session, end_offset));
    for (;;) {
      ST_ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) break;
      listings.push_back(rows.Key<ListingId>(0));
    }
  }
  ShownState state;
  for (const ListingId listing : listings) {
    ST_ASSIGN_OR_RETURN(const std::vector<ListedSkill> entries, ReadListing(db, listing));
    state.Apply(entries);
  }
  return state;
}

}  // namespace selftune::store

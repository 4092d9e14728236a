// The IngestWriter's exposures. A stored row says everything that changes at
// its place: what a new listing no longer has is in it as absent, so that a
// reader needs the last row of a skill and nothing else.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "store/ingest_writer.h"
#include "store/listing.h"
#include "store/writer_impl.h"

namespace selftune::store {
namespace {

constexpr char kAddExposure[] = R"sql(
  INSERT INTO exposure(session_pk,at_ms,listing_id,prompt_seq,cause,source_id,generation,offset,line_no,source_record)
  VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10))sql";
constexpr char kIsWhole[] = R"sql(
  SELECT 1 FROM skill_version WHERE skill_id=?1 AND description_body=?2 LIMIT 1)sql";

// What looks shortened is whole when the skill's file ends so.
Status KnowBetter(Db& db, ListedSkill& listed) {
  if (listed.state != ExposureState::kTruncated) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const int64_t whole,
                      db.QueryInt(kIsWhole, 0, listed.skill, listed.description));
  if (whole != 0) listed.state = ExposureState::kFull;
  return absl::OkStatus();
}

StatusOr<std::vector<ListedSkill>> InternEntries(IngestWriter::Impl& impl, const ExposureRow& row) {
  if (row.tag != nullptr) {
    if (const auto* known = impl.tagged.Find(row.tag)) return *known;
  }
  std::vector<ListedSkill> entries;
  entries.reserve(row.entries.size());
  for (const ListingEntryRow& entry : row.entries) {
    ListedSkill& listed = entries.emplace_back();
    ST_ASSIGN_OR_RETURN(listed.skill, impl.EnsureSkill(entry.name));
    listed.name = entry.name;
    listed.state = entry.state;
    listed.location = entry.path;
    listed.chars = static_cast<int64_t>(entry.name.size());
    if (!entry.description.has_value()) continue;
    ST_ASSIGN_OR_RETURN(listed.description, impl.InternBody(*entry.description));
    listed.chars += static_cast<int64_t>(entry.description->size());
    ST_RETURN_IF_ERROR(KnowBetter(impl.db, listed));
  }
  if (row.tag != nullptr) impl.tagged.Put(row.tag, entries);
  return entries;
}

// Without names a listing cannot be told from the next.
bool Nameless(const ListedSkill& entry) { return entry.name.empty(); }

}  // namespace

void IngestWriter::ForgetTag(const void* tag) { impl_->tagged.Erase(tag); }

Status IngestWriter::AddExposure(SessionPk session, const ExposureRow& row) {
  ST_ASSIGN_OR_RETURN(std::vector<ListedSkill> entries, InternEntries(*impl_, row));
  std::erase_if(entries, Nameless);
  ST_ASSIGN_OR_RETURN(SessionMemo * memo, impl_->Memo(session));
  Db& db = impl_->db;
  if (!memo->shown.has_value()) {
    ST_ASSIGN_OR_RETURN(memo->shown, ReplayExposures(db, session, std::nullopt));
  }
  if (row.cause != ExposureCause::kDelta) {
    std::vector<ListedSkill> gone = memo->shown->Vanished(entries);
    entries.insert(entries.end(), std::make_move_iterator(gone.begin()),
                   std::make_move_iterator(gone.end()));
  }
  // Nothing offered, and nothing before either: there is no skill to say it of.
  if (entries.empty()) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const ListingId listing, InternListing(db, entries));
  memo->shown->Apply(entries);
  std::optional<uint64_t> line;
  if (row.origin.line_no > 0) line = row.origin.line_no;
  return db.Run(kAddExposure, session, row.at, listing, row.prompt_seq, Word(row.cause),
                row.origin.source, row.origin.generation, row.origin.offset, line,
                OrNull{row.origin.record});
}

}  // namespace selftune::store

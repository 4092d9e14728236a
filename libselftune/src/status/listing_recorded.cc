#include "status/listing_recorded.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"

namespace selftune::status {
namespace {

int64_t ShownChars(const hosts::HostRow& row, const store::ExposureItem& item) {
  if (item.state == "explicit_only") return 0;  // the model does not see it
  const ListedLine line{.name = item.skill, .path = item.skill_path, .scope = {}};
  return LineChars(row, line,
                   static_cast<int64_t>(base::CountCodePoints(item.description.value_or(""))));
}

bool IsCut(const store::ExposureItem& item) {
  return item.state == "truncated" || item.state == "name_only";
}

}  // namespace

StatusOr<std::optional<RecordedListing>> ReadRecordedListing(store::Db& db,
                                                             const hosts::HostRow& row) {
  ST_ASSIGN_OR_RETURN(const std::vector<store::ListingSession> sessions, store::NewestListings(db));
  for (const store::ListingSession& session : sessions) {
    if (session.platform != row.platform) continue;
    ST_ASSIGN_OR_RETURN(store::ExposureSnapshot seen,
                        store::ReadExposure(db, session.session, std::nullopt));
    if (seen.skills.empty()) {
      ST_ASSIGN_OR_RETURN(seen, store::ReadExposure(db, session.session, 0));
    }
    if (seen.skills.empty()) return std::optional<RecordedListing>();
    RecordedListing out{
        .session_id = session.session_id, .at = session.started, .skills = std::move(seen.skills)};
    for (const store::ExposureItem& item : out.skills) {
      out.chars += ShownChars(row, item);
      out.cut += IsCut(item) ? 1 : 0;
    }
    return std::optional(std::move(out));
  }
  return std::optional<RecordedListing>();
}

RecordedMatch MatchRecorded(const hosts::HostRow& row, const RecordedListing& recorded,
                            const std::vector<ListedLine>& lines) {
  RecordedMatch out;
  out.states.assign(lines.size(), "absent");
  for (const store::ExposureItem& item : recorded.skills) {
    auto found = std::find_if(lines.begin(), lines.end(), [&](const ListedLine& line) {
      return !item.skill_path.empty() && line.path == item.skill_path;
    });
    if (found == lines.end()) {
      found = std::find_if(lines.begin(), lines.end(), [&](const ListedLine& line) {
        return base::EqualsIgnoreCase(line.name, item.skill);
      });
    }
    if (found == lines.end()) {
      ++out.others;
      out.others_chars += ShownChars(row, item);
    } else {
      out.states[static_cast<size_t>(found - lines.begin())] = item.state;
    }
  }
  return out;
}

}  // namespace selftune::status

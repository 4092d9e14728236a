#include "status/complaints.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "base/status_macros.h"
#include "store/queries/skill_facts.h"

namespace selftune::status {
namespace {

using Places = std::map<store::SkillId, std::vector<store::SkillPlace>>;

StatusOr<Places> PlacesOf(store::Db& db) {
  Places out;
  ST_ASSIGN_OR_RETURN(const auto places, store::ReadSkillPlaces(db));
  for (const store::SkillPlace& place : places) out[place.id].push_back(place);
  return out;
}

void Add(const store::SignalWeight& signal, Complaints& out) {
  if (signal.kind == "correction") out.corrections += signal.sessions;
  if (signal.kind == "explicit_request") out.requests += signal.sessions;
  if (signal.kind == "manual_invocation") out.manual += signal.sessions;
  if (signal.kind == "unwanted") out.unwanted += signal.sessions;
}

}  // namespace

StatusOr<std::vector<Complaints>> ReadComplaints(store::Db& db, UtcMillis since,
                                                 const OffSwitches* off) {
  ST_ASSIGN_OR_RETURN(const auto signals, store::ReadSignalWeights(db, since));
  const bool any_off = off != nullptr && !off->empty() && !signals.empty();
  Places places;
  if (any_off) {
    ST_ASSIGN_OR_RETURN(places, PlacesOf(db));
  }
  std::vector<Complaints> out;
  for (const store::SignalWeight& signal : signals) {  // by skill
    if (out.empty() || out.back().id != signal.id) {
      out.push_back({.id = signal.id, .skill = signal.skill});
    }
    // That it ran where it should not is a fault of the description wherever it was.
    const bool answerable =
        !any_off || signal.kind == "unwanted" ||
        !off->IsOffAt(signal.skill, places[signal.id], signal.platform, signal.cwd);
    if (answerable) {
      Add(signal, out.back());
    } else {
      out.back().while_off += signal.sessions;
    }
  }
  return out;
}

}  // namespace selftune::status

#include "ingest/facts.h"

#include <string>

namespace selftune::ingest {

SessionFacts& Batch::Session(const std::string& id) {
  // A batch touches one session, rarely a few: the newest is the likeliest.
  for (size_t i = sessions.size(); i-- > 0;) {
    if (sessions[i].id == id) return sessions[i];
  }
  sessions.emplace_back().id = id;
  return sessions.back();
}

size_t Batch::row_count() const {
  size_t rows = bad_lines.size();
  for (const SessionFacts& session : sessions) {
    rows += session.prompts.size() + session.skills.size() + session.exposures.size() +
            session.events.size() + session.spawns.size() + session.metrics.tools.size() + 1;
  }
  return rows;
}

}  // namespace selftune::ingest

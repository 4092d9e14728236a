#include "ingest/facts.h"

#include <string>
#include <string_view>

#include "base/utf8.h"

namespace selftune::ingest {

std::string Excerpt(std::string_view line) {
  return base::EscapeControls(base::ToValidUtf8(line.substr(0, kExcerptBytes)));
}

BadLine WrongShape(uint64_t offset, uint64_t line_no, std::string_view text) {
  return {.offset = offset, .line_no = line_no, .reason = "wrong_shape", .excerpt = Excerpt(text)};
}

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

// Figures by which the doctor judges the evidence.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"
#include "store/rows.h"

namespace selftune::store {

// What was read of one store: the files of a host of one kind, or a database.
struct SourceHealth {
  std::string platform;
  std::string kind;      // transcript rollout json sqlite
  std::string database;  // of a database its path: each is a store of its own
  std::string schema;    // as the one found last says, "" = none does
  int64_t files = 0, missing = 0, with_error = 0;
  int64_t bytes = 0, records = 0, used = 0, unknown = 0, bad_lines = 0;
  int64_t mostly_unknown = 0;  // files with at least as many unknown records as understood ones
  std::string unknown_path;    // of the one that was found last
  // Of the host: sessions that a person began and a transcript tells (at most kFewestSessions
  // are counted), and whether any of those has a prompt.
  int64_t sessions = 0;
  bool any_session = false, any_prompt = false;
  std::string error, error_path;  // of one of the files with an error
};
inline constexpr int64_t kFewestSessions = 3;
[[nodiscard]] StatusOr<std::vector<SourceHealth>> ReadSourceHealth(Db& db);  // by platform, kind

// What is certainly broken of what agents tell now: "hooks" (their records cannot be read, or
// none of them could be used) or the platform of transcripts of which nothing is understood;
// "" = nothing. Little, old or half-read evidence says nothing either way. Of healthy hosts it
// looks at their first files.
[[nodiscard]] StatusOr<std::string> FindBroken(Db& db, UtcMillis now);

// How much of the newest evidence hangs together.
struct Coverage {
  int64_t sessions = 0, with_prompts = 0;  // of people, told by a transcript; the newest 200
  int64_t uses = 0, with_prompt = 0;       // of skills; the newest 200
  int64_t nameless = 0;                    // sessions whose id says nothing
};
[[nodiscard]] StatusOr<Coverage> ReadCoverage(Db& db);

struct NewestSession {
  std::string session_id;
  UtcMillis started;
};
// Of the host's sessions that a person began between the two times and that a transcript
// tells about.
[[nodiscard]] StatusOr<std::optional<NewestSession>> FindNewestSession(Db& db,
                                                                       std::string_view platform,
                                                                       UtcMillis after,
                                                                       UtcMillis before);

// A session id that two hosts have; empty when there is none.
struct SharedId {
  std::string session_id, first, second;  // the hosts
};
[[nodiscard]] StatusOr<std::optional<SharedId>> FindSharedSessionId(Db& db);

// Tables in the file that are neither ours nor SQLite's own.
[[nodiscard]] StatusOr<std::vector<std::string>> ForeignTables(Db& db);

}  // namespace selftune::store

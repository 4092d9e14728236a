// Runs that begin by themselves and whose model gave no answer: no other one asks it for a while.
// The row is of one cause at a time; orchestrate/model_rest.h says when it is written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "config/config.h"
#include "store/db.h"

namespace selftune::status {

// A file as it was: another one has another of these.
struct FileMark {
  uint64_t inode = 0, bytes = 0;
  int64_t mtime_ns = 0;
  bool operator==(const FileMark&) const = default;
};
// Of what a link leads to; nullopt: there is none.
[[nodiscard]] std::optional<FileMark> MarkOf(const std::string& path);

// Who a run would ask.
struct Asked {
  std::string agent;    // as llm::NameBackend says: "claude"; "" = nobody
  std::string program;  // its path, any bytes; "" = it is no program
};

struct RunsRest {
  std::string reason;  // code of the failure
  std::string agent;   // who was asked
  FileMark mark;       // of its program, wherever a link to it lies; {} = it is none
  // Where that is for who asks now, "" = not said. Not kept.
  std::string program = {};
  std::string config;  // ConfigKey
  int64_t failures = 0;
  UtcMillis since, until;  // the first of them; what it rests to
};

// Hexadecimal, of all that config.json says.
[[nodiscard]] std::string ConfigKey(const config::Config& config);

// What was written last, over or not; nullopt = nothing, or it ended.
[[nodiscard]] StatusOr<std::optional<RunsRest>> LastRunsRest(store::Db& db);
// It holds until its time is over or the configuration is another one, for whoever would ask
// the same agent.
[[nodiscard]] StatusOr<std::optional<RunsRest>> FindRunsRest(store::Db& db,
                                                             const config::Config& config,
                                                             UtcMillis now);
// The same, for who asks this one: another program, or another version of it, may answer.
[[nodiscard]] StatusOr<std::optional<RunsRest>> FindRunsRest(store::Db& db,
                                                             const config::Config& config,
                                                             const Asked& asked, UtcMillis now);
// In transactions of their own. End returns whether there was one.
[[nodiscard]] Status WriteRunsRest(store::Db& db, const RunsRest& rest);
[[nodiscard]] StatusOr<bool> EndRunsRest(store::Db& db);

// "runs that begin by themselves rest until ...: claude gave no answer (AUTH_MISSING), ...".
[[nodiscard]] std::string Describe(const RunsRest& rest);
// The command line that asks at once.
inline constexpr const char* kRunNow[] = {"selftune", "orchestrate"};

}  // namespace selftune::status

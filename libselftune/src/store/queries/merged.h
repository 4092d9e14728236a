// What several captures told of, and which of them counts: the resolver's decisions,
// read back from the whole store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "store/db.h"

namespace selftune::store {

// Prompts of a host by who told of them.
struct MergedPrompts {
  std::string platform;
  bool hook = false, transcript = false;
  int64_t prompts = 0;
};

// Rows that do not count, and why:
//   outranked  a stronger capture tells of the same decision
//   refuted    the transcript went on without what the hook saw
//   imported   the reference's row, of a session that another capture tells of
//   used       a judged miss at a prompt at which the skill ran
//   relabelled a judged miss of which a stronger label says otherwise
//   polluted   made by selftune itself, or not a person's
struct MergedRows {
  std::string platform, capture, why;
  std::string counts;  // capture of the row that counts in its place, "" = none does
  int64_t rows = 0;
};

struct MergedPlace {
  std::string capture, outcome, level;
  std::string path;  // "" = no file
  std::optional<int64_t> line, offset;
};

struct MergedExample {
  std::string platform, session_id, skill, why;
  std::string prompt_id;  // "" = none is known
  std::optional<UtcMillis> at;
  MergedPlace row;
  std::optional<MergedPlace> counts;  // in its place
};

struct Merged {
  std::vector<MergedPrompts> prompts;
  std::vector<MergedRows> rows;
  std::vector<MergedExample> examples;  // the newest
};

// Looks at every prompt and every decision.
[[nodiscard]] StatusOr<Merged> ReadMerged(Db& db);

}  // namespace selftune::store

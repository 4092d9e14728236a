// Keeps the list of installed skills up to date: every SKILL.md of every host,
// with its content, so that evidence can be tied to a file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/time.h"
#include "skillfs/skill_root.h"
#include "store/db.h"

namespace selftune::sync {

struct CatalogueReport {
  int64_t skills = 0;              // real files
  bool changed = false;            // a row was written
  std::vector<std::string> names;  // as the hosts write them, each once
  std::vector<skillfs::DiscoveryProblem> problems;
};

// Reads the disk and writes what differs from the store. Opens its own
// transaction, only when something changed. While settings that may name folders of skills are
// not understood, a file that is still there stays known.
[[nodiscard]] StatusOr<CatalogueReport> UpdateCatalogue(store::Db& db, const base::Environment& env,
                                                        UtcMillis now);

}  // namespace selftune::sync

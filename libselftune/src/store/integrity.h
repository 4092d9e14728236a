// Is the database what it claims to be? Read only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/db.h"

namespace selftune::store {

struct CheckOptions {
  bool deep = false;   // every page, every rollup cell, every text
  int64_t cells = 10;  // rollup cells to recompute when not deep
  uint64_t seed = 1;   // which ones
};

struct Problem {
  std::string
      check;  // quick_check foreign_keys rollup counter hash_chain invariant text foreign_table
  std::string message;         // what was expected and found
  bool reading_helps = false;  // it is about rows that reading their sources again replaces
};

struct CheckReport {
  bool quick_check = false;  // page structure
  bool foreign_keys = false;
  int64_t rollups_checked = 0, rollups_bad = 0;
  bool hash_chain = false;
  std::vector<std::string> foreign_tables;  // that selftune did not create
  std::vector<Problem> problems;            // at most 100
  [[nodiscard]] bool ok() const { return problems.empty(); }
  // The file is whole; rows that were read from sources contradict each other.
  // Reading the sources again cures that, and loses nothing newer as a backup does.
  [[nodiscard]] bool reading_helps() const;
};

[[nodiscard]] StatusOr<CheckReport> CheckStore(Db& db, const CheckOptions& options);

}  // namespace selftune::store

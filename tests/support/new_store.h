// A new store in a test's own folder.
#pragma once

#include <memory>
#include <utility>

#include <doctest/doctest.h>

#include "store/db.h"
#include "support/temp_dir.h"

namespace selftune::testing {

inline std::unique_ptr<store::Db> NewStore(const TempDir& dir) {
  store::OpenOptions options;
  options.mode = store::OpenMode::kCreate;
  auto opened = store::Db::Open(dir / "selftune.db", options);
  REQUIRE(opened.ok());
  return *std::move(opened);
}

}  // namespace selftune::testing

// Files of the repository that tests read.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/json_value.h"

namespace selftune::testing {

// The folder tests/ of the source tree.
inline std::string TestsDir() {
  const char* tests = std::getenv("SELFTUNE_TESTS");
  REQUIRE(tests != nullptr);
  return tests;
}

// A path below tests/data.
inline std::string DataPath(std::string_view name) {
  return base::JoinPath(TestsDir() + "/data", name);
}

inline std::string ReadWhole(const std::string& path) {
  auto text = base::ReadFile(path, uint64_t{64} << 20);
  REQUIRE_MESSAGE(text.ok(), text.status().ToString());
  return *std::move(text);
}

// A JSON file below tests/data.
inline base::JsonValue ReadJson(std::string_view name) {
  auto value = base::JsonValue::Parse(ReadWhole(DataPath(name)));
  REQUIRE_MESSAGE(value.ok(), value.status().ToString());
  return *std::move(value);
}

}  // namespace selftune::testing

// The SKILL.md fixtures of tests/data/skills.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json_value.h"

namespace selftune::skillfs::testing {

struct SkillFixture {
  std::string id;
  std::string bytes;
  base::JsonValue expected;
  std::string after;  // after.md, "" if there is none
};

inline std::string FixtureRoot() {
  const char* root = std::getenv("SELFTUNE_TESTS");
  return std::string(root == nullptr ? "tests" : root) + "/data/skills";
}

inline std::string ReadOrEmpty(const std::string& path) {
  constexpr uint64_t kMost = 16U << 20;
  auto bytes = base::ReadFile(path, kMost);
  return bytes.ok() ? *std::move(bytes) : std::string();
}

inline std::vector<SkillFixture> LoadSkillFixtures() {
  std::vector<SkillFixture> fixtures;
  const auto entries = base::ListDir(FixtureRoot());
  if (!entries.ok()) return fixtures;
  for (const base::DirEntry& entry : *entries) {
    const std::string folder = FixtureRoot() + "/" + entry.name;
    auto expected = base::JsonValue::Parse(ReadOrEmpty(folder + "/expected.json"));
    if (!expected.ok()) continue;
    fixtures.push_back({entry.name, ReadOrEmpty(folder + "/SKILL.md"), *std::move(expected),
                        ReadOrEmpty(folder + "/after.md")});
  }
  return fixtures;
}

}  // namespace selftune::skillfs::testing

// A state folder with a store that survives a power cut, and one installed skill.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "base/file.h"
#include "store/db.h"
#include "support/temp_dir.h"

namespace selftune::testing {

inline constexpr char kOld[] = "---\nname: pdf\ndescription: Old words.\n---\n\n# PDF\n";
inline constexpr char kNew[] = "---\nname: pdf\ndescription: New words.\n---\n\n# PDF\n";

struct SkillScene {
  TempDir dir;
  std::string state = dir / "state";
  std::string skill = dir.Write("skills/pdf/SKILL.md", kOld);
  std::unique_ptr<store::Db> db;

  SkillScene() {
    REQUIRE(base::MakeDirs(state, 0700).ok());
    store::OpenOptions options;
    options.mode = store::OpenMode::kCreate;
    options.durable = true;
    auto opened = store::Db::Open(store::StorePath(state), options);
    REQUIRE(opened.ok());
    db = *std::move(opened);
  }
};

}  // namespace selftune::testing

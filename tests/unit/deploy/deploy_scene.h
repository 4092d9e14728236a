// A skill on disk, its store and its state folder, as a deploy finds them.
#pragma once

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/time.h"
#include "deploy/deployer.h"
#include "store/db.h"
#include "support/skill_scene.h"

namespace selftune::deploy {

inline constexpr char kId[] = "01JD0000000000000000000DEF";
using testing::kNew;
using testing::kOld;

struct Scene : testing::SkillScene {
  [[nodiscard]] DeployWorld World() const {
    return {.db = db.get(), .state_dir = state, .clock = &SystemClock(), .settle_ms = 0};
  }
  [[nodiscard]] DeployPlan Plan(const std::string& path, std::string_view old_bytes = kOld,
                                std::string_view new_bytes = kNew) const {
    DeployPlan plan{.skill = "pdf"};
    plan.targets.push_back({.path = path,
                            .old_sha256 = base::Sha256Hex(old_bytes),
                            .new_bytes = std::string(new_bytes)});
    return plan;
  }
  // A deploy whose process died right after its record was made.
  [[nodiscard]] Intent OpenDeploy(const std::vector<std::string>& paths) const {
    Intent intent{.deploy_id = kId, .skill = "pdf"};
    for (const std::string& path : paths) {
      intent.targets.push_back({.path = path,
                                .mode = 0644,
                                .old_sha256 = base::Sha256Hex(kOld),
                                .new_sha256 = base::Sha256Hex(kNew)});
    }
    const std::vector<std::string> old_bytes(paths.size(), kOld), new_bytes(paths.size(), kNew);
    REQUIRE(Journal(state, intent.deploy_id).Begin(intent, old_bytes, new_bytes).ok());
    return intent;
  }
  [[nodiscard]] Intent DeployBoth(const std::string& other) const {
    DeployPlan plan = Plan(skill);
    plan.targets.push_back({.path = other, .old_sha256 = base::Sha256Hex(kOld), .new_bytes = kNew});
    const auto done = Execute(World(), plan);
    REQUIRE(done.ok());
    const auto intent = Journal(state, done->deploy_id).ReadIntent();
    REQUIRE(intent.ok());
    return *intent;
  }
  void Damage(const std::string& deploy_id, std::string_view file, std::string_view bytes) const {
    std::ofstream(base::JoinPath(Journal(state, deploy_id).dir(), file), std::ios::trunc) << bytes;
  }
  // Without this file its journal is open.
  [[nodiscard]] std::string EndingOf(const Intent& intent) const {
    return base::JoinPath(Journal(state, intent.deploy_id).dir(), "state.json");
  }
  [[nodiscard]] std::string Read(const std::string& path) const {
    auto bytes = base::ReadFile(path, 1 << 20);
    return bytes.ok() ? *bytes : "<" + std::string(Message(bytes.status())) + ">";
  }
  [[nodiscard]] size_t FilesBeside(const std::string& path) const {
    return base::ListDir(std::string(base::DirName(path)))->size();
  }
};

}  // namespace selftune::deploy

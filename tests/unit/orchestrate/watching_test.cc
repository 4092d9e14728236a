#include "orchestrate/watching.h"

#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "base/crypto.h"
#include "base/file.h"
#include "deploy/deployer.h"
#include "store/db.h"
#include "store/deploy_rows.h"
#include "support/skill_scene.h"

namespace selftune::orchestrate {
namespace {

using testing::kNew;
using testing::kOld;

// A deploy whose process died before its watch began.
struct Scene : testing::SkillScene {
  config::Config config;
  skillfs::Discovery skills;
  std::string deploy_id;

  Scene() {
    deploy::DeployPlan plan{.skill = "pdf"};
    plan.targets.push_back({.path = skill, .old_sha256 = base::Sha256Hex(kOld), .new_bytes = kNew});
    const auto done = deploy::Execute(
        {.db = db.get(), .state_dir = state, .clock = &SystemClock(), .settle_ms = 0}, plan);
    REQUIRE(done.ok());
    deploy_id = done->deploy_id;
  }
  [[nodiscard]] std::vector<WatchResult> Look(bool write) const {
    const WatchWorld world{.db = db.get(),
                           .clock = &SystemClock(),
                           .config = &config,
                           .skills = &skills,
                           .state_dir = state};
    auto results = LookAtWatches(world, {.write = write});
    REQUIRE(results.ok());
    return *std::move(results);
  }
};

}  // namespace

TEST_SUITE("orchestrate/watching") {
  TEST_CASE("a deploy without a watch gets one, from its own time on, once") {
    const Scene scene;
    CHECK(scene.Look(/*write=*/false).empty());
    for (int round = 0; round < 2; ++round) {
      const auto results = scene.Look(/*write=*/true);
      REQUIRE(results.size() == 1);
      CHECK(results[0].view.row.deploy_id == scene.deploy_id);
      CHECK(results[0].view.row.state == "watching");
      const auto row = store::ReadDeploy(*scene.db, scene.deploy_id);
      REQUIRE(row.ok());
      CHECK(results[0].view.row.started == row->finished);
      CHECK(results[0].view.row.content_sha256 == base::Sha256Bytes(kNew));
    }
  }

  TEST_CASE("a deploy that was taken back is not watched") {
    const Scene scene;
    REQUIRE(deploy::Rollback({.db = scene.db.get(),
                              .state_dir = scene.state,
                              .clock = &SystemClock(),
                              .settle_ms = 0},
                             scene.deploy_id, "worse", "")
                .ok());
    CHECK(scene.Look(/*write=*/true).empty());
  }
}

}  // namespace selftune::orchestrate

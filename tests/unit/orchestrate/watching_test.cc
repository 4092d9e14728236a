#include "orchestrate/watching.h"

#include <memory>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/lock_file.h"
#include "deploy/deployer.h"
#include "store/db.h"
#include "store/deploy_rows.h"
#include "store/watch_rows.h"
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
  // Its sessions were bad; the decision is stored, the text stands.
  void Regressed() const {
    auto results = Look(/*write=*/true);
    REQUIRE(results.size() == 1);
    results[0].view.row.state = "regressed";
    REQUIRE(store::UpdateWatch(*db, results[0].view.row).ok());
  }
  [[nodiscard]] std::vector<WatchResult> Look(bool write, bool auto_rollback = false) const {
    const WatchWorld world{.db = db.get(),
                           .clock = &SystemClock(),
                           .config = &config,
                           .skills = &skills,
                           .state_dir = state};
    auto results = LookAtWatches(
        world, {.auto_rollback = auto_rollback, .alpha = alpha, .delta = delta, .write = write});
    REQUIRE(results.ok());
    return *std::move(results);
  }
  std::optional<double> alpha, delta;
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

  TEST_CASE("a regression that nobody took back is taken back by the next who may") {
    const Scene scene;
    scene.Regressed();
    auto results = scene.Look(/*write=*/true);
    REQUIRE(results.size() == 1);
    CHECK(results[0].regressed);
    CHECK_FALSE(results[0].rolled_back);
    {
      const std::string locks = base::JoinPath(scene.state, "locks");
      const auto held = base::LockFile::TryAcquire(base::JoinPath(locks, "deploy.lock"), "test");
      REQUIRE(held.ok());
      results = scene.Look(/*write=*/true, /*auto_rollback=*/true);
      REQUIRE(results.size() == 1);
      CHECK(results[0].regressed);
      CHECK(CodeOf(results[0].error).name == "LOCK_HELD");
    }
    results = scene.Look(/*write=*/true, /*auto_rollback=*/true);
    REQUIRE(results.size() == 1);
    CHECK(results[0].rolled_back);
    CHECK(*base::ReadFile(scene.skill, 1 << 20) == kOld);
    CHECK(scene.Look(/*write=*/true, /*auto_rollback=*/true).empty());
  }

  TEST_CASE("what its host is about to change is not taken back meanwhile") {
    Scene scene;
    scene.Regressed();
    skillfs::InstalledSkill installed;
    installed.name = "pdf";
    installed.real_path = scene.skill;
    installed.held = {.what = "proposal p1", .command = "show it"};
    installed.placements.push_back(
        {.path = scene.skill, .platform = "openclaw", .scope = "global", .name = "pdf"});
    scene.skills.skills.push_back(installed);
    auto results = scene.Look(/*write=*/true, /*auto_rollback=*/true);
    REQUIRE(results.size() == 1);
    CHECK_FALSE(results[0].rolled_back);
    CHECK(results[0].detail.find("proposal p1") != std::string::npos);
    CHECK(*base::ReadFile(scene.skill, 1 << 20) == kNew);
    scene.skills.skills[0].held = {};
    results = scene.Look(/*write=*/true, /*auto_rollback=*/true);
    REQUIRE(results.size() == 1);
    CHECK(results[0].rolled_back);
  }

  TEST_CASE("bounds that a person asks for hold from then on") {
    Scene scene;
    auto row = scene.Look(/*write=*/true).at(0).view.row;
    CHECK(row.alpha == 0.05);
    scene.alpha = 0.2;
    scene.delta = 0.3;
    row = scene.Look(/*write=*/false).at(0).view.row;  // a dry run says what it would do
    CHECK(row.alpha == 0.2);
    scene.alpha = scene.delta = std::nullopt;
    CHECK(scene.Look(/*write=*/true).at(0).view.row.alpha == 0.05);
    scene.alpha = 0.2;
    scene.delta = 0.3;
    row = scene.Look(/*write=*/true).at(0).view.row;
    CHECK(row.q == stats::WatchNullRate(row.k0, row.n0, 0.3));
    scene.alpha = scene.delta = std::nullopt;
    const auto later = scene.Look(/*write=*/true).at(0).view.row;
    CHECK(later.alpha == 0.2);
    CHECK(later.q == row.q);
  }

  TEST_CASE("a damaged journal stops no run, and the regression stays in sight") {
    const Scene scene;
    scene.Regressed();
    REQUIRE(base::RemoveTree(base::JoinPath(scene.state, "deploy")).ok());
    for (int round = 0; round < 2; ++round) {
      const auto results = scene.Look(/*write=*/true, /*auto_rollback=*/true);
      REQUIRE(results.size() == 1);
      CHECK(results[0].regressed);
      CHECK_FALSE(results[0].rolled_back);
      CHECK(results[0].rollback_state == "conflicted");
    }
    CHECK(*base::ReadFile(scene.skill, 1 << 20) == kNew);
  }

  TEST_CASE("a person who edits a regressed text ends its watch") {
    const Scene scene;
    scene.Regressed();
    scene.dir.Write("skills/pdf/SKILL.md", "my own");
    const auto results = scene.Look(/*write=*/true, /*auto_rollback=*/true);
    REQUIRE(results.size() == 1);
    CHECK(results[0].view.row.state == "superseded");
    CHECK(*base::ReadFile(scene.skill, 1 << 20) == "my own");
    CHECK(scene.Look(/*write=*/true, /*auto_rollback=*/true).empty());
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

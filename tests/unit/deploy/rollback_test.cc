#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/crypto.h"
#include "base/file.h"
#include "deploy/recover.h"
#include "deploy/rollback.h"
#include "deploy/swap.h"
#include "store/deploy_rows.h"
#include "store/job_rows.h"
#include "unit/deploy/deploy_scene.h"

namespace selftune::deploy {

TEST_SUITE("deploy/rollback") {
  TEST_CASE("the identical bytes come back, once") {
    Scene scene;
    const auto done = Execute(scene.World(), scene.Plan(scene.skill));
    REQUIRE(done.ok());
    const auto back = Rollback(scene.World(), done->deploy_id, "worse", "run");
    REQUIRE(back.ok());
    CHECK(back->state == RollbackState::kRolledBack);
    CHECK(scene.Read(scene.skill) == kOld);
    CHECK(scene.FilesBeside(scene.skill) == 1);
    CHECK(store::ReadDeploy(*scene.db, done->deploy_id)->state == "rolled_back");
    CHECK(CodeOf(Rollback(scene.World(), done->deploy_id, "", "").status()).name == "CONFLICTED");
    CHECK(!store::CurrentDeploy(*scene.db, "pdf")->has_value());
  }

  TEST_CASE("a changed skill rests for a day, for a week after two rollbacks") {
    Scene scene;
    for (int round = 0; round < 2; ++round) {
      const auto done = Execute(scene.World(), scene.Plan(scene.skill));
      REQUIRE(done.ok());
      auto policy = store::ReadSkillPolicy(*scene.db, "pdf");
      REQUIRE(policy.ok());
      CHECK(policy->cooldown_until.has_value());
      CHECK_FALSE(policy->frozen_until.has_value());
      REQUIRE(Rollback(scene.World(), done->deploy_id, "worse", "").ok());
      policy = store::ReadSkillPolicy(*scene.db, "pdf");
      REQUIRE(policy.ok());
      CHECK(policy->frozen_until.has_value() == (round == 1));
    }
  }

  TEST_CASE("where other parts were edited, only the description goes back") {
    Scene scene;
    const auto done = Execute(scene.World(), scene.Plan(scene.skill));
    REQUIRE(done.ok());
    scene.dir.Write("skills/pdf/SKILL.md", std::string(kNew) + "\nA step that was added.\n");
    const auto back = Rollback(scene.World(), done->deploy_id, "worse", "");
    REQUIRE(back.ok());
    CHECK(back->state == RollbackState::kPartial);
    CHECK(scene.Read(scene.skill) == std::string(kOld) + "\nA step that was added.\n");
  }

  TEST_CASE("an edited description is left alone, and the old text is named") {
    Scene scene;
    const auto done = Execute(scene.World(), scene.Plan(scene.skill));
    REQUIRE(done.ok());
    const std::string edited = "---\nname: pdf\ndescription: My own words.\n---\n";
    scene.dir.Write("skills/pdf/SKILL.md", edited);
    const auto back = Rollback(scene.World(), done->deploy_id, "worse", "");
    REQUIRE(back.ok());
    CHECK(back->state == RollbackState::kConflicted);
    CHECK(back->detail.find("t0.old") != std::string::npos);
    CHECK(scene.Read(scene.skill) == edited);
    CHECK(store::ReadDeploy(*scene.db, done->deploy_id)->state == "deployed");
  }
}

TEST_SUITE("deploy/damage") {
  TEST_CASE("bytes that are not those written down never reach the file") {
    for (const char* bytes : {"", "---\nname: pdf\ndescri", "something else"}) {
      CAPTURE(bytes);
      Scene scene;
      const auto done = Execute(scene.World(), scene.Plan(scene.skill));
      REQUIRE(done.ok());
      scene.Damage(done->deploy_id, "t0.old", bytes);
      const auto back = Rollback(scene.World(), done->deploy_id, "worse", "");
      REQUIRE(back.ok());
      CHECK(back->state == RollbackState::kConflicted);
      CHECK(back->detail.find("t0.old") != std::string::npos);
      CHECK(scene.Read(scene.skill) == kNew);
      CHECK(store::ReadDeploy(*scene.db, done->deploy_id)->state == "deployed");
    }
  }

  TEST_CASE("without its journal, or with another one, a deploy is not taken back") {
    Scene scene;
    const auto done = Execute(scene.World(), scene.Plan(scene.skill));
    REQUIRE(done.ok());
    auto intent = Journal(scene.state, done->deploy_id).ReadIntent();
    REQUIRE(intent.ok());
    REQUIRE(base::RemoveTree(Journal(scene.state, done->deploy_id).dir()).ok());
    CHECK(Rollback(scene.World(), done->deploy_id, "", "")->state == RollbackState::kConflicted);
    intent->targets[0].old_sha256 = base::Sha256Hex("garbage");
    REQUIRE(Journal(scene.state, done->deploy_id).Begin(*intent, {"garbage"}, {kNew}).ok());
    CHECK(Rollback(scene.World(), done->deploy_id, "", "")->state == RollbackState::kConflicted);
    CHECK(scene.Read(scene.skill) == kNew);
  }

  TEST_CASE("the figures of a rollback are those of the files") {
    Scene scene;
    const auto done = Execute(scene.World(), scene.Plan(scene.skill));
    REQUIRE(done.ok());
    const std::string edited = std::string(kNew) + "More.\n";
    scene.dir.Write("skills/pdf/SKILL.md", edited);
    const auto plan = PlanRollback(scene.World(), done->deploy_id);
    REQUIRE(plan.ok());
    CHECK(scene.Read(scene.skill) == edited);
    const auto back = Rollback(scene.World(), done->deploy_id, "", "");
    REQUIRE(back.ok());
    for (const auto& outcome : {*plan, *back}) {
      REQUIRE(outcome.files.size() == 1);
      CHECK(outcome.files[0].state == RollbackState::kPartial);
      CHECK(outcome.files[0].sha256_before == base::Sha256Hex(edited));
      CHECK(outcome.files[0].sha256_after == base::Sha256Hex(scene.Read(scene.skill)));
    }
  }

  TEST_CASE("a copy that is gone does not keep the other one") {
    Scene scene;
    const std::string other = scene.dir.Write("other/pdf/SKILL.md", kOld);
    const Intent done = scene.DeployBoth(other);
    REQUIRE(base::RemoveFile(other).ok());
    const auto back = Rollback(scene.World(), done.deploy_id, "", "");
    REQUIRE(back.ok());
    CHECK(back->state == RollbackState::kRolledBack);
    CHECK(back->files[1].missing);
    CHECK(scene.Read(scene.skill) == kOld);
    CHECK_FALSE(base::Exists(other));
    CHECK(store::ReadDeploy(*scene.db, done.deploy_id)->state == "rolled_back");
  }

  TEST_CASE("a damaged journal keeps no other from its end, and says what is wrong") {
    for (const char* file : {"intent.json", "t0.old", "t0.new", "state.json"}) {
      CAPTURE(file);
      Scene scene;
      const std::string second = scene.dir.Write("other/pdf/SKILL.md", kOld);
      const Intent damaged = scene.OpenDeploy({scene.skill, second});
      scene.dir.Write("skills/pdf/SKILL.md", "a third text");
      scene.Damage(damaged.deploy_id, file, "");
      const std::string third = scene.dir.Write("third/pdf/SKILL.md", kNew);
      Intent fine = damaged;
      fine.deploy_id = "01JD0000000000000000000DEG";
      fine.targets.resize(1);
      fine.targets[0].path = third;
      REQUIRE(Journal(scene.state, fine.deploy_id).Begin(fine, {kOld}, {kNew}).ok());
      const auto report = Recover(scene.World());
      REQUIRE(report.ok());
      CHECK(report->finished == std::vector<std::string>{fine.deploy_id});
      CHECK(scene.Read(scene.skill) == "a third text");
      CHECK(scene.Read(third) == kNew);
      REQUIRE(report->damaged.size() == 1);
      CHECK(report->damaged[0].deploy_id == damaged.deploy_id);
      CHECK(CodeOf(report->damaged[0].why).name == "STORE_CORRUPT");
      CHECK(OpenJournals(scene.state)->size() == 1);
    }
  }

  TEST_CASE("bytes a journal lost are found where they still lie") {
    Scene scene;
    const std::string other = scene.dir.Write("other/pdf/SKILL.md", kOld);
    const Intent intent = scene.OpenDeploy({scene.skill, other});
    REQUIRE(PrepareTarget(intent.targets[0], kId, kNew).ok());
    REQUIRE(SwapTarget(intent.targets[0], kId, kOld).ok());  // the old bytes lie beside it
    scene.Damage(kId, "t0.old", "garbage");
    const auto report = Recover(scene.World());
    REQUIRE(report.ok());
    CHECK(report->aborted == std::vector<std::string>{kId});
    CHECK(scene.Read(scene.skill) == kOld);
    CHECK(scene.FilesBeside(scene.skill) == 1);
  }

  TEST_CASE("a displaced file that its editor made shorter is kept") {
    Scene scene;
    const Intent intent = scene.OpenDeploy({scene.skill});
    REQUIRE(PrepareTarget(intent.targets[0], kId, kNew).ok());
    REQUIRE(SwapTarget(intent.targets[0], kId, kOld).ok());
    const std::string shorter = std::string(kOld).substr(0, 20);
    std::ofstream(TempPath(scene.skill, kId), std::ios::trunc) << shorter;
    REQUIRE(Recover(scene.World()).ok());
    CHECK(scene.Read(scene.skill) == kNew);
    CHECK(scene.Read(scene.skill + ".selftune-conflict-" + kId) == shorter);
  }

  TEST_CASE("only folders and files of our own are cleared away") {
    Scene scene;
    const std::string mine = scene.dir.Write("state/deploy/notes/todo.txt", "mine");
    const std::string also =
        scene.dir.Write(std::string("state/deploy/") + kId + "/notes.txt", "mine");
    const auto report = Recover(scene.World());
    REQUIRE(report.ok());
    CHECK(report->damaged.size() == 1);
    CHECK(scene.Read(mine) == "mine");
    CHECK(scene.Read(also) == "mine");
  }
}

}  // namespace selftune::deploy

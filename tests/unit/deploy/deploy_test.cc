#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/crypto.h"
#include "base/env.h"
#include "base/file.h"
#include "base/lock_file.h"
#include "base/time.h"
#include "deploy/deployer.h"
#include "deploy/git_state.h"
#include "deploy/recover.h"
#include "deploy/retention.h"
#include "deploy/rollback.h"
#include "deploy/swap.h"
#include "store/db.h"
#include "store/deploy_rows.h"
#include "store/evolution_log.h"
#include "store/job_rows.h"
#include "store/write_txn.h"
#include "unit/deploy/deploy_scene.h"

namespace selftune::deploy {

TEST_SUITE("deploy") {
  TEST_CASE("a deploy changes the file, keeps its mode, and leaves nothing beside it") {
    Scene scene;
    REQUIRE(::chmod(scene.skill.c_str(), 0640) == 0);
    const auto done = Execute(scene.World(), scene.Plan(scene.skill));
    REQUIRE(done.ok());
    CHECK(scene.Read(scene.skill) == kNew);
    CHECK((base::Stat(scene.skill)->mode & 0777) == 0640);
    CHECK(scene.FilesBeside(scene.skill) == 1);
    const auto row = store::ReadDeploy(*scene.db, done->deploy_id);
    REQUIRE(row.ok());
    CHECK(row->state == "deployed");
    CHECK(row->targets.at(0).state == "swapped");
  }

  TEST_CASE("tags of a file survive a deploy and a rollback") {
    Scene scene;
    const std::string tag("red\0blue", 8);
    const auto tag_of = [&]() -> std::string {
      char value[64];
      const ssize_t size = ::getxattr(scene.skill.c_str(), "user.tags", value, sizeof value);
      return size < 0 ? "none" : std::string(value, static_cast<size_t>(size));
    };
    if (::setxattr(scene.skill.c_str(), "user.tags", tag.data(), tag.size(), 0) != 0) {
      REQUIRE(errno == ENOTSUP);  // this file system has none
      return;
    }
    const auto done = Execute(scene.World(), scene.Plan(scene.skill));
    REQUIRE(done.ok());
    CHECK(tag_of() == tag);
    REQUIRE(Rollback(scene.World(), done->deploy_id, "test", "").ok());
    CHECK(scene.Read(scene.skill) == kOld);
    CHECK(tag_of() == tag);
  }

  TEST_CASE("a file edited since the change was made stays as it is") {
    Scene scene;
    scene.dir.Write("skills/pdf/SKILL.md", "somebody else's text");
    const auto done = Execute(scene.World(), scene.Plan(scene.skill));
    CHECK(CodeOf(done.status()).name == "FILE_CHANGED");
    CHECK(NextCommand(done.status()) == "selftune orchestrate");
    CHECK(scene.Read(scene.skill) == "somebody else's text");
    CHECK(scene.FilesBeside(scene.skill) == 1);
  }

  TEST_CASE("a write between the last look and the swap survives") {
    Scene scene;
    const IntentTarget target{.path = scene.skill,
                              .mode = 0644,
                              .old_sha256 = base::Sha256Hex(kOld),
                              .new_sha256 = base::Sha256Hex(kNew)};
    REQUIRE(PrepareTarget(target, "D1", kNew).ok());
    scene.dir.Write("skills/pdf/SKILL.md", "typed in the meantime");
    const Status swapped = SwapTarget(target, "D1", kOld);
    CHECK(CodeOf(swapped).name == "FILE_CHANGED");
    CHECK(scene.Read(scene.skill) == "typed in the meantime");
    CHECK(scene.FilesBeside(scene.skill) == 1);
  }

  TEST_CASE("an editor that still writes to the displaced file loses nothing") {
    Scene scene;
    const IntentTarget target{.path = scene.skill,
                              .mode = 0644,
                              .old_sha256 = base::Sha256Hex(kOld),
                              .new_sha256 = base::Sha256Hex(kNew)};
    std::ofstream editor(scene.skill, std::ios::app);  // holds the old inode
    REQUIRE(PrepareTarget(target, "D1", kNew).ok());
    REQUIRE(SwapTarget(target, "D1", kOld).ok());
    editor << "late line\n";
    editor.close();
    const auto conflict = FinishTarget(target, "D1", 0);
    REQUIRE(conflict.ok());
    REQUIRE(!conflict->empty());
    CHECK(scene.Read(*conflict) == std::string(kOld) + "late line\n");
    CHECK(scene.Read(scene.skill) == kNew);
  }

  TEST_CASE("all replicas change, or none does") {
    Scene scene;
    const std::string other = scene.dir.Write("other/pdf/SKILL.md", kOld);
    DeployPlan plan = scene.Plan(scene.skill);
    plan.targets.push_back({.path = other, .old_sha256 = base::Sha256Hex(kOld), .new_bytes = kNew});
    if (::geteuid() == 0) {
      // Root writes everywhere; a changed second file stands in for the failure.
      scene.dir.Write("other/pdf/SKILL.md", "changed");
      CHECK(CodeOf(Execute(scene.World(), plan).status()).name == "FILE_CHANGED");
      CHECK(scene.Read(other) == "changed");
    } else {
      REQUIRE(::chmod(std::string(base::DirName(other)).c_str(), 0555) == 0);
      CHECK(!Execute(scene.World(), plan).ok());
      REQUIRE(::chmod(std::string(base::DirName(other)).c_str(), 0755) == 0);
      CHECK(scene.Read(other) == kOld);
    }
    CHECK(scene.Read(scene.skill) == kOld);
    CHECK(scene.FilesBeside(scene.skill) == 1);
  }

  TEST_CASE("a linked skill keeps its link; hard links are refused") {
    Scene scene;
    const std::string link = scene.dir / "link.md";
    REQUIRE(::symlink(scene.skill.c_str(), link.c_str()) == 0);
    REQUIRE(Execute(scene.World(), scene.Plan(link)).ok());
    CHECK(scene.Read(scene.skill) == kNew);
    struct stat info{};
    REQUIRE(::lstat(link.c_str(), &info) == 0);
    CHECK(S_ISLNK(info.st_mode));

    REQUIRE(::link(scene.skill.c_str(), (scene.dir / "hard.md").c_str()) == 0);
    const auto refused = Execute(scene.World(), scene.Plan(scene.skill, kNew, kOld));
    CHECK(CodeOf(refused.status()).name == "CONFLICTED");
    CHECK(scene.Read(scene.skill) == kNew);
  }

  TEST_CASE("one deploy at a time") {
    Scene scene;
    const std::string locks = base::JoinPath(scene.state, "locks");
    REQUIRE(base::MakeDirs(locks, 0700).ok());
    const auto held = base::LockFile::TryAcquire(base::JoinPath(locks, "deploy.lock"), "test");
    REQUIRE(held.ok());
    CHECK(CodeOf(Execute(scene.World(), scene.Plan(scene.skill)).status()).name == "LOCK_HELD");
    CHECK(scene.Read(scene.skill) == kOld);
  }
}

TEST_SUITE("deploy/git") {
  TEST_CASE("a repository that git refuses is not none") {
    const testing::TempDir dir;
    const std::string skill = dir.Write("repo/pdf/SKILL.md", kOld);
    base::Environment env;
    env.Set("PATH", base::Environment::FromProcess().GetOr("PATH", ""));
    env.Set("HOME", dir.path());
    CHECK_FALSE(ReadGitState(skill, env)->in_work_tree);
    REQUIRE(base::MakeDirs(dir / "repo/.git", 0755).ok());
    CHECK_FALSE(ReadGitState(skill, env)->in_work_tree);  // an empty folder
    dir.Write("repo/.git/HEAD", "ref: refs/heads/main\n");
    const auto damaged = ReadGitState(skill, env);
    REQUIRE(damaged.ok());
    CHECK(damaged->in_work_tree);
    CHECK_FALSE(damaged->unknown.ok());
    CHECK(CodeOf(CheckGit(*damaged, skill, kOld, /*allow_dirty=*/false)).name == "GIT_DIRTY");
    CHECK(CheckGit(*damaged, skill, kOld, /*allow_dirty=*/true).ok());
    base::Environment without;
    without.Set("PATH", dir.path());
    CHECK_FALSE(ReadGitState(skill, without)->unknown.ok());
  }
}

TEST_SUITE("deploy/recover") {
  TEST_CASE("a journal that was never begun is dropped") {
    Scene scene;
    REQUIRE(base::MakeDirs(base::JoinPath(scene.state, "deploy/01JD0000000000000000000ABC"), 0700)
                .ok());
    const auto report = Recover(scene.World());
    REQUIRE(report.ok());
    CHECK(report->aborted.size() == 1);
    CHECK(Recover(scene.World())->empty());
  }

  TEST_CASE("a file that somebody else changed meanwhile is left to them") {
    Scene scene;
    const Journal journal(scene.state, kId);
    Intent intent{.deploy_id = kId, .skill = "pdf"};
    intent.targets.push_back({.path = scene.skill,
                              .mode = 0644,
                              .old_sha256 = base::Sha256Hex(kOld),
                              .new_sha256 = base::Sha256Hex(kNew)});
    REQUIRE(journal.Begin(intent, {kOld}, {kNew}).ok());
    scene.dir.Write("skills/pdf/SKILL.md", "third text");
    const auto report = Recover(scene.World());
    REQUIRE(report.ok());
    CHECK(report->conflicted == std::vector<std::string>{kId});
    CHECK(scene.Read(scene.skill) == "third text");
    CHECK(Recover(scene.World())->empty());
  }

  TEST_CASE("a recovery that died while it wrote the old bytes begins them anew") {
    Scene scene;
    const std::string other = scene.dir.Write("other/pdf/SKILL.md", kOld);
    const Intent intent = scene.OpenDeploy({scene.skill, other});
    scene.dir.Write("skills/pdf/SKILL.md", kNew);  // swapped; the other one is not
    const std::string part = PartPath(scene.skill, intent.deploy_id);
    const std::string_view old_bytes = kOld;
    for (const std::string_view written : {old_bytes.substr(0, 9), old_bytes}) {
      REQUIRE(base::WriteFileAtomic(part, written, 0600).ok());
      scene.dir.Write("skills/pdf/SKILL.md", kNew);
      const auto report = Recover(scene.World());
      REQUIRE(report.ok());
      CHECK(scene.Read(scene.skill) == kOld);
      CHECK((base::Stat(scene.skill)->mode & 0777) == 0644);
      CHECK(scene.FilesBeside(scene.skill) == 1);
      CHECK(scene.Read(other) == kOld);
      REQUIRE(base::RemoveFile(scene.EndingOf(intent)).ok());  // once more
    }
  }

  TEST_CASE("once the store says deployed, later edits stay and nothing is taken back") {
    Scene scene;
    const std::string other = scene.dir.Write("other/pdf/SKILL.md", kOld);
    const auto done = scene.DeployBoth(other);
    REQUIRE(base::RemoveFile(scene.EndingOf(done)).ok());
    scene.dir.Write("other/pdf/SKILL.md", "a person's text");
    const auto report = Recover(scene.World());
    REQUIRE(report.ok());
    CHECK(report->finished == std::vector<std::string>{done.deploy_id});
    CHECK(scene.Read(other) == "a person's text");
    CHECK(scene.Read(scene.skill) == kNew);
    CHECK(store::ReadDeploy(*scene.db, done.deploy_id)->state == "deployed");
  }

  TEST_CASE("a deploy that a person undid after the crash stays undone") {
    Scene scene;
    const std::string other = scene.dir.Write("other/pdf/SKILL.md", kOld);
    const auto done = scene.DeployBoth(other);
    REQUIRE(base::RemoveFile(scene.EndingOf(done)).ok());
    scene.dir.Write("other/pdf/SKILL.md", kOld);
    scene.dir.Write("skills/pdf/SKILL.md", kOld);
    const auto report = Recover(scene.World());
    REQUIRE(report.ok());
    CHECK(report->aborted == std::vector<std::string>{done.deploy_id});
    CHECK(scene.Read(scene.skill) == kOld);
    CHECK(store::ReadDeploy(*scene.db, done.deploy_id)->state == "aborted");
  }

  TEST_CASE("of old journals the newest twenty of a skill stay, and the one that stands") {
    struct FixedClock final : Clock {
      UtcMillis now;
      [[nodiscard]] UtcMillis Now() const override { return now; }
    };
    const Scene scene;
    FixedClock clock;
    clock.now = {1'700'000'000'000};
    DeployWorld world = scene.World();
    world.clock = &clock;
    std::vector<std::string> ids;
    for (int i = 0; i < 24; ++i) {
      clock.now.value += kDayMs;
      const bool forth = i % 2 == 0;
      const auto done =
          Execute(world, scene.Plan(scene.skill, forth ? kOld : kNew, forth ? kNew : kOld));
      REQUIRE(done.ok());
      ids.push_back(done->deploy_id);
    }
    clock.now.value += 67 * kDayMs;  // the oldest is 90 days old, not older
    CHECK(DropOldJournals(world)->empty());
    clock.now.value += 300 * kDayMs;
    DeployPlan other = scene.Plan(scene.dir.Write("skills/csv/SKILL.md", kOld));
    other.skill = "csv";
    const auto of_another = Execute(world, other);
    REQUIRE(of_another.ok());
    auto dropped = *DropOldJournals(world);
    std::sort(dropped.begin(), dropped.end());
    CHECK(dropped == std::vector<std::string>(ids.begin(), ids.begin() + 4));
    CHECK(ListJournals(scene.state)->size() == 21);
    CHECK(DropOldJournals(world)->empty());
    CHECK(PlanRollback(world, ids.back())->state == RollbackState::kRolledBack);
  }
}

}  // namespace selftune::deploy

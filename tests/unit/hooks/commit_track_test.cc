// Repositories written by hand, as git writes them; tests/hook/commit_test.py has
// real ones.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/file.h"
#include "hooks/handlers.h"
#include "support/temp_dir.h"

namespace selftune::hooks {
namespace {

constexpr UtcMillis kNow{1'790'000'000'000};

std::string Sha(char c) { return std::string(40, c); }

struct Scene {
  testing::TempDir dir;
  World world{.state_dir = "", .internal = false, .now = kNow};
  std::string log;

  Scene() {
    dir.Write("repo/.git/HEAD", "ref: refs/heads/feature/x\n");
    dir.Write("repo/.git/config",
              "[core]\n\tbare = false\n[remote \"other\"]\n\turl = https://no/no\n"
              "[remote \"origin\"]\n\turl = https://me:secret@example.com/a/b.git\n");
  }

  void Add(char from, char to, int64_t seconds_ago, std::string_view message) {
    log += fmt::format("{} {} A B <a@b> {} +0200\t{}\n", Sha(from), Sha(to),
                       kNow.value / 1000 - seconds_ago, message);
    dir.Write("repo/.git/logs/HEAD", log);
  }

  [[nodiscard]] HookEvent Run(std::string command, std::optional<int64_t> took_ms = 1000) const {
    HookEvent event;
    event.type = EventType::kPostToolUse;
    event.tool = ToolKind::kShell;
    event.cwd = dir / "repo";
    event.command = std::move(command);
    event.duration_ms = took_ms;
    const bool kept = KeepCommits(world, event);
    CHECK(kept == !event.commits.empty());
    CHECK(event.command.empty());
    return event;
  }
};

TEST_SUITE("hooks/commit_track") {
  TEST_CASE("a commit is read from the repository's own log") {
    Scene scene;
    scene.Add('0', 'a', 500, "commit (initial): first");
    scene.Add('a', 'b', 1, "commit: fix: a \"b\"");
    const HookEvent event = scene.Run("git commit -qm x");
    REQUIRE(event.commits.size() == 1);
    const Commit want{Sha('b'), "fix: a \"b\"", "feature/x", "https://example.com/a/b.git",
                      kNow.value - 1000};
    CHECK(event.commits[0] == want);
  }

  TEST_CASE("several in their order; moves of HEAD are none") {
    Scene scene;
    scene.Add('0', 'a', 3, "commit: one");
    scene.Add('a', 'b', 3, "checkout: moving from main to topic");
    scene.Add('b', 'c', 2, "cherry-pick: two");
    scene.Add('c', 'c', 2, "commit: nothing moved");
    scene.Add('c', 'd', 2, "merge topic: Fast-forward");
    scene.Add('d', 'e', 1, "merge topic: Merge made by the 'ort' strategy.");
    scene.Add('e', 'f', 1, "reset: moving to HEAD~1");
    scene.Add('f', '1', 0, "commit (amend): three");
    const HookEvent event = scene.Run("git commit && git merge topic", 3000);
    std::vector<std::string> titles;
    for (const Commit& commit : event.commits) titles.push_back(commit.title);
    CHECK(titles == std::vector<std::string>{"one", "two", "merge topic", "three"});
    // "one" was made where the work began, the others behind the checkout.
    CHECK(event.commits[0].branch == "main");
    CHECK(event.commits[3].branch == "feature/x");
  }

  TEST_CASE("what was there before the call is not its work") {
    Scene scene;
    scene.Add('0', 'a', 10, "commit: older");
    CHECK(scene.Run("git commit -m nothing").commits.empty());
    CHECK(scene.Run("git commit -m slow && npm test", 20'000).commits.size() == 1);
  }

  TEST_CASE("how long it ran is unknown: what it printed tells") {
    Scene scene;
    scene.Add('0', 'a', 300, "commit: older");
    CHECK(scene.Run("git commit", std::nullopt).commits.empty());
    HookEvent event;
    event.tool = ToolKind::kShell;
    event.cwd = scene.dir / "repo";
    event.command = "git commit && long tests";
    event.output = "[feature/x aaaaaaa] older\n 1 file changed";
    CHECK(KeepCommits(scene.world, event));
    CHECK(event.output.empty());
  }

  TEST_CASE("commits of others are not its own") {
    Scene scene;
    scene.Add('0', 'a', 4, "commit: of another session");
    CHECK(scene.Run("git commit -m nothing", std::nullopt).commits.empty());
    scene.Add('a', 'b', 0, "commit: while ours failed");
    HookEvent event;
    event.tool = ToolKind::kShell;
    event.cwd = scene.dir / "repo";
    event.command = "git commit && false";
    event.tool_failed = true;
    event.duration_ms = 1000;
    CHECK_FALSE(KeepCommits(scene.world, event));
    event.command = "git commit && false";
    event.output = "[feature/x bbbbbbb] while ours failed";
    CHECK(KeepCommits(scene.world, event));
    REQUIRE(event.commits.size() == 1);
    scene.Add('b', 'c', 0, "rebase (pick): somebody's");
    scene.Add('c', 'd', 0, "rebase (continue): ours");
    CHECK(scene.Run("git rebase main", 0).commits.back().title == "ours");
    CHECK(scene.Run("git rebase main", 0).commits.size() == 2);
  }

  TEST_CASE("what a hostile repository says is bounded") {
    Scene scene;
    scene.dir.Write("repo/.git/config", "[remote \"origin\"]\nurl = " + std::string(60'000, 'u'));
    scene.dir.Write("repo/.git/HEAD", "ref: refs/heads/" + std::string(3'000, 'b'));
    std::string title = "x";
    for (int i = 0; i < 600; ++i) title += "\xc3\xbc";
    for (int i = 0; i < 70; ++i)
      scene.Add(i % 2 == 0 ? 'a' : 'b', i % 2 == 0 ? 'b' : 'a', 0, "commit: " + title);
    scene.Add('a', 'c', INT64_MIN / 2000, "commit: of no year");
    const HookEvent event = scene.Run("git commit", INT64_MIN);
    CHECK(event.commits.size() > 10);
    CHECK(event.commits.size() <= 32);
    CHECK(ToJson(event).size() < 50'000);
    CHECK(event.commits[0].title.size() == 499);
    CHECK(event.commits[0].title.ends_with("\xc3\xbc"));
    CHECK(event.commits[0].remote.empty());
    CHECK(event.commits[0].branch.empty());
  }

  TEST_CASE("below the top, in another work tree, without a branch") {
    Scene scene;
    scene.Add('0', 'a', 0, "commit: deep");
    base::MakeDirs(scene.dir / "repo/src/deep", 0700).IgnoreError();
    CHECK(scene.Run("cd src/deep && git commit").commits.size() == 1);
    scene.dir.Write("tree/.git", "gitdir: ../repo/.git/worktrees/tree\n");
    scene.dir.Write("repo/.git/worktrees/tree/HEAD", Sha('c') + "\n");
    scene.dir.Write("repo/.git/worktrees/tree/commondir", "../..\n");
    scene.dir.Write("repo/.git/worktrees/tree/logs/HEAD",
                    fmt::format("{} {} A <a@b> {} +0000\tcommit: beside\n", Sha('a'), Sha('c'),
                                kNow.value / 1000));
    const HookEvent event = scene.Run("git -C ../tree commit");
    REQUIRE(event.commits.size() == 1);
    CHECK(event.commits[0].title == "beside");
    CHECK(event.commits[0].branch.empty());
    CHECK(event.commits[0].remote == "https://example.com/a/b.git");
  }

  TEST_CASE("without a log the host's output is all there is") {
    const Scene scene;
    HookEvent event;
    event.tool = ToolKind::kShell;
    event.cwd = scene.dir / "repo";
    event.command = "git commit";
    event.output = "[x] no\n[main (root-commit) 1a2b3c4] first one\n 1 file changed";
    CHECK(KeepCommits(scene.world, event));
    REQUIRE(event.commits.size() == 1);
    CHECK(event.commits[0].sha == "1a2b3c4");
    CHECK(event.commits[0].title == "first one");
  }

  TEST_CASE("a log that is no log, and no repository, are nothing") {
    Scene scene;
    for (const char* text :
         {"", "\n\n", "garbage", "a b c\tcommit: x\n", "\t\t\t", " > 5\tcommit: y"}) {
      scene.dir.Write("repo/.git/logs/HEAD", text);
      CHECK(scene.Run("git commit").commits.empty());
    }
    scene.dir.Write("repo/.git/logs/HEAD", std::string(100'000, 'x'));
    CHECK(scene.Run("git commit").commits.empty());
    CHECK(scene.Run("git -C / commit").commits.empty());
    CHECK(scene.Run("ls").commits.empty());
  }
}

}  // namespace
}  // namespace selftune::hooks

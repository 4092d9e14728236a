#include "hooks/shell_line.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace selftune::hooks {
namespace {

using Texts = std::vector<std::string>;

TEST_SUITE("hooks/shell_line") {
  TEST_CASE("paths are seen from a folder, without asking anybody") {
    CHECK(ResolvePath("/w", "a/../b") == "/w/b");
    CHECK(ResolvePath("/w", "/x/./y/") == "/x/y");
    CHECK(ResolvePath("/w", "../../..") == "/");
    CHECK(ResolvePath("/w", "~/x").empty());
    CHECK(ResolvePath("/w", "$HOME/x").empty());
    CHECK(ResolvePath("/w", "").empty());
  }

  TEST_CASE("where a command line commits") {
    struct Case {
      const char* command;
      Texts folders;
    };
    const Case cases[] = {
        {"git commit -m x", {"/w"}},
        {"git log --oneline", {}},
        {"echo git commit", {}},
        {"cd repo && git commit -qm 'a; git b'", {"/w/repo"}},
        {"git -C ../other -c user.name=x commit", {"/other"}},
        {"git -C a -C b --no-pager merge topic", {"/w/a/b"}},
        {"GIT_EDITOR=true git rebase --continue", {"/w"}},
        {"/usr/bin/git cherry-pick abc; git revert abc", {"/w"}},
        {"npm test && (cd sub; git commit -F -) | cat", {"/w/sub"}},
        {"bash -lc \"cd deep && git commit -m 'x'\"", {"/w/deep"}},
        {"git commit -m \"$(cat <<'EOF'\nfix: it\nEOF\n)\"", {"/w"}},
        {"cd ~/x && git commit", {}},
        {"cd \"$OTHER\" && git commit", {}},
        {"cd \"$OTHER\" && cd /x && git commit", {"/x"}},
        {"GIT_DIR=/other/.git git commit", {}},
        {"git --git-dir=/other/.git commit", {}},
        {"git --git-dir /other/.git --work-tree /other commit", {}},
        {"cat > notes.md <<'EOF'\ntoday\ngit commit -m x\nEOF\necho done", {}},
        {"cat <<-A <<B\ngit commit\n\tA\ngit commit\nB\ngit -C late commit", {"/w/late"}},
        {"git commit -F - <<EOF\nfix\nEOF", {"/w"}},
        {"git commit -F - <<< 'fix: git'", {"/w"}},
        {"git commit -F < message", {"/w"}},
        {"cd a; git commit; cd ../b; git commit", {"/w/a", "/w/b"}},
        {"legit commit", {}},
        {"# git commit", {}},
        {"git", {}},
        {"git -C", {}},
        {"'git commit", {}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.command);
      CHECK(CommitFolders(c.command, "/w") == c.folders);
    }
  }

  TEST_CASE("which files a command line writes") {
    struct Case {
      const char* command;
      Texts files;
    };
    const Case cases[] = {
        {"cat a/SKILL.md", {}},
        {"echo x > a/SKILL.md", {"/w/a/SKILL.md"}},
        {"echo x >>a/SKILL.md 2>&1", {"/w/a/SKILL.md"}},
        {"make 2>log", {"/w/log"}},
        {"sed -n 1,5p SKILL.md", {}},
        {"sed -i s/a/b/ SKILL.md", {"/w/s/a/b", "/w/SKILL.md"}},
        {"sed -Ei.bak s/a/b/ SKILL.md", {"/w/s/a/b", "/w/SKILL.md"}},
        {"sed -es/i/x/ SKILL.md", {}},
        {"sed -e s/i/x/ SKILL.md", {}},
        {"perl -Mstrict -ne print SKILL.md", {}},
        {"tee /tmp/log < SKILL.md", {"/tmp/log"}},
        {"cp -t /x SKILL.md", {"/x", "/x/SKILL.md"}},
        {"mv -t /x a/SKILL.md", {"/w/a/SKILL.md", "/x", "/x/SKILL.md"}},
        {"cp new/SKILL.md skills/pdf/", {"/w/skills/pdf", "/w/skills/pdf/SKILL.md"}},
        {"sed -i s/a/b/ ~/s/SKILL.md", {"/w/s/a/b", "/h/dev/s/SKILL.md"}},
        {"echo x >> \"$HOME/s/SKILL.md\"", {"/h/dev/s/SKILL.md"}},
        {"cd ${HOME} && rm SKILL.md", {"/h/dev/SKILL.md"}},
        {"rm ~other/SKILL.md $HOMES/SKILL.md", {}},
        {"cat > /tmp/n.md <<'EOF'\nrm SKILL.md\nEOF", {"/tmp/n.md"}},
        {"diff <(cat a) SKILL.md", {}},
        {"perl -pi -e x SKILL.md", {"/w/x", "/w/SKILL.md"}},
        {"cp SKILL.md backup", {"/w/backup", "/w/backup/SKILL.md"}},
        {"mv new.md SKILL.md", {"/w/new.md", "/w/SKILL.md", "/w/SKILL.md/new.md"}},
        {"cd skills/pdf && rm -f SKILL.md", {"/w/skills/pdf/SKILL.md"}},
        {"echo x | tee -a SKILL.md", {"/w/SKILL.md"}},
        {"grep -rl x . > /dev/null", {"/dev/null"}},
        {"cp", {}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.command);
      CHECK(WrittenFiles(c.command, "/w", "/h/dev") == c.files);
    }
  }

  TEST_CASE("without a home nothing is known to be in it") {
    CHECK(WrittenFiles("rm ~/SKILL.md $HOME/SKILL.md a", "/w") == Texts{"/w/a"});
  }

  TEST_CASE("which files a patch changes") {
    CHECK(PatchedFiles("*** Begin Patch\n*** Update File: a/SKILL.md\r\n@@\n-x\n+y\n"
                       "*** Add File: /n\n*** Delete File: o\n*** End Patch",
                       "/w") == Texts{"/w/a/SKILL.md", "/n", "/w/o"});
    CHECK(PatchedFiles("--- a/SKILL.md", "/w").empty());
  }

  TEST_CASE("no text takes it out of its way") {
    for (const std::string text : {"\\", "\"", "'", ">", ">>", "2>&", "<", "<<", "<<-", "<<<",
                                   "<<A\n", "<(", "a\\", "cd", "(((", "sh -c"}) {
      CAPTURE(text);
      CHECK(CommitFolders("git " + text, "/w").empty());
      for (const std::string& file : WrittenFiles("rm " + text, "/w")) CHECK(file.starts_with('/'));
    }
    const std::string long_text = "git commit " + std::string(1 << 20, 'x');
    CHECK(CommitFolders(long_text, "/w") == Texts{"/w"});
  }
}

}  // namespace
}  // namespace selftune::hooks

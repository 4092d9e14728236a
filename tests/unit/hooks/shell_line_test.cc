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
        {"mkdir new && cd new && git init\ngit add . && git commit -m x", {"/w/new"}},
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
        {"rm '~/SKILL.md' \\~/n", {"/w/~/SKILL.md", "/w/~/n"}},
        {"cat > /tmp/n.md <<'EOF'\nrm SKILL.md\nEOF", {"/tmp/n.md"}},
        {"diff <(cat a) SKILL.md", {}},
        {"perl -pi -e x SKILL.md", {"/w/SKILL.md"}},
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

  TEST_CASE("what does not write a file, or not surely this one, is not told") {
    for (const char* command : {
             // a text is no command
             "git commit -m \"$(cat <<'EOF'\nSay \"tee > SKILL.md x\" in docs\nEOF\n)\"",
             "git commit -m \"$(cat <<'EOF'\nThe \"a > b\" thing; don't rm SKILL.md ever\nEOF\n)\"",
             "echo $'it\\'s; rm SKILL.md'; echo '> SKILL.md'",
             "cat <<A\n\tA\nrm SKILL.md\nA",
             "rm SKILL.md '",
             "rm \\$HOME/SKILL.md '$HOME/SKILL.md'",
             // no redirections
             "[[ a > SKILL.md ]] && (( 1 > SKILL.md )) || echo $((2 > SKILL.md))",
             "[[ (a > SKILL.md) ||\n b < c ]]; echo 2>&1",
             // not run here
             "f() { rm SKILL.md; }",
             "function f { rm SKILL.md; }",
             "files=(rm SKILL.md)",
             "bash x.sh -c 'rm SKILL.md'",
             "perl x.pl -i SKILL.md",
             "bash -n -c 'rm SKILL.md'",
             "bash -nc 'rm SKILL.md'",
             "sh -o noexec -c 'rm SKILL.md'",
             "bash -eo noexec -c 'rm SKILL.md'",
             // only says how it is used
             "rm --help SKILL.md",
             "rm -f --version SKILL.md",
             "tee --help SKILL.md",
             "cp --help x SKILL.md",
             "sed -i --help SKILL.md",
             "command -v rm SKILL.md",
             "case $x in a) ;; esac; ls ?(SKILL.md) > SKILL.md",
             "echo \"$(case x in a) echo ;; esac) rm SKILL.md; tee SKILL.md",
             "echo \"$(rm SKILL.md",
             // what is there stays
             "cp -n x SKILL.md",
             "ln -s x SKILL.md",
             "truncate -r SKILL.md",
             // a folder that is not known
             "cd - && rm SKILL.md",
             "pushd a; popd; rm SKILL.md",
             "test -d a || cd b; rm SKILL.md",
             "if cd a; then cd b; fi; rm SKILL.md",
             "for i in a b; do cd $i; done; rm SKILL.md",
             "cd a && npm start &\nrm SKILL.md",
             "x | { cd a; rm SKILL.md; }",
             "cd a && { x; } & rm SKILL.md",
             // perhaps nobody went there
             "false && cd a; rm SKILL.md",
             "[ -n \"$A\" ] && cd a; rm SKILL.md",
             "[[ -n $A ]] && cd /a\nrm SKILL.md",
             "((0)) && cd a; rm SKILL.md",
             "(false) && cd a; rm SKILL.md",
             "false && # not here\n  cd a; rm SKILL.md",
             "false && cd a || rm SKILL.md",
             "false && cd a; (rm SKILL.md)",
             "false && cd a || (rm SKILL.md)",
             "false && cd a || echo `rm SKILL.md`",
             "false && cd a; echo \"$(rm SKILL.md)\"",
             "false && cd a; bash -c 'rm SKILL.md'",
             "false && cd a && { x; }; rm SKILL.md",
             "{ false && cd a; }; rm SKILL.md",
             "false && { cd a; }; rm SKILL.md",
             "cd a && false && cd ..; rm SKILL.md",
             "cd a && x && cd b && cd ..; rm SKILL.md",
         }) {
      CAPTURE(command);
      CHECK(WrittenFiles(command, "/w", "/h", "SKILL.md").empty());
    }
  }

  TEST_CASE("a folder is left with the process that went there") {
    struct Case {
      const char* command;
      Texts files;
    };
    const Case cases[] = {
        {"(cd a && wc -l SKILL.md); cat t > SKILL.md", {"/w/SKILL.md"}},
        {"(cd a; (cd b; rm SKILL.md); rm SKILL.md)", {"/w/a/b/SKILL.md", "/w/a/SKILL.md"}},
        {"x=$(cd a; pwd); rm SKILL.md", {"/w/SKILL.md"}},
        {"cd a | cat; rm SKILL.md", {"/w/SKILL.md"}},
        {"x |\n cd a; rm SKILL.md", {"/w/SKILL.md"}},
        {"cd a & rm SKILL.md", {}},
        {"ls & rm SKILL.md", {"/w/SKILL.md"}},
        {"cd a && { cd b; cd /w/a; }; rm SKILL.md", {"/w/a/SKILL.md"}},
        {"cd a || exit 1; rm SKILL.md", {"/w/a/SKILL.md"}},
        {"cd; rm SKILL.md", {"/h/SKILL.md"}},
        {"cd / && rm SKILL.md", {"/SKILL.md"}},
        // What comes before "&&" went well.
        {"[ -d a ] && cd a && ls && rm SKILL.md", {"/w/a/SKILL.md"}},
        {"[ -d a ] &&\n  cd a && # here\n  rm SKILL.md; rm SKILL.md", {"/w/a/SKILL.md"}},
        {"x && cd a && cat t | tee SKILL.md", {"/w/a/SKILL.md"}},
        {"x && cd a && (y; rm SKILL.md)", {"/w/a/SKILL.md"}},
        {"x && cd a && echo $(y; rm SKILL.md)", {"/w/a/SKILL.md"}},
        {"x && { cd a; y; rm SKILL.md; }", {"/w/a/SKILL.md"}},
        {"cd a && x; rm SKILL.md", {"/w/a/SKILL.md"}},
        {"cd a && cd b; rm SKILL.md", {"/w/a/b/SKILL.md"}},
        {"x && cd .; rm SKILL.md", {"/w/SKILL.md"}},
        {"x && cd a; rm /w/SKILL.md; cd /b; rm SKILL.md", {"/w/SKILL.md", "/b/SKILL.md"}},
        {"(x)\ncd a; rm SKILL.md", {"/w/a/SKILL.md"}},
        {"x && (y)\ncd a; rm SKILL.md", {"/w/a/SKILL.md"}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.command);
      CHECK(WrittenFiles(c.command, "/w", "/h", "SKILL.md") == c.files);
    }
  }

  TEST_CASE("one file, written in many ways") {
    for (const char* command : {
             "cp x/SKILL.md --target-directory=/w",
             "cp --target-directory . x/SKILL.md",
             "echo a >& SKILL.md",
             "echo a &>> SKILL.md",
             "echo a >| SKILL.md",
             "sudo -u x -n rm SKILL.md",
             "echo \"$(rm SKILL.md)\"",
             "echo `rm SKILL.md`",
             "cat <(ls) > SKILL.md",
             "tee <(ls) SKILL.md",
             "ln -sf /x/y SKILL.md",
             "bash -o pipefail -c 'rm SKILL.md'",
             "bash --norc -euo pipefail -c 'rm SKILL.md'",
             "rm -- --help SKILL.md",
             "rm --help x > SKILL.md",
             "if true; then rm SKILL.md; fi",
             "[[ -f x ]]; rm SKILL.md",
             "echo $((1<<2)) ${x:-y}; rm SKILL.md",
             "cat <<-A\n\tx\n\tA\nrm SKILL.md",
             "case x in\na) rm SKILL.md;;\nesac",
         }) {
      CAPTURE(command);
      CHECK(WrittenFiles(command, "/w", "/h", "SKILL.md") == Texts{"/w/SKILL.md"});
    }
  }

  TEST_CASE("of a long line the beginning is looked at") {
    const auto times = [](int count, std::string_view text) {
      std::string out;
      for (int i = 0; i < count; ++i) out.append(text);
      return out;
    };
    const std::string last = "rm SKILL.md";
    CHECK(WrittenFiles(times(999, "ls;") + last, "/w") == Texts{"/w/SKILL.md"});
    CHECK(WrittenFiles(times(1000, "ls;") + last, "/w").empty());
    CHECK(WrittenFiles(times(30, "( ") + last + times(30, ")"), "/w") == Texts{"/w/SKILL.md"});
    CHECK(WrittenFiles(times(40, "( ") + last + times(40, ")"), "/w").empty());
    CHECK(WrittenFiles("cd " + times(2040, "a/") + ";" + last, "/w").size() == 1);
    CHECK(WrittenFiles("cd " + times(2050, "a/") + ";" + last, "/w").empty());
    std::string many = "rm";
    for (int i = 0; i < 300; ++i) many += " " + std::to_string(i) + " " + std::to_string(i) + ".md";
    CHECK(WrittenFiles(many, "/w", "", ".md").size() == 256);
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
    const std::string long_text = std::string(1 << 20, 'x');
    CHECK(CommitFolders("git commit;" + long_text, "/w") == Texts{"/w"});
    CHECK(CommitFolders("git commit " + long_text, "/w").empty());  // cut off
  }
}

}  // namespace
}  // namespace selftune::hooks

#include "base/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/executable.h"
#include "base/file.h"
#include "base/strings.h"
#include "support/temp_dir.h"

namespace selftune::base {
namespace {

using std::chrono::milliseconds;
using testing::TempDir;

ProcessOptions Shell(const std::string& script) {
  ProcessOptions options;
  options.argv = {"/bin/sh", "-c", script};
  options.env = {{"PATH", "/usr/bin:/bin"}};
  return options;
}

ProcessResult Run(const ProcessOptions& options) {
  StatusOr<ProcessResult> result = RunProcess(options);
  REQUIRE(result.ok());
  return *std::move(result);
}

// Running, not merely a zombie nobody has collected yet.
bool Alive(const std::string& pid) {
  const StatusOr<std::string> stat = ReadFile("/proc/" + pid + "/stat", 4096);
  if (!stat.ok()) return false;
  const size_t name_end = stat->rfind(") ");
  REQUIRE(name_end != std::string::npos);
  return (*stat)[name_end + 2] != 'Z' && (*stat)[name_end + 2] != 'X';
}

// A killed process needs a moment to be gone.
bool GoneSoon(const std::string& pid) {
  for (int i = 0; i < 200; ++i) {
    if (!Alive(pid)) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

}  // namespace

TEST_SUITE("base/process") {
  TEST_CASE("output, exit code, arguments, environment and folder arrive") {
    const TempDir dir;
    ProcessOptions options;
    options.argv = {"/bin/sh", "-c", "cat; echo \"$1|$NAME|$HOME\"; pwd; echo oops >&2; exit 7",
                    "x", "a b\"'$;\n"};
    options.env = {{"NAME", "v=1 \xff"}, {"PATH", "/usr/bin:/bin"}};
    options.cwd = dir.path();
    options.stdin_text = std::string("in\0put\n", 7);
    const ProcessResult result = Run(options);
    CHECK(result.exit_code == 7);
    CHECK(result.signal == 0);
    CHECK(!result.timed_out);
    CHECK(!result.cancelled);
    CHECK(!result.stdout_cut);
    CHECK(result.stdout_text ==
          std::string("in\0put\n", 7) + "a b\"'$;\n|v=1 \xff|\n" + dir.path() + "\n");
    CHECK(result.stderr_text == "oops\n");
  }

  TEST_CASE("a program that somebody writes just now is waited for, but not for ever") {
    const TempDir dir;
    ProcessOptions options;
    options.argv = {dir.Write("agent", "#!/bin/sh\necho ran\n")};
    options.env = {{"PATH", "/usr/bin:/bin"}};
    REQUIRE(chmod(options.argv[0].c_str(), 0700) == 0);
    const int writer = open(options.argv[0].c_str(), O_WRONLY | O_CLOEXEC);
    REQUIRE(writer >= 0);
    const StatusOr<ProcessResult> busy = RunProcess(options);
    REQUIRE(!busy.ok());
    CHECK(Message(busy.status()).find("Text file busy") != std::string_view::npos);
    std::thread ends([writer] {
      std::this_thread::sleep_for(milliseconds(30));
      close(writer);
    });
    CHECK(Run(options).stdout_text == "ran\n");
    ends.join();
  }
  TEST_CASE("five megabytes go through both pipes and come back from stdin") {
    constexpr size_t kSize = 5 << 20;
    ProcessOptions options =
        Shell("head -c 5242880 /dev/zero & head -c 5242880 /dev/zero >&2; wait; cat");
    options.stdin_text.assign(kSize, 'i');
    options.max_stdout = 3 * kSize;
    options.max_stderr = 3 * kSize;
    const ProcessResult result = Run(options);
    CHECK(result.exit_code == 0);
    CHECK(result.stderr_text == std::string(kSize, '\0'));
    REQUIRE(result.stdout_text.size() == 2 * kSize);
    CHECK(result.stdout_text == std::string(kSize, '\0') + std::string(kSize, 'i'));
  }

  TEST_CASE("what is above the limit is read and dropped") {
    ProcessOptions options = Shell("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2");
    options.max_stdout = 1000;
    options.max_stderr = 10;
    const ProcessResult result = Run(options);
    CHECK(result.exit_code == 0);
    CHECK(result.stdout_text.size() == 1000);
    CHECK(result.stdout_cut);
    CHECK(result.stderr_text.size() == 10);
    options.argv[2] = "head -c 1000 /dev/zero";
    CHECK(!Run(options).stdout_cut);
  }

  TEST_CASE("a child may ignore its input, in part or whole") {
    for (const char* script : {"exit 3", "head -c 10 >/dev/null; exit 3", "exec <&-; exit 3"}) {
      CAPTURE(script);
      ProcessOptions options = Shell(script);
      options.stdin_text.assign(4 << 20, 'x');
      const ProcessResult result = Run(options);
      CHECK(result.exit_code == 3);
      // No SIGPIPE is left over for the caller.
      sigset_t pending;
      sigemptyset(&pending);
      sigpending(&pending);
      CHECK(sigismember(&pending, SIGPIPE) == 0);
      sigset_t blocked;
      pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
      CHECK(sigismember(&blocked, SIGPIPE) == 0);
    }
  }

  TEST_CASE("a timeout ends the whole group, grandchildren included") {
    struct Case {
      const char* name;
      const char* script;  // prints pids, then hangs
    };
    const Case cases[] = {
        {"a sleeping child", "echo $$; exec sleep 100"},
        {"a grandchild in the background", "sleep 100 & echo $$ $!; wait"},
        {"grandchild without pipes", "sleep 100 >/dev/null 2>&1 & echo $$ $!; wait"},
        {"all ignore SIGTERM",
         "trap '' TERM; sh -c 'trap \"\" TERM; echo $$; while :; do "
         "sleep 0.05; done' & echo $$; wait; while :; do sleep 0.05; done"},
        {"only the grandchild ignores SIGTERM",
         "sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.05; done' & echo $$; wait"},
        {"a stopped child", "echo $$; kill -STOP $$"},
        {"endless output", "echo $$; exec yes"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      ProcessOptions options = Shell(c.script);
      options.timeout = milliseconds(400);
      options.kill_grace = milliseconds(300);
      options.max_stdout = 64;
      ProcessResult result = Run(options);
      // On a busy machine the script may not have come to its first line.
      while (result.stdout_text.empty() && options.timeout < milliseconds(10'000)) {
        options.timeout *= 2;
        result = Run(options);
      }
      CHECK(result.timed_out);
      CHECK(!result.cancelled);
      CHECK(result.duration >= options.timeout);
      CHECK(result.duration < milliseconds(30'000));
      CHECK((result.signal == SIGTERM || result.signal == SIGKILL || result.exit_code >= 0));
      const size_t pids_end = result.stdout_text.find_first_not_of("0123456789 \n");
      const auto pids = SplitSpace(std::string_view(result.stdout_text).substr(0, pids_end));
      CHECK(!pids.empty());
      for (const std::string_view pid : pids) CHECK(GoneSoon(std::string(pid)));
    }
  }

  TEST_CASE("SIGTERM comes first and leaves time to clean up") {
    ProcessOptions options =
        Shell("trap 'echo cleaned; exit 5' TERM; while :; do sleep 0.02; done");
    options.timeout = milliseconds(1000);
    options.kill_grace = milliseconds(20'000);
    const ProcessResult result = Run(options);
    CHECK(result.timed_out);
    CHECK(result.exit_code == 5);
    CHECK(result.stdout_text == "cleaned\n");
    CHECK(result.duration < milliseconds(15'000));
  }

  TEST_CASE("cancelling takes effect within a moment") {
    Cancel cancel;
    ProcessOptions options = Shell("sleep 100 & echo $!; wait");
    options.cancel = &cancel;
    options.kill_grace = milliseconds(200);
    std::thread other([&] {
      std::this_thread::sleep_for(milliseconds(200));
      cancel.Request();
    });
    const ProcessResult result = Run(options);
    other.join();
    CHECK(result.cancelled);
    CHECK(!result.timed_out);
    CHECK(result.duration < milliseconds(30'000));
    CHECK(GoneSoon(std::string(Trim(result.stdout_text))));
    const ProcessResult never = Run(options);  // still cancelled
    CHECK(never.cancelled);
    CHECK(never.stdout_text.empty());
  }

  TEST_CASE("a helper left behind with the pipes does not hold the caller") {
    ProcessOptions options = Shell("sleep 30 & echo $!; exit 4");
    const ProcessResult result = Run(options);
    CHECK(result.exit_code == 4);
    CHECK(!result.timed_out);
    CHECK(result.duration < milliseconds(20'000));
    CHECK(GoneSoon(std::string(Trim(result.stdout_text))));
  }

  TEST_CASE("a helper that will not end is ended, and time to clean up is given") {
    const TempDir dir;
    ProcessOptions options = Shell(
        "sh -c 'trap \"\" TERM; echo stubborn >\"$1\"; while :; do sleep 0.05; done' x \"$1\" "
        ">/dev/null 2>&1 & echo $!; "
        "sh -c 'trap \"sleep 0.2; echo done >$1; exit\" TERM; echo >\"$2\"; "
        "while :; do sleep 0.02; done' x \"$2\" \"$3\" >/dev/null 2>&1 & "
        "while [ ! -e \"$1\" ] || [ ! -e \"$3\" ]; do sleep 0.02; done");
    options.argv.insert(options.argv.end(), {"x", dir / "ready", dir / "cleaned", dir / "ready2"});
    const ProcessResult result = Run(options);
    CHECK(result.exit_code == 0);
    CHECK(!result.timed_out);
    CHECK(GoneSoon(std::string(Trim(result.stdout_text))));
    CHECK(ReadFile(dir / "cleaned", 100).value_or("") == "done\n");
  }

  TEST_CASE("late output of a helper is kept") {
    const ProcessResult result = Run(Shell("(sleep 0.05; echo late) & echo early"));
    CHECK(result.stdout_text == "early\nlate\n");
  }

  TEST_CASE("death by a signal is told apart from an exit") {
    const ProcessResult result = Run(Shell("kill -9 $$"));
    CHECK(result.exit_code == -1);
    CHECK(result.signal == SIGKILL);
    CHECK(!result.timed_out);
  }

  TEST_CASE("what cannot be started is an error that names the program") {
    const TempDir dir;
    const std::string plain = dir.Write("plain", "#!/bin/sh\n", 0644);
    const std::string no_shebang = dir.Write("text", "not a program\n", 0755);
    const std::string bad_shebang = dir.Write("bad", "#!/no/such/interpreter\n", 0755);
    struct Case {
      const char* name;
      std::vector<std::string> argv;
      std::string cwd;
    };
    const Case cases[] = {
        {"nothing", {}, ""},
        {"a relative path", {"sh"}, ""},
        {"absent", {dir / "none"}, ""},
        {"a directory", {dir.path()}, ""},
        {"not executable", {plain}, ""},
        {"not a program", {no_shebang}, ""},
        {"no interpreter", {bad_shebang}, ""},
        {"absent folder", {"/bin/sh", "-c", "exit"}, dir / "none"},
        {"NUL in an argument", {"/bin/sh", std::string("a\0b", 3)}, ""},
        {"too many arguments", {"/bin/sh", "-c", "exit", std::string(4 << 20, 'x')}, ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      ProcessOptions options;
      options.argv = c.argv;
      options.cwd = c.cwd;
      const Status status = RunProcess(options).status();
      CHECK(CodeOf(status).name == "PROCESS_FAILED");
      if (!c.argv.empty()) CHECK(Message(status).find(c.argv[0]) != std::string_view::npos);
    }
  }

  TEST_CASE("the child inherits no descriptor and no signal setting") {
    const int leak = open("/dev/null", O_RDONLY);  // on purpose without O_CLOEXEC
    REQUIRE(leak > 2);
    struct sigaction ignore{};
    struct sigaction before{};
    ignore.sa_handler = SIG_IGN;
    REQUIRE(sigaction(SIGUSR1, &ignore, &before) == 0);
    sigset_t block;
    sigset_t old;
    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &block, &old);
    const ProcessResult result =
        Run(Shell("ls /proc/$$/fd; grep -E 'Sig(Blk|Ign)' /proc/self/status"));
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
    sigaction(SIGUSR1, &before, nullptr);
    close(leak);
    CHECK(result.stdout_text.substr(0, 6) == "0\n1\n2\n");
    CHECK(result.stdout_text.find("\n" + std::to_string(leak) + "\n") == std::string::npos);
    CHECK(result.stdout_text.find("SigBlk:\t0000000000000000") != std::string::npos);
    // The signals a program can know; glibc ignores two of its own.
    CHECK(result.stdout_text.find("SigIgn:\t") != std::string::npos);
    CHECK(result.stdout_text.ends_with("0000000\n"));
  }

  TEST_CASE("the child leads a session of its own") {
    const ProcessResult result = Run(Shell("echo $$; cut -d' ' -f5,6 /proc/$$/stat"));
    const auto words = SplitSpace(result.stdout_text);
    REQUIRE(words.size() == 3);
    CHECK(words[0] == words[1]);
    CHECK(words[0] == words[2]);
  }

  TEST_CASE("works while the standard streams of this process are closed") {
    const int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
    close(STDIN_FILENO);
    ProcessOptions options = Shell("cat; echo err >&2");
    options.stdin_text = "text";
    const ProcessResult result = Run(options);
    if (saved >= 0) {
      dup2(saved, STDIN_FILENO);
      close(saved);
    }
    CHECK(result.stdout_text == "text");
    CHECK(result.stderr_text == "err\n");
  }

  TEST_CASE("no zombie and no descriptor is left, from many threads") {
    const auto open_fds = [] { return ListDir("/proc/self/fd")->size(); };
    static_cast<void>(Run(Shell("exit")));
    const size_t before = open_fds();
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&good, t] {
        for (int i = 0; i < 10; ++i) {
          ProcessOptions options = Shell("cat; exit " + std::to_string(t));
          options.stdin_text.assign(100'000, static_cast<char>('a' + t));
          const StatusOr<ProcessResult> result = RunProcess(options);
          if (result.ok() && result->exit_code == t && result->stdout_text == options.stdin_text) {
            ++good;
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(good == 40);
    CHECK(open_fds() == before);
    CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
  }

  TEST_CASE("finding a program on a path list") {
    const TempDir dir;
    dir.Write("a/tool", "#!/bin/sh\n", 0644);  // not executable
    dir.Write("b/tool", "#!/bin/sh\n", 0755);
    dir.Write("c/tool", "#!/bin/sh\n", 0755);
    REQUIRE(MakeDirs(dir / "a/folder", 0755).ok());
    const std::string list =
        (dir / "none") + ":" + (dir / "a") + "::relative:" + (dir / "b") + ":" + (dir / "c");
    CHECK(FindExecutable("tool", list) == dir / "b/tool");
    CHECK(FindExecutable("folder", list).empty());
    CHECK(FindExecutable("missing", list).empty());
    CHECK(FindExecutable("", list).empty());
    CHECK(FindExecutable(dir / "c/tool", "") == dir / "c/tool");
    CHECK(FindExecutable(dir / "a/tool", list).empty());
    CHECK(FindExecutable("b/tool", dir.path()).empty());
    CHECK(FindExecutable("sh", "/usr/bin:/bin") != "");
  }
}

}  // namespace selftune::base

#include "llm/agent_cli.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "base/executable.h"
#include "base/file.h"
#include "base/strings.h"
#include "support/temp_dir.h"

namespace selftune::llm {
namespace {

constexpr char kHelp[] =
    "--output-format --no-session-persistence --tools --settings --system-prompt --model";

// A program that writes down where it runs; asked a question, it waits.
struct Scene {
  testing::TempDir dir;
  base::Environment env;
  std::string binary = dir / "claude";
  std::string temp = dir / "tmp";

  Scene() {
    dir.Write("claude",
              "#!/bin/sh\n"
              "pwd >> \"$HOME/where\"\n"
              "ls -A | wc -l >> \"$HOME/holds\"\n"
              "case \"$1\" in\n"
              "  --help) echo '" +
                  std::string(kHelp) +
                  "'; exit ;;\n"
                  "  --version) echo 1; exit ;;\n"
                  "esac\n"
                  "echo $$ > \"$HOME/pid.new\" && mv \"$HOME/pid.new\" \"$HOME/pid\"\n"
                  "exec sleep 60\n");
    REQUIRE(chmod(binary.c_str(), 0755) == 0);
    env.Set("HOME", dir / "");
    env.Set("PATH", "/usr/bin:/bin");
  }
  [[nodiscard]] std::string Text(const std::string& name) const {
    return base::ReadFile(dir / name, 4096).value_or("");
  }
};

template <typename Done>
bool Within20Seconds(Done done) {
  for (int i = 0; i < 400; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

// Neither running nor sleeping: gone, or only not yet fetched by its parent.
bool HasEnded(const std::string& pid) {
  const std::string stat = base::ReadFile("/proc/" + pid + "/stat", 4096).value_or("");
  const size_t state = stat.rfind(") ");
  return state == std::string::npos || stat[state + 2] == 'Z';
}

}  // namespace

TEST_SUITE("llm/agent_cli") {
  TEST_CASE("an agent is asked what it can do in a folder of its own that does not stay") {
    const Scene scene;
    const auto agent = ProbeAgent(Agent::kClaude, scene.binary, scene.env, scene.temp);
    INFO(Message(agent.status()));
    REQUIRE(agent.ok());
    CHECK(agent->version == "1");
    const std::string where = scene.Text("where");
    for (const auto line : base::Split(base::Trim(where), '\n')) {
      CHECK(line.find("/tmp/call-") != std::string_view::npos);
    }
    CHECK(scene.Text("holds").find_first_not_of("0\n ") == std::string::npos);
    CHECK(base::ListDir(scene.temp)->empty());
  }

  TEST_CASE("folders that a dead process left are removed once no call can need them") {
    const Scene scene;
    for (const char* name : {"call-old", "call-new", "other"}) {
      REQUIRE(base::MakeDirs(base::JoinPath(scene.temp, name), 0700).ok());
    }
    const auto made = base::Stat(base::JoinPath(scene.temp, "call-new"));
    const int64_t now = made->mtime_ns / 1'000'000;
    const auto age = [&](const char* name, int64_t ms) {
      const timespec then{.tv_sec = (now - ms) / 1000, .tv_nsec = 0};
      const timespec times[] = {then, then};
      REQUIRE(utimensat(AT_FDCWD, base::JoinPath(scene.temp, name).c_str(), times, 0) == 0);
    };
    age("call-old", 3'500'000);
    age("other", 9'000'000);
    RemoveAbandoned(scene.temp, {now});
    CHECK(base::ListDir(scene.temp)->size() == 3);
    age("call-old", 3'700'000);
    RemoveAbandoned(scene.temp, {now});
    CHECK_FALSE(base::Exists(base::JoinPath(scene.temp, "call-old")));
    CHECK(base::Exists(base::JoinPath(scene.temp, "call-new")));
    CHECK(base::Exists(base::JoinPath(scene.temp, "other")));
  }

  TEST_CASE("an agent that is gone, or no program, is said to be so") {
    const Scene scene;
    const auto agent = ProbeAgent(Agent::kClaude, scene.binary, scene.env, scene.temp);
    REQUIRE(agent.ok());
    AgentCliBackend backend(*agent, scene.env, scene.temp);
    LlmRequest request;
    request.user = "q";
    scene.dir.Write("claude", "#!/no/such/interpreter\n");
    CHECK(CodeOf(backend.Call(request).status()).name == "PROCESS_FAILED");
    REQUIRE(unlink(scene.binary.c_str()) == 0);
    const auto gone = backend.Call(request);
    CHECK(CodeOf(gone.status()).name == "PROCESS_FAILED");
    CHECK(Message(gone.status()).find(scene.binary) != std::string_view::npos);
    CHECK(base::ListDir(scene.temp)->empty());
  }

  TEST_CASE("an agent does not outlive the process that asked it") {
    const Scene scene;
    if (base::FindExecutable("setpriv", "/usr/bin:/bin").empty()) return;  // util-linux
    const pid_t asker = fork();
    REQUIRE(asker >= 0);
    if (asker == 0) {
      const auto agent = ProbeAgent(Agent::kClaude, scene.binary, scene.env, scene.temp);
      if (!agent.ok()) _exit(1);
      AgentCliBackend backend(*agent, scene.env, scene.temp);
      LlmRequest request;
      request.user = "q";
      _exit(backend.Call(request).ok() ? 0 : 2);
    }
    REQUIRE(Within20Seconds([&] { return !scene.Text("pid").empty(); }));
    const std::string pid(base::Trim(scene.Text("pid")));
    CHECK_FALSE(HasEnded(pid));
    REQUIRE(kill(asker, SIGKILL) == 0);
    int status = 0;
    REQUIRE(waitpid(asker, &status, 0) == asker);
    CHECK(Within20Seconds([&] { return HasEnded(pid); }));
  }
}

}  // namespace selftune::llm

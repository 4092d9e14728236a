#include <doctest/doctest.h>

#include "base/env.h"
#include "hosts/moved_homes.h"
#include "hosts/registry.h"
#include "support/temp_dir.h"

namespace selftune {
namespace {

TEST_SUITE("hosts/registry") {
  TEST_CASE("a host is found by its id, its spelling on the command line, and its command") {
    for (const char* name : {"claude_code", "claude-code", "claude"}) {
      const hosts::HostRow* row = hosts::FindRow(name);
      REQUIRE(row != nullptr);
      CHECK(row->platform == "claude_code");
    }
    CHECK(hosts::Rows().size() == 9);
    for (const hosts::HostRow& row : hosts::Rows()) {
      CHECK(hosts::FindRow(row.platform) == &row);
      CHECK(hosts::FindRow(row.command) == &row);
    }
    CHECK(hosts::FindRow("nothing") == nullptr);
    CHECK(hosts::FindRow("") == nullptr);
  }

  TEST_CASE("a host's folder is the configured one, else below HOME, whatever variables say") {
    base::Environment env;
    const hosts::HostRow* codex = hosts::FindRow("codex");
    REQUIRE(codex != nullptr);
    CHECK(hosts::ConfigDir(*codex, env).empty());
    env.Set("HOME", "/h");
    CHECK(hosts::ConfigDir(*codex, env) == "/h/.codex");
    env.Set("CODEX_HOME", "/elsewhere/c/");
    CHECK(hosts::ConfigDir(*codex, env) == "/h/.codex");
    env.SetHostHome("codex", "/data/c");
    CHECK(hosts::ConfigDir(*codex, env) == "/data/c");
    const hosts::HostRow* opencode = hosts::FindRow("opencode");
    REQUIRE(opencode != nullptr);
    CHECK(hosts::ConfigDir(*opencode, env) == "/h/.config/opencode");
    env.Set("XDG_CONFIG_HOME", "/x");
    CHECK(hosts::ConfigDir(*opencode, env) == "/h/.config/opencode");
    env.SetHostHome("opencode", "/x/opencode");
    CHECK(hosts::ConfigDir(*opencode, env) == "/x/opencode");
  }

  TEST_CASE("a variable that names another folder is found, one that names the same is not") {
    const testing::TempDir dir;
    base::Environment env;
    env.Set("HOME", dir / "home");
    for (const hosts::HostRow& row : hosts::Rows()) {
      if (row.config_env.empty()) continue;
      CAPTURE(row.platform);
      const std::string named = dir / std::string(row.platform);
      const std::string folder =
          row.config_env_below.empty() ? named : named + "/" + std::string(row.config_env_below);
      env.Set(std::string(row.config_env), named + "/");
      CHECK(hosts::FindMovedHomes(env).empty());  // not there
      dir.Write(folder.substr(dir.path().size() + 1) + "/x", "x");
      const auto found = hosts::FindMovedHomes(env);
      REQUIRE(found.size() == 1);
      CHECK(found[0].platform == row.platform);
      CHECK(found[0].variable == row.config_env);
      CHECK(found[0].folder == folder);
      CHECK(found[0].read == hosts::ConfigDir(row, env));
      CHECK(hosts::CommandFor(found[0]).back() == folder);
      CHECK(hosts::Describe(found[0]).find(folder + ", which is not read") != std::string::npos);
      env.SetHostHome(std::string(row.platform), folder);
      CHECK(hosts::FindMovedHomes(env).empty());  // recorded
    }
    env.Set("CODEX_HOME", "relative");
    CHECK(hosts::FindMovedHomes(env).empty());
  }
}

}  // namespace
}  // namespace selftune

#include <doctest/doctest.h>

#include "base/env.h"
#include "hosts/registry.h"

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

  TEST_CASE("the configuration folder is that of the environment") {
    base::Environment env;
    const hosts::HostRow* codex = hosts::FindRow("codex");
    REQUIRE(codex != nullptr);
    CHECK(hosts::ConfigDir(*codex, env).empty());
    env.Set("HOME", "/h");
    CHECK(hosts::ConfigDir(*codex, env) == "/h/.codex");
    env.Set("CODEX_HOME", "/elsewhere/c/");
    CHECK(hosts::ConfigDir(*codex, env) == "/elsewhere/c");
    const hosts::HostRow* opencode = hosts::FindRow("opencode");
    REQUIRE(opencode != nullptr);
    CHECK(hosts::ConfigDir(*opencode, env) == "/h/.config/opencode");
    env.Set("XDG_CONFIG_HOME", "/x");
    CHECK(hosts::ConfigDir(*opencode, env) == "/x/opencode");
  }
}

}  // namespace
}  // namespace selftune

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "hosts/codex/install_trust.h"

namespace selftune::hosts::codex {
namespace {

constexpr char kToml[] =
    "model = \"x\"\n"
    "note = '''\n"
    "[hooks.state.\"/h/hooks.json:stop:9:9\"]\n"
    "'''\n"
    "\n"
    "[hooks.state.\"/h/hooks.json:stop:0:0\"] # mine\n"
    "trusted_hash = \"sha256:aa\"\n"
    "\n"
    "[hooks.state.\"/h/hooks.json:stop:1:0\"]\n"
    "trusted_hash = \"sha256:bb\"\n"
    "# about the projects\n"
    "\n"
    "[projects.\"/w\"]\n"
    "trust_level = \"trusted\"\n";

TEST_SUITE("install/approvals") {
  TEST_CASE("a key is file, event and place") {
    CHECK(TrustKey("/h/hooks.json", "UserPromptSubmit", 0, 2) ==
          "/h/hooks.json:user_prompt_submit:0:2");
  }

  TEST_CASE("only headers outside texts count") {
    CHECK(TrustedKeys(kToml) ==
          std::vector<std::string>{"/h/hooks.json:stop:0:0", "/h/hooks.json:stop:1:0"});
    CHECK(TrustedKeys("[hooks.state.'C:\\h\\hooks.json:stop:0:0']\n") ==
          std::vector<std::string>{"C:\\h\\hooks.json:stop:0:0"});
    CHECK(TrustedKeys("").empty());
  }

  TEST_CASE("taking one out leaves every other byte") {
    const std::string without = WithoutTrust(kToml, {"/h/hooks.json:stop:1:0"});
    std::string expected(kToml);
    const std::string gone =
        "[hooks.state.\"/h/hooks.json:stop:1:0\"]\n"
        "trusted_hash = \"sha256:bb\"\n";
    expected.erase(expected.find(gone) - 1, gone.size() + 1);
    CHECK(without == expected);
    CHECK(WithoutTrust(kToml, {"/h/hooks.json:stop:9:9"}) == kToml);
    CHECK(WithoutTrust(kToml, {}) == kToml);
  }

  TEST_CASE("what the host appended after an approval goes as it came") {
    const std::string before = "model = \"x\"\n";
    const std::string after =
        before + "\n[hooks.state.\"/h/hooks.json:stop:0:0\"]\ntrusted_hash = \"sha256:cc\"\n";
    CHECK(WithoutTrust(after, {"/h/hooks.json:stop:0:0"}) == before);
  }
}

}  // namespace
}  // namespace selftune::hosts::codex

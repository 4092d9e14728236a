#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/json_value.h"
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

  TEST_CASE("a text that nobody would write costs what it is long, and ends nothing") {
    const auto times = [](size_t n, std::string_view what) {
      std::string out;
      for (size_t i = 0; i < n; ++i) out += what;
      return out;
    };
    const std::string entry = "[hooks.state.known]\ntrusted_hash = \"sha256:aa\"\n";
    const std::string broken[] = {
        times(200'000, "["),
        "a = " + times(200'000, "["),
        "a = " + times(200'000, "{a="),
        "a = " + times(200'000, "[{a="),
        "a = \"\"\"" + times(200'000, "\\"),
        "a" + times(200'000, ".a"),
    };
    for (const std::string& text : broken) {
      CAPTURE(text.substr(0, 12));
      CHECK(ReadHookConfig(entry + text).trusts.size() == 1);
    }
    // Each value under a long key: gigabytes, were the key kept with each.
    const std::string deep = "[a" + times(30'000, ".a") + "]\n" + times(30'000, "x = 1\n");
    CHECK(ReadHookConfig(deep + entry).trusts.size() == 1);
    std::string many;
    for (size_t i = 0; i < 50'000; ++i) {
      many += "[hooks.state.k" + std::to_string(i) + "]\nenabled = false\n";
    }
    CHECK(ReadHookConfig(many + entry + many).trusts.size() == 50'001);
  }

  TEST_CASE("what an entry says is read however it is written") {
    const HookConfig config = ReadHookConfig(
        "[hooks.state]\n"
        "'C:\\h\\hooks.json:stop:0:0'.trusted_hash = 'sha256:aa'\n"
        "\"/h/hooks.json:stop:1:0\" = { enabled = false, # for now\n"
        "  trusted_hash = \"sha256:bb\" }\n"
        "[hooks.state.\"/h/\\u00fc/hooks.json:stop:2:0\"]\n"
        "enabled = true\n"
        "[[hooks.state.list]]\n"
        "model = \"\"\"a \"quoted\" word\"\"\"\n"
        "[hooks]\n"
        "state.dotted.trusted_hash = \"sha256:dd\"\n"
        "= \n"
        "state.behind_a_mistake.enabled = false\n");
    struct Case {
      const char* key;
      const char* hash;
      bool enabled;
    };
    const Case cases[] = {
        {"C:\\h\\hooks.json:stop:0:0", "sha256:aa", true},
        {"/h/hooks.json:stop:1:0", "sha256:bb", false},
        {"/h/\u00fc/hooks.json:stop:2:0", "", true},
        {"dotted", "sha256:dd", true},
    };
    for (const Case& c : cases) {
      CAPTURE(c.key);
      const Trust* const trust = config.Find(c.key);
      REQUIRE(trust != nullptr);
      CHECK(trust->hash == c.hash);
      CHECK(trust->enabled == c.enabled);
    }
    CHECK(config.Find("behind_a_mistake") == nullptr);
    CHECK(config.off.empty());
    CHECK(ReadHookConfig(kToml).Find("/h/hooks.json:stop:9:9") == nullptr);
    CHECK(ReadHookConfig("").trusts.empty());
    // A person's file may be anything.
    CHECK(ReadHookConfig("a = " + std::string(10'000, '[')).trusts.empty());
    CHECK(ReadHookConfig("a = \"\\").trusts.empty());
  }

  TEST_CASE("the hash is the one that codex 0.134, 0.169 and 0.171 show of the same hooks") {
    struct Case {
      const char* event;
      const char* group;
      const char* hash;
    };
    const Case cases[] = {
        {"UserPromptSubmit",
         R"({"hooks": [{"type": "command", "command": "/x/selftune-hook codex", "timeout": 5}]})",
         "sha256:a78e57dbe21f75e4261bedb62770d9c07c7a70e509c8b4ee445c5f898bf4b09a"},
        {"PreToolUse",
         R"({"matcher": "^(apply_patch|Bash)$", "hooks": [
             {"type": "command", "command": "'/x y/selftune-hook' codex", "timeout": 5}]})",
         "sha256:9bbddff612b417f9b5f7cbab9626cfbd6cd13ce13c98dddc1ea89e583c4b7706"},
        {"PostToolUse",
         R"({"matcher": "^Bash$", "hooks": [{"type": "command", "command": "/x/selftune-hook codex"}]})",
         "sha256:b33dd4d17107a3e338274d71d47eba28a0fb5cb3af9fccfda60e09437dc85683"},
        {"Interrupt",
         R"({"hooks": [{"timeout": 3, "command": "/x/selftune-hook codex", "type": "command", "x": 1}]})",
         "sha256:a83354bfb0614586eb24eb99cf55fec7a54948c20cf8a1f10e8d58ea52247801"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.event);
      const auto group = base::JsonValue::Parse(c.group);
      REQUIRE(group.ok());
      CHECK(TrustHash(c.event, *group, 0) == c.hash);
      CHECK(TrustHash(c.event, *group, 1).empty());
    }
    // JSON has two ways to write it.
    const auto odd = base::JsonValue::Parse(R"({"hooks": [{"command": "\u007f"}]})");
    REQUIRE(odd.ok());
    CHECK(TrustHash("Stop", *odd, 0).empty());
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

#include "status/settings.h"

#include <doctest/doctest.h>

#include <string>

#include "hosts/registry.h"
#include "support/temp_dir.h"

namespace selftune::status {
namespace {

config::Config Parsed(std::string_view text) {
  auto config = config::Parse(text, "config.json");
  REQUIRE(config.ok());
  return *std::move(config);
}

base::Environment HomeOf(const std::string& home) {
  base::Environment env;
  env.Set("HOME", home);
  return env;
}

TEST_SUITE("status/settings") {
  TEST_CASE("every name is a setting, hosts and skills by any of theirs") {
    for (const std::string& name : SettingNames()) {
      CAPTURE(name);
      const auto key = ParseSettingKey(name);
      REQUIRE(key.has_value());
      CHECK(key->name == name);
    }
    CHECK(SettingNames().size() == 20 + hosts::Rows().size());
    CHECK(ParseSettingKey("hosts.claude-code.home")->name == "hosts.claude_code.home");
    CHECK(ParseSettingKey("hosts.claude.home")->path[1] == "claude_code");
    CHECK(ParseSettingKey("skills.acme:a.b.autonomy")->path[1] == "acme:a.b");
    for (const char* wrong :
         {"", "autonom", "hosts.codex", "hosts.codex.homes", "hosts.nobody.home", "hosts..home",
          "skills.autonomy", "skills..autonomy", "suggest", "suggest.", "suggest.other",
          "config_version", "alpha.api_key"}) {
      CAPTURE(wrong);
      CHECK_FALSE(ParseSettingKey(wrong).has_value());
    }
  }

  TEST_CASE("a value is one that the setting can have") {
    struct Case {
      const char* key;
      const char* good;
      const char* bad;
    };
    const Case cases[] = {
        {"autonomy", "deploy", "Deploy"},
        {"guards", "block", "on"},
        {"suggestions", "off", "never"},
        {"suggest.correction", "off", "no"},
        {"suggest.broken", "on", ""},
        {"skills.pdf.autonomy", "locked", "off"},
        {"hosts.codex.home", "/data/codex", "codex"},
        {"hosts.codex.home", "~/codex", "~codex"},
        {"agent_cli", "claude", ""},
        {"api.base_url", "https://models.example", "models.example"},
        {"api.key_env", "MODEL_KEY", "sk-ant-api03-x"},
        {"llm_mode", "api", "http"},
        {"api.provider", "openai", "other"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.key);
      const auto key = ParseSettingKey(c.key);
      REQUIRE(key.has_value());
      CHECK(ProblemOfValue(*key, c.good).empty());
      CHECK_FALSE(ProblemOfValue(*key, c.bad).empty());
    }
  }

  TEST_CASE("what holds is the file's where it can be used, else the default") {
    const auto config = Parsed(
        R"({"autonomy":"propose","guards":"loud","hosts":{"codex":{"home":"/c"},"pi":{"home":"x"}},
            "skills":{"pdf":{"autonomy":"locked"}}})");
    const base::Environment env = HomeOf("/h");
    const auto get = [&](std::string_view name) {
      return ReadSetting(config, env, *ParseSettingKey(name));
    };
    CHECK(get("autonomy").value == "propose");
    CHECK(get("autonomy").fallback == "off");
    CHECK(get("guards").value == "advise");
    CHECK_FALSE(get("guards").in_file);
    CHECK(get("suggest.review").value == "on");
    CHECK(get("suggest.review").fallback == "on");
    CHECK(get("hosts.codex.home").value == "/c");
    CHECK(get("hosts.codex.home").fallback == "/h/.codex");
    CHECK(get("hosts.pi.home").value == "/h/.pi/agent");
    const auto all = ReadSettings(config, env);
    CHECK(all.size() == SettingNames().size() + 1);
    CHECK(all.back().key == "skills.pdf.autonomy");
    CHECK(all.back().value == "locked");
  }

  TEST_CASE("folders of hosts go into the environment, those of nobody are a problem") {
    const auto config = Parsed(
        R"({"hosts":{"codex":{"home":"/c/../d/"},"pi":{"home":"~/p"},"claude":{"home":"/x"},
            "nobody":{"home":"/y"}},"extra":1,"skills":{"a":{"x":1}},
            "suggest":{"review":"off","other":"off"}})");
    const base::Environment env = WithHostHomes(HomeOf("/h"), config);
    CHECK(env.HostHome("codex") == "/d");
    CHECK(env.HostHome("pi") == "/h/p");
    CHECK_FALSE(env.HostHome("claude_code").has_value());
    const auto problems = SettingProblems(config);
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].message.find("claude_code") != std::string::npos);
    CHECK(problems[1].key == "hosts.nobody.home");
    CHECK(UnknownSettings(config) ==
          std::vector<std::string>{"extra", "suggest.other", "skills.a.x"});
  }

  TEST_CASE("the store of a former variable is found unless it is ours") {
    const testing::TempDir dir;
    base::Environment env = HomeOf(dir / "home");
    const std::string ours = dir / "home/.selftune/selftune.db";
    env.Set("SELFTUNE_CONFIG_DIR", dir / "old");
    CHECK_FALSE(FindFormerStateDir(env, ours).has_value());
    dir.Write("old/selftune.db", "x");
    CHECK(FindFormerStateDir(env, ours) == dir / "old");
    CHECK_FALSE(FindFormerStateDir(env, dir / "old/selftune.db").has_value());
    env.Set("SELFTUNE_CONFIG_DIR", "old");
    CHECK_FALSE(FindFormerStateDir(env, ours).has_value());
  }
}

}  // namespace
}  // namespace selftune::status

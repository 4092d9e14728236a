// Skills of Codex's plugins, and the config.toml that says which are on.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hosts/codex/plugins.h"
#include "named_roots_machine.h"

namespace selftune {
namespace {

using named_roots::CheckAll;
using named_roots::File;
using named_roots::Machine;

}  // namespace

TEST_SUITE("skillfs/codex plugins") {
  TEST_CASE("codex: of each plugin the version in use, as plugin:skill") {
    const std::string cache = "home/.codex/plugins/cache/market/tool/";
    const std::string config = "home/.codex/config.toml";
    const File on{config, "[plugins.\"tool@market\"]\nenabled = true\n"};
    const auto manifest = [&](const std::string& version, const char* more = "") {
      return File{cache + version + "/.codex-plugin/plugin.json",
                  fmt::format(R"({{"name": "acme"{}}})", more)};
    };
    const char* const first = "home/.codex/plugins/cache/market/tool/1.9.0/skills/check";
    const char* const later = "home/.codex/plugins/cache/market/tool/1.10.0/skills/check";
    const char* const local = "home/.codex/plugins/cache/market/tool/local/skills/group/check";
    const std::string found = ": acme:check global of acme";
    CheckAll({
        {"installed and on", "codex", {first}, {on, manifest("1.9.0")}, {first + found}},
        {"on without a word of it",
         "codex",
         {first},
         {{config, "[plugins.\"tool@market\"]\n\n[other]\na = 1\n"}, manifest("1.9.0")},
         {first + found}},
        {"the same in braces",
         "codex",
         {first},
         {{config, "plugins.\"tool@market\" = {}\n"}, manifest("1.9.0")},
         {first + found}},
        {"not in the settings", "codex", {first}, {manifest("1.9.0")}, {}},
        {"nothing of it is installed", "codex", {}, {on}, {}},
        {"no manifest: nothing is loaded", "codex", {first}, {on}, {}},
        {"the newest version",
         "codex",
         {first, later},
         {on, manifest("1.9.0"), manifest("1.10.0")},
         {later + found}},
        {"a local one before any version, at any depth",
         "codex",
         {later, local},
         {on, manifest("1.10.0"), manifest("local")},
         {local + found}},
        {"the manifest names other folders in place of `skills`, never one outside",
         "codex",
         {"home/.codex/plugins/cache/market/tool/local/more/check",
          "home/.codex/plugins/cache/market/tool/local/skills/other",
          "home/.codex/plugins/cache/market/outside/check"},
         {on, manifest("local", R"(, "skills": ["./more", "./../../outside", "/etc"])")},
         {cache + "local/more/check" + found}},
        {"it names none that counts",
         "codex",
         {first},
         {on, manifest("1.9.0", R"(, "skills": "../../outside")")},
         {first + found}},
        {"a manifest of Claude Code",
         "codex",
         {first},
         {on, {cache + "1.9.0/.claude-plugin/plugin.json", R"({"name": "acme"})"}},
         {first + found}},
        {"equal names are all listed",
         "codex",
         {first, "home/.codex/skills/check"},
         {on, manifest("1.9.0")},
         {first + found, "home/.codex/skills/check: check global"}},
        {"switched off",
         "codex",
         {first},
         {{config, "[plugins.\"tool@market\"]\nenabled = false\n"}, manifest("1.9.0")},
         {first + found + ", off by " + config}},
        {"all plugins are off",
         "codex",
         {first},
         {{config, "features.plugins = false\n" + on.bytes}, manifest("1.9.0")},
         {first + found + ", off by " + config}},
    });
  }

  TEST_CASE("codex: a skill is switched off however its list is written") {
    const char* const skill = "home/.codex/skills/check";
    const std::string found = std::string(skill) + ": check global";
    const std::string off = found + ", off by home/.codex/config.toml";
    const auto config = [](std::string text) {
      return std::vector<File>{{"home/.codex/config.toml", std::move(text)}};
    };
    CheckAll({
        {"a header for each",
         "codex",
         {skill},
         config("[[skills.config]]\nname = \"check\"\nenabled = false\n"),
         {off}},
        {"tables in brackets",
         "codex",
         {skill},
         config("skills.config = [{name = \"other\", enabled = false},\n"
                "  {name = \"check\", enabled = false}]\n"),
         {off}},
        {"below a header, by its path",
         "codex",
         {skill},
         config("[skills]\nconfig = [ {enabled = false, path = \"~~/home/.codex/skills/check\"} ]"),
         {off}},
        {"each table begins anew",
         "codex",
         {skill},
         config("skills.config = [{name = \"check\"}, {enabled = false}]\n"),
         {found}},
        {"the last one counts",
         "codex",
         {skill},
         config("skills.config = [{name = \"check\", enabled = false}, "
                "{name = \"check\", enabled = true}]\n"),
         {found}},
        {"what a table holds beside it",
         "codex",
         {skill},
         config("skills.config = [{name = \"check\", tags = [\"a\", {name = \"b\"}], "
                "more = {enabled = true}, enabled = false}]\n"),
         {off}},
        {"in quotes a dot is a letter of the key",
         "codex",
         {skill},
         config("[[\"skills.config\"]]\nname = \"check\"\nenabled = false\n"),
         {found}},
        {"a longer key is another one",
         "codex",
         {skill},
         config("[[skills.config.more]]\nname = \"check\"\nenabled = false\n"),
         {found}},
    });
  }

  TEST_CASE("codex: which version of a plugin is older") {
    struct Pair {
      const char* older;
      const char* newer;
    };
    const Pair pairs[] = {{"1.9.0", "1.10.0"},
                          {"1.0.0-rc.1", "1.0.0"},
                          {"9.9.9", "local"},
                          {"abc", "abd"},
                          {"1.0", "1.0.0"},
                          {"1.0.0", "1.0.1+build"},
                          {"1.0.0-rc.2", "1.0.0-rc.10"},
                          {"1.0.0-rc.9", "1.0.0-rc.18446744073709551617"},
                          {"1.0.0-rc.18446744073709551616", "1.0.0-rc.18446744073709551617"},
                          // The row of SemVer 11.4.
                          {"1.0.0-alpha", "1.0.0-alpha.1"},
                          {"1.0.0-alpha.1", "1.0.0-alpha.beta"},
                          {"1.0.0-alpha.beta", "1.0.0-beta"},
                          {"1.0.0-beta", "1.0.0-beta.2"},
                          {"1.0.0-beta.2", "1.0.0-beta.11"},
                          {"1.0.0-beta.11", "1.0.0-rc.1"}};
    for (const Pair& pair : pairs) {
      CAPTURE(pair.older);
      CHECK(hosts::codex::IsOlderVersion(pair.older, pair.newer));
      CHECK_FALSE(hosts::codex::IsOlderVersion(pair.newer, pair.older));
    }
    CHECK_FALSE(hosts::codex::IsOlderVersion("local", "local"));
    CHECK_FALSE(hosts::codex::IsOlderVersion("1.0.0", "1.0.0"));
  }

  TEST_CASE("codex: whether a plugin is on is not known where its table is one of a list") {
    const std::string folder = "home/.codex/plugins/cache/market/tool/1.9.0";
    const std::string config = "home/.codex/config.toml";
    const std::string line = folder + "/skills/check: acme:check global of acme";
    struct Case {
      const char* text;
      const char* told;  // the end of what is told
      named_roots::Lines want;
    };
    const Case cases[] = {
        {"[[plugins.\"tool@market\"]]\nenabled = false\n[[plugins.\"tool@market\"]]\nenabled = "
         "true\n",
         ": plugins.tool@market: expected a table, found a list of tables",
         {line + ", unknown by " + config}},
        {"[plugins.\"tool@market\"]\n[[features]]\nplugins = false\n",
         ": features: expected a table, found a list of tables",
         {line + ", unknown by " + config}},
        {"[[plugins]]\n\"tool@market\" = {enabled = false}\n",
         ": plugins: expected a table, found a list of tables",
         {}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      const Machine machine;
      machine.Skill(folder + "/skills/check");
      machine.Write({folder + "/.codex-plugin/plugin.json", R"({"name": "acme"})"});
      machine.Write({config, c.text});
      const skillfs::Discovery found = machine.Find("codex");
      CHECK(machine.Told(found) == c.want);
      REQUIRE(found.problems.size() == 1);
      CHECK(found.problems[0].message.ends_with(config + c.told));
      CHECK(found.problems[0].settings);
    }
  }

  TEST_CASE("codex: a config.toml that is none is told with the place, a strange one is fine") {
    struct Toml {
      const char* text;
      const char* told;  // "" = nothing
      int64_t line;
    };
    const Toml texts[] = {
        {"", "", 0},
        {"\xEF\xBB\xBF# mine\r\na.b = {c = [1, \"x\", {}], d = -0x1F}\r\n", "", 0},
        {"[[e]]\nf = '''x\n''''\n[[ e . 'g h' ]]\n", "", 0},
        {"a = 1979-05-27 07:32:00Z # then\nb = +inf\n\"c d\" . e = 1_000.5e-3", "", 0},
        {"a = 1\nthis is = = no toml [\n", "line 2, column 6: expected '=', found 'i'", 2},
        {"[plugins.\"tool@market\"]\nenabled = yes\n",
         "line 2, column 11: expected a value, found 'y'", 2},
        {"[plugins\na = 1", "line 1, column 9: expected ']', found the end of the line", 1},
        {"\n\na = \"b\nc = 1",
         "line 3, column 7: expected the end of a text, found the end of the line", 3},
        {"a = [1,\n 2", "line 2, column 3: expected ',' or ']', found the end of the file", 2},
        {"a = \n", "line 1, column 5: expected a value, found the end of the line", 1},
        {"a = 'b' c", "line 1, column 9: expected the end of the line, found 'c'", 1},
        {"a = {b = 1 c = 2}", "line 1, column 10: expected a value, found '1'", 1},
        {"= 1", "line 1, column 1: expected a key, found '='", 1},
    };
    for (const Toml& one : texts) {
      CAPTURE(one.text);
      const Machine machine;
      machine.Write({"home/.codex/config.toml", one.text});
      const skillfs::Discovery found = machine.Find("codex");
      REQUIRE(found.problems.size() == (one.line == 0 ? 0 : 1));
      if (one.line == 0) continue;
      CHECK(found.problems[0].code == "SETTINGS_INVALID");
      CHECK(found.problems[0].message == "reading " + found.problems[0].path + ": " + one.told);
      CHECK(found.problems[0].line == one.line);
    }
  }
}

}  // namespace selftune

// Settings that are longer than a person writes them: what of them is read, and what is told.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "named_roots_machine.h"

namespace selftune::skillfs {
namespace {

using named_roots::Codes;
using named_roots::Lines;
using named_roots::Machine;

}  // namespace

TEST_SUITE("skillfs/long settings") {
  TEST_CASE("a file of settings with more values than anybody has is told, and not understood") {
    constexpr size_t kFew = 20'000, kMany = 200'000;
    const struct {
      const char* name;
      size_t values;
      std::string_view begin, each, end;
      bool understood;
    } cases[] = {
        {"few", kFew, "1", ",1", "", true},
        {"many", kMany, "1", ",1", "", false},
        {"signs in a text are no values", kMany, "\"1", ",{\\\"", "\"", true},
        {"nor in a remark", kMany, "1 /* \" ", ",", "*/", true},
        {"quotes in remarks hide none", kMany, "/* \" *//* \" */ // \"\n 1", ",1", "", false},
    };
    for (const auto& c : cases) {
      CAPTURE(c.name);
      const Machine machine;
      std::string list(c.begin);
      for (size_t i = 1; i < c.values; ++i) list += c.each;
      list += c.end;
      machine.Skill("repo/src/kit/check");
      machine.Write(
          {"repo/src/opencode.json", R"({"skills": {"paths": ["kit"]}, "x": [)" + list + "]}"});
      const Discovery found = machine.Find("opencode");
      CHECK(found.skills.size() == (c.understood ? 1 : 0));
      CHECK(Codes(found.problems) == (c.understood ? Lines{} : Lines{"TOO_MANY_ENTRIES"}));
    }
  }

  TEST_CASE("of lists of folders that no person writes the beginning is read, which is told") {
    struct Case {
      const char* platform;
      const char* file;
      std::string before, entry, after;
    };
    const Case cases[] = {
        {"opencode", "repo/opencode.json", R"({"skills": {"paths": [)", R"("kit")", "]}}"},
        {"openclaw", "home/.openclaw/openclaw.json", R"({"skills": {"load": {"extraDirs": [)",
         R"("~/kit")", "]}}}"},
        {"pi", "repo/src/.pi/settings.json", R"({"skills": [)", R"("kit")", "]}"},
        {"pi", "repo/src/.pi/settings.json", R"({"packages": [)", R"("../kit")", "]}"},
        {"gemini", "home/.gemini/settings.json", R"({"security": {"allowedExtensions": [)",
         R"("acme")", "]}}"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.file);
      CAPTURE(c.before);
      const auto codes = [&](const std::string& first, size_t entries) {
        const Machine machine;
        machine.Write({"home/.gemini/extensions/acme/gemini-extension.json",
                       R"({"name": "acme", "version": "1.0.0"})"});
        machine.Write({"home/.gemini/extensions/acme/.gemini-extension-install.json",
                       R"({"source": "/srv/acme", "type": "local"})"});
        std::string bytes = c.before + first;
        for (size_t i = 1; i < entries; ++i) bytes += "," + c.entry;
        machine.Write({c.file, bytes + c.after});
        Lines out;
        for (const auto& problem : machine.Find(c.platform).problems) {
          CHECK(machine.Short(problem.path) == c.file);
          out.push_back(problem.code);
        }
        return out;
      };
      CHECK(codes(c.entry, 1000).empty());
      CHECK(codes(c.entry, 1001) == Lines{"TOO_MANY_ENTRIES"});
      if (c.before.ends_with(R"("packages": [)")) continue;  // an address may be long
      CHECK(codes("\"" + std::string(4096, 'x') + "\"", 1) == Lines{"ENTRY_TOO_LONG"});
    }
  }

  TEST_CASE(
      "codex: values under a key of many parts are passed over, the key is not put together") {
    // Gigabytes, were it put together for each of them.
    std::string text = "[a";
    for (int i = 0; i < 100'000; ++i) text += ".a";
    text += "]\n";
    for (int i = 0; i < 100'000; ++i) text += "x = 1\n";
    const Machine machine;
    machine.Skill("home/.codex/skills/check");
    machine.Write({"home/.codex/config.toml",
                   text + "[[skills.config]]\nname = \"check\"\nenabled = false\n"});
    CHECK(machine.Told(machine.Find("codex")) ==
          Lines{"home/.codex/skills/check: check global, off by home/.codex/config.toml"});
  }

  TEST_CASE("what switches skills off is read whole, however long it is") {
    struct Case {
      const char* name;
      const char* platform;
      const char* skill;  // its folder
      const char* file;
      std::string before;
      std::string (*entry)(size_t i);
      std::string last, after;
      Lines want, codes = {};
    };
    const auto name = [](size_t i) { return "\"x" + std::to_string(i) + "\""; };
    const auto off = [](size_t i) {
      return "\"x" + std::to_string(i) + R"(": {"enabled": false})";
    };
    const auto rule = [](size_t i) { return "\"!~~/repo/x" + std::to_string(i) + "/\""; };
    const auto word = [](size_t i) { return "\"x" + std::to_string(i) + "\": \"allow\""; };
    const auto path = [](size_t i) { return "\"~~/none" + std::to_string(i) + "\""; };
    const Case cases[] = {
        {"rules of an extension",
         "gemini",
         "home/.gemini/extensions/acme/skills/check",
         "home/.gemini/extensions/extension-enablement.json",
         R"({"acme": {"overrides": [)",
         rule,
         R"("!~~/*")",
         "]}}",
         {"home/.gemini/extensions/acme/skills/check: check system of acme, off by "
          "home/.gemini/extensions/extension-enablement.json"}},
        {"permissions",
         "opencode",
         "home/.agents/skills/check",
         "home/.config/opencode/opencode.json",
         R"({"permission": {"skill": {)",
         word,
         R"("ch*": "deny")",
         "}}}",
         {"home/.agents/skills/check: check global, off by home/.config/opencode/opencode.json"}},
        {"permissions, of which the first is for all",
         "opencode",
         "home/.agents/skills/check",
         "home/.config/opencode/opencode.json",
         R"({"permission": {"skill": {"*": "deny",)",
         word,
         R"("y": "allow")",
         "}}}",
         {"home/.agents/skills/check: check global, off by home/.config/opencode/opencode.json"}},
        {"names, the last of them",
         "gemini",
         "home/.agents/skills/check",
         "home/.gemini/settings.json",
         R"({"skills": {"disabled": [)",
         name,
         R"("check")",
         "]}}",
         {"home/.agents/skills/check: check global, off by home/.gemini/settings.json"}},
        {"names, the first of them",
         "qwen",
         "home/.agents/skills/check",
         "home/.qwen/settings.json",
         R"({"skills": {"disabled": ["check",)",
         name,
         R"("y")",
         "]}}",
         {"home/.agents/skills/check: check global, off by home/.qwen/settings.json"}},
        {"entries, the first of them",
         "openclaw",
         "home/.agents/skills/check",
         "home/.openclaw/openclaw.json",
         R"({"skills": {"entries": {"check": {"enabled": false},)",
         off,
         R"("y": {})",
         "}}}",
         {"home/.agents/skills/check: check global, off by home/.openclaw/openclaw.json"}},
        {"words, the last of them",
         "pi",
         "home/.agents/skills/check",
         "home/.pi/agent/settings.json",
         R"({"skills": [)",
         [](size_t i) { return "\"!x" + std::to_string(i) + "\""; },
         R"("!skills/check")",
         "]}",
         {"home/.agents/skills/check: check global, off by home/.pi/agent/settings.json"},
         {"TOO_MANY_ENTRIES"}},
        {"folders",
         "opencode",
         "shelf/check",
         "home/.config/opencode/opencode.json",
         R"({"skills": {"paths": [)",
         path,
         R"("~~/shelf")",
         "]}}",
         {"shelf/check: check global"},
         {"TOO_MANY_ENTRIES"}},
        {"words about a package",
         "pi",
         "home/.pi/kit/skills/check",
         "home/.pi/agent/settings.json",
         R"({"packages": [{"source": "../kit", "autoload": false, "skills": ["skills/*",)",
         path,
         R"("-skills/check")",
         "]}]}",
         {"home/.pi/kit/skills/check: check global, off by home/.pi/agent/settings.json"}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const Machine machine;
      machine.Skill(c.skill);
      machine.Write({"home/.gemini/extensions/acme/gemini-extension.json",
                     R"({"name": "acme", "version": "1.0.0"})"});
      std::string bytes = c.before;
      for (size_t i = 0; i < 1200; ++i) bytes += c.entry(i) + ",";
      machine.Write({c.file, bytes + c.last + c.after});
      const Discovery found = machine.Find(c.platform);
      CHECK(machine.Told(found) == c.want);
      CHECK(Codes(found.problems) == c.codes);
    }
  }
}

}  // namespace selftune::skillfs

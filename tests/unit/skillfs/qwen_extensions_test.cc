// Skills of Qwen Code's extensions, and settings that switch off all of one level.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "hosts/skill_switches.h"
#include "named_roots_machine.h"
#include "skillfs/skill_rules.h"

namespace selftune {
namespace {

using named_roots::CheckAll;
using named_roots::File;

TEST_SUITE("skillfs/qwen extensions") {
  TEST_CASE("qwen: skills of extensions are called by their owner, and are its own") {
    const std::string ext = "home/.qwen/extensions/";
    const char* const pdf = "home/.qwen/extensions/kit/skills/pdf";
    const File manifest{ext + "kit/qwen-extension.json", R"({"name": "rust"})"};
    const std::string found = ext + "kit/skills/pdf: rust:pdf global of rust";
    const std::string state = "home/.qwen/extension-store/state.json";
    const std::string rules = ext + "extension-enablement.json";
    const auto policy = [&](const std::string& said) {
      return File{state, R"({"extensions": {"x1": {"name": "rust", )" + said + "}}}"};
    };
    const std::string in_repo = ", off in repo/src by ", in_other = ", off in other by ";
    CheckAll({
        {"an extension", "qwen", {pdf}, {manifest}, {found}},
        {"no manifest: no extension", "qwen", {pdf}, {}, {}},
        {"a portable one",
         "qwen",
         {pdf},
         {{ext + "kit/plugin.json", R"({"name": "rust"})"}},
         {found}},
        {"one level of folders alone",
         "qwen",
         {"home/.qwen/extensions/kit/skills/group/deep"},
         {manifest},
         {}},
        {"a linked one lies elsewhere, and is the person's own",
         "qwen",
         {"shelf/skills/pdf"},
         {{ext + "kit/.qwen-extension-install.json", R"({"type": "link", "source": "~~/shelf"})"},
          {"shelf/qwen-extension.json", R"({"name": "rust"})"}},
         {"shelf/skills/pdf: rust:pdf global"}},
        {"off",
         "qwen",
         {pdf},
         {manifest, policy(R"("defaultActivation": "disabled")")},
         {found + ", off by " + state}},
        {"off in one folder",
         "qwen",
         {pdf},
         {manifest, policy(R"("defaultActivation": "enabled",
                              "workspaceOverrides": {"~~/other": "disabled"})")},
         {found + in_other + state}},
        {"on in one folder alone",
         "qwen",
         {pdf},
         {manifest, policy(R"("defaultActivation": "disabled",
                              "workspaceOverrides": {"~~/other": "enabled"})")},
         {found + in_repo + state}},
        {"by rules of an old release that the store took over",
         "qwen",
         {pdf},
         {manifest, policy(R"("defaultActivation": "enabled",
                              "legacyPathRules": ["!~~/repo/*"])")},
         {found + in_repo + state}},
        {"by rules of an old release",
         "qwen",
         {pdf},
         {manifest, {rules, R"({"rust": {"overrides": ["!~~/*", "~~/other/*"]}})"}},
         {found + in_repo + rules}},
        {"the store counts before them",
         "qwen",
         {pdf},
         {manifest,
          policy(R"("defaultActivation": "enabled")"),
          {rules, R"({"rust": {"overrides": ["!~~/*"]}})"}},
         {found}},
        {"switched off under either name",
         "qwen",
         {pdf, "home/.qwen/skills/pdf"},
         {manifest, {"home/.qwen/settings.json", R"({"skills": {"disabled": ["rust:pdf"]}})"}},
         {found + ", off by home/.qwen/settings.json", "home/.qwen/skills/pdf: pdf global"}},
        {"and by that of its file",
         "qwen",
         {pdf, "home/.qwen/skills/pdf"},
         {manifest, {"home/.qwen/settings.json", R"({"skills": {"disabled": ["PDF"]}})"}},
         {found + ", off by home/.qwen/settings.json",
          "home/.qwen/skills/pdf: pdf global, off by home/.qwen/settings.json"}},
        {"switched on under its whole name alone",
         "qwen",
         {pdf},
         {manifest, {"home/.qwen/settings.json", R"({"skills": {"defaultDisabled": ["rust:pdf"],
                                                                "enabled": ["pdf"]}})"}},
         {found + ", off by home/.qwen/settings.json"}},
    });
  }

  TEST_CASE("qwen: an extension and the store say which of its skills are on") {
    const char* const pdf = "home/.qwen/extensions/kit/skills/pdf";
    const std::string file = "home/.qwen/extensions/kit/qwen-extension.json";
    const std::string found = std::string(pdf) + ": rust:pdf global of rust";
    const std::string state = "home/.qwen/extension-store/state.json";
    const auto manifest = [&](const std::string& states) {
      return File{file, R"({"name": "rust", "skillStates": )" + states + "}"};
    };
    const auto store = [&](const std::string& overrides) {
      return File{state, R"({"extensions": {"x1": {"name": "rust", "skillWorkspaceOverrides": {)" +
                             overrides + "}}}}"};
    };
    const char* const off = R"({" PDF": false, "other": false})";
    CheckAll({
        {"off as it comes", "qwen", {pdf}, {manifest(off)}, {found + ", off by " + file}},
        {"on as it comes", "qwen", {pdf}, {manifest(R"({"pdf": true})")}, {found}},
        {"no skill of another level",
         "qwen",
         {"home/.qwen/skills/pdf"},
         {manifest(off)},
         {"home/.qwen/skills/pdf: pdf global"}},
        {"on by the person",
         "qwen",
         {pdf},
         {manifest(off), {"home/.qwen/settings.json", R"({"skills": {"enabled": ["Rust:pdf"]}})"}},
         {found}},
        {"off in one folder",
         "qwen",
         {pdf},
         {manifest("{}"), store(R"("~~/other": {"pdf": false})")},
         {found + ", off in other by " + state}},
        {"on in one folder alone",
         "qwen",
         {pdf},
         {manifest(off), store(R"("~~/other": {"pdf": true})")},
         {found + ", off by " + file + ", on in other by " + state}},
        {"a folder in which nobody works",
         "qwen",
         {pdf},
         {manifest("{}"), store(R"("~~/nowhere": {"pdf": false})")},
         {found}},
    });
    const named_roots::Machine machine;
    machine.Skill(pdf);
    machine.Write(manifest(R"({"pdf": "no"})"));
    const skillfs::Discovery broken = machine.Find("qwen");
    CHECK(machine.Told(broken) == named_roots::Lines{found + ", unknown by " + file});
    CHECK(named_roots::Codes(broken.problems) == named_roots::Lines{"SETTINGS_INVALID"});
  }

  TEST_CASE("qwen: a store that is not understood") {
    struct Case {
      const char* name;
      const char* states;  // of the manifest
      std::string store;
      const char* certain;  // what is known of one folder
    };
    const auto overrides = [](const std::string& said) {
      return R"({"extensions": {"x1": {"name": "rust", "skillWorkspaceOverrides": {)" + said +
             "}}}}";
    };
    const char* const off = R"({"pdf": false})";
    const char* const on_in_other = ", on in other by home/.qwen/extension-store/state.json";
    const char* const in_other = ", off in other by home/.qwen/extension-store/state.json";
    const Case cases[] = {
        {"no JSON", "{}", "{", ""},
        {"it may switch on what is off as it comes", off, R"({"extensions":)", ""},
        {"a text in place of a flag", off, overrides(R"("~~/other": {"pdf": "true"})"), ""},
        {"on in one folder, in the other nobody knows", off,
         overrides(R"("~~/other": {"pdf": true}, "~~/repo/src": {"pdf": "true"})"), on_in_other},
        {"off in one folder, for certain", off,
         overrides(R"("~~/other": {"pdf": false}, "~~/repo/src": {"pdf": "true"})"), in_other},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const named_roots::Machine machine;
      machine.Skill("home/.qwen/extensions/kit/skills/pdf");
      machine.Write({"home/.qwen/extensions/kit/qwen-extension.json",
                     std::string(R"({"name": "rust", "skillStates": )") + c.states + "}"});
      machine.Write({"home/.qwen/extension-store/state.json", c.store});
      const skillfs::Discovery found = machine.Find("qwen");
      CHECK(machine.Told(found) ==
            named_roots::Lines{
                std::string("home/.qwen/extensions/kit/skills/pdf: rust:pdf global of rust") +
                ", unknown by home/.qwen/extension-store/state.json" + c.certain});
      CHECK(named_roots::Codes(found.problems) == named_roots::Lines{"SETTINGS_INVALID"});
    }
  }

  TEST_CASE("qwen: what the store says of more folders than are looked up is not known") {
    const testing::TempDir dir;
    constexpr size_t kSessions = 2000;
    std::vector<std::string> dirs;
    for (size_t i = 0; i < kSessions; ++i) dirs.push_back("/srv/" + std::to_string(i));
    std::string nobodys = "\"/nowhere\": {}";
    for (int i = 0; i < 10'000; ++i) nobodys += ", \"/nowhere/" + std::to_string(i) + "\": {}";
    const std::string store = dir / "home/.qwen/extension-store/state.json";
    dir.Write("home/.qwen/extension-store/state.json",
              R"({"extensions": {"1": {"name": "rust", "skillWorkspaceOverrides": {
                  "/srv/0": {"pdf": true}, "/srv/1999": {"pdf": true, "docx": false}, )" +
                  nobodys + R"(}}, "2": {"name": "zinc"}}})");
    std::string zinc;
    for (const char* const name : {"rust", "zinc"}) {
      const std::string file =
          std::string("home/.qwen/extensions/") + name + "/qwen-extension.json";
      if (*name == 'z') zinc = dir / file;
      dir.Write(file, std::string(R"({"name": ")") + name + R"(", "skillStates": {"pdf": false}})");
    }
    std::vector<skillfs::DiscoveryProblem> problems;
    skillfs::SkillRules rules(hosts::ReadSkillRules(
        "qwen", {.home = dir / "home", .config_dir = dir / "home/.qwen", .project_dirs = dirs},
        problems));
    const auto said = [&](const char* name) {
      skillfs::SkillPlacement placement;
      placement.name = name;
      placement.level = skillfs::kLevelExtension;
      return rules.Of("/skills/x/SKILL.md", placement);
    };
    using State = skillfs::SwitchState;
    CHECK(said("rust:pdf").unknown_by == store);
    CHECK(said("rust:pdf").In("/srv/0").state == State::kOn);
    CHECK(said("rust:pdf").In("/srv/1999").state == State::kUnknown);
    CHECK(said("rust:docx").In("/srv/1999").state == State::kUnknown);
    // Of the other one it says nothing anywhere.
    CHECK(said("zinc:pdf").disabled_by == zinc);
    CHECK(said("zinc:docx").empty());
    CHECK(named_roots::Codes(problems) == named_roots::Lines{"TOO_MANY_ENTRIES"});
  }

  TEST_CASE("qwen: a store of another shape") {
    for (const char* policy :
         {R"("workspaceOverrides": {"~~/repo/src": false})", R"("workspaceOverrides": 1)",
          R"("defaultActivation": 5, "workspaceOverrides": {"~~/repo/src": "inherit"})"}) {
      CAPTURE(policy);
      const named_roots::Machine machine;
      machine.Skill("home/.qwen/extensions/kit/skills/pdf");
      machine.Skill("repo/.qwen/skills/own");
      machine.Write({"home/.qwen/extensions/kit/qwen-extension.json", R"({"name": "rust"})"});
      machine.Write({"home/.qwen/extension-store/state.json",
                     std::string(R"({"extensions": {"x1": {"name": "rust", )") + policy + "}}}"});
      const named_roots::Lines told = machine.Told(machine.Find("qwen"));
      CAPTURE(told[0]);
      CHECK(told[0].find("unknown") != std::string::npos);
    }
  }

  TEST_CASE("qwen: settings switch off all skills of a level") {
    const char* const own = "home/.qwen/settings.json";
    const char* const theirs = "repo/src/.qwen/settings.json";
    const std::string off = std::string(", off by ") + own;
    const char* const user = "home/.qwen/skills/one";
    const char* const project = "repo/src/.qwen/skills/two";
    const char* const named = "shelf/three";
    const char* const ext = "home/.qwen/extensions/kit/skills/four";
    const File manifest{"home/.qwen/extensions/kit/qwen-extension.json", R"({"name": "rust"})"};
    const std::string one = std::string(user) + ": one global";
    const std::string two = std::string(project) + ": two project in repo";
    const std::string three = std::string(named) + ": three global";
    const std::string four = std::string(ext) + ": rust:four global of rust";
    const auto levels = [&](const std::string& list) {
      return File{own, R"({"skills": {"directories": ["~~/shelf"], "enabled": ["one"],
                                      "disabledLevels": [)" +
                           list + "]}}"};
    };
    CheckAll({
        {"none",
         "qwen",
         {user, project, named, ext},
         {manifest, levels("")},
         {four, one, two, three}},
        {"of the person, and folders that are named; nothing switches one on",
         "qwen",
         {user, project, named, ext},
         {manifest, levels(R"("user")")},
         {four, one + off, two, three + off}},
        {"of projects",
         "qwen",
         {user, project, named, ext},
         {manifest, levels(R"("project")")},
         {four, one, two + off, three}},
        {"of extensions",
         "qwen",
         {user, project, named, ext},
         {manifest, levels(R"("extension", "bundled")")},
         {four + off, one, two, three}},
        {"of a project's settings, for its sessions",
         "qwen",
         {user, project},
         {{theirs, R"({"skills": {"disabledLevels": ["user"]}})"}},
         {one + ", off in repo/src by " + theirs, two}},
    });
  }
}

}  // namespace
}  // namespace selftune

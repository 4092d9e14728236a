#include "sync/catalogue.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <ctime>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/env.h"
#include "base/file.h"
#include "unit/store/store_fixture.h"

namespace selftune::sync {
namespace {

using store::testing::Must;
using store::testing::One;

constexpr char kSkill[] = "---\nname: notes\ndescription: Keeps notes.\n---\n# Notes\n";
constexpr char kOther[] = "---\nname: notes\ndescription: Takes notes.\n---\n# Notes\n";  // as long

// A home with a store; the catalogue is updated an hour after the files were made.
class Machine {
 public:
  Machine() { env_.Set("HOME", home()); }

  [[nodiscard]] std::string home() const { return store_.dir() / "home"; }
  void File(const std::string& name, std::string_view bytes) {
    (void)store_.dir().Write("home/" + name, bytes);
  }
  // Sessions ran in that folder of the home.
  void Session(const std::string& folder) {
    REQUIRE_OK(
        store_.db().Execute("INSERT INTO workspace(path) VALUES('" + home() + "/" + folder + "')"));
  }
  // Where a person says that an agent's folder is.
  void Configure(const std::string& platform, const std::string& folder) {
    env_.SetHostHome(platform, folder);
  }
  CatalogueReport Update(int64_t seconds = 3600) {
    const UtcMillis later{(int64_t{std::time(nullptr)} + seconds) * 1000};
    return Must(UpdateCatalogue(store_.db(), env_, later));
  }
  std::string Value(const std::string& sql) { return One(store_.db(), sql); }

 private:
  store::testing::TempStore store_;
  base::Environment env_;
};

TEST_CASE("a second look at the same files writes nothing") {
  Machine m;
  m.File(".claude/skills/notes/SKILL.md", kSkill);
  CHECK(m.Update().changed);
  const std::string clock = m.Value("SELECT version FROM change_clock");
  CHECK_FALSE(m.Update().changed);
  CHECK(m.Value("SELECT version FROM change_clock") == clock);
}

TEST_CASE("a file that was new at the first look is known from the next on") {
  Machine m;
  m.File(".claude/skills/notes/SKILL.md", kSkill);
  CHECK(m.Update(0).changed);
  const std::string seen = "SELECT last_ms FROM skill_location";
  const std::string first = m.Value(seen);
  CHECK_FALSE(m.Update(0).changed);  // it may still change within the same moment
  CHECK(m.Value(seen) == first);
  CHECK_FALSE(m.Update(3600).changed);
  const std::string known = m.Value(seen);
  CHECK(known != first);
  CHECK_FALSE(m.Update(7200).changed);
  CHECK(m.Value(seen) == known);
}

TEST_CASE("an edit is seen although size and modification time stay") {
  Machine m;
  const std::string name = ".claude/skills/notes/SKILL.md";
  m.File(name, kSkill);
  (void)m.Update();
  const base::FileInfo before = Must(base::Stat(m.home() + "/" + name));
  m.File(name, kOther);
  const timespec mtime{.tv_sec = before.mtime_ns / 1'000'000'000,
                       .tv_nsec = before.mtime_ns % 1'000'000'000};
  const timespec times[2] = {mtime, mtime};
  REQUIRE(utimensat(AT_FDCWD, (m.home() + "/" + name).c_str(), times, 0) == 0);
  CHECK(m.Update().changed);
  CHECK(m.Value("SELECT text FROM skill_location JOIN body ON body_id=description_body") ==
        "Takes notes.");
}

TEST_CASE("a touched file is no change of the catalogue") {
  Machine m;
  const std::string name = ".claude/skills/notes/SKILL.md";
  m.File(name, kSkill);
  (void)m.Update();
  const timespec times[2] = {{.tv_sec = 1'000'000'000, .tv_nsec = 0},
                             {.tv_sec = 1'000'000'000, .tv_nsec = 0}};
  REQUIRE(utimensat(AT_FDCWD, (m.home() + "/" + name).c_str(), times, 0) == 0);
  CHECK_FALSE(m.Update().changed);
  CHECK(m.Value("SELECT mtime_ns FROM skill_location") == "1000000000000000000");
}

TEST_CASE("a policy beside an unchanged SKILL.md is followed") {
  Machine m;
  m.File(".codex/skills/notes/SKILL.md", kSkill);
  (void)m.Update();
  CHECK(m.Value("SELECT implicit_allowed FROM skill_location") == "1");
  m.File(".codex/skills/notes/agents/openai.yaml", "policy:\n  allow_implicit_invocation: false\n");
  CHECK(m.Update().changed);
  CHECK(m.Value("SELECT implicit_allowed FROM skill_location") == "0");
}

TEST_CASE("hosts that are not here do not decide whether the model may load a skill") {
  // OpenCode reads the folder too, and does not know the key.
  Machine m;
  m.File(".claude/skills/notes/SKILL.md",
         "---\nname: notes\ndescription: Keeps notes.\ndisable-model-invocation: true\n---\n");
  (void)m.Update();
  CHECK(m.Value("SELECT implicit_allowed FROM skill_location") == "0");
  m.File(".config/opencode/opencode.json", "{}\n");
  CHECK(m.Update().changed);
  CHECK(m.Value("SELECT implicit_allowed FROM skill_location") == "1");
}

TEST_CASE("a skill that several projects see is seen inside the folder around them") {
  struct Case {
    const char* name;
    std::vector<const char*> projects;  // each names the shelf
    bool own = false;                   // so does the person
    const char* root;                   // below the home folder
    const char* scope;
  };
  const Case cases[] = {
      {"one", {"work/a"}, false, "work/a", "project"},
      {"two in one folder", {"work/a", "work/b"}, false, "work", "project"},
      {"names that only begin alike", {"work/a", "work/ab"}, false, "work", "project"},
      {"one in the other", {"work/a", "work/a/sub"}, false, "work/a", "project"},
      {"far apart", {"work/a", "play/b"}, false, "", "project"},
      {"the person too", {"work/a", "work/b"}, true, nullptr, "global"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Machine m;
    m.File("shelf/notes/SKILL.md", kSkill);
    const std::string list = R"({"skills": {"paths": ["~/shelf"]}})";
    if (c.own) m.File(".config/opencode/opencode.json", list);
    for (const char* project : c.projects) {
      m.File(std::string(project) + "/opencode.json", list);
      m.Session(project);
    }
    CHECK(m.Update().changed);
    CHECK(m.Value("SELECT count(*) FROM skill_location") == "1");
    const std::string want =
        c.root == nullptr ? "" : base::NormalizePath(m.home(), *c.root == 0 ? "." : c.root);
    CHECK(m.Value("SELECT coalesce(project_root,'') FROM skill_location") == want);
    CHECK(m.Value("SELECT scope FROM skill_location") == c.scope);
    CHECK_FALSE(m.Update().changed);
  }
}

TEST_CASE("a skill that went under version control is followed") {
  Machine m;
  m.File(".claude/skills/notes/SKILL.md", kSkill);
  (void)m.Update();
  CHECK(m.Value("SELECT in_git FROM skill_location") == "0");
  m.File(".claude/skills/.git/HEAD", "ref: refs/heads/main\n");
  CHECK(m.Update().changed);
  CHECK(m.Value("SELECT in_git FROM skill_location") == "1");
}

TEST_CASE("what settings name stays known while nobody understands them") {
  Machine m;
  const std::string settings = ".config/opencode/opencode.json";
  const std::string count = "SELECT count(*) FROM skill_location";
  m.File("shelf/notes/SKILL.md", kSkill);
  m.File("shelf/old/SKILL.md", kSkill);
  m.File(settings, R"({"skills": {"paths": ["~/shelf"]}})");
  CHECK(m.Update().problems.empty());
  CHECK(m.Value(count) == "2");

  m.File(settings, R"({"skills": {"paths": ["~/shelf"]})");
  REQUIRE(base::RemoveTree(m.home() + "/shelf/old").ok());
  const CatalogueReport report = m.Update();
  CHECK(report.names == std::vector<std::string>{"notes"});
  REQUIRE(report.problems.size() == 1);
  CHECK(report.problems[0].path == m.home() + "/" + settings);
  CHECK(m.Value(count) == "1");  // what is gone is gone, whatever settings say
  CHECK_FALSE(m.Update().changed);

  // What a project says does not matter to what it does not see.
  m.File("work/opencode.json", "{");
  m.Session("work");
  m.File(settings, R"({"skills": {}})");
  CHECK(m.Update().changed);
  CHECK(m.Value(count) == "0");
}

TEST_CASE("settings of agents that are not here are no problem of a sync") {
  Machine m;
  m.File(".claude/settings.json", "{}");
  m.File("work/opencode.json", "{");
  m.Session("work");
  CHECK(m.Update().problems.empty());
  m.File(".config/opencode/opencode.json", "{}");
  const CatalogueReport report = m.Update();
  REQUIRE(report.problems.size() == 1);
  CHECK(report.problems[0].path == base::JoinPath(m.home(), "work/opencode.json"));
}

TEST_CASE("folders of agents that are not here are no problem of a sync") {
  const std::string too_large((4U << 20) + 1, 'x');
  const auto problems = [](Machine& m) {
    std::vector<std::string> out;
    for (const auto& one : m.Update().problems) out.push_back(one.code);
    return out;
  };
  Machine m;
  m.Session("proj");
  m.File("proj/.gemini/skills/notes/SKILL.md", too_large);
  m.File(".claude/skills/notes/SKILL.md", kSkill);
  CHECK(problems(m).empty());
  m.File(".gemini/settings.json", "{}");
  CHECK(problems(m) == std::vector<std::string>{"FILE_TOO_LARGE"});
  // Or a person says that it is.
  Machine configured;
  configured.Session("proj");
  configured.File("proj/.gemini/skills/notes/SKILL.md", too_large);
  configured.Configure("gemini", configured.home() + "/elsewhere");
  CHECK(problems(configured) == std::vector<std::string>{"FILE_TOO_LARGE"});
  // A folder that an agent which is here reads as well.
  Machine shared;
  shared.Session("proj");
  shared.File("proj/.agents/skills/notes/SKILL.md", too_large);
  CHECK(problems(shared).empty());
  shared.File(".codex/config.toml", "");
  CHECK(problems(shared) == std::vector<std::string>{"FILE_TOO_LARGE"});
}

TEST_CASE("a file that is no SKILL.md is a skill where an agent is here that takes it for one") {
  Machine m;
  m.File(".codex/config.toml", "");
  m.File(".agents/skills/team/reviewer.md", kSkill);
  CHECK(m.Update().names.empty());
  m.File(".pi/agent/settings.json", "{}");
  CHECK(m.Update().names == std::vector<std::string>{"notes"});
}

TEST_CASE("what an agent is known to name no more goes, though another's settings are broken") {
  Machine m;
  const std::string cache = "/.claude/plugins/cache/m/acme/";
  const auto installed = [&](const char* version) {
    m.File(".claude/plugins/installed_plugins.json",
           R"({"plugins": {"acme@m": {"installPath": ")" + m.home() + cache + version + "\"}}}");
  };
  const auto paths = [&] {
    return m.Value("SELECT coalesce(group_concat(path, ' '),'') FROM skill_location");
  };
  for (const char* version : {"1", "2"}) {
    const std::string plugin = cache.substr(1) + version;
    m.File(plugin + "/.claude-plugin/plugin.json", R"({"name": "acme"})");
    m.File(plugin + "/skills/notes/SKILL.md", kSkill);
  }
  const std::string first = m.home() + cache + "1/skills/notes/SKILL.md";
  const std::string second = m.home() + cache + "2/skills/notes/SKILL.md";
  installed("1");
  (void)m.Update();
  REQUIRE(paths() == first);

  m.File(".config/opencode/opencode.json", "{");
  installed("2");
  CHECK(m.Update().changed);
  CHECK(paths() == second);
  // Its own settings may still name what lies there.
  m.File(".claude/plugins/installed_plugins.json", "{");
  CHECK(m.Update().problems.size() == 2);
  CHECK(paths() == second);
}

TEST_CASE("a linked extension stays known while nobody understands its manifest") {
  Machine m;
  const std::string manifest = "code/ext/gemini-extension.json";
  m.File(".gemini/extensions/acme/.gemini-extension-install.json",
         R"({"source": ")" + m.home() + R"(/code/ext", "type": "link"})");
  m.File(manifest, R"({"name": "acme", "version": "1"})");
  m.File("code/ext/skills/notes/SKILL.md", kSkill);
  const std::string count = "SELECT count(*) FROM skill_location";
  (void)m.Update();
  REQUIRE(m.Value(count) == "1");
  m.File(manifest, R"({"name": "acme")");
  CHECK(m.Update().problems.size() == 1);
  CHECK(m.Value(count) == "1");
  m.File(manifest, R"({"name": "acme"})");  // no extension any more
  (void)m.Update();
  CHECK(m.Value(count) == "0");
}

TEST_CASE("a removed skill leaves the catalogue, not the history") {
  Machine m;
  m.File(".claude/skills/notes/SKILL.md", kSkill);
  (void)m.Update();
  REQUIRE(base::RemoveTree(m.home() + "/.claude/skills/notes").ok());
  CHECK(m.Update().changed);
  CHECK(m.Value("SELECT count(*) FROM skill_location") == "0");
  CHECK(m.Value("SELECT count(*) FROM skill_version") == "1");
}

}  // namespace
}  // namespace selftune::sync

#include "status/doctor.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include "base/crypto.h"
#include "status/freshness.h"
#include "store/install_rows.h"
#include "store/write_txn.h"
#include "unit/status/patient.h"

namespace selftune::status {

using testing::DaysAgo;
using testing::Find;
using testing::kNow;
using testing::Must;
using testing::Patient;
using testing::StatusOf;

namespace {

// For root no mode forbids anything: the paths are another user's meanwhile,
// and so is this process.
template <typename Body>
auto AsOrdinaryUser(const std::vector<std::string>& paths, Body body) {
  if (::geteuid() != 0) return body();
  constexpr uid_t kNobody = 65534;
  for (const std::string& path : paths) REQUIRE(::chown(path.c_str(), kNobody, kNobody) == 0);
  REQUIRE(::seteuid(kNobody) == 0);
  auto result = body();
  REQUIRE(::seteuid(0) == 0);
  for (const std::string& path : paths) REQUIRE(::chown(path.c_str(), 0, 0) == 0);
  return result;
}

}  // namespace

TEST_SUITE("status/doctor") {
  TEST_CASE("globs match names as a shell would") {
    CHECK(MatchesGlob("db.*", "db.open"));
    CHECK(MatchesGlob("*.open", "db.open"));
    CHECK(MatchesGlob("*", ""));
    CHECK(MatchesGlob("d?.open", "db.open"));
    CHECK(MatchesGlob("a*b*c", "axxbyybzc"));
    CHECK_FALSE(MatchesGlob("db.*", "xdb.open"));
    CHECK_FALSE(MatchesGlob("db", "db.open"));
    CHECK_FALSE(MatchesGlob("", "db"));
    CHECK_FALSE(MatchesGlob("a*b", "acd"));
  }

  TEST_CASE("a fresh store is healthy, and says what is not done yet") {
    Patient patient;
    const DoctorReport report = patient.Ask();
    CHECK(report.healthy());
    CHECK(StatusOf(report, "db.open") == CheckStatus::kPass);
    CHECK(StatusOf(report, "db.schema") == CheckStatus::kPass);
    CHECK(StatusOf(report, "db.integrity") == CheckStatus::kPass);
    CHECK(StatusOf(report, "db.backup") == CheckStatus::kInfo);
    CHECK(StatusOf(report, "config.file") == CheckStatus::kInfo);
    CHECK(StatusOf(report, "evidence.freshness") == CheckStatus::kWarn);
    CHECK(Find(report, "evidence.freshness")->command == "selftune sync");
    CHECK(StatusOf(report, "evidence.claude_code") == CheckStatus::kWarn);  // a file nobody read
    CHECK(report.pass + report.warn + report.fail ==
          std::count_if(report.checks.begin(), report.checks.end(),
                        [](const Check& check) { return check.status != CheckStatus::kSkip; }));
  }

  TEST_CASE("a store that is not there fails, with the command that makes one") {
    Patient patient;
    const DoctorWorld doctor{
        .env = &patient.env,
        .state_dir = patient.world.store().dir().path(),
        .db_path = patient.world.store().dir() / "none.db",
        .config = &patient.config,
        .db = WithSuggestion(Fail(kStoreMissing, "no such file"), "read first", "selftune sync"),
        .now = kNow};
    const DoctorReport report = Must(RunDoctor(doctor, {}));
    CHECK_FALSE(report.healthy());
    CHECK(StatusOf(report, "db.open") == CheckStatus::kFail);
    CHECK(Find(report, "db.open")->command == "selftune sync");
    CHECK(Find(report, "evidence.freshness") == nullptr);
  }

  TEST_CASE("a folder that a variable names and nobody reads is a finding, until it is recorded") {
    Patient patient;
    const std::string folder = patient.world.store().dir() / "it's codex";
    patient.world.store().dir().Write("it's codex/config.toml", "");
    patient.env.Set("CODEX_HOME", folder);
    const DoctorReport report = patient.Ask();
    CHECK(report.healthy());
    CHECK(StatusOf(report, "hosts.codex") == CheckStatus::kWarn);
    CHECK(Find(report, "hosts.codex")->path == folder);
    CHECK(Find(report, "hosts.codex")->command == "selftune config set hosts.codex.home '" +
                                                      patient.world.store().dir().path() +
                                                      "/it'\\''s codex'");
    CHECK(StatusOf(patient.Ask({.quick = true}), "hosts.codex") == CheckStatus::kWarn);
    patient.env.SetHostHome("codex", folder);
    CHECK(StatusOf(patient.Ask(), "hosts.codex") == CheckStatus::kPass);
    patient.env.SetHostHome("codex", folder + "/gone");
    CHECK(StatusOf(patient.Ask(), "hosts.codex") == CheckStatus::kWarn);
  }

  TEST_CASE("files of which nothing was understood are a failure") {
    Patient patient;
    patient.world.Write([](store::IngestWriter& writer) {
      const auto source = store::testing::AddSource(writer, "/t/odd.jsonl");
      REQUIRE_OK(writer.SaveCursor({.id = source, .size = 100, .offset = 100}, {.seen = 5}));
    });
    const DoctorReport report = patient.Ask();
    CHECK_FALSE(report.healthy());
    CHECK(StatusOf(report, "evidence.claude_code") == CheckStatus::kFail);
  }

  TEST_CASE("freshness follows the last whole sync") {
    Patient patient;
    CHECK(Must(ReadFreshness(patient.world.db(), kNow)).stale);
    REQUIRE_OK(WriteLastSync(patient.world.db(), DaysAgo(0.5)));
    CHECK(StatusOf(patient.Ask(), "evidence.freshness") == CheckStatus::kPass);
    REQUIRE_OK(WriteLastSync(patient.world.db(), DaysAgo(2)));
    CHECK(StatusOf(patient.Ask(), "evidence.freshness") == CheckStatus::kWarn);
    CHECK(Must(ReadFreshness(patient.world.db(), kNow)).lag_ms == 2 * kDayMs);
  }

  TEST_CASE("a clock behind the evidence is noticed") {
    Patient patient;
    (void)patient.world.Session("s1", DaysAgo(1));
    CHECK(StatusOf(patient.Ask(), "clock") == CheckStatus::kPass);
    CHECK(StatusOf(patient.Ask({}, DaysAgo(3)), "clock") == CheckStatus::kWarn);
  }

  TEST_CASE("settings that cannot be used are named; others may not read the file") {
    Patient patient;
    const std::string path = patient.world.store().dir().Write("config.json", "{}", 0644);
    patient.config = Must(config::Parse(R"({"autonomy":"sometimes"})", path));
    patient.config.exists = true;
    const DoctorReport report = patient.Ask();
    CHECK(StatusOf(report, "config.values") == CheckStatus::kWarn);
    CHECK(Find(report, "config.values")->message.find("autonomy") != std::string::npos);
    CHECK(StatusOf(report, "config.mode") == CheckStatus::kWarn);
  }

  TEST_CASE("a state folder that others can open is noticed, with settings and without") {
    Patient patient;
    const std::string& folder = patient.world.store().dir().path();
    CHECK(Find(patient.Ask(), "config.mode") == nullptr);
    std::filesystem::permissions(folder, std::filesystem::perms::all);
    const DoctorReport report = patient.Ask();
    REQUIRE(Find(report, "config.mode") != nullptr);
    CHECK(Find(report, "config.mode")->path == folder);
    CHECK(Find(report, "config.mode")->command == "chmod 700 " + folder);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
  }

  TEST_CASE("tables of another program in the file are noticed") {
    Patient patient;
    REQUIRE_OK(patient.world.db().Execute("CREATE TABLE theirs(x)"));
    CHECK(StatusOf(patient.Ask({.quick = true}), "db.schema") == CheckStatus::kWarn);
  }

  TEST_CASE("broken and overlong SKILL.md are warnings with the file") {
    Patient patient;
    const auto& dir = patient.world.store().dir();
    dir.Write(".claude/skills/broken/SKILL.md", "---\nname: broken\n");
    dir.Write(".claude/skills/long/SKILL.md",
              "---\nname: long\ndescription: " + std::string(1100, 'x') + "\n---\n");
    dir.Write(".claude/skills/fine/SKILL.md", "---\nname: fine\ndescription: Fine.\n---\n");
    const DoctorReport report = patient.Ask({.only = "skills.parse"});
    REQUIRE(report.checks.size() == 2);
    CHECK(report.checks[0].path == dir / ".claude/skills/broken/SKILL.md");
    CHECK(report.checks[1].message.find("1100") != std::string::npos);
  }

  TEST_CASE("of settings that are not understood the line is shown, of the rest what it is") {
    Patient patient;
    const auto& dir = patient.world.store().dir();
    dir.Write(".codex/config.toml", "a = 1\nb = yes\n");
    dir.Write(".gemini/settings.json", "{\n\n\"skills\": [}");
    dir.Write(".qwen/settings.json", "{\n\"skills\": {}\n\n");  // its end is missing
    dir.Write(".pi/agent/settings.json/folder", "");
    const DoctorReport report = patient.Ask({.only = "skills.parse"});
    std::vector<std::string> commands;
    for (const Check& check : report.checks) commands.push_back(check.command);
    std::sort(commands.begin(), commands.end());
    CHECK(commands == std::vector<std::string>{"ls -ld " + (dir / ".pi/agent/settings.json"),
                                               "sed -n 2p " + (dir / ".codex/config.toml"),
                                               "sed -n 2p " + (dir / ".qwen/settings.json"),
                                               "sed -n 3p " + (dir / ".gemini/settings.json")});
  }

  TEST_CASE("what settings that are not understood may switch off is not called on") {
    Patient patient;
    const auto& dir = patient.world.store().dir();
    const auto ask = [&] {
      const DoctorReport report = patient.Ask({.only = "skills.disabled"});
      REQUIRE(report.checks.size() == 1);
      return report.checks[0];
    };
    dir.Write(".claude/skills/pdf/SKILL.md", "---\nname: pdf\ndescription: P.\n---\n");
    CHECK(ask().status == CheckStatus::kPass);
    dir.Write(".claude/settings.json", "{");
    const Check check = ask();
    CHECK(check.status == CheckStatus::kWarn);
    CHECK(check.message.find("not known: pdf (claude_code)") != std::string::npos);
    CHECK(check.path == dir / ".claude/settings.json");
    CHECK(check.command == "selftune doctor --only skills.parse");
  }

  TEST_CASE("settings of agents that are not here are nothing to warn of") {
    Patient patient;
    const auto& dir = patient.world.store().dir();
    dir.Write(".claude/settings.json", "{}");
    dir.Write(".claude/skills/pdf/SKILL.md", "---\nname: pdf\ndescription: P.\n---\n");
    dir.Write("work/opencode.json", "{");
    patient.world.Write([&](store::IngestWriter& writer) {
      Must(writer.UpdateSession(
          {.platform = "claude_code", .id = "s", .cwd = dir / "work", .started = DaysAgo(1)}));
    });
    const auto status = [&](const char* check) {
      return StatusOf(patient.Ask({.only = check}), check);
    };
    CHECK(status("skills.parse") == CheckStatus::kPass);
    CHECK(status("skills.disabled") == CheckStatus::kPass);
    dir.Write(".config/opencode/opencode.json", "{}");
    CHECK(status("skills.parse") == CheckStatus::kWarn);
    dir.Write(".config/opencode/opencode.json", "{");
    CHECK(status("skills.disabled") == CheckStatus::kWarn);
  }

  TEST_CASE("a project that nobody can look into is told, one that is gone is not") {
    Patient patient;
    const auto& dir = patient.world.store().dir();
    REQUIRE(::symlink("loop", (dir / "loop").c_str()) == 0);
    const auto parse_with = [&](const std::string& session, const std::string& cwd) {
      patient.world.Write([&](store::IngestWriter& writer) {
        Must(writer.UpdateSession(
            {.platform = "claude_code", .id = session, .cwd = cwd, .started = DaysAgo(1)}));
      });
      return StatusOf(patient.Ask({.only = "skills.parse"}), "skills.parse");
    };
    CHECK(parse_with("s1", dir / "gone") == CheckStatus::kPass);
    CHECK(parse_with("s2", dir / "loop/work") == CheckStatus::kWarn);
  }

  TEST_CASE("of a pattern that is not understood it is told what is made of it") {
    Patient patient;
    const auto& dir = patient.world.store().dir();
    dir.Write(".gemini/settings.json", "{\"security\": {\"allowedExtensions\": [\"(a|b)\"]}}");
    dir.Write(".gemini/extensions/acme/gemini-extension.json",
              R"({"name": "acme", "version": "1"})");
    dir.Write(".gemini/extensions/acme/.gemini-extension-install.json",
              R"({"source": "https://host.org/c", "type": "git"})");
    const DoctorReport report = patient.Ask({.only = "skills.parse"});
    REQUIRE(report.checks.size() == 1);
    CHECK(report.checks[0].status == CheckStatus::kWarn);
    CHECK(report.checks[0].path == dir / ".gemini/settings.json");
    CHECK(report.checks[0].message.find("https://host.org/c is not known") != std::string::npos);
    CHECK(report.checks[0].text.find("nor whether it lets in") != std::string::npos);
  }

  TEST_CASE("transcripts that a host is about to delete are to be read before") {
    Patient patient;
    const auto& dir = patient.world.store().dir();
    const auto ask = [&] { return patient.Ask({.only = "retention.*"}); };
    CHECK(ask().checks.empty());  // no host is here
    dir.Write(".claude/settings.json", "{}");
    dir.Write(".gemini/settings.json", "{}");
    dir.Write(".codex/config.toml", "");
    REQUIRE(ask().checks.size() == 1);  // the others keep them, or do not say
    CHECK(StatusOf(ask(), "retention.claude_code") == CheckStatus::kWarn);  // never read
    struct Row {
      const char* settings;
      int64_t days_since;
      bool warned;
    };
    const Row rows[] = {
        {"{}", 0, false},
        {"{}", 22, false},
        {"{}", 23, true},  // a week before 30 days
        {R"({"cleanupPeriodDays":365})", 300, false},
        {R"({"cleanupPeriodDays":365})", 358, true},
        {R"({"cleanupPeriodDays":4})", 1, false},
        {R"({"cleanupPeriodDays":4})", 2, true},
        {R"({"cleanupPeriodDays":0})", 0, true},
        {R"({"cleanupPeriodDays":"soon"})", 22, false},
        {"not JSON", 23, true},
    };
    for (const Row& row : rows) {
      CAPTURE(row.settings);
      CAPTURE(row.days_since);
      dir.Write(".claude/settings.json", row.settings);
      REQUIRE_OK(WriteLastSync(patient.world.db(), DaysAgo(static_cast<int>(row.days_since))));
      const DoctorReport report = ask();
      CHECK((StatusOf(report, "retention.claude_code") == CheckStatus::kWarn) == row.warned);
    }
    dir.Write(".gemini/settings.json", R"({"general":{"sessionRetention":{"maxAge":"36h"}}})");
    CHECK(Find(ask(), "retention.gemini")->message.find("after 2 days") != std::string::npos);
    CHECK(Find(ask(), "retention.gemini")->command == "selftune sync");
  }

  TEST_CASE("skills that do not fit into a listing are named") {
    Patient patient;
    const auto& dir = patient.world.store().dir();
    const auto ask = [&] { return patient.Ask({.only = "listing.*"}); };
    const auto skill = [&](const std::string& name) {
      dir.Write(".claude/skills/" + name + "/SKILL.md",
                "---\nname: " + name + "\ndescription: " + std::string(1000, 'x') + "\n---\n");
    };
    skill("first");
    REQUIRE(ask().checks.size() == 1);
    CHECK(StatusOf(ask(), "listing.claude_code") == CheckStatus::kPass);
    for (int i = 0; i < 10; ++i) skill("more-" + std::to_string(i));
    CHECK(StatusOf(ask(), "listing.claude_code") == CheckStatus::kWarn);
    CHECK(Find(ask(), "listing.claude_code")->command == "selftune budget --platform claude_code");
  }

  TEST_CASE("a skill that is younger than the window is not called unused") {
    Patient patient;
    const auto& dir = patient.world.store().dir();
    const std::string path = dir / ".claude/skills/new/SKILL.md";
    dir.Write(".claude/skills/new/SKILL.md", "---\nname: new\ndescription: New.\n---\n");
    patient.world.Install("new", path, "New.");  // a sync met it at kNow
    const auto ask = [&](UtcMillis now) { return patient.Ask({.only = "skills.silent"}, now); };
    const auto days = [](UtcMillis from, int64_t n) { return UtcMillis{from.value + n * kDayMs}; };
    CHECK(StatusOf(ask(kNow), "skills.silent") == CheckStatus::kSkip);  // no session at all
    patient.world.Session("s1", DaysAgo(1));
    CHECK(StatusOf(ask(kNow), "skills.silent") == CheckStatus::kPass);
    CHECK(StatusOf(ask(days(kNow, 28)), "skills.silent") == CheckStatus::kPass);
    CHECK(StatusOf(ask(days(kNow, 31)), "skills.silent") == CheckStatus::kSkip);  // none of late
    patient.world.Session("s2", days(kNow, 30));
    CHECK(StatusOf(ask(days(kNow, 31)), "skills.silent") == CheckStatus::kInfo);
    CHECK(Find(ask(days(kNow, 31)), "skills.silent")->message.find("1 of 1") != std::string::npos);
  }

  TEST_CASE("a skill whose file, or whose use, is older than the store is judged at once") {
    Patient patient;
    const auto& dir = patient.world.store().dir();
    const std::string path = dir / ".claude/skills/old/SKILL.md";
    dir.Write(".claude/skills/old/SKILL.md", "---\nname: old\ndescription: Old.\n---\n");
    // The file's own time is the machine's; the store meets it 40 days later.
    const UtcMillis now{std::chrono::duration_cast<std::chrono::milliseconds>(
                            std::chrono::system_clock::now().time_since_epoch())
                            .count() +
                        40 * kDayMs};
    store::IngestWriter writer(patient.world.db(), now);
    const auto met = [&](std::string_view skill, const std::string& where) {
      auto txn = Must(store::WriteTxn::Begin(patient.world.db()));
      REQUIRE_OK(writer.UpsertSkillLocation({.skill = skill, .path = where, .real_path = where}));
      REQUIRE_OK(txn.Commit());
    };
    patient.world.Session("s1", UtcMillis{now.value - kDayMs});
    met("old", path);
    met("young", "/elsewhere/young/SKILL.md");
    const auto silent = [&] {
      return Find(patient.Ask({.only = "skills.silent"}, now), "skills.silent")->message;
    };
    CHECK(silent() == "1 of 2 installed skills not used in 30 days: old");
    const auto before = patient.world.Session("s0", UtcMillis{now.value - 60 * kDayMs});
    patient.world.Prompt(before, 0, "young, please", UtcMillis{now.value - 60 * kDayMs});
    patient.world.Use(before, 0, "young", UtcMillis{now.value - 60 * kDayMs});
    CHECK(silent() == "2 of 2 installed skills not used in 30 days: old, young");
  }

  TEST_CASE("a skill that settings switch off everywhere is not called unused") {
    Patient patient;
    const auto& dir = patient.world.store().dir();
    for (const char* name : {"kept", "off"}) {
      patient.world.Install(name, dir / (".claude/skills/" + std::string(name) + "/SKILL.md"),
                            "Text.");
    }
    const UtcMillis now{kNow.value + 40 * kDayMs};
    patient.world.Session("s1", UtcMillis{now.value - kDayMs});
    const auto silent = [&] {
      return Find(patient.Ask({.only = "skills.silent"}, now), "skills.silent")->message;
    };
    CHECK(silent() == "2 of 2 installed skills not used in 30 days: kept, off");
    dir.Write(".claude/settings.json", R"({"skillOverrides":{"off":"off"}})");
    CHECK(silent() == "1 of 2 installed skills not used in 30 days: kept");
    const UtcMillis yesterday{now.value - kDayMs};
    const auto session = patient.world.Session("s2", yesterday);
    patient.world.Prompt(session, 0, "go", yesterday);
    patient.world.Use(session, 0, "kept", yesterday);
    CHECK(silent() == "every installed skill that settings leave on was used");
  }

  TEST_CASE("our own skill is as it was installed, or it is said what is not") {
    Patient patient;
    const auto& dir = patient.world.store().dir();
    const auto ask = [&](const std::string& version) {
      return patient.Ask({.only = "skill.selftune"}, kNow, version);
    };
    CHECK(StatusOf(ask("1"), "skill.selftune") == CheckStatus::kInfo);  // nobody installed it
    dir.Write(".claude/skills/selftune/SKILL.md", "text");
    const auto put = [&](const std::string& version) {
      store::Db& db = patient.world.db();
      auto txn = Must(store::WriteTxn::Begin(db));
      REQUIRE_OK(store::PutInstall(db, {.path = dir / ".claude/skills/selftune/SKILL.md",
                                        .kind = "skill",
                                        .platform = "claude_code",
                                        .ours = "",
                                        .sha256 = base::Sha256Hex("text"),
                                        .created_file = true,
                                        .backup_path = "",
                                        .version = version,
                                        .installed = kNow}));
      REQUIRE_OK(txn.Commit());
    };
    put("1");
    CHECK(StatusOf(ask("1"), "skill.selftune") == CheckStatus::kPass);
    CHECK(Find(ask("1"), "skill.selftune")->command.empty());
    CHECK(StatusOf(ask("2"), "skill.selftune") == CheckStatus::kWarn);
    CHECK(Find(ask("2"), "skill.selftune")->command == "selftune skill update");
    CHECK(StatusOf(ask(""), "skill.selftune") == CheckStatus::kPass);  // nobody told the version
    dir.Write(".claude/skills/selftune/SKILL.md", "a person's");
    CHECK(StatusOf(ask("1"), "skill.selftune") == CheckStatus::kInfo);
    std::filesystem::remove(dir / ".claude/skills/selftune/SKILL.md");
    CHECK(StatusOf(ask("1"), "skill.selftune") == CheckStatus::kWarn);
    CHECK(Find(ask("1"), "skill.selftune")->command == "selftune skill install");
    std::filesystem::create_directory(dir / ".claude/skills/selftune/SKILL.md");
    CHECK(StatusOf(ask("1"), "skill.selftune") == CheckStatus::kWarn);  // there, and no file
    CHECK(Find(ask("1"), "skill.selftune")->message.find("cannot be read") != std::string::npos);
    CHECK(Find(ask("1"), "skill.selftune")->command.starts_with("ls -ld "));
    std::filesystem::remove_all(dir / ".claude");  // with the agent, or the project
    CHECK(StatusOf(ask("1"), "skill.selftune") == CheckStatus::kInfo);
  }

  TEST_CASE("an agent is found on PATH, and asked for its version when all is looked at") {
    Patient patient;
    const auto& dir = patient.world.store().dir();
    patient.env.Set("PATH", dir / "bin");
    CHECK(StatusOf(patient.Ask({.only = "agents.*"}), "agents.any") == CheckStatus::kWarn);
    dir.Write(".codex/config.toml", "");
    CHECK(StatusOf(patient.Ask({.only = "agents.*"}), "agents.codex") == CheckStatus::kInfo);
    const std::string claude =
        dir.Write("bin/claude", "#!/bin/sh\necho \"2.1.330 (of $SELFTUNE_INTERNAL)\"\n", 0755);
    CHECK(Find(patient.Ask(), "agents.claude_code")->message == "claude found");
    CHECK(Find(patient.Ask({.deep = true}), "agents.claude_code")->message ==
          "claude found, 2.1.330 (of 1)");
    CHECK(Find(patient.Ask(), "agents.any") == nullptr);
    for (const char* const broken : {"#!/bin/sh\nexit 3\n", "#!/bin/sh\n", "#!/nowhere\n"}) {
      dir.Write("bin/claude", broken, 0755);
      CHECK(StatusOf(patient.Ask(), "agents.claude_code") == CheckStatus::kPass);
      const DoctorReport report = patient.Ask({.deep = true});
      CHECK(StatusOf(report, "agents.claude_code") == CheckStatus::kWarn);
      CHECK(Find(report, "agents.claude_code")->command == claude + " --version");
    }
  }

  TEST_CASE("where questions to a model go is told") {
    Patient patient;
    CHECK(Find(patient.Ask(), "privacy")->message.find("your agent") != std::string::npos);
    patient.config = Must(config::Parse(R"({"llm_mode":"api"})", "config.json"));
    const std::string message = Find(patient.Ask(), "privacy")->message;
    CHECK(message.find("api.base_url") != std::string::npos);
    CHECK(message.find("e-mail") != std::string::npos);
  }

  TEST_CASE("a store or state folder that cannot be written is a failure with what helps") {
    Patient patient;
    const std::string folder = patient.world.store().dir().path();
    const std::string store = patient.world.store().path();
    CHECK(Find(patient.Ask(), "db.write") == nullptr);
    for (const auto& [path, allowed, refused] :
         {std::tuple{folder, 0700U, 0500U}, std::tuple{store, 0600U, 0400U}}) {
      CAPTURE(path);
      REQUIRE(::chmod(path.c_str(), refused) == 0);
      const auto report = AsOrdinaryUser({folder, store}, [&] { return patient.Ask(); });
      REQUIRE(::chmod(path.c_str(), allowed) == 0);
      CHECK(StatusOf(report, "db.write") == CheckStatus::kFail);
      CHECK(Find(report, "db.write")->path == path);
      CHECK(Find(report, "db.write")->command.starts_with("chmod u+rw"));
    }
  }

  TEST_CASE("only what was asked for is answered and counted") {
    Patient patient;
    const DoctorReport report = patient.Ask({.only = "db.*"});
    CHECK(report.checks.size() == 5);
    CHECK(report.pass == 5);
    CHECK(report.warn == 0);
  }
}

}  // namespace selftune::status

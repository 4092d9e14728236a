// Checks of what should be at work: hooks that tell something, evidence that hangs
// together, the dashboard.
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/lock_file.h"
#include "install/hook_list.h"
#include "install/target.h"
#include "store/hook_evidence.h"
#include "store/install_rows.h"
#include "store/write_txn.h"
#include "unit/status/patient.h"

namespace selftune::status {
namespace {

using testing::DaysAgo;
using testing::Find;
using testing::kNow;
using testing::Must;
using testing::Patient;
using testing::StatusOf;

constexpr std::string_view kHook =
    R"({"hooks":{"Stop":[{"hooks":[{"type":"command","command":"selftune-hook claude"}]}]}})";

// Claude Code with a hook of ours, installed three days ago.
struct Hooked : Patient {
  Hooked() {
    const std::string path = world.store().dir().Write(".claude/settings.json", std::string(kHook));
    auto txn = Must(store::WriteTxn::Begin(world.db()));
    REQUIRE_OK(store::PutInstall(world.db(), {.path = path,
                                              .kind = "hook",
                                              .platform = "claude_code",
                                              .ours = "",
                                              .sha256 = "",
                                              .created_file = false,
                                              .backup_path = "",
                                              .version = "1",
                                              .installed = DaysAgo(3)}));
    REQUIRE_OK(txn.Commit());
  }
  void Heard(double days_ago) {
    auto txn = Must(store::WriteTxn::Begin(world.db()));
    REQUIRE_OK(store::NoteHookEvent(world.db(), "claude_code", DaysAgo(days_ago)));
    REQUIRE_OK(txn.Commit());
  }
  [[nodiscard]] Check Alive() {
    const DoctorReport report = Ask({.only = "hooks.claude_code.alive"});
    REQUIRE(report.checks.size() == 1);
    return report.checks[0];
  }
};

bool Has(const Check& check, std::string_view words) {
  return check.message.find(words) != std::string::npos;
}

}  // namespace

TEST_SUITE("status/doctor_alive") {
  TEST_CASE("hooks are alive when they told of the newest session that a transcript tells of") {
    struct Case {
      const char* name;
      double heard;    // days ago, 0 = never
      double session;  // days ago, 0 = none
      CheckStatus status;
      const char* words;
    };
    const Case cases[] = {
        {"nothing happened yet", 0, 0, CheckStatus::kSkip, "no session was seen"},
        {"a session of before has no hooks", 0, 4, CheckStatus::kSkip, "no session was seen"},
        {"one that just began may have had nothing to say", 0, 0.001, CheckStatus::kSkip,
         "no session was seen"},
        {"a session told nothing", 0, 2, CheckStatus::kWarn, "no event came since"},
        {"what was heard before they were installed does not count", 5, 2, CheckStatus::kWarn,
         "no event came since"},
        {"a session told", 2, 2, CheckStatus::kPass, "the last event came at"},
        {"an event without a session", 1, 0, CheckStatus::kPass, "the last event came at"},
        {"the newest session told nothing", 2, 1, CheckStatus::kInfo, "told nothing"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      Hooked patient;
      if (c.session > 0) (void)patient.world.Session("s1", DaysAgo(c.session));
      if (c.heard > 0) patient.Heard(c.heard);
      const Check check = patient.Alive();
      CHECK(check.status == c.status);
      CHECK(Has(check, c.words));
      const bool finding = c.status == CheckStatus::kWarn || c.status == CheckStatus::kInfo;
      CHECK(check.command == (finding ? "selftune hooks verify claude_code" : ""));
      CHECK(check.text.empty() != finding);
      if (finding) CHECK(Has(check, "session s1"));
    }
  }

  TEST_CASE("the latest event counts, in whatever order they are stored") {
    Hooked patient;
    for (const double days : {1.0, 2.0, 0.5, 3.0}) patient.Heard(days);
    CHECK(Must(store::LastHookEvent(patient.world.db(), "claude_code")) == DaysAgo(0.5));
    CHECK_FALSE(Must(store::LastHookEvent(patient.world.db(), "codex")).has_value());
  }

  TEST_CASE("sessions of another host and of subagents need no hook of this one") {
    Hooked patient;
    (void)patient.world.Session("c1", DaysAgo(1), "codex");
    patient.world.Write([](store::IngestWriter& writer) {
      (void)Must(writer.UpdateSession({.platform = "claude_code",
                                       .id = "sub",
                                       .kind = SessionKind::kSubagent,
                                       .started = DaysAgo(1)}));
    });
    CHECK(patient.Alive().status == CheckStatus::kSkip);
  }

  TEST_CASE("hooks that nobody installed are not asked about") {
    Patient patient;
    patient.world.store().dir().Write(".claude/settings.json", "{}");
    (void)patient.world.Session("s1", DaysAgo(1));
    CHECK(patient.Ask({.only = "hooks.*.alive"}).checks.empty());
  }

  TEST_CASE("hooks beside our plugin, which has the same, are one too many") {
    Hooked patient;
    const auto& dir = patient.world.store().dir();
    const std::string shim = dir.Write("bin/selftune-hook", "#!/bin/sh\n", 0755);
    const install::Target* target = install::FindTarget("claude_code");
    REQUIRE(target != nullptr);
    const auto settings = Must(install::WithHooks("{}", target->hooks(shim), {}, "settings.json"));
    const auto ask = [&](const std::string& plugins, const std::string& text) {
      dir.Write(".claude/plugins/installed_plugins.json", plugins);
      dir.Write(".claude/settings.json", text);
      return patient.Ask({.only = "hooks.claude_code.twice"}).checks;
    };
    const auto plugins = [&](const std::string& id) {
      return R"({"version":2,"plugins":{")" + id + R"(":[{"installPath":")" + (dir / "p") +
             R"("}]}})";
    };
    // A plugin of that name that brings the skill alone.
    dir.Write("p/skills/selftune/SKILL.md", "---\nname: selftune\n---\n");
    CHECK(ask(plugins("selftune@selftune"), settings.text).empty());
    dir.Write("p/hooks/hooks.json", "{}");
    const auto twice = ask(plugins("selftune@selftune"), settings.text);
    REQUIRE(twice.size() == 1);
    CHECK(twice[0].status == CheckStatus::kWarn);
    CHECK(Has(twice[0], "told twice"));
    CHECK(twice[0].command == "selftune hooks uninstall claude_code --scope user");
    CHECK(ask(plugins("other@selftune"), settings.text).empty());
    CHECK(ask("{}", settings.text).empty());
    std::string off = settings.text;
    off.insert(off.find('{') + 1, R"("enabledPlugins":{"selftune@selftune":false},)");
    CHECK(ask(plugins("selftune@selftune"), off).empty());
  }

  TEST_CASE("coverage tells how much of the evidence hangs together") {
    Patient patient;
    const auto ask = [&] { return patient.Ask({.only = "evidence.coverage"}); };
    CHECK(StatusOf(ask(), "evidence.coverage") == CheckStatus::kPass);
    CHECK(Has(ask().checks[0], "0 of 0 sessions have prompts and 0 of 0 skill uses a prompt"));
    for (int i = 0; i < 20; ++i) {
      const auto session = patient.world.Session("s" + std::to_string(i), DaysAgo(1));
      if (i >= 16) continue;
      (void)patient.world.Prompt(session, 0, "make a pdf " + std::to_string(i), DaysAgo(1));
      patient.world.Use(session, i == 0 ? 7 : 0, "pdf", DaysAgo(1));
    }
    CHECK(StatusOf(ask(), "evidence.coverage") == CheckStatus::kPass);  // 80 %
    CHECK(Has(ask().checks[0], "16 of 20 sessions have prompts and 15 of 16 skill uses a prompt"));
    (void)patient.world.Session("one more", DaysAgo(1));
    CHECK(StatusOf(ask(), "evidence.coverage") == CheckStatus::kInfo);
    CHECK(Find(ask(), "evidence.coverage")->command == "selftune sync --force");
    CHECK(Find(patient.Ask({.quick = true}), "evidence.coverage") == nullptr);
  }

  TEST_CASE("lines that are no records are counted, and one is shown") {
    Patient patient;
    const auto ask = [&](int64_t seen) {
      patient.world.Write([&](store::IngestWriter& writer) {
        const auto source = store::testing::AddSource(writer, "/t/odd.jsonl");
        REQUIRE_OK(writer.SaveCursor({.id = source, .size = 100, .offset = 100},
                                     {.seen = seen, .used = seen}));
        for (const uint64_t offset : {40U, 60U}) {
          REQUIRE_OK(writer.AddBadLine(source, 1, {.offset = offset, .reason = "not_json"}));
        }
      });
      return patient.Ask({.only = "evidence.coverage"}).checks.at(0);
    };
    const Check warned = ask(100);
    CHECK(warned.status == CheckStatus::kWarn);
    CHECK(warned.path == "/t/odd.jsonl");
    CHECK(Has(warned, "2 of 100 lines are no records; one of them: not_json at byte 40"));
    CHECK(warned.command == "selftune evidence --bad-lines");
  }

  TEST_CASE("a session without an id of its own is a warning") {
    Patient patient;
    (void)patient.world.Session("unknown", DaysAgo(1));
    const Check check = patient.Ask({.only = "evidence.coverage"}).checks.at(0);
    CHECK(check.status == CheckStatus::kWarn);
    CHECK(check.command == "selftune evidence --sessions");
  }

  TEST_CASE("the dashboard runs, ran, or does not run") {
    constexpr std::string_view kFile = R"({"pid":4711,"port":3141,"version":"1.0"})";
    struct Case {
      const char* name;
      bool locked;
      std::string_view file;  // "" = none
      bool taken;
      CheckStatus status;
      const char* words;
      const char* command;
    };
    const Case cases[] = {
        {"off", false, "", false, CheckStatus::kPass, "does not run; port 3141 is free", ""},
        {"the port is another's", false, "", true, CheckStatus::kInfo,
         "port 3141 is another program's", "selftune dashboard"},
        {"on", true, kFile, true, CheckStatus::kPass, "runs as process 4711 on port 3141", ""},
        {"on, of another version", true, R"({"pid":4711,"port":3141,"version":"0.9"})", true,
         CheckStatus::kWarn, "in version 0.9; this is 1.0", "selftune dashboard --restart"},
        {"on, and its file is no JSON", true, "{", true, CheckStatus::kWarn,
         "its file cannot be read", "selftune dashboard --restart"},
        {"starting", true, "", false, CheckStatus::kInfo, "just starting",
         "selftune doctor --only dashboard"},
        {"killed", false, kFile, false, CheckStatus::kInfo,
         "process 4711 ended without taking its file away", "selftune dashboard"},
        {"killed while it wrote", false, "{\"pid\":", false, CheckStatus::kInfo, "cannot be read",
         "selftune dashboard"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      Patient patient;
      const auto& dir = patient.world.store().dir();
      dir.Write("run/dashboard.lock", "");
      if (!c.file.empty()) dir.Write("run/dashboard.json", std::string(c.file));
      if (c.taken) patient.port_is_taken = [](int port) { return port == 3141; };
      const auto lock = c.locked ? base::LockFile::TryAcquire(dir / "run/dashboard.lock", "")
                                 : Fail(kNotFound, "not held");
      REQUIRE(lock.ok() == c.locked);
      const DoctorReport report = patient.Ask({.only = "dashboard"}, kNow, "1.0");
      REQUIRE(report.checks.size() == 1);
      CHECK(report.checks[0].status == c.status);
      CHECK(Has(report.checks[0], c.words));
      CHECK(report.checks[0].command == c.command);
    }
  }

  TEST_CASE("what a host counted itself is compared when all is looked at") {
    Patient patient;
    const auto session = patient.world.Session("s1", DaysAgo(2));
    patient.world.Prompt(session, 0, "merge the files", DaysAgo(2));
    patient.world.Use(session, 0, "pdf", DaysAgo(2));
    patient.world.Use(session, 0, "pdf", DaysAgo(2), RequestedBy::kModel, Outcome::kRefused);
    const auto ask = [&] { return patient.Ask({.deep = true}); };
    constexpr const char* kName = "evidence.claude_code.counted";
    CHECK(Find(ask(), kName) == nullptr);  // it counted nothing
    patient.source.counted = std::vector<ingest::HostCount>{{.skill = "PDF", .uses = 1}};
    CHECK(StatusOf(ask(), kName) == CheckStatus::kPass);
    CHECK(Find(patient.Ask(), kName) == nullptr);
    patient.source.counted =
        std::vector<ingest::HostCount>{{.skill = "pdf", .uses = 4}, {.skill = "gone", .uses = 2}};
    const DoctorReport report = ask();
    CHECK(StatusOf(report, kName) == CheckStatus::kInfo);
    CHECK(Find(report, kName)->message ==
          "it counted 5 uses of 2 skills more than are known (pdf: 4 by the host, 1 known)");
    patient.source.counted = Fail(kStoreCorrupt, "reading it: damaged");
    CHECK(Find(ask(), kName)->message == "what it counted is not known: reading it: damaged");
  }
}

}  // namespace selftune::status

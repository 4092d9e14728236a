#include "hooks/dispatch.h"

#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/json_value.h"
#include "base/strings.h"
#include "hooks/event.h"
#include "hooks/handlers.h"
#include "hooks/hosts.h"
#include "support/temp_dir.h"

namespace selftune::hooks {
namespace {

using Kind = Outcome::Kind;

constexpr UtcMillis kNow{1'790'000'000'000};  // 2026-09-21

struct Home {
  testing::TempDir dir;
  World world{.state_dir = dir / "state", .internal = false, .now = kNow};

  [[nodiscard]] Outcome Run(std::string_view payload, std::string_view hook = "",
                            std::string_view host = "claude-code") const {
    return Dispatch(world, host, hook, payload);
  }
  // Events in the spool, all files.
  [[nodiscard]] std::vector<HookEvent> Kept() const {
    std::vector<HookEvent> out;
    const std::string spool = world.state_dir + "/spool";
    if (!base::Exists(spool)) return out;
    const auto entries = base::ListDir(spool);
    REQUIRE(entries.ok());
    for (const base::DirEntry& entry : *entries) {
      const std::string text = dir.Read("state/spool/" + entry.name);
      for (const std::string_view line : base::Split(text, '\n')) {
        if (line.empty()) continue;
        const auto record = base::JsonValue::Parse(line);
        REQUIRE(record.ok());
        CHECK((*record)["v"].AsInt() == 1);
        CHECK((*record)["at_ms"].AsInt() == kNow.value);
        CHECK((*record)["id"].AsString().size() == 32);
        const auto event = FromJson((*record)["payload"].ToJson());
        REQUIRE(event.has_value());
        out.push_back(*event);
      }
    }
    return out;
  }
};

std::string Prompt(std::string_view text, std::string_view session = "s") {
  HookEvent event;
  event.type = EventType::kPromptSubmit;
  event.session_id = session;
  event.prompt = text;
  return ToJson(event);
}

}  // namespace

TEST_SUITE("hooks/dispatch") {
  TEST_CASE("what a hook keeps is private to the person") {
    const Home home;
    const Outcome outcome =
        home.Run(R"({"session_id":"s","prompt":"hello","hook_event_name":"UserPromptSubmit"})");
    CHECK(outcome.kind == Kind::kRecorded);
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.reply.empty());
    struct stat info;
    REQUIRE(stat((home.world.state_dir + "/spool/2026-09-21.jsonl").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    REQUIRE(stat(home.world.state_dir.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
    REQUIRE(home.Kept().size() == 1);
    CHECK(home.Kept()[0].platform == "claude_code");
    CHECK(home.Kept()[0].prompt == "hello");
  }

  TEST_CASE("our own agents and our own prompts leave nothing") {
    Home home;
    CHECK(home.Run(Prompt("[selftune:internal purpose=judge]\nDo it"), "event").kind ==
          Kind::kIgnored);
    CHECK(home.Run(Prompt(" \n\t"), "event").kind == Kind::kIgnored);
    home.world.internal = true;
    CHECK(home.Run(Prompt("x"), "event").kind == Kind::kIgnored);
    CHECK(home.Run("{", "prompt-log").kind == Kind::kIgnored);
    CHECK(!base::Exists(home.world.state_dir));
  }

  TEST_CASE("short prompts, and the same words twice, are prompts") {
    const Home home;
    for (const char* text : {"ok", "ok", "<command-name>/x</command-name> what is this?"}) {
      CHECK(home.Run(Prompt(text), "event").kind == Kind::kRecorded);
    }
    CHECK(home.Kept().size() == 3);
  }

  TEST_CASE("a payload that cannot be used is counted with its reason") {
    struct Case {
      std::string payload;
      const char* reason;
    };
    const Case cases[] = {
        {"", "empty"},
        {" \n", "empty"},
        {"not json", "bad_json"},
        {R"({"session_id":"s","hook_event_name":"Stop")", "bad_json"},
        {R"({"hook_event_name":"Stop"})", "no_session_id"},
        {R"({"hook_event_name":"Stop","session_id":7})", "wrong_type"},
        {R"({"hook_event_name":"Stop","session_id":"a\u0000b"})", "control_in_id"},
        {R"({"hook_event_name":"Stop","session_id":")" + std::string(600, 'x') + "\"}",
         "id_too_long"},
        {std::string(kMaxPayload + 1, ' '), "too_large"},
    };
    for (const Case& c : cases) {
      const Home home;
      CAPTURE(c.reason);
      const Outcome outcome = home.Run(c.payload);
      CHECK(outcome.kind == Kind::kRejected);
      CHECK(outcome.exit_code == 0);
      const std::vector<HookEvent> kept = home.Kept();
      REQUIRE(kept.size() == 1);
      CHECK(kept[0].type == EventType::kRejected);
      CHECK(kept[0].reason == c.reason);
      CHECK(kept[0].prompt.empty());
      CHECK(kept[0].excerpt.size() <= 200);
    }
  }

  TEST_CASE("the end of a turn notes its transcript and does not read it") {
    const Home home;
    const std::string transcript = home.dir.Write("t.jsonl", std::string(1000, 'x'));
    HookEvent event;
    event.type = EventType::kTurnEnd;
    event.session_id = "s";
    event.transcript_path = transcript;
    CHECK(home.Run(ToJson(event), "event", "claude").kind == Kind::kRecorded);
    event.transcript_path = home.dir / "absent.jsonl";
    CHECK(home.Run(ToJson(event), "event", "claude").kind == Kind::kRecorded);
    REQUIRE(home.Kept().size() == 2);
    CHECK(home.Kept()[0].transcript_bytes == 1000);
    CHECK(!home.Kept()[1].transcript_bytes.has_value());
  }

  TEST_CASE("an agent that nobody knows may hand in events of its own") {
    const Home home;
    CHECK(home.Run(Prompt("hi"), "event", "my-agent").kind == Kind::kRecorded);
    CHECK(home.Kept()[0].platform == "my_agent");
    CHECK(home.Run(Prompt("hi"), "event", "My Agent").kind == Kind::kUnknownHost);
    CHECK(home.Run("{}", "prompt-log", "my-agent").kind == Kind::kUnknownHost);
    CHECK(home.Run("{}", "prompt-lag").kind == Kind::kUnknownHook);
    CHECK(home.Run(R"({"type":"rejected","session_id":"s"})", "event").kind == Kind::kRejected);
  }

  TEST_CASE("without a place to keep it an event is lost, and said to be") {
    Home home;
    home.world.state_dir = "";
    CHECK(home.Run(Prompt("x"), "event").kind == Kind::kLost);
    home.world.state_dir = home.dir.Write("a_file", "") + "/state";
    const Outcome outcome = home.Run(Prompt("x"), "event");
    CHECK(outcome.kind == Kind::kLost);
    CHECK(outcome.error == ENOTDIR);
    CHECK(outcome.exit_code == 0);
  }

  TEST_CASE("every subscription of a host has a handler") {
    for (const Host& host : Hosts()) {
      for (const Subscription& subscription : host.subscriptions) {
        CHECK(FindHandler(subscription.handler) != nullptr);
      }
    }
  }

  TEST_CASE("what a host tells of failures and of subagents is heard") {
    struct Told {
      std::string_view host;
      std::vector<std::string_view> events;
    };
    // Gemini CLI tells of neither; the plugins of OpenCode and Pi say what they hear themselves.
    const Told hosts[] = {
        {"claude", {"PostToolUseFailure", "StopFailure", "SubagentStart", "SubagentStop"}},
        {"codex", {"Interrupt", "SubagentStart", "SubagentStop"}},
        {"qwen", {"PostToolUseFailure", "StopFailure", "SubagentStart", "SubagentStop"}},
        {"copilot", {"errorOccurred", "subagentStop"}},
        {"cline", {"TaskError", "TaskCancel"}},
    };
    for (const Told& told : hosts) {
      const Host* const host = FindHost(told.host);
      REQUIRE(host != nullptr);
      for (const std::string_view event : told.events) {
        CAPTURE(told.host);
        CAPTURE(event);
        CHECK(std::ranges::find(host->subscriptions, event, &Subscription::native) !=
              host->subscriptions.end());
      }
    }
  }

  TEST_CASE("skills are called by name and read by file") {
    HookEvent event;
    event.tool = ToolKind::kSkill;
    CHECK(!KeepSkillUse({}, event));
    event.skill = "/pdf";
    CHECK(KeepSkillUse({}, event));
    CHECK(event.skill == "pdf");
    event.tool = ToolKind::kRead;
    for (const char* path : {"/a/pdf/SKILL.md", "pdf/SKILL.md"}) {
      event.path = path;
      CHECK(KeepSkillUse({}, event));
    }
    for (const char* path : {"", "/SKILL.md", "SKILL.md", "/a/../SKILL.md", "/a/SKILL.md.bak",
                             "/a/skill.md", "/a/XSKILL.md"}) {
      CAPTURE(path);
      event.path = path;
      CHECK(!KeepSkillUse({}, event));
    }
    event.path = "/a/pdf/SKILL.md";
    event.tool_failed = true;
    CHECK(!KeepSkillUse({}, event));
  }
}

}  // namespace selftune::hooks

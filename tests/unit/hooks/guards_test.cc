// The guard on each host: what it sends before a call, what it reads as advice and
// as a refusal.
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "base/json_writer.h"
#include "base/strings.h"
#include "hooks/dispatch.h"
#include "support/temp_dir.h"

namespace selftune::hooks {
namespace {

struct Case {
  const char* host;
  const char* hook;
  const char* payload;  // with @ for the skill's file, % for its folder
  const char* advice;   // a part of the answer; "" = the host reads none
  const char* refusal;
};

constexpr Case kCases[] = {
    {"claude", "",
     R"({"hook_event_name":"PreToolUse","session_id":"s","tool_name":"Edit","tool_input":{"file_path":"@"}})",
     R"("additionalContext":"[selftune])", R"("permissionDecision":"deny")"},
    {"claude", "",
     R"({"hook_event_name":"PreToolUse","session_id":"s","tool_name":"NotebookEdit","tool_input":{"notebook_path":"@"}})",
     R"("additionalContext":"[selftune])", R"("permissionDecision":"deny")"},
    {"claude", "",
     R"({"hook_event_name":"PreToolUse","session_id":"s","cwd":"/","tool_name":"Bash","tool_input":{"command":"echo x >> @"}})",
     R"("additionalContext":"[selftune])", R"("permissionDecision":"deny")"},
    {"claude", "",
     R"({"hook_event_name":"PreToolUse","session_id":"s","cwd":"/","tool_name":"Bash","tool_input":{"command":"cp /tmp/SKILL.md ~/skills/pdf"}})",
     R"("additionalContext":"[selftune])", R"("permissionDecision":"deny")"},
    {"codex", "",
     R"({"hook_event_name":"PreToolUse","session_id":"s","cwd":"%","tool_name":"apply_patch","tool_input":{"command":"*** Begin Patch\n*** Update File: SKILL.md\n"}})",
     R"("additionalContext":"[selftune])", R"("permissionDecision":"deny")"},
    {"codex", "",
     R"({"hook_event_name":"PreToolUse","session_id":"s","cwd":"%","tool_name":"Bash","tool_input":{"command":"sed -i s/a/b/ SKILL.md"}})",
     R"("additionalContext":"[selftune])", R"("permissionDecision":"deny")"},
    {"gemini", "",
     R"({"hook_event_name":"BeforeTool","session_id":"s","cwd":"%","tool_name":"replace","tool_input":{"file_path":"SKILL.md"}})",
     R"("systemMessage":"[selftune])", R"({"decision":"deny","reason":"[selftune])"},
    {"gemini", "",
     R"({"hook_event_name":"BeforeTool","session_id":"s","cwd":"%","tool_name":"run_shell_command","tool_input":{"command":"rm SKILL.md"}})",
     R"("systemMessage":"[selftune])", R"({"decision":"deny","reason":"[selftune])"},
    {"qwen", "",
     R"({"hook_event_name":"PreToolUse","session_id":"s","tool_name":"write_file","tool_input":{"file_path":"@"}})",
     R"("additionalContext":"[selftune])", R"("permissionDecision":"deny")"},
    {"qwen", "",
     R"({"hook_event_name":"PreToolUse","session_id":"s","cwd":"%","tool_name":"run_shell_command","tool_input":{"command":"mv x SKILL.md"}})",
     R"("additionalContext":"[selftune])", R"("permissionDecision":"deny")"},
    {"copilot", "guard",
     R"({"sessionId":"s","cwd":"%","toolName":"bash","toolArgs":{"command":"cat x | tee SKILL.md"}})",
     "", R"({"permissionDecision":"deny","permissionDecisionReason":"[selftune])"},
    {"copilot", "guard", R"({"sessionId":"s","cwd":"%","toolName":"edit","toolArgs":{"path":"@"}})",
     "", R"({"permissionDecision":"deny","permissionDecisionReason":"[selftune])"},
    {"copilot", "guard", R"({"sessionId":"s","toolName":"edit","toolArgs":"{\"path\":\"@\"}"})", "",
     R"({"permissionDecision":"deny","permissionDecisionReason":"[selftune])"},
    {"cline", "",
     R"({"hookName":"tool_call","taskId":"s","tool_call":{"id":"c","name":"editor","input":{"path":"@"}}})",
     R"({"cancel":false,"contextModification":"[selftune])",
     R"({"cancel":true,"errorMessage":"[selftune])"},
    {"cline", "",
     R"({"hookName":"PreToolUse","taskId":"s","preToolUse":{"toolName":"write_to_file","parameters":{"path":"@"}}})",
     R"({"cancel":false,"contextModification":"[selftune])",
     R"({"cancel":true,"errorMessage":"[selftune])"},
    {"opencode", "event", R"({"type":"pre_tool_use","session_id":"s","tool":"write","path":"@"})",
     R"({"decision":"allow","message":"[selftune])",
     R"({"decision":"block","message":"[selftune])"},
    {"pi", "event",
     R"({"type":"pre_tool_use","session_id":"s","cwd":"%","tool":"shell","command":"echo > SKILL.md"})",
     R"({"decision":"allow","message":"[selftune])",
     R"({"decision":"block","message":"[selftune])"},
};

struct Scene {
  testing::TempDir dir;
  World world;
  std::string skill;

  explicit Scene(const char* mode) {
    skill = dir.Write("skills/pdf/SKILL.md", "---\n---\n");
    world.state_dir = dir.path() + "/state";
    world.home = dir.path();
    world.now = UtcMillis{86'400'000'000};
    base::JsonWriter notes;
    notes.BeginObject().Key("guards").BeginObject().Key(skill).BeginObject();
    notes.Field("skill", "pdf").Field("mode", mode).Field("until_ms", world.now.value + 1);
    notes.EndObject().EndObject().EndObject();
    dir.Write("state/hooks/notes.json", std::move(notes).Take());
  }

  [[nodiscard]] std::string Ask(const Case& c, const std::string& file) const {
    const std::string payload =
        base::ReplaceAll(base::ReplaceAll(c.payload, "@", file), "%", dir.path() + "/skills/pdf");
    const Outcome outcome = Dispatch(world, c.host, c.hook, payload);
    CHECK(outcome.kind == Outcome::Kind::kIgnored);
    CHECK(outcome.exit_code == 0);
    return outcome.reply;
  }
};

bool Has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

TEST_SUITE("hooks/guards") {
  TEST_CASE("each host is advised once a session in the form it reads") {
    for (const Case& c : kCases) {
      CAPTURE(c.host);
      CAPTURE(c.payload);
      const Scene scene("advise");
      const std::string reply = scene.Ask(c, scene.skill);
      if (*c.advice == '\0') {
        CHECK(reply.empty());
      } else {
        CHECK(Has(reply, c.advice));
      }
      CHECK_FALSE(Has(reply, c.refusal));
      CHECK(scene.Ask(c, scene.skill).empty());
    }
  }

  TEST_CASE("set to block, each host is refused until it is over") {
    for (const Case& c : kCases) {
      CAPTURE(c.host);
      CAPTURE(c.payload);
      Scene scene("block");
      CHECK(Has(scene.Ask(c, scene.skill), c.refusal));
      CHECK(Has(scene.Ask(c, scene.skill), c.refusal));
      scene.world.now = UtcMillis{scene.world.now.value + 1};
      CHECK(scene.Ask(c, scene.skill).empty());
    }
  }

  TEST_CASE("reading a watched skill, and other files, need no word") {
    const Scene scene("block");
    for (
        const char* payload :
        {R"({"hook_event_name":"PreToolUse","session_id":"s","cwd":"%","tool_name":"Bash","tool_input":{"command":"cat SKILL.md > /dev/null"}})",
         R"({"hook_event_name":"PreToolUse","session_id":"s","cwd":"%","tool_name":"Bash","tool_input":{"command":["sed","-i","SKILL.md"]}})",
         R"({"hook_event_name":"PreToolUse","session_id":"s","cwd":"/","tool_name":"apply_patch","tool_input":{"command":"*** Update File: SKILL.md\n"}})"}) {
      CAPTURE(payload);
      CHECK(scene.Ask({"codex", "", payload, "", ""}, "").empty());
      CHECK(scene.Ask({"claude", "", payload, "", ""}, "").empty());
    }
  }
}

}  // namespace
}  // namespace selftune::hooks

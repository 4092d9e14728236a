#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "hooks/hosts.h"
#include "hosts/registry.h"

namespace selftune::hooks {
namespace {

using Verdict = Parsed::Verdict;

Parsed Parse(std::string_view payload, std::string_view handler = "") {
  const Host* host = FindHost("claude-code");
  REQUIRE(host != nullptr);
  return host->parse(payload, handler);
}

}  // namespace

TEST_SUITE("hosts/claude_code/hook") {
  TEST_CASE("hosts with hooks are hosts of the registry") {
    for (const Host& host : Hosts()) {
      const hosts::HostRow* row = hosts::FindRow(host.platform);
      REQUIRE(row != nullptr);
      CHECK(row->platform == host.platform);
      CHECK(row->command == host.command);
    }
    CHECK(FindHost("claude_code") == FindHost("claude-code"));
    CHECK(FindHost("claude") == FindHost("claude-code"));
    CHECK(FindHost("claude.code") == nullptr);
    CHECK(FindHost("") == nullptr);
  }

  TEST_CASE("a prompt, its turn and its session") {
    const Parsed parsed = Parse(
        R"({"session_id":"s","transcript_path":"/t","cwd":"/w","prompt_id":"p1","permission_mode":"default",)"
        R"("hook_event_name":"UserPromptSubmit","prompt":"caf\u00e9"})");
    REQUIRE(parsed.verdict == Verdict::kUse);
    CHECK(parsed.event.type == EventType::kPromptSubmit);
    CHECK(parsed.event.session_id == "s");
    CHECK(parsed.event.prompt_id == "p1");
    CHECK(parsed.event.prompt == "caf\u00e9");
    CHECK(parsed.event.cwd == "/w");
    CHECK(parsed.event.transcript_path == "/t");
  }

  TEST_CASE("older releases said user_prompt and no event") {
    const Parsed parsed = Parse(R"({"session_id":"s","user_prompt":"hi"})", "prompt-log");
    REQUIRE(parsed.verdict == Verdict::kUse);
    CHECK(parsed.event.type == EventType::kPromptSubmit);
    CHECK(parsed.event.prompt == "hi");
    CHECK(Parse(R"({"session_id":"s","user_prompt":"hi"})").why == "no_event");
  }

  TEST_CASE("a finished background task is no prompt") {
    CHECK(
        Parse(
            R"({"session_id":"s","hook_event_name":"UserPromptSubmit","prompt":"<task-notification>\nx"})")
            .verdict == Verdict::kIgnore);
  }

  TEST_CASE("a skill call, wherever its keys stand") {
    for (
        const char* payload :
        {R"({"hook_event_name":"PostToolUse","session_id":"s","tool_name":"Skill","tool_use_id":"t","tool_input":{"args":"1 2","skill":"pdf"},"tool_response":{"success":true}})",
         R"({"tool_response":{"success":true},"tool_input":{"skill":"pdf","args":"1 2"},"tool_use_id":"t","tool_name":"Skill","session_id":"s","hook_event_name":"PostToolUse"})"}) {
      CAPTURE(payload);
      const Parsed parsed = Parse(payload);
      REQUIRE(parsed.verdict == Verdict::kUse);
      CHECK(parsed.event.tool == ToolKind::kSkill);
      CHECK(parsed.event.skill == "pdf");
      CHECK(parsed.event.args == "1 2");
      CHECK(parsed.event.tool_call_id == "t");
      CHECK(!parsed.event.tool_failed);
    }
    CHECK(
        Parse(
            R"({"hook_event_name":"PostToolUse","tool_name":"Skill","tool_input":{"skill":"x"},"tool_response":{"success":false}})")
            .event.tool_failed);
  }

  TEST_CASE("other tools and other files are of no interest, and read no further") {
    const std::string cut = R"("tool_response":{"text":")" + std::string(100'000, 'x');  // no end
    CHECK(Parse(R"({"hook_event_name":"PostToolUse","tool_name":"Bash","tool_input":{},)" + cut)
              .verdict == Verdict::kIgnore);
    CHECK(
        Parse(
            R"({"hook_event_name":"PostToolUse","tool_name":"Read","tool_input":{"file_path":"/a.cc"},)" +
            cut)
            .verdict == Verdict::kIgnore);
    CHECK(
        Parse(
            R"({"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"make"},)" +
            cut)
            .verdict == Verdict::kIgnore);
    CHECK(Parse(R"({"hook_event_name":"PreToolUse","tool_name":"Read",)" + cut).verdict ==
          Verdict::kIgnore);
    CHECK(
        Parse(
            R"({"hook_event_name":"PreToolUse","tool_name":"Edit","tool_input":{"file_path":"/a.cc"},)" +
            cut)
            .verdict == Verdict::kIgnore);
    CHECK(
        Parse(
            R"({"hook_event_name":"PostToolUse","tool_name":"Read","tool_input":{"file_path":"/s/SKILL.md"},)" +
            cut)
            .verdict == Verdict::kReject);
  }

  TEST_CASE("a call that failed is a use that failed, and a write is asked about before") {
    const Parsed failed = Parse(
        R"({"hook_event_name":"PostToolUseFailure","session_id":"s","tool_name":"Skill","tool_input":{"skill":"x"},"error":"no such skill"})");
    CHECK(failed.event.type == EventType::kPostToolUse);
    CHECK(failed.event.tool_failed);
    const Parsed write = Parse(
        R"({"hook_event_name":"PreToolUse","session_id":"s","tool_name":"Write","tool_input":{"content":"x","file_path":"/s/pdf/SKILL.md"}})");
    CHECK(write.verdict == Verdict::kUse);
    CHECK(write.event.type == EventType::kPreToolUse);
    CHECK(write.event.tool == ToolKind::kWrite);
    CHECK(write.event.path == "/s/pdf/SKILL.md");
  }

  TEST_CASE("a path in escapes is found too") {
    const Parsed parsed = Parse(
        R"({"hook_event_name":"PostToolUse","session_id":"s","tool_name":"Read","tool_input":{"file_path":"/s/pdf/\u0053KILL.md"}})");
    CHECK(parsed.verdict == Verdict::kUse);
    CHECK(parsed.event.path == "/s/pdf/SKILL.md");
  }

  TEST_CASE("the handler that was asked hears its own event only") {
    const char* stop = R"({"hook_event_name":"Stop","session_id":"s"})";
    CHECK(Parse(stop, "session-stop").verdict == Verdict::kUse);
    CHECK(Parse(stop, "prompt-log").verdict == Verdict::kIgnore);
    CHECK(Parse(stop).event.type == EventType::kTurnEnd);
    CHECK(Parse(R"({"hook_event_name":"SessionEnd","session_id":"s","reason":"clear"})")
              .event.reason == "clear");
    CHECK(Parse(R"({"hook_event_name":"NewInTwoYears","session_id":"s"})").verdict ==
          Verdict::kIgnore);
  }

  TEST_CASE("wrong types are rejected, unknown keys are not") {
    for (
        const char* payload :
        {R"({"hook_event_name":"UserPromptSubmit","session_id":5,"prompt":"x"})",
         R"({"hook_event_name":"UserPromptSubmit","session_id":"s","prompt":["x"]})",
         R"({"hook_event_name":["Stop"],"session_id":"s"})",
         R"({"hook_event_name":"PostToolUse","session_id":"s","tool_name":"Skill","tool_input":"pdf"})",
         R"({"hook_event_name":"PostToolUse","session_id":"s","tool_name":"Skill","tool_input":{"skill":1}})"}) {
      CAPTURE(payload);
      CHECK(Parse(payload).why == "wrong_type");
    }
    CHECK(
        Parse(R"({"hook_event_name":"Stop","session_id":"s","zzz":{"deep":[[{}]]},"effort":null})")
            .verdict == Verdict::kUse);
  }

  TEST_CASE("the answer is empty unless there is something to say") {
    const Host* host = FindHost("claude");
    CHECK(host->render({}, EventType::kPromptSubmit).empty());
    CHECK(
        host->render({.context = "a \"b\""}, EventType::kPromptSubmit) ==
        R"({"hookSpecificOutput":{"hookEventName":"UserPromptSubmit","additionalContext":"a \"b\""}})");
    CHECK(host->render({.context = "a"}, EventType::kTurnEnd).empty());
  }
}

}  // namespace selftune::hooks

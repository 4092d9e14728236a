#include "hooks/event.h"

#include <string>

#include <doctest/doctest.h>

namespace selftune::hooks {
namespace {

HookEvent Full() {
  HookEvent event;
  event.platform = "claude_code";
  event.type = EventType::kPostToolUse;
  event.session_id = "s";
  event.agent_id = "a1";
  event.agent_type = "Explore";
  event.prompt_id = "p";
  event.cwd = "/w";
  event.transcript_path = "/t.jsonl";
  event.transcript_bytes = 49'000'000;
  event.prompt = "quote \" backslash \\ line\n\xc3\xa9\xf0\x9f\x98\x80 \x01";
  event.tool = ToolKind::kSkill;
  event.tool_name = "Skill";
  event.tool_call_id = "toolu_1";
  event.skill = "acme:commit";
  event.args = "";
  event.path = "/x/SKILL.md";
  event.agent_session = "s2";
  event.command = "git commit";
  event.output = "[main 1234567] x";
  event.duration_ms = 7;
  event.commits = {{std::string(40, 'a'), "a \"b\"", "main", "https://x/y", 1'790'000'000'000},
                   {std::string(40, 'b'), "", "", "", 0}};
  event.tool_failed = true;
  event.reason = "other";
  event.handler = "skill-eval";
  event.excerpt = "{";
  return event;
}

}  // namespace

TEST_SUITE("hooks/event") {
  TEST_CASE("an event comes back as it went into the spool") {
    CHECK(FromJson(ToJson(Full())) == Full());
    for (const EventType type :
         {EventType::kPromptSubmit, EventType::kPreToolUse, EventType::kSkillCommand,
          EventType::kTurnEnd, EventType::kAgentStart, EventType::kAgentEnd, EventType::kSessionEnd,
          EventType::kRejected}) {
      HookEvent event;
      event.type = type;
      CHECK(FromJson(ToJson(event)) == event);
    }
  }

  TEST_CASE("bytes that are no UTF-8 become replacement characters") {
    HookEvent event;
    event.type = EventType::kPromptSubmit;
    event.prompt = "a\xff z";
    const auto back = FromJson(ToJson(event));
    REQUIRE(back.has_value());
    CHECK(back->prompt == "a\uFFFD z");
  }

  TEST_CASE("what is not an event is none") {
    for (const char* json :
         {"", "{}", "[]", R"({"type":"sing"})", R"({"type":5})",
          R"({"type":"prompt_submit","prompt":5})", R"({"type":"prompt_submit","session_id":{}})",
          R"({"type":"prompt_submit")", R"({"type":"post_tool_use","commits":["x"]})",
          R"({"type":"post_tool_use","commits":{"a":1}})",
          R"({"type":"post_tool_use","duration_ms":"long"})",
          R"({"type":"turn_end","transcript_bytes":"many"})"}) {
      CAPTURE(json);
      CHECK(!FromJson(json).has_value());
    }
    CHECK(FromJson(R"({"new":{"field":[1]},"type":"turn_end","prompt":null})").has_value());
  }

  TEST_CASE("names a host may have") {
    for (const char* name : {"a", "my_agent", "claude_code", "a2"}) CHECK(IsPlatform(name));
    for (const char* name :
         {"", "_a", "2a", "My", "a-b", "a b", "\xc3\xa9", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
      CAPTURE(name);
      CHECK(!IsPlatform(name));
    }
  }
}

}  // namespace selftune::hooks

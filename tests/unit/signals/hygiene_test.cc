#include "signals/hygiene.h"

#include <string>

#include <doctest/doctest.h>

namespace selftune::signals {

TEST_SUITE("signals/hygiene") {
  TEST_CASE("what no person typed is dropped with its reason") {
    struct Case {
      std::string text;
      std::string category;
    };
    const Case cases[] = {
        {"", "empty"},
        {" - ", "empty"},
        {"(query not found)", "empty"},
        {"\xEF\xBB\xBF\n", "empty"},
        {"<system-reminder>x</system-reminder>", "wrapper_only"},
        {"<SYSTEM-REMINDER a='b'>x</System-Reminder>\n<command-name>/x</command-name>",
         "wrapper_only"},
        {"<permissions instructions>x</permissions instructions>", "wrapper_only"},
        {"<tool_result>1</tool_result>", "tool_result"},
        {"<tool_result>1</tool_result><teammate-message>2</teammate-message>", "wrapper_only"},
        {"<function_results>1", "tool_result"},
        {"<environment_context>\n<cwd>/x</cwd>", "wrapper_unclosed"},
        {"<ide_selection", "wrapper_unclosed"},
        {"[Automated run 7] nightly", "automation"},
        {"[System] heartbeat", "automation"},
        {"[Request interrupted by user for tool use]", "interrupt"},
        {"Base directory for this skill: /x", "skill_body"},
        {"This session is being continued from a previous conversation.", "compaction"},
        {"gitStatus: clean", "prefix"},
        {"Tool loaded.", "prefix"},
        {"Continue from where you left off.", "prefix"},
        {"The following skills are available for use", "prefix"},
        {"[selftune:internal v1 purpose=judge run=1]\nhi", "self_prompt"},
        {"Stop hook feedback: run the tests", "hook_output"},
        {"PreToolUse hook blocked", "hook_output"},
        {"SubagentStop hook error: 1", "hook_output"},
        {"Stop:hook ok", "hook_output"},
        {"PreCompact:manual", "hook_output"},
        {"you are an evaluation assistant. Answer.", "self_prompt"},
        {"You are refining a cold-start eval set", "self_prompt"},
        {"You are a helper. Respond with only the number.", "agent_prompt"},
        {"Act as a linter. Return ONLY valid JSON", "agent_prompt"},
        {"Your job is to sort. Output nothing else.", "agent_prompt"},
        {"You are the judge: is it blue, yes or no?", "agent_prompt"},
        {"Generate a concise title for this. No other text.", "agent_prompt"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      const Hygiene result = CheckAuthor(c.text);
      CHECK(result.verdict == HygieneVerdict::kDrop);
      CHECK(result.category == c.category);
    }
  }

  TEST_CASE("what a person typed is kept without its wrappers") {
    struct Case {
      std::string text;
      std::string want;
    };
    const Case cases[] = {
        {"  hi there ", "hi there"},
        {"<system-reminder>x</system-reminder>\n\nadd a row", "add a row"},
        {"<command-message>x</command-message> <command-args>y</command-args>go", "go"},
        {"<system-reminder-x>hm</system-reminder-x>", "<system-reminder-x>hm</system-reminder-x>"},
        {"<div>what is this?</div>", "<div>what is this?</div>"},
        {"fix <system-reminder>x</system-reminder>", "fix <system-reminder>x</system-reminder>"},
        {"Stop: wrong sheet", "Stop: wrong sheet"},
        {"Stop hooking into my shell", "Stop hooking into my shell"},
        {"Stop hook feedbacks from showing", "Stop hook feedbacks from showing"},
        {"You are right", "You are right"},
        {"You are a genius, thanks", "You are a genius, thanks"},
        {"Answer with only one word: is it blue?", "Answer with only one word: is it blue?"},
        {"[System tests] fail on main", "[System tests] fail on main"},
        {"CONTEXT: we ship tomorrow", "CONTEXT: we ship tomorrow"},
        {"Completing task 4 needs a diagram", "Completing task 4 needs a diagram"},
        {"You are a poet. Write about the only output of the mill",
         "You are a poet. Write about the only output of the mill"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      const Hygiene result = CheckAuthor(c.text);
      CAPTURE(std::string(result.category));
      CHECK(result.verdict == HygieneVerdict::kKeep);
      CHECK(result.text == c.want);
    }
  }
}

}  // namespace selftune::signals

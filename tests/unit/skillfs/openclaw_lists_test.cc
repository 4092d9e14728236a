// Lists of the skills that agents of OpenClaw have.
#include <string>

#include <doctest/doctest.h>

#include "named_roots_machine.h"

namespace selftune {
namespace {

using named_roots::CheckAll;

TEST_SUITE("skillfs/openclaw lists") {
  TEST_CASE("openclaw: an agent with a list has no other skills") {
    const char* const file = "home/.openclaw/openclaw.json";
    const char* const pdf = "home/.openclaw/skills/pdf";
    const char* const docx = "home/.openclaw/skills/docx";
    const std::string pdf_on = std::string(pdf) + ": pdf global";
    const std::string docx_on = std::string(docx) + ": docx global";
    const std::string off = std::string(", off by ") + file;
    const auto off_in = [&](const std::string& workspace) {
      return ", off in " + workspace + " by " + file;
    };
    const std::string usual = "home/.openclaw/workspace";
    CheckAll({
        {"no list",
         "openclaw",
         {pdf},
         {{file, R"({"agents": {"list": [{"id": "main"}]}})"}},
         {pdf_on}},
        {"of the only agent: off everywhere",
         "openclaw",
         {pdf, docx},
         {{file, R"({"agents": {"list": [{"id": "main", "skills": [" pdf "]}]}})"}},
         {docx_on + off, pdf_on}},
        {"of all agents",
         "openclaw",
         {pdf, docx},
         {{file, R"({"agents": {"defaults": {"skills": ["pdf"]}}})"}},
         {docx_on + off, pdf_on}},
        {"an empty one is a list",
         "openclaw",
         {pdf},
         {{file, R"({"agents": {"defaults": {"skills": []}}})"}},
         {pdf_on + off}},
        {"of one of two, by its workspace",
         "openclaw",
         {pdf, docx},
         {{file, R"({"agents": {"list": [{"id": "main"}, {"id": "b", "skills": ["pdf"]}]}})"}},
         {docx_on + off_in("home/.openclaw/workspace-b"), pdf_on}},
        {"its own takes the place of that of all",
         "openclaw",
         {pdf, docx},
         {{file, R"({"agents": {"defaults": {"skills": ["pdf"]},
                                "list": [{"id": "main", "skills": ["docx"]}, {"id": "b"}]}})"}},
         {docx_on + off_in("home/.openclaw/workspace-b"), pdf_on + off_in(usual)}},
        {"agents by their ids",
         "openclaw",
         {pdf},
         {{file, R"({"agents": {"entries": {"main": {}, "b": {"skills": []}}}})"}},
         {pdf_on + off_in("home/.openclaw/workspace-b")}},
        {"two that share a workspace have the skills of both",
         "openclaw",
         {pdf, docx},
         {{file, R"({"agents": {"list": [{"id": "a", "workspace": "~/w", "skills": ["pdf"]},
                                         {"id": "b", "workspace": "~/w"}]}})"}},
         {docx_on, pdf_on}},
        {"a list does not switch on what is off",
         "openclaw",
         {pdf},
         {{file, R"({"agents": {"defaults": {"skills": ["pdf"]}},
                     "skills": {"entries": {"pdf": {"enabled": false}}}})"}},
         {pdf_on + off}},
        {"nor an entry what is in no list",
         "openclaw",
         {pdf},
         {{file, R"({"agents": {"defaults": {"skills": ["docx"]}},
                     "skills": {"entries": {"pdf": {"enabled": true}}}})"}},
         {pdf_on + off}},
    });
  }

  TEST_CASE(
      "openclaw: a list switches nothing on, nor off for certain, in what is not understood") {
    const char* const file = "home/.openclaw/openclaw.json";
    const char* const skill = "home/.openclaw/skills/pdf";
    for (
        const char* settings :
        {R"({"agents": {"defaults": {"skills": ["pdf"]}}, "skills": {"entries": {"pdf": false}}})",
         R"({"agents": {"defaults": {"skills": ["pdf"]}}, "skills": {"entries": {"pdf": {"enabled": "no"}}}})",
         R"({"agents": {"defaults": {"skills": 7}}})",
         // The second may be an agent that has everything.
         R"({"agents": {"list": [{"id": "a", "workspace": "~/w", "skills": ["docx"]}, 5]}})"}) {
      CAPTURE(settings);
      const named_roots::Machine machine;
      machine.Skill(skill);
      machine.Write({file, settings});
      const named_roots::Lines told = machine.Told(machine.Find("openclaw"));
      REQUIRE(told.size() == 1);
      CAPTURE(told[0]);
      CHECK(told[0].find(std::string("unknown by ") + file) != std::string::npos);
      CHECK(told[0].find(std::string("off by ")) == std::string::npos);
    }
  }
}

}  // namespace
}  // namespace selftune

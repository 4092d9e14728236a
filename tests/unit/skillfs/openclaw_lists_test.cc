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
         {docx_on + off + off_in(usual), pdf_on}},
        {"of all agents",
         "openclaw",
         {pdf, docx},
         {{file, R"({"agents": {"defaults": {"skills": ["pdf"]}}})"}},
         {docx_on + off + off_in(usual), pdf_on}},
        {"an empty one is a list",
         "openclaw",
         {pdf},
         {{file, R"({"agents": {"defaults": {"skills": []}}})"}},
         {pdf_on + off + off_in(usual)}},
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
         {pdf_on + off + off_in(usual)}},
    });
  }
}

}  // namespace
}  // namespace selftune

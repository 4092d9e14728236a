#include "eval/classify.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/json_value.h"
#include "support/test_files.h"

namespace selftune::eval {
TEST_SUITE("eval/classify") {
  TEST_CASE("the labelled queries get their labels") {
    const base::JsonValue fixture = testing::ReadJson("eval/invocation_prompts.json");
    int positives = 0;
    for (const base::JsonValue& entry : fixture["entries"].items()) {
      if (!entry["should_trigger"].AsBool()) continue;
      ++positives;
      CAPTURE(entry["query"].AsString());
      const auto label = ClassifyInvocation(entry["query"].AsString(), entry["skill"].AsString());
      CHECK(Word(label.type) == entry["v2_label"].AsString());
      CHECK(Word(label.type) == entry["invocation_type"].AsString());
    }
    CHECK(positives == 24);
  }

  TEST_CASE("each rule fires where it should") {
    struct Case {
      std::string query;
      std::string skill;
      std::string rule;
    };
    const Case cases[] = {
        {"/pdf fill this in", "pdf", "E1"},
        {"please run $PDF on it", "pdf", "E1"},
        {"(@pdf) now", "pdf", "E1"},
        {"type `/pdf` to start", "pdf", "E1"},
        {"see a/pdf here", "pdf", "I"},
        {"$pdf-tools is another one", "pdf", "I"},
        {"$acme:billing now", "acme:billing", "E1"},
        {"use webapp-testing here", "webapp-testing", "E2"},
        {"WEBAPP_TESTING please", "webapp-testing", "E2"},
        {"my-webapp-testing thing", "webapp-testing", "I"},
        {"webapp-testing-suite is different", "webapp-testing", "I"},
        {"call webappTesting", "webapp-testing", "E2"},
        {"WebappTesting", "webapp-testing", "E2"},
        {"webapptesting", "webapp-testing", "I"},
        {"run the webapp testing on it", "webapp-testing", "E3"},
        {"use webapp  testing", "webapp-testing", "E3"},
        {"webapp testing matters to us", "webapp-testing", "I"},
        {"do the testing of the webapp", "webapp-testing", "I"},
        {"ask changelogger about it", "changelogger", "E4"},
        {"the Changelogger, again", "changelogger", "E4"},
        {"changeloggers", "changelogger", "I"},
        {"make it a pdf", "pdf", "I"},
        {"commit this", "commit", "I"},
        {"use the pdf skill", "pdf", "E5"},
        {"the \"pdf\" skill did it", "pdf", "E5"},
        {"webapp testing plugin", "webapp-testing", "E5"},
        {"the commit command", "commit", "E5"},
        {"use the skill called 'pdf'", "pdf", "E6"},
        {"the skill pdf", "pdf", "E6"},
        {"skill named webapp testing", "webapp-testing", "E6"},
        {"pdfs everywhere", "pdf", "I"},
        {"mentor the ms people in the office for a suite booking", "ms-office-suite", "I"},
        {"a b c d e f g h i j k l m n o p", "pptx", "C1"},
        {"a b c d e f g h i j k l m n o", "pptx", "I"},
        {"send it to ana@example.org", "pptx", "C2"},
        {"look at HTTPS://example.org", "pptx", "C2"},
        {"ping @ana about it", "pptx", "I"},
        {"open budget.xlsx", "pptx", "C3"},
        {"open Budget.XLSX, now", "pptx", "C3"},
        {"port it to node.js", "pptx", "I"},
        {"port it to next.js", "pptx", "I"},
        {"fix main.js", "pptx", "C3"},
        {"v1.25 upgrade", "pptx", "I"},
        {"e.g. this one", "pptx", "I"},
        {"look in src/app/main", "pptx", "C3"},
        {"look in ~/a/b/c", "pptx", "C3"},
        {"this and/or that", "pptx", "I"},
        {"finish it next week", "pptx", "C4"},
        {"finish it this  quarter", "pptx", "C4"},
        {"every week", "pptx", "I"},
        {"by tomorrow", "pptx", "C4"},
        {"numbers for q3", "pptx", "C4"},
        {"due 2026-11-25", "pptx", "C4"},
        {"due 2026-11", "pptx", "C4"},
        {"at 5pm", "pptx", "C4"},
        {"at 11 AM", "pptx", "C4"},
        {"i am 30", "pptx", "I"},
        {"may I ask", "pptx", "I"},
        {"we march in step", "pptx", "I"},
        {"send it in May", "pptx", "C4"},
        {"on May 5", "pptx", "C4"},
        {"the 5th of March", "pptx", "C4"},
        {"make a slide deck", "pptx", "I"},
        {"Make a slide deck", "pptx", "I"},
        {"Fix it. Then make it bigger", "pptx", "I"},
        {"make a deck for Tomasz", "pptx", "C5"},
        {"Anneke left", "pptx", "I"},
        {"- Fix\n- Polish\n2. Ship", "pptx", "I"},
        {"say \"Hello\" to them", "pptx", "I"},
        {"done: Next one", "pptx", "I"},
        {"write it in Python for Claude", "pptx", "I"},
        {"a b c d e f g h i 42", "pptx", "C6"},
        {"a b c d e f g h 42", "pptx", "I"},
        {"a b c d e f g h i CFO", "pptx", "C6"},
        {"a b c d e f g h i PDF", "pptx", "I"},
        {"", "pptx", "I"},
        {"   ", "pptx", "I"},
        {"anything", "", "I"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.query);
      CAPTURE(c.skill);
      CHECK(ClassifyInvocation(c.query, c.skill).rule == c.rule);
    }
  }

  TEST_CASE("further everyday names come from the caller") {
    CHECK(ClassifyInvocation("check the invoices", "invoices").rule == "E4");
    const std::vector<std::string> generic = {"invoices"};
    CHECK(ClassifyInvocation("check the invoices", "invoices", generic).rule == "I");
    CHECK(ClassifyInvocation("$invoices check", "invoices", generic).rule == "E1");
  }
}

}  // namespace selftune::eval

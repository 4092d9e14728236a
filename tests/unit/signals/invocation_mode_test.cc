#include "signals/invocation_mode.h"

#include <string>

#include <doctest/doctest.h>

namespace selftune::signals {

TEST_SUITE("signals/invocation_mode") {
  TEST_CASE("a prompt names a skill by a whole word in any spelling") {
    struct Case {
      std::string prompt;
      std::string skill;
      bool names;
    };
    const Case cases[] = {
        {"make a PDF of this", "pdf", true},
        {"pdf", "pdf", true},
        {"the pdf.", "pdf", true},
        {"(pdf)", "pdf", true},
        {"open report.pdf", "pdf", false},
        {"pdfs everywhere", "pdf", false},
        {"a pdf-like page", "pdf", false},
        {"fix the pre-commit hook", "commit", false},
        {"use commit, please", "commit", true},
        {"run code-review", "code-review", true},
        {"run the Code Review", "code-review", true},
        {"CodeReview this", "code-review", true},
        {"code_review", "code-review", true},
        {"review the code", "code-review", false},
        {"code\nreview", "code-review", true},
        {"acme:billing please", "acme:billing", true},
        {"do the billing", "acme:billing", true},
        {"acme", "acme:billing", false},
        {"rebilling", "acme:billing", false},
        {"/lint src", "lint", true},
        {"see .lint", "lint", true},
        {"", "pdf", false},
        {"anything", "", false},
        {"\xC3\xA4pdf", "pdf", false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.prompt);
      CAPTURE(c.skill);
      CHECK(PromptNamesSkill(c.prompt, c.skill) == c.names);
    }
  }
}

}  // namespace selftune::signals

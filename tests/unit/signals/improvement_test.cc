#include "signals/improvement.h"
#include "signals/quick_look.h"

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "unit/signals/show.h"

namespace selftune::signals {
namespace {

const std::vector<std::string> kInstalled = {
    "commit",    "code-review", "pdf",  "deploy-check", "frontend-design", "release_notes",
    "sql-tuner", "Research",    "lint", "acme:billing", "my-notes"};

struct Case {
  std::string prompt;
  std::string want;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    CAPTURE(c.prompt);
    CHECK(Show(DetectSignals(c.prompt, kInstalled)) == c.want);
    if (!c.want.empty()) CHECK(MayHaveSignals(c.prompt));
  }
}

// Nanoseconds of this thread, whatever else the machine does; the least of several.
int64_t CostOf(const std::string& prompt, const std::vector<std::string>& installed) {
  const auto now = [] {
    timespec at{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
  };
  int64_t least = INT64_MAX;
  for (int i = 0; i < 10; ++i) {
    const int64_t begin = now();
    (void)DetectSignals(prompt, installed);
    least = std::min(least, now() - begin);
  }
  return least;
}

}  // namespace

TEST_SUITE("signals/improvement") {
  TEST_CASE("corrections say that a skill should have been used") {
    Check({
        {"why haven't you run lint yet?", "correction:lint+"},
        {"Why aren't you using the pdf skill?", "correction:pdf+"},
        {"why are you not using sql-tuner here", "correction:sql-tuner+"},
        {"how come you never ran deploy-check", "correction:deploy-check+"},
        {"How come you haven't invoked code review?", "correction:code-review+"},
        {"why did you never run lint on these", "correction:lint+"},
        {"why didn't you just use commit?", "correction:commit+"},
        {"Why didn't you even try using Research", "correction:Research+"},
        {"why didnt u run lint", "correction:lint+"},
        {"why did you not call the release-notes skill?", "correction:release_notes+"},
        {"why didn't\nyou use\nthe pdf skill", "correction:pdf+"},
        {"why you didn't use lint is beyond me", "correction:lint+"},
        {"you should of used commit", "correction:commit+"},
        {"you shouldve run lint", "correction:lint+"},
        {"You should really have invoked deploy-check", "correction:deploy-check+"},
        {"you really should have used my frontend design skill", "correction:frontend-design+"},
        {"you should have probably used **Research**", "correction:Research+"},
        {"you should have used billing for that", "correction:acme:billing+"},
        {"you should\xE2\x80\x99ve used \xE2\x80\x9C"
         "commit\xE2\x80\x9D",
         "correction:commit+"},
        {"Shouldn't you have run 'lint' first?", "correction:lint+"},
        {"next time just run deploy-check", "correction:deploy-check+"},
        {"Next time do use Research", "correction:Research+"},
        {"next time you can use lint", "correction:lint+"},
        {"next time, could you please run `code-review`?", "correction:code-review+"},
        {"next time use $commit", "correction:commit+"},
        {"And next time, please, use commit.", "correction:commit+"},
        {"forgot to run lint again", "correction:lint+"},
        {"you clearly forgot to call sql tuner", "correction:sql-tuner+"},
        {"Seems the agent forgot to run lint", "correction:lint+"},
        {"You fixed it but forgot to run lint", "correction:lint+"},
        {"you did not use commit", "correction:commit+"},
        {"you didn't even load the frontend-design skill", "correction:frontend-design+"},
        {"You never actually used Research", "correction:Research+"},
        {"why did you answer from memory instead of using Research?", "correction:Research+"},
        {"You guessed instead of using the sql-tuner skill", "correction:sql-tuner+"},
        {"why didn't you use the changelog-bot skill?", "correction:changelog-bot-"},
        {"you should have used my notes", "correction:my-notes+"},
        {"Next time please don't forget to run lint", "correction:lint+"},
        {"next time make sure you use Research", "correction:Research+"},
        {"Next time: remember to run deploy check", "correction:deploy-check+"},
        {"why would you not use lint here?", "correction:lint+"},
        {"You committed without running lint", "correction:lint+"},
        {"why did you not use commit, explain it without using Research",
         "correction:commit+ unwanted:Research+"},
        {"Why did you guess, instead of using Research?", "correction:Research+"},
        {"You should have picked Research", "correction:Research+"},
        {"why didn\u00B4t you apply code review", "correction:code-review+"},
        {"how come you did not follow the frontend design skill?", "correction:frontend-design+"},
        {"You did not actually run lint, did you?", "correction:lint+"},
        {"you forgot to use commit. Please use the pdf skill.",
         "correction:commit+ explicit_request:pdf+"},
    });
  }

  TEST_CASE("unwanted uses") {
    Check({
        {"why are you running deploy-check on a draft", "unwanted:deploy-check+"},
        {"Why'd you use commit?", "unwanted:commit+"},
        {"why do you keep using Research for trivia", "unwanted:Research+"},
        {"you should not have run lint there", "unwanted:lint+"},
        {"you shouldnt have loaded pdf", "unwanted:pdf+"},
        {"you should never have used commit on main", "unwanted:commit+"},
        {"please stop running lint", "unwanted:lint+"},
        {"Stop triggering the deploy-check skill!", "unwanted:deploy-check+"},
        {"do not use commit for this", "unwanted:commit+"},
        {"dont run lint", "unwanted:lint+"},
        {"Don\xE2\x80\x99t please use the pdf skill", "unwanted:pdf+"},
        {"never run deploy-check on Fridays", "unwanted:deploy-check+"},
        {"you must never use commit for drafts", "unwanted:commit+"},
        {"avoid using the Research skill", "unwanted:Research+"},
        {"Avoid running lint on vendored code", "unwanted:lint+"},
        {"answer without invoking research", "unwanted:Research+"},
        {"use plain text instead of the pdf skill", "unwanted:pdf+"},
        {"write it by hand instead of using release_notes", "unwanted:release_notes+"},
        {"rather than using the sql-tuner skill, read the plan yourself", "unwanted:sql-tuner+"},
        {"I don't want you to use the pdf skill", "unwanted:pdf+"},
        {"I told you not to use commit", "unwanted:commit+"},
        {"Next time don't use commit", "unwanted:commit+"},
        {"don't bother running lint", "unwanted:lint+"},
        {"Can you stop using the pdf skill?", "unwanted:pdf+"},
        {"could you not use commit for this", "unwanted:commit+"},
        {"I told you never to use commit here", "unwanted:commit+"},
        {"we should never run deploy-check twice", "unwanted:deploy-check+"},
        {"Why did you use lint instead of the code-review skill?",
         "unwanted:lint+ correction:code-review+"},
        {"don't use the foo-bar skill", "unwanted:foo-bar-"},
        {"don't use lint. use the code-review skill instead",
         "unwanted:lint+ explicit_request:code-review+"},
        {"use the pdf skill instead of the Research skill",
         "explicit_request:pdf+ unwanted:Research+"},
        {"Instead of the pdf skill, use the Research skill",
         "unwanted:pdf+ explicit_request:Research+"},
        {"please use the pdf skill without running lint", "explicit_request:pdf+ unwanted:lint+"},
        {"Don't use the pdf skill, use the Research skill",
         "unwanted:pdf+ explicit_request:Research+"},
    });
  }

  TEST_CASE("explicit requests") {
    Check({
        {"would you run the code-review skill?", "explicit_request:code-review+"},
        {"I need you to run the lint skill", "explicit_request:lint+"},
        {"I'd like to try the frontend design skill", "explicit_request:frontend-design+"},
        {"we need to use the pdf skill for this", "explicit_request:pdf+"},
        {"Fill in the form via our pdf skill", "explicit_request:pdf+"},
        {"For the contract use the pdf skill", "explicit_request:pdf+"},
        {"Here is the report, now run the lint skill on it", "explicit_request:lint+"},
        {"I can't read this scan, please use the pdf skill", "explicit_request:pdf+"},
        {"I can't read this scan, use the pdf skill", "explicit_request:pdf+"},
        {"we deploy tomorrow so run the deploy-check skill", "explicit_request:deploy-check+"},
        {"use the \"code review\" skill", "explicit_request:code-review+"},
        {"**use the pdf skill**", "explicit_request:pdf+"},
        {"use the `pdf` skill", "explicit_request:pdf+"},
        {"use the pdf skill and the Research skill",
         "explicit_request:pdf+ explicit_request:Research+"},
        {"run the lint and commit skills", "explicit_request:lint+ explicit_request:commit+"},
        {"Use acme:billing skill", "explicit_request:acme:billing+"},
        {"use the new pdf skill", "explicit_request:pdf+"},
        {"make sure you run the lint skill", "explicit_request:lint+"},
        {"I think you should use the Research skill", "explicit_request:Research+"},
        {"When you are done, run the lint skill", "explicit_request:lint+"},
        {"When you are done run the lint skill", "explicit_request:lint+"},
        {"don't forget to use the commit skill", "explicit_request:commit+"},
        {"Is this table right? Use the pdf skill to check", "explicit_request:pdf+"},
        {"would you mind using the pdf skill?", "explicit_request:pdf+"},
        {"Use the pdf skill. Then use the pdf skill again.", "explicit_request:pdf+"},
        {"try out the frontend-design skill", "explicit_request:frontend-design+"},
        {"- use the lint skill\n- use the commit skill",
         "explicit_request:lint+ explicit_request:commit+"},
        {"use the deploy skill", "explicit_request:deploy-"},
        {"Extract the totals with the pdf-tables skill", "explicit_request:pdf-tables-"},
        {"go ahead and run the deploy-check skill", "explicit_request:deploy-check+"},
        {"I want this summarised with the Research skill", "explicit_request:Research+"},
        {"let's use the code review skill", "explicit_request:code-review+"},
        {"Please use \xE2\x80\x98pdf\xE2\x80\x99 skill", "explicit_request:pdf+"},
        {"No, use the pdf skill", "explicit_request:pdf+"},
        {"do the changelog with the changelog-bot skill?", "explicit_request:changelog-bot-"},
        {"I can't read it, I want you to run the pdf skill", "explicit_request:pdf+"},
        {"It is not urgent, could you run the lint skill?", "explicit_request:lint+"},
        {"we should run lint too, do the rest via the code review skill",
         "explicit_request:code-review+"},
        {"After that use the pdf skill", "explicit_request:pdf+"},
        {"do it with the pdf skill", "explicit_request:pdf+"},
        {"Please do this using the lint skill", "explicit_request:lint+"},
        {"I uploaded it, can you summarise it with the pdf skill?", "explicit_request:pdf+"},
        {"the contract is attached please summarise it with the pdf skill",
         "explicit_request:pdf+"},
        {"For scans with no text layer use the pdf skill", "explicit_request:pdf+"},
        {"follow up with the Research skill", "explicit_request:Research+"},
        {"Extract all the tables use the pdf skill", "explicit_request:pdf+"},
        {"May I ask you to run the lint skill?", "explicit_request:lint+"},
        {"any chance you could run the lint skill?", "explicit_request:lint+"},
        {"this needs to be done with the pdf skill", "explicit_request:pdf+"},
        {"make it use the pdf skill", "explicit_request:pdf+"},
        {"if it helps use the pdf skill", "explicit_request:pdf+"},
        {"we should use the Research skill for this", "explicit_request:Research+"},
        {"Open the file and use the pdf skill", "explicit_request:pdf+"},
        {"I wanted you to use the pdf skill", "explicit_request:pdf+"},
        {"if you see tables then use the pdf skill", "explicit_request:pdf+"},
        {"It's time to use the pdf skill", "explicit_request:pdf+"},
        {"Don't guess \u2013 run the lint skill", "explicit_request:lint+"},
        {"That is not what I asked for: use the pdf skill", "explicit_request:pdf+"},
        {"To summarise the contract use the pdf skill", "explicit_request:pdf+"},
    });
  }

  TEST_CASE("talk about skills is no request") {
    Check({
        {"How should I use the pdf skill?", ""},
        {"I don't know how to use the pdf skill", ""},
        {"does it use the lint skill by default?", ""},
        {"do we run the deploy-check skill in CI?", ""},
        {"should I run the lint skill before committing", ""},
        {"If you use the pdf skill the fonts break", ""},
        {"when I use the Research skill it times out", ""},
        {"I always use the commit skill", ""},
        {"they never use the lint skill", ""},
        {"people usually run the lint skill in a hook", ""},
        {"you can't use the pdf skill offline", ""},
        {"There is a problem with the pdf skill", ""},
        {"I found a bug with the sql-tuner skill", ""},
        {"what's wrong with the lint skill?", ""},
        {"Compare plain reading with the pdf skill", ""},
        {"what is the difference between lint and using the code-review skill", ""},
        {"Is it worth using the pdf skill for two pages?", ""},
        {"What does it mean to use the pdf skill?", ""},
        {"our scripts use the lint skill", ""},
        {"We build the changelog with the release_notes skill", ""},
        {"I made this with the pdf skill yesterday", ""},
        {"thanks for using the commit skill", ""},
        {"use the pdf skill folder as the base", ""},
        {"use the pdf skill's template", ""},
        {"Are you using the lint skill?", ""},
        {"use the appropriate skill", ""},
        {"use whichever skill fits", ""},
        {"please use your best skill", ""},
        {"use a skill for this", ""},
        {"no need to use the pdf skill", ""},
        {"you don't have to use the pdf skill", ""},
        {"The README says 'you should have used lint', is that right?", ""},
        {"can I use the pdf skill on scans?", ""},
        {"before you run the lint skill it is slow", ""},
        {"I was going to use the pdf skill but it crashed", ""},
        {"I will use the pdf skill myself", ""},
        {"explain when to use the pdf skill", ""},
        {"my colleague forgot to use the lint skill", ""},
        {"I forgot to call the pdf skill", ""},
        {"do these use the pdf skill?", ""},
        {"We open the file and use the pdf skill", ""},
        {"most teams use the lint skill", ""},
        {"something is off with the pdf skill", ""},
        {"The table was extracted with the pdf skill", ""},
        {"It was made using the frontend-design skill", ""},
        {"there is no point in trying to use the pdf skill", ""},
        {"explain how we do releases with the deploy-check skill", ""},
        {"To use the pdf skill you need poppler", ""},
        {"trying to use the pdf skill but it fails", ""},
        {"Is there a way to use the pdf skill offline?", ""},
        {"I wanted to use the pdf skill but gave up", ""},
        {"how do I open the file then use the pdf skill", ""},
        {"tools that use the pdf skill", ""},
        {"why not use the pdf skill?", ""},
        {"decide whether to use the pdf skill", ""},
        {"the docs say users run the commit skill", ""},
        {"what happens when you run the lint skill", ""},
    });
  }

  TEST_CASE("corrections of other things are none") {
    Check({
        {"you should have used a lint roller", ""},
        {"why didn't you call commit() on the transaction?", ""},
        {"you should have called commit(msg)", ""},
        {"next time use PDF files please", ""},
        {"you didn't use commit messages in English", ""},
        {"next time I use commit I will check the branch", ""},
        {"next time you use commit, add a scope", ""},
        {"next time we run lint", ""},
        {"we forgot to run lint", ""},
        {"My colleague forgot to use lint", ""},
        {"I fixed it and forgot to run lint", ""},
        {"she just forgot to use commit", ""},
        {"if you didn't run lint, tell me", ""},
        {"if you never used Research, skip this", ""},
        {"you should have run the tests", ""},
        {"why didn't they use lint", ""},
        {"I don't use commit", ""},
        {"We never run lint on generated code", ""},
        {"I have never used Research", ""},
        {"I did it without using the pdf skill", ""},
        {"use tabs instead of commit", ""},
        {"why do you use commit?", ""},
        {"Why not?", ""},
        {"you should have, you know, asked", ""},
        {"don't just run lint, fix the errors", ""},
        {"don't stop using lint", ""},
        {"never deploy without running deploy-check", ""},
        {"glad you didn't use commit", ""},
        {"when did you stop using lint?", ""},
        {"stop. using lint is fine", ""},
        {"you should have used lint.py", ""},
        {"Run lint", ""},
        {"you should have used", ""},
    });
  }

  TEST_CASE("quoted text, code and quoted lines are not the person's words") {
    Check({
        {"`why didn't you use commit`", ""},
        {"~~~\nuse the pdf skill\n~~~\n", ""},
        {"```\nuse the pdf skill", ""},
        {"Look:\n````md\n```\nuse the pdf skill\n```\n````\nok", ""},
        {"> use the pdf skill\n> you should have used lint", ""},
        {"  > stop using commit\nhm", ""},
        {"He wrote \xE2\x80\x9Cplease use the pdf skill\xE2\x80\x9D.", ""},
        {"print \"use the pdf skill\" to stdout", ""},
        {"```sh\nmake\n```\nyou should have used lint", "correction:lint+"},
        {"he said \"stop\". Use the pdf skill", "explicit_request:pdf+"},
        {"[System] use the pdf skill", ""},
        {"[Automated] you should have used lint", ""},
        {"<tool_result>use the pdf skill</tool_result>", ""},
    });
  }

  TEST_CASE("a prompt that starts with the command of an installed skill") {
    Check({
        {"/commit", "manual_invocation:commit+"},
        {"  $commit now", "manual_invocation:commit+"},
        {"/Code_Review", "manual_invocation:code-review+"},
        {"/billing list", "manual_invocation:acme:billing+"},
        {"/lint\nsrc", "manual_invocation:lint+"},
        {"/pdf and don't use Research", "manual_invocation:pdf+ unwanted:Research+"},
        {"/commit, please", ""},
        {"/pdf/report.pdf is broken", ""},
        {"$HOME is wrong", ""},
        {"see /commit", ""},
        {"/ commit", ""},
        {"/", ""},
        {"$", ""},
    });
  }

  TEST_CASE("signals come in text order and once") {
    Check({
        {"use the pdf skill, you should have used lint, use the PDF skill",
         "explicit_request:pdf+ correction:lint+"},
        {"Stop using commit. You forgot to run lint. Stop using commit.",
         "unwanted:commit+ correction:lint+"},
    });
  }

  TEST_CASE("a full name beats the last part of a plugin's name") {
    const std::vector<std::string> installed = {"acme:pdf", "pdf"};
    CHECK(Show(DetectSignals("use the pdf skill", installed)) == "explicit_request:pdf+");
    CHECK(Show(DetectSignals("use the acme pdf skill", installed)) == "explicit_request:acme:pdf+");
    CHECK(Show(DetectSignals("use the pdf skill", {})) == "explicit_request:pdf-");
    CHECK(DetectSignals("you should have used pdf", {}).empty());
  }

  TEST_CASE("only the first 8 KiB count") {
    const std::string filler(kMaxSignalBytes, 'x');
    CHECK(DetectSignals(filler + " use the pdf skill", kInstalled).empty());
    CHECK(Show(DetectSignals("use the pdf skill " + filler, kInstalled)) ==
          "explicit_request:pdf+");
    // The word at the cut is not read as a shorter one.
    std::string cut(kMaxSignalBytes - 24, ' ');
    cut = "x" + cut + "you should have used lintel";
    CHECK(DetectSignals(cut, kInstalled).empty());
  }

  TEST_CASE("hostile prompts stay linear") {
    std::vector<std::string> installed;
    for (int i = 0; i < 500; ++i) installed.push_back("skill-number-" + std::to_string(i));
    const char* const pieces[] = {"use the pdf skill ",
                                  "why ",
                                  "`",
                                  "\" ",
                                  "' ",
                                  "you should have ",
                                  "forgot to use ",
                                  "`a``b",
                                  "don't use lint ",
                                  "\n>",
                                  "- ",
                                  "i "};
    for (const char* piece : pieces) {
      CAPTURE(piece);
      std::string prompt;
      while (prompt.size() < kMaxSignalBytes) prompt += piece;
      const int64_t whole = CostOf(prompt, installed);
      const int64_t part = CostOf(prompt.substr(0, kMaxSignalBytes / 4), installed);
      CAPTURE(part);
      CHECK(whole < 9 * part);  // four times as much; quadratic would be sixteen times
    }
  }
}

}  // namespace selftune::signals

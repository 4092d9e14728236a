#include "llm/redact.h"

#include <string>

#include <doctest/doctest.h>

namespace selftune::llm {

TEST_SUITE("llm/redact") {
  TEST_CASE("secrets are taken out whole") {
    struct Case {
      std::string text;
      std::string want;
    };
    const std::string word30(30, 'A');
    const Case cases[] = {
        {"key sk-ant-" + word30 + " end", "key [secret:api_key] end"},
        {"sk-proj_" + word30 + ".", "[secret:api_key]."},
        {"ghp_" + word30 + "12", "[secret:github_token]"},
        {"gho_" + word30, "[secret:github_token]"},
        {"x=github_pat_11AAA_bb", "x=[secret:github_token]"},
        {"AKIAIOSFODNN7EXAMPLE", "[secret:aws_key]"},
        {"xoxb-123-abc", "[secret:slack_token]"},
        {"Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl!", "Bearer [secret:web_token]!"},
        {"a\n-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nb",
         "a\n[secret:private_key]\nb"},
        {"-----BEGIN OPENSSH PRIVATE KEY-----\nb3", "[secret:private_key]"},
        {"sk-" + word30 + " and ghp_" + word30, "[secret:api_key] and [secret:github_token]"},
        // No secrets:
        {"task-management-for-small-teams", "task-management-for-small-teams"},
        {"sk-short", "sk-short"},
        {"ghp_short", "ghp_short"},
        {"AKIA is a prefix", "AKIA is a prefix"},
        {"-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----"},
        {"-----", "-----"},
        {"eyJ.a.b", "eyJ.a.b"},
        {"xoxz-1", "xoxz-1"},
        {"", ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      CHECK(Redact(c.text, {}) == c.want);
      CHECK(HasSecret(c.text) == (c.text != c.want));
      CHECK_FALSE(HasSecret(c.want));
    }
  }

  TEST_CASE("the home directory becomes a tilde") {
    const RedactOptions options{.home = "/home/ana/"};
    CHECK(Redact("see /home/ana/x and /home/ana", options) == "see ~/x and ~");
    CHECK(Redact("/home/anabel/x", options) == "/home/anabel/x");
    CHECK(Redact("/srv/home/ana/x", options) == "/srv/home/ana/x");
    CHECK(Redact("file:///home/ana/x", options) == "file://~/x");
    CHECK(Redact("/x", {.home = "/"}) == "/x");
  }

  TEST_CASE("what nobody sees hides nothing") {
    const struct {
      std::string_view text, want;
    } cases[] = {
        {"key sk-AAAAAAAAAAAAAAAAA7\xef\xbb\xbf"
         "AA.rg",
         "key [secret:api_key].rg"},
        {"gh\xe2\x80\x8bp_0123456789012345678901234567890123456789!", "[secret:github_token]!"},
        {"at /home/a\xe2\x80\x8dna/x", "at ~/x"},
        {"to ana@exa\xe2\x80\x8bmple.org", "to [email]"},
        {"a first sk-012345678901234567890123 and \xef\xbb\xbfno second",
         "a first [secret:api_key] and \xef\xbb\xbfno second"},
        {"caf\xc3\xa9 \xe2\x80\x8b stays", "caf\xc3\xa9 \xe2\x80\x8b stays"},
    };
    const RedactOptions options{.home = "/home/ana", .emails = true};
    for (const auto& c : cases) {
      CAPTURE(c.text);
      CHECK(Redact(c.text, options) == c.want);
    }
  }

  TEST_CASE("addresses go only if asked to") {
    const std::string text = "ask ana.b+c@mail.example.org, or @ana, a@b";
    CHECK(Redact(text, {}) == text);
    CHECK(Redact(text, {.home = "", .emails = true}) == "ask [email], or @ana, a@b");
    CHECK(Redact("x@y.de.", {.home = "", .emails = true}) == "[email].");
    CHECK(Redact("@@@", {.home = "", .emails = true}) == "@@@");
  }
}

}  // namespace selftune::llm

#include "config/config.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "support/temp_dir.h"

namespace selftune::config {

TEST_SUITE("config/config") {
  TEST_CASE("without a file nothing runs by itself") {
    const testing::TempDir temp;
    const std::string& dir = temp.path();
    const auto config = Load(dir);
    REQUIRE(config.ok());
    CHECK_FALSE(config->exists);
    CHECK(config->autonomy == Autonomy::kOff);
    CHECK(config->guards == Guards::kAdvise);
    CHECK(config->problems.empty());
  }

  TEST_CASE("what the file says holds, what it cannot say is a problem") {
    struct Case {
      const char* text;
      Autonomy autonomy;
      Guards guards;
      size_t problems;
    };
    const Case cases[] = {
        {"{}", Autonomy::kOff, Guards::kAdvise, 0},
        {R"({"autonomy":"deploy","guards":"block"})", Autonomy::kDeploy, Guards::kBlock, 0},
        {R"({"autonomy":"propose"})", Autonomy::kPropose, Guards::kAdvise, 0},
        {R"({"autonomy":"Deploy"})", Autonomy::kOff, Guards::kAdvise, 1},
        {R"({"autonomy":true,"guards":7})", Autonomy::kOff, Guards::kAdvise, 2},
        {R"({"skills":{"a.b":{"autonomy":"never"}}})", Autonomy::kOff, Guards::kAdvise, 1},
        {R"({"skills":[]})", Autonomy::kOff, Guards::kAdvise, 1},
        {R"({"hosts":{"codex":{"home":"/data/codex"},"pi":{"home":"~/pi"},"qwen":{}}})",
         Autonomy::kOff, Guards::kAdvise, 0},
        {R"({"hosts":{"codex":{"home":"data"}}})", Autonomy::kOff, Guards::kAdvise, 1},
        {R"({"hosts":{"codex":{"home":""},"pi":{"home":7},"qwen":"/x"}})", Autonomy::kOff,
         Guards::kAdvise, 3},
        {R"({"hosts":{"codex":{"home":"/a\nb"}}})", Autonomy::kOff, Guards::kAdvise, 1},
        {R"({"hosts":[],"agent_cli":1})", Autonomy::kOff, Guards::kAdvise, 2},
        {R"({"suggest":{"review":"off","other":7}})", Autonomy::kOff, Guards::kAdvise, 0},
        {R"({"suggest":{"review":false,"broken":"never"}})", Autonomy::kOff, Guards::kAdvise, 2},
        {R"({"suggest":["review"]})", Autonomy::kOff, Guards::kAdvise, 1},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      const auto config = Parse(c.text, "config.json");
      REQUIRE(config.ok());
      CHECK(config->autonomy == c.autonomy);
      CHECK(config->guards == c.guards);
      CHECK(config->problems.size() == c.problems);
    }
  }

  TEST_CASE("suggestions are on, and each rule can be turned off") {
    struct Case {
      const char* text;
      const char* off;  // "" = no rule is off, "*" = all
    };
    const Case cases[] = {
        {"{}", ""},
        {R"({"suggestions":"on"})", ""},
        {R"({"suggestions":"off"})", "*"},
        {R"({"suggestions":"off","suggest":{"review":"on"}})", "*"},
        {R"({"suggest":{"correction":"off"}})", "correction"},
        {R"({"suggest":{"regression":"off"}})", "regression"},
        {R"({"suggest":{"broken":"off"}})", "broken"},
        {R"({"suggest":{"review":"off","broken":"on"}})", "review"},
        {R"({"suggest":{"review":false}})", ""},
        {R"({"suggest":["review"]})", ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      const auto config = Parse(c.text, "config.json");
      REQUIRE(config.ok());
      for (const SuggestionRule& rule : kSuggestionRules) {
        CAPTURE(rule.id);
        const bool off = std::string_view(c.off) == "*" || rule.id == c.off;
        CHECK(config->Suggests(rule) == !off);
      }
    }
  }

  TEST_CASE("a rule is silent for the days that the file says, or for its own") {
    struct Case {
      const char* said;  // of suggest
      int review, broken;
      size_t problems;
    };
    const Case cases[] = {
        {"{}", 1, 7, 0},
        {R"({"review_days":14})", 14, 7, 0},
        {R"({"review_days":"14","broken_days":1})", 14, 1, 0},
        {R"({"review_days":30,"review":"off"})", 30, 7, 0},
        {R"({"review_days":31})", 1, 7, 1},
        {R"({"review_days":0,"broken_days":-3})", 1, 7, 2},
        {R"({"review_days":1.5,"broken_days":"soon"})", 1, 7, 2},
        {R"({"review_days":null})", 1, 7, 0},
        {R"({"review_days":true})", 1, 7, 1},
    };
    for (const Case& c : cases) {
      CAPTURE(c.said);
      const auto config = Parse(std::string(R"({"suggest":)") + c.said + "}", "config.json");
      REQUIRE(config.ok());
      CHECK(config->CooldownDays(RuleOf(SuggestionId::kReview)) == c.review);
      CHECK(config->CooldownDays(RuleOf(SuggestionId::kBroken)) == c.broken);
      CHECK(config->problems.size() == c.problems);
    }
  }

  TEST_CASE("a file that cannot be used is an error that names it") {
    for (const char* text : {"", "[]", "{", "null", R"({"config_version":2})"}) {
      CAPTURE(text);
      const auto config = Parse(text, "/x/config.json");
      REQUIRE_FALSE(config.ok());
      CHECK(CodeOf(config.status()).name == "INVALID_CONFIG");
      CHECK(Message(config.status()).find("/x/config.json") != std::string_view::npos);
      CHECK(NextCommand(config.status()) == "mv -n /x/config.json /x/config.json.broken");
    }
  }

  TEST_CASE("a byte order mark before the text is none of it") {
    const auto config = Parse("\xef\xbb\xbf{\"guards\":\"block\"}", "config.json");
    REQUIRE(config.ok());
    CHECK(config->guards == Guards::kBlock);
    CHECK_FALSE(Parse("{}\xef\xbb\xbf", "config.json").ok());
    CHECK_FALSE(Parse("\xef\xbb\xbf\xef\xbb\xbf{}", "config.json").ok());
  }

  TEST_CASE("a skill's autonomy is found by its whole name") {
    const auto config =
        Parse(R"({"skills":{"acme:a.b":{"autonomy":"locked"},"c":{}}})", "config.json");
    REQUIRE(config.ok());
    CHECK(config->AutonomyOf("acme:a.b") == SkillAutonomy::kLocked);
    CHECK_FALSE(config->AutonomyOf("c").has_value());
    CHECK_FALSE(config->AutonomyOf("d").has_value());
  }

  TEST_CASE("folders of hosts are those that can be used") {
    const auto config = Parse(
        R"({"hosts":{"codex":{"home":"/data/codex"},"pi":{"home":"pi"},"qwen":{"home":"~"}}})", "");
    REQUIRE(config.ok());
    REQUIRE(config->host_homes.size() == 2);
    CHECK(config->host_homes[0] == std::pair<std::string, std::string>("codex", "/data/codex"));
    CHECK(config->host_homes[1].second == "~");
    REQUIRE(config->problems.size() == 1);
    CHECK(config->problems[0].key == "hosts.pi.home");
  }

  TEST_CASE("a value is set and taken out at a path, and nothing else changes") {
    const std::vector<std::string> path = {"hosts", "codex", "home"};
    const auto before = Parse(R"({"a":1,"hosts":{"codex":{"x":2}},"b":{}})", "");
    REQUIRE(before.ok());
    const auto set = WithValueAt(before->document, path, base::JsonValue::Text("/d"));
    CHECK(set.ToJson() == R"({"a":1,"hosts":{"codex":{"x":2,"home":"/d"}},"b":{}})");
    CHECK(WithValueAt(set, path, {}).ToJson() == before->document.ToJson());
    const auto only = WithValueAt(base::JsonValue::Object({}), path, base::JsonValue::Text("/d"));
    CHECK(only.ToJson() == R"({"hosts":{"codex":{"home":"/d"}}})");
    CHECK(WithValueAt(only, path, {}).ToJson() == "{}");
  }

  TEST_CASE("a word that cannot be read locks, in every spelling of the name") {
    for (const char* text :
         {R"({"skills":{"pdf":{"autonomy":"lokced"}}})", R"({"skills":{"pdf":{"autonomy":7}}})",
          R"({"skills":{"pdf":"locked"}})", R"({"skills":{"pdf":["locked"]}})",
          R"({"skills":["pdf"]})",
          R"({"skills":{"PDF":{"autonomy":"no"},"pdf":{"autonomy":"auto"}}})"}) {
      CAPTURE(text);
      const auto config = Parse(text, "config.json");
      REQUIRE(config.ok());
      CHECK(config->AutonomyOf("pdf") == SkillAutonomy::kLocked);
      REQUIRE(config->problems.size() == 1);
      CHECK(config->problems[0].message.find("locked") != std::string::npos);
    }
    const auto config = Parse(R"({"skills":{"Pdf":{"autonomy":"locked"}}})", "config.json");
    REQUIRE(config.ok());
    CHECK(config->AutonomyOf("pDF") == SkillAutonomy::kLocked);
    CHECK(config->problems.empty());
    const auto freed = WithSkillAutonomy(config->document, "pdf", SkillAutonomy::kAuto);
    CHECK(freed["skills"].members().size() == 1);
    CHECK(freed["skills"]["Pdf"]["autonomy"].AsString() == "auto");
  }

  TEST_CASE("a rewrite keeps what it does not know, in its place") {
    const testing::TempDir temp;
    const std::string dir = temp / "deeper";
    const auto before = Parse(R"({"zeta":1,"alpha":{"api_key":"k"},"autonomy":"off"})", "");
    REQUIRE(before.ok());
    base::JsonValue document =
        WithValue(before->document, "autonomy", base::JsonValue::Text("deploy"));
    document = WithSkillAutonomy(document, "pdf", SkillAutonomy::kLocked);
    REQUIRE(Save(dir, document).ok());
    const auto after = Load(dir);
    REQUIRE(after.ok());
    CHECK(after->autonomy == Autonomy::kDeploy);
    CHECK(after->AutonomyOf("pdf") == SkillAutonomy::kLocked);
    CHECK(after->Get("alpha.api_key").AsString() == "k");
    CHECK(after->document.members().front().first == "zeta");
    CHECK(after->Get("config_version").AsInt() == 1);
    const auto info = base::Stat(PathIn(dir));
    REQUIRE(info.ok());
    CHECK((info->mode & 0777) == 0600);
    CHECK((base::Stat(dir)->mode & 0777) == 0700);
  }
}

}  // namespace selftune::config

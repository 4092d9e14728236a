// What sessions.json says of a transcript, as far as it may come or change after it.
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/env.h"
#include "hosts/openclaw/source.h"
#include "ingest/source.h"
#include "support/temp_dir.h"

namespace selftune::hosts {
namespace {

constexpr std::string_view kSessions = ".openclaw/agents/main/sessions/";
constexpr std::string_view kNightly =
    R"("agent:main:cron:nightly":{"sessionId":"s1","createdVia":"cron"})";

// One agent with one transcript.
class Home {
 public:
  Home() { Write("s1.jsonl", "{}\n"); }

  void Write(const std::string& name, std::string_view text) {
    const std::filesystem::path path = dir_ / (std::string(kSessions) + name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  // Of the transcript s1; `problems` get what the look at the folder had.
  std::string Beside() {
    problems.clear();
    base::Environment env;
    env.Set("HOME", dir_.path());
    const auto files = OpenClawSource().Discover(env, problems);
    REQUIRE(files.size() == 1);
    CHECK(files[0].beside == OpenClawSource().Describe(files[0].path).beside);
    return files[0].beside;
  }

  std::vector<std::string> problems;

 private:
  testing::TempDir dir_;
};

std::string Index(std::string_view entries) { return "{" + std::string(entries) + "}"; }

}  // namespace

TEST_SUITE("hosts/openclaw_index") {
  TEST_CASE("a transcript is told by its entry alone, and by nothing while there is none") {
    Home home;
    CHECK(home.Beside().empty());
    home.Write("sessions.json", "{}");
    CHECK(home.Beside().empty());
    home.Write("sessions.json", Index(kNightly));
    const std::string nightly = home.Beside();
    CHECK(!nightly.empty());
    // What the host writes there at every turn is no news, nor are other sessions.
    home.Write("sessions.json",
               Index(R"("agent:main:main":{"sessionId":"s2"},"agent:main:cron:nightly":)"
                     R"({"sessionId":"s1","updatedAt":7,"createdVia":"cron"})"));
    CHECK(home.Beside() == nightly);
    home.Write("sessions.json", Index(R"("agent:main:main":{"sessionId":"s1"})"));
    CHECK(home.Beside() != nightly);
    CHECK(!home.Beside().empty());
    CHECK(home.problems.empty());
  }

  TEST_CASE("one that is cut off says nothing, and that is told") {
    Home home;
    const std::string whole = Index(kNightly);
    home.Write("sessions.json", whole.substr(0, whole.size() - 5));
    CHECK(home.Beside().empty());
    REQUIRE(home.problems.size() == 1);
    CHECK(home.problems[0].find("sessions.json") != std::string::npos);
    home.Write("sessions.json", whole);
    CHECK(!home.Beside().empty());
    CHECK(home.problems.empty());
  }

  TEST_CASE("the text of a listing may come after the entry that names it") {
    Home home;
    home.Write("sessions.json", Index(R"("agent:main:main":{"sessionId":"s1",)"
                                      R"("skillsSnapshot":{"promptRef":{"hash":"ab12"}}})"));
    const std::string before = home.Beside();
    home.Write("skills-prompts/sha256/ab/ab12.txt", "<available_skills></available_skills>");
    const std::string after = home.Beside();
    CHECK(after.size() > before.size());
    CHECK(after.starts_with(before));
  }
}

}  // namespace selftune::hosts

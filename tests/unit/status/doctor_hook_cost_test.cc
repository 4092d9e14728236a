// What hooks cost, as the transcripts of an agent timed them.
#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "hosts/claude_code/source.h"
#include "unit/status/patient.h"

namespace selftune::status {
namespace {

using testing::Find;
using testing::Patient;

constexpr std::string_view kName = "hooks.claude_code.cost";
constexpr std::string_view kOurs = "/home/dev/.selftune/bin/selftune-hook claude-code session-stop";

std::string Stop(std::string_view command, int ms) {
  return fmt::format(
      R"({{"type":"system","subtype":"stop_hook_summary","hookCount":1,"hookInfos":[{{"command":"{}","durationMs":{}}}]}})"
      "\n",
      command, ms);
}

struct Timed : Patient {
  Timed() { source.runs_of = hosts::claude_code::TranscriptSource().hook_runs(); }

  void Transcript(std::string_view name, std::string_view text) {
    const std::string path = world.store().dir().Write(name, std::string(text));
    world.store().Write(
        [&](store::IngestWriter& writer) { (void)store::testing::AddSource(writer, path); });
  }
  // nullptr: it says nothing.
  [[nodiscard]] const Check* Cost(bool deep = true) {
    report = Ask({.deep = deep});
    return Find(report, kName);
  }
  DoctorReport report;
};

}  // namespace

TEST_SUITE("status/doctor_hook_cost") {
  TEST_CASE("ours and those of others are told apart; the slowest of others is named") {
    struct Case {
      const char* name;
      std::string transcript;
      CheckStatus status;
      std::string message;  // "" = no check
      std::string command;
    };
    const std::string ours = std::string(kOurs);
    const Case cases[] = {
        {"no hook ever ran",
         R"({"type":"user","message":"\"hookInfos\" \"durationMs\""})",
         {},
         "",
         ""},
        {"ours alone", Stop(ours, 3) + Stop(ours, 2) + Stop(ours, 9), CheckStatus::kPass,
         "ours took 3 ms (median of 3, at most 9), by the newest 1 transcripts", ""},
        {"one of others, and quick", Stop("lint --all", 83), CheckStatus::kPass,
         "of 1 of others the slowest, lint --all, took 83 ms once, by the newest 1 transcripts",
         ""},
        {"one of others is slow",
         Stop(ours, 2) + Stop("a", 20) + Stop("b", 700) + Stop("b", 900) + Stop("b", 800),
         CheckStatus::kInfo,
         "ours took 2 ms once; of 2 of others the slowest, b, took 800 ms (median of 3, at most "
         "900), by the newest 1 transcripts",
         "selftune hooks status claude_code"},
        {"ours is slow here", Stop(ours, 251) + Stop("b", 900), CheckStatus::kWarn,
         "ours took 251 ms once; of 1 of others the slowest, b, took 900 ms once, by the newest 1 "
         "transcripts",
         "selftune hooks verify claude_code"},
        {"what moves a terminal is shown, and not much of it",
         Stop(R"(\u001b[2J)" + std::string(55, 'x') + "\u00e9 and so on", 1), CheckStatus::kPass,
         "of 1 of others the slowest, \\x1b[2J" + std::string(55, 'x') +
             "..., took 1 ms once, by the newest 1 transcripts",
         ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      Timed patient;
      patient.Transcript("t/one.jsonl", c.transcript);
      const Check* check = patient.Cost();
      REQUIRE((check == nullptr) == c.message.empty());
      if (check == nullptr) continue;
      CHECK(check->status == c.status);
      CHECK(check->message == c.message);
      CHECK(check->command == c.command);
    }
  }

  TEST_CASE("it is looked for when all is looked at, and where a host keeps times") {
    Timed patient;
    patient.Transcript("t/one.jsonl", Stop("b", 1));
    CHECK(patient.Cost(false) == nullptr);
    CHECK(patient.Cost() != nullptr);
    patient.source.runs_of = nullptr;
    CHECK(patient.Cost() == nullptr);
  }

  TEST_CASE("of a long transcript the end is read, of many the newest") {
    Timed patient;
    patient.Transcript("t/long.jsonl",
                       Stop("early", 5) + std::string(2 << 20, ' ') + "\n" + Stop("late", 7));
    CHECK(patient.Cost()->message ==
          "of 1 of others the slowest, late, took 7 ms once, by the newest 1 transcripts");
    for (int i = 0; i < 20; ++i) {
      patient.Transcript(fmt::format("t/a{:02}.jsonl", i), Stop("new", i));
    }
    REQUIRE_OK(
        patient.world.db().Execute("UPDATE source_file SET mtime_ns=1 WHERE path LIKE '%/a%'"));
    CHECK(
        patient.Cost()->message ==
        "of 1 of others the slowest, new, took 10 ms (median of 20, at most 19), by the newest 20 "
        "transcripts");
  }

  TEST_CASE("a file that is gone, or in whose place something waits, holds nothing up") {
    Timed patient;
    patient.Transcript("t/gone.jsonl", Stop("b", 1));
    REQUIRE(base::RemoveFile(patient.world.store().dir() / "t/gone.jsonl").ok());
    REQUIRE(mkfifo((patient.world.store().dir() / "t/gone.jsonl").c_str(), 0600) == 0);
    CHECK(patient.Cost() == nullptr);
  }
}

}  // namespace selftune::status

// Recorded sessions in other circumstances: a skill that is installed later, a
// host that writes what nobody knows yet.
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/strings.h"
#include "config/config.h"
#include "hosts/registry.h"
#include "recordings/recorded_home.h"
#include "status/doctor.h"
#include "store/queries/sources.h"

namespace selftune {
namespace {

namespace fs = std::filesystem;
using testing::Difference;
using testing::Facts;
using testing::Home;
using testing::Recording;
using testing::Recordings;

void Rewrite(const std::string& path, std::string_view bytes) {
  fs::permissions(path, fs::perms::owner_write, fs::perm_options::add);
  REQUIRE(base::WriteFileAtomic(path, bytes, 0644).ok());
}

// A prompt that is typed once, in plain words.
std::string PlainPrompt(const Recording& recording) {
  for (const base::JsonValue& session : recording.truth["sessions"].items()) {
    if (session["kind"].AsString() != "main" || session["prompts"].items().empty()) continue;
    const base::JsonValue& prompt = session["prompts"].items().front();
    const std::string& text = prompt["text"].AsString();
    const bool plain = text.find_first_of("\"\\/\n<>$") == std::string::npos;
    const bool skills = !session["skills"].items().empty();
    if (plain && !skills && text.size() > 12 && !prompt["command"].is_object()) return text;
  }
  return "";
}

// How often people typed it, or it and more.
size_t CountOf(const Recording& recording, const std::string& text) {
  size_t count = 0;
  for (const base::JsonValue& session : recording.truth["sessions"].items()) {
    for (const base::JsonValue& prompt : session["prompts"].items()) {
      count += prompt["text"].AsString().starts_with(text) ? 1 : 0;
    }
  }
  return count;
}

// Says it in other words, wherever the host wrote it.
int Replace(const Home& home, const std::string& before, const std::string& after) {
  int changed = 0;
  for (const auto& entry : fs::recursive_directory_iterator(home.Path("home"))) {
    const std::string path = entry.path().string();
    if (!entry.is_regular_file() || entry.is_symlink() || !testing::IsSessionFile(path)) continue;
    const std::string bytes = testing::ReadWhole(path);
    const std::string other = base::ReplaceAll(bytes, before, after);
    if (other == bytes) continue;
    Rewrite(path, other);
    ++changed;
  }
  return changed;
}

Facts Requests(Home& home) {
  Facts out;
  for (const std::string& fact : home.Known()) {
    if (fact.starts_with("skill_invocations|") && fact.find("|slash_text|") != std::string::npos) {
      out.push_back(fact);
    }
  }
  return out;
}

constexpr char kLater[] = "---\nname: later-skill\ndescription: Comes later.\n---\nx\n";

void Install(const Home& home) { home.Put(".agents/skills/later-skill/SKILL.md", kLater); }

// Everything of a store becomes what a version of the host might write that is
// not there yet.
void MakeFuture(const Home& home) {
  for (const auto& entry : fs::recursive_directory_iterator(home.Path("home"))) {
    const std::string path = entry.path().string();
    if (!entry.is_regular_file() || entry.is_symlink()) continue;
    if (path.ends_with(".sqlite") || path.ends_with("/opencode.db")) {
      sqlite3* db = nullptr;
      REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
      for (const char* table : {"session", "message", "part", "session_windows", "session_nodes",
                                "transcript_events"}) {
        const std::string sql =
            "ALTER TABLE " + std::string(table) + " RENAME TO " + table + "_of_9";
        sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);  // of the other host
      }
      REQUIRE(sqlite3_close(db) == SQLITE_OK);
    } else if (path.ends_with(".jsonl")) {
      Rewrite(path, "{\"v\":9,\"is\":\"turn\",\"of\":[1]}\n{\"v\":9,\"is\":\"end\"}\n");
    } else if (testing::IsSessionFile(path)) {
      Rewrite(path, "{\"v\":9,\"is\":\"session\",\"turns\":[{\"is\":\"turn\"}]}");
    }
  }
}

status::DoctorReport Examine(Home& home) {
  const config::Config config;
  const status::DoctorWorld world{.env = &home.env(),
                                  .sources = hosts::Sources(),
                                  .state_dir = home.Path("state"),
                                  .db_path = home.Path("state/selftune.db"),
                                  .config = &config,
                                  .db = home.Store(),
                                  .now = UtcMillis{1'790'000'000'000}};
  auto report = status::RunDoctor(world, {});
  REQUIRE_MESSAGE(report.ok(), report.status().ToString());
  return *std::move(report);
}

}  // namespace

TEST_SUITE("recordings/evidence") {
  TEST_CASE("a typed command asks for its skill, installed before or after it was typed") {
    int asked = 0;
    for (const Recording& recording : Recordings()) {
      const hosts::HostRow* host = hosts::FindRow(recording.truth["platform"].AsString());
      REQUIRE(host != nullptr);
      if (recording.database) continue;
      CAPTURE(recording.name);
      const std::string prompt = PlainPrompt(recording);
      if (prompt.empty()) continue;
      CAPTURE(prompt);
      Home home;
      home.Add(recording.home);
      if (Replace(home, prompt, "/later-skill go") == 0) continue;
      home.Sync();
      const Facts before = Requests(home);
      Install(home);
      home.Sync();
      const Facts later = home.Known();
      const Facts requests = Requests(home);
      CHECK(requests.size() == before.size() + (host->slash_text ? CountOf(recording, prompt) : 0));
      asked += host->slash_text ? 1 : 0;
      CHECK(!home.Sync().changed);
      home.Sync({.force = true});
      CHECK(Difference(later, home.Known()) == "");
      home.Forget();
      home.Sync();  // as if it had always been there
      CHECK(Difference(later, home.Known()) == "");
    }
    CHECK(asked >= 5);
  }

  TEST_CASE("a store in a form that is not known yet is a finding of the doctor") {
    std::vector<std::string> hosts_seen;
    for (const Recording& recording : Recordings()) {
      const std::string& platform = recording.truth["platform"].AsString();
      CAPTURE(recording.name);
      Home home;
      home.Add(recording.home);
      MakeFuture(home);
      home.Sync();
      const status::DoctorReport report = Examine(home);
      const auto check =
          std::find_if(report.checks.begin(), report.checks.end(), [&](const status::Check& one) {
            return one.name == "evidence." + platform && one.status == status::CheckStatus::kFail;
          });
      REQUIRE(check != report.checks.end());
      CHECK(!report.healthy());
      CHECK(check->message.find("0 of ") != std::string::npos);
      CHECK(check->message.find("skipped") != std::string::npos);
      CHECK(check->command == "selftune evidence --sources --platform " + platform);
      const auto sources = store::ListSources(*home.Store(), {.platform = platform});
      REQUIRE(sources.ok());
      REQUIRE(!sources->empty());
      for (const store::SourceItem& source : *sources) {
        CAPTURE(source.path);
        CHECK(source.records_used == 0);
      }
      hosts_seen.push_back(platform);
    }
    std::sort(hosts_seen.begin(), hosts_seen.end());
    hosts_seen.erase(std::unique(hosts_seen.begin(), hosts_seen.end()), hosts_seen.end());
    CHECK(hosts_seen.size() == hosts::Rows().size());
  }

  TEST_CASE("what was understood of a store is said, with its schema") {
    for (const Recording& recording : Recordings()) {
      CAPTURE(recording.name);
      const std::string& platform = recording.truth["platform"].AsString();
      Home home;
      home.Add(recording.home);
      home.Sync();
      const status::DoctorReport report = Examine(home);
      int stores = 0;
      for (const status::Check& check : report.checks) {
        if (check.name != "evidence." + platform) continue;
        ++stores;
        CHECK(check.status == status::CheckStatus::kPass);
        CHECK(check.message.find(" understood, ") != std::string::npos);
        CHECK(check.message.find(", schema ") != std::string::npos);
      }
      CHECK(stores > 0);
    }
  }
}

}  // namespace selftune

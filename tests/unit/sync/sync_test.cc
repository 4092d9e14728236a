#include "sync/sync.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/lock_file.h"
#include "store/source_ledger.h"
#include "store/write_txn.h"
#include "sync/apply.h"
#include "unit/sync/sync_fixture.h"

namespace selftune::sync {
namespace {

using testing::kArchive;
using testing::kLong;
using testing::kMention;
using testing::kOld;
using testing::kResumed;
using testing::Must;
using testing::Name;
using testing::SyncHome;

void WriteAll(SyncHome& home) {
  for (const std::string_view part : {kOld, kResumed, kMention, kLong}) {
    home.Write(Name(part), SyncHome::Recording(part));
  }
}

std::vector<std::string> FactsOf(std::string_view part) {
  SyncHome home;
  home.Write(Name(part), SyncHome::Recording(part));
  home.Sync();
  return home.Facts();
}

std::string StoreBytes(const SyncHome& home) {
  return Must(base::ReadFile(home.Path(".selftune/selftune.db"), 64 << 20));
}

}  // namespace

TEST_SUITE("sync") {
  TEST_CASE("the first run reads everything, the second nothing") {
    SyncHome home;
    WriteAll(home);
    const SyncReport first = home.Sync();
    REQUIRE(first.hosts.size() == 2);
    CHECK(first.hosts[0].platform == "claude_code");
    CHECK(!first.hosts[0].available);
    const HostReport& codex = first.hosts[1];
    CHECK(codex.scanned == 4);
    CHECK(codex.changed == 4);
    CHECK(codex.sessions == 4);
    CHECK(codex.bad_lines == 0);
    CHECK(codex.set_aside == 0);
    CHECK(codex.bytes_read == static_cast<int64_t>(home.codex.bytes.load()));
    CHECK(first.changed);
    CHECK(first.complete);
    const auto facts = home.Facts();
    const std::string clock = home.One("SELECT version FROM change_clock");
    home.codex.bytes = 0;
    const SyncReport second = home.Sync();
    CHECK(!second.changed);
    CHECK(second.hosts[1].scanned == 4);
    CHECK(second.hosts[1].changed == 0);
    CHECK(second.hosts[1].bytes_read == 0);
    CHECK(home.codex.bytes == 0);
    CHECK(home.Facts() == facts);
    CHECK(home.One("SELECT version FROM change_clock") == clock);
  }

  TEST_CASE("a file that grows at any byte is read on from there, each fact once") {
    const std::string text = SyncHome::Recording(kResumed);
    const auto whole = FactsOf(kResumed);
    for (size_t step : {size_t{1} << 10, size_t{700}, size_t{2500}}) {
      CAPTURE(step);
      SyncHome home;
      home.Write(Name(kResumed), "");
      for (size_t at = 0; at < text.size(); at += step) {
        home.Append(Name(kResumed), std::string_view(text).substr(at, step));
        const std::string known = home.One(
            "SELECT coalesce(max(read_offset),0) FROM source_files WHERE path LIKE '%16ec%'");
        home.codex.bytes = 0;
        home.codex.lowest = UINT64_MAX;
        CHECK(home.SyncCodex().bad_lines == 0);
        // Only what is behind the last complete line was read.
        if (at > 0) {
          CHECK(home.codex.lowest == std::stoull(known));
          CHECK(home.codex.bytes == std::min(at + step, text.size()) - std::stoull(known));
        }
      }
      CHECK(home.Facts() == whole);
      CHECK(home.One("SELECT generation FROM source_files") == "1");
      CHECK(home.One("SELECT read_offset FROM source_files") == std::to_string(text.size()));
      CHECK(home.One("SELECT records_seen FROM source_files") ==
            std::to_string(std::count(text.begin(), text.end(), '\n')));
    }
  }

  TEST_CASE("the ledger says of each file what it is and how far it was read") {
    SyncHome home;
    const std::string text = SyncHome::Recording(kOld);
    home.Write(Name(kOld), text + "half a line");
    home.Sync();
    CHECK(home.Rows("SELECT platform, kind, state, size, read_offset, pending_bytes, generation, "
                    "parser, bad_lines FROM source_files",
                    9) ==
          std::vector<std::string>{"codex|rollout|active|" + std::to_string(text.size() + 11) +
                                   "|" + std::to_string(text.size()) + "|11|1|codex/rollout|0"});
    home.Remove(Name(kOld));
    const auto facts = home.Facts();
    home.Sync();
    CHECK(home.One("SELECT state FROM source_files") == "missing");
    CHECK(home.Facts() == facts);  // evidence outlives its file
    home.Write(Name(kOld), text + "half a line");
    home.Sync();
    CHECK(home.One("SELECT state FROM source_files") == "active");
    CHECK(home.Facts() == facts);
  }

  TEST_CASE("a replaced file's facts replace the old ones") {
    SyncHome home;
    home.Write(Name(kOld), SyncHome::Recording(kOld));
    home.Sync();
    home.Write(Name(kOld), SyncHome::Recording(kMention));
    home.Sync();
    CHECK(home.Facts() == FactsOf(kMention));
    CHECK(home.One("SELECT generation FROM source_files") == "2");
  }

  TEST_CASE("force and another version of the reader read everything again, with the same result") {
    SyncHome home;
    WriteAll(home);
    home.Sync();
    const auto facts = home.Facts();
    const auto keys = home.Rows("SELECT prompt_pk FROM prompt ORDER BY 1", 1);
    CHECK(home.SyncCodex({.force = true}).changed == 4);
    CHECK(home.Facts() == facts);
    // Rows keep their numbers: labels and gradings hang on them.
    CHECK(home.Rows("SELECT prompt_pk FROM prompt ORDER BY 1", 1) == keys);
    CHECK(home.One("SELECT min(generation)||'-'||max(generation) FROM source_files") == "2-2");
    home.codex.version_bump = 7;
    CHECK(home.SyncCodex().changed == 4);
    CHECK(home.SyncCodex().changed == 0);
    CHECK(home.Facts() == facts);
    CHECK(home.One("SELECT count(*) FROM prompt WHERE generation<>3") == "0");
  }

  TEST_CASE("one host of several, and files since a time") {
    SyncHome home;
    home.Write(Name(kOld), SyncHome::Recording(kOld), 3'600'000);
    home.Write(Name(kMention), SyncHome::Recording(kMention), 60'000);
    const SyncReport other = home.Sync({.only = {"claude_code"}});
    REQUIRE(other.hosts.size() == 1);
    CHECK(other.hosts[0].platform == "claude_code");
    CHECK(home.One("SELECT count(*) FROM source_files") == "0");
    const SyncReport late =
        home.Sync({.only = {"codex"}, .since = UtcMillis{home.clock.now.value - 600'000}});
    REQUIRE(late.hosts.size() == 1);
    CHECK(late.hosts[0].changed == 1);
    CHECK(home.SyncCodex().changed == 1);
    CHECK(home.One("SELECT count(*) FROM sessions") == "2");
  }

  TEST_CASE("a look ahead writes nothing, with a store and without") {
    SyncHome home;
    WriteAll(home);
    const std::string before = StoreBytes(home);
    const SyncReport preview = Must(Preview(home.db.get(), home.World(), {}));
    CHECK(preview.hosts[1].changed == 4);
    CHECK(preview.hosts[1].scanned == 4);
    CHECK(!preview.changed);
    CHECK(StoreBytes(home) == before);
    CHECK(!base::Exists(home.Path(".selftune/locks")));
    const SyncReport without = Must(Preview(nullptr, home.World(), {.only = {"codex"}}));
    REQUIRE(without.hosts.size() == 1);
    CHECK(without.hosts[0].changed == 4);
    home.Sync();
    CHECK(Must(Preview(home.db.get(), home.World(), {})).hosts[1].changed == 0);
    CHECK(Must(Preview(home.db.get(), home.World(), {.force = true})).hosts[1].changed == 4);
  }

  TEST_CASE("a bad line is a row with its place, and the lines around it count") {
    const std::string text = SyncHome::Recording(kOld);
    const size_t line = text.find('\n', text.size() / 2) + 1;
    SyncHome home;
    home.Write(Name(kOld), text.substr(0, line) + "{broken\n" + text.substr(line));
    const HostReport report = home.SyncCodex();
    CHECK(report.bad_lines == 1);
    CHECK(home.Rows("SELECT offset, line_no, reason, excerpt FROM bad_lines", 4) ==
          std::vector<std::string>{
              std::to_string(line) + "|" +
              std::to_string(
                  std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(line), '\n') + 1) +
              "|not_json|{broken"});
    CHECK(home.One("SELECT sum(calls) FROM tool_calls") == "3");
    // Read again it is counted once; mended it is gone.
    home.SyncCodex({.force = true});
    CHECK(home.One("SELECT count(*)||' '||(SELECT bad_lines FROM source_files) FROM bad_lines") ==
          "1 1");
    home.Write(Name(kOld), text);
    home.Sync();
    CHECK(home.Facts() == FactsOf(kOld));
  }

  TEST_CASE("a file that cannot be read says why, the others are read, the next run tries again") {
    SyncHome home;
    WriteAll(home);
    home.codex.unreadable = std::string(kMention);
    const HostReport report = home.SyncCodex();
    CHECK(report.changed == 3);
    REQUIRE(report.warnings.size() == 1);
    CHECK(report.warnings[0].find("input/output error") != std::string::npos);
    CHECK(home.One("SELECT last_error FROM source_files WHERE path LIKE '%5668%'")
              .find("input/output error") != std::string::npos);
    CHECK(home.One("SELECT count(*) FROM sessions") == "3");
    home.codex.unreadable.clear();
    const HostReport again = home.SyncCodex();
    CHECK(again.changed == 1);
    CHECK(again.warnings.empty());
    CHECK(home.One("SELECT count(*) FROM sessions") == "4");
    CHECK(home.One("SELECT count(*) FROM source_files WHERE last_error<>''") == "0");
  }

  TEST_CASE("a file that cannot be read for one run is read on, each fact once") {
    const std::string text = SyncHome::Recording(kLong);
    const size_t half = text.find('\n', text.size() / 2) + 1;
    for (const bool force : {true, false}) {
      CAPTURE(force);
      SyncHome home;
      home.Write(Name(kLong), text.substr(0, half));
      home.Sync();
      home.codex.unreadable = std::string(kLong);
      if (!force) ++home.codex.version_bump;
      CHECK(home.SyncCodex({.force = force}).warnings.size() == 1);
      CHECK(home.One("SELECT last_error IS NOT NULL FROM source_files") == "1");
      CHECK(home.One("SELECT read_offset FROM source_files") == std::to_string(half));
      home.codex.unreadable.clear();
      home.Append(Name(kLong), text.substr(half));
      home.Sync();
      CHECK(home.Facts() == FactsOf(kLong));
      CHECK(home.One("SELECT count(*) FROM source_files WHERE last_error<>''") == "0");
      CHECK(!home.Sync().changed);
    }
  }

  TEST_CASE("a file that was cut off and has grown again is read from its start") {
    const std::string text = SyncHome::Recording(kLong);
    const size_t half = text.find('\n', text.size() / 2) + 1;
    REQUIRE(half > 4096);
    SyncHome home;
    const std::string other(text.size() - half, ' ');
    home.Write(Name(kLong), text.substr(0, half) + other.substr(1) + "\n");
    home.Sync();
    // The same file with the same beginning and more bytes than were read.
    std::filesystem::resize_file(home.Path(Name(kLong)), half);
    home.Append(Name(kLong), text.substr(half) + "\n");
    home.Sync();
    CHECK(home.Facts() == FactsOf(kLong));
  }

  TEST_CASE("a file moved into the archive is the same session, now archived") {
    SyncHome home;
    home.Write(Name(kOld), SyncHome::Recording(kOld));
    home.Sync();
    home.codex.bytes = 0;
    home.Move(Name(kOld), Name(kOld, kArchive));
    home.Sync();
    CHECK(home.codex.bytes == 0);
    CHECK(home.Rows("SELECT is_archived, source_path FROM sessions", 2) ==
          std::vector<std::string>{"1|" + home.Path(Name(kOld, kArchive))});
    CHECK(home.One("SELECT count(*) FROM source_files") == "1");
    home.Move(Name(kOld, kArchive), Name(kOld));
    home.Sync({.force = true});
    CHECK(home.Facts() == FactsOf(kOld));
    CHECK(home.One("SELECT count(*) FROM source_files") == "1");
  }

  TEST_CASE("reading again that ends in the middle is made good by the next run") {
    SyncHome home;
    const std::string text = SyncHome::Recording(kLong);
    home.Write(Name(kLong), text);
    home.Sync();
    const auto facts = home.Facts();
    // What a killed `sync --force` leaves: a first stretch of the new generation.
    const HostPlan plan =
        Must(PlanHost(home.db.get(), home.codex, home.env, {.force = true, .clock = &home.clock}));
    REQUIRE(plan.items.size() == 1);
    Applier applier(*home.db, {}, home.clock.now);
    store::WriteTxn txn = Must(store::WriteTxn::Begin(*home.db));
    ApplyState state = Must(applier.Begin(plan.items.front(), 0));
    ReadChunk chunk;
    ingest::SessionFacts& session =
        chunk.batch.Session(home.One("SELECT session_id FROM sessions"));
    session.started = home.clock.now;
    chunk.cursor = {text.find('\n') + 1, 1};
    chunk.reader_state = "{}";
    REQUIRE(applier.Apply(state, chunk).ok());
    REQUIRE(txn.Commit().ok());
    CHECK(home.Facts() != facts);
    CHECK(home.SyncCodex().changed == 1);
    CHECK(home.Facts() == facts);
    CHECK(home.SyncCodex().changed == 0);
  }

  TEST_CASE("a run that is cancelled keeps what it wrote, and the next one goes on") {
    SyncHome home;
    WriteAll(home);
    base::Cancel cancel;
    SyncOptions options;
    options.workers = 1;
    int files = 0;
    options.progress = [&](std::string_view stage, int64_t done, int64_t total, std::string_view) {
      CHECK(stage == "sync");
      CHECK(done <= total);
      if (++files == 2) cancel.Request();
    };
    const auto stopped = home.TrySync(options, &cancel);
    CHECK(CodeOf(stopped.status()).name == "CANCELLED");
    CHECK(home.SyncCodex().changed >= 2);
    SyncHome other;
    WriteAll(other);
    other.Sync();
    CHECK(home.Facts() == other.Facts());
  }

  TEST_CASE("a time budget ends a run between two files") {
    SyncHome home;
    WriteAll(home);
    SyncOptions options;
    options.time_budget_ms = -1;
    const SyncReport report = home.Sync(options);
    CHECK(!report.complete);
    CHECK(report.hosts[1].changed == 0);
    const SyncReport rest = home.Sync();
    CHECK(rest.complete);
    CHECK(rest.hosts[1].changed == 4);
  }

  TEST_CASE("one run at a time: the second waits for the lock, or is cancelled") {
    SyncHome home;
    WriteAll(home);
    REQUIRE(base::MakeDirs(home.Path(".selftune/locks"), 0700).ok());
    const std::string path = home.Path(".selftune/locks/sync.lock");
    {
      auto held = base::LockFile::TryAcquire(path, "{}");
      REQUIRE(held.ok());
      base::Cancel cancel;
      cancel.Request();
      CHECK(CodeOf(home.TrySync({}, &cancel).status()).name == "CANCELLED");
      CHECK(home.One("SELECT count(*) FROM source_files") == "0");
      std::atomic<bool> released = false;
      std::thread holder([&, lock = *std::move(held)]() mutable {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        released = true;
        const base::LockFile gone = std::move(lock);
      });
      CHECK(home.SyncCodex().changed == 4);
      CHECK(released);
      holder.join();
    }
    // Left behind free, it is in nobody's way.
    CHECK(base::LockFile::TryAcquire(path, "{}").ok());
    CHECK(home.SyncCodex().changed == 0);
  }

  TEST_CASE("workers change nothing in what is stored") {
    std::vector<std::string> first;
    for (const int workers : {1, 2, 5}) {
      SyncHome home;
      WriteAll(home);
      SyncOptions options;
      options.workers = workers;
      home.Sync(options);
      if (first.empty()) first = home.Facts();
      CHECK(home.Facts() == first);
    }
  }

  TEST_CASE("installed skills are found, and a run that finds the same writes nothing") {
    SyncHome home;
    home.Write(".codex/skills/pdf/SKILL.md", "---\nname: pdf\ndescription: Reads papers.\n---\n");
    const SyncReport first = home.Sync();
    CHECK(first.skills_found == 1);
    CHECK(first.changed);
    CHECK(!home.Sync().changed);
    home.Write(".codex/skills/pdf/SKILL.md", "---\nname: pdf\ndescription: Reads forms.\n---\n");
    CHECK(home.Sync().changed);
    CHECK(home.One("SELECT count(*) FROM skill_version") == "2");
  }
}

}  // namespace selftune::sync

#include "sync/plan.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "support/zstd_frame.h"
#include "unit/sync/sync_fixture.h"

namespace selftune::sync {
namespace {

using testing::kArchive;
using testing::kMention;
using testing::kOld;
using testing::kResumed;
using testing::Must;
using testing::Name;
using testing::SyncHome;

HostPlan Plan(SyncHome& home, PlanOptions options = {}) {
  options.clock = &home.clock;
  return Must(PlanHost(home.db.get(), home.codex, home.env, options));
}

// What happens to a file from now on has another time of the file system.
void AwaitTick() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

// The only file to read.
const WorkItem& Only(const HostPlan& plan) {
  REQUIRE(plan.items.size() == 1);
  return plan.items.front();
}

// A host that says more of its files elsewhere.
class ToldBeside final : public testing::WatchedSource {
 public:
  explicit ToldBeside(const ingest::Source& real) : WatchedSource(real) {}

  std::string beside;

  std::vector<ingest::SourceFile> Discover(const base::Environment& env,
                                           std::vector<std::string>& problems) const override {
    auto files = WatchedSource::Discover(env, problems);
    for (ingest::SourceFile& file : files) file.beside = beside;
    return files;
  }
};

}  // namespace

TEST_SUITE("sync/plan") {
  TEST_CASE("a host without a store is not available, and nothing is planned") {
    SyncHome home;
    const HostPlan plan = Plan(home);
    CHECK(!plan.available);
    CHECK(plan.scanned == 0);
    CHECK(plan.items.empty());
    CHECK(plan.problems.empty());
  }

  TEST_CASE("a file is new, then unchanged, then grown, then replaced, then missing") {
    SyncHome home;
    const std::string name = Name(kResumed);
    const std::string text = SyncHome::Recording(kResumed);
    home.Write(name, text);
    {
      const HostPlan plan = Plan(home);
      CHECK(plan.available);
      CHECK(plan.scanned == 1);
      CHECK(Only(plan).change == Change::kNew);
      CHECK(!Only(plan).state().id);
      CHECK(Only(plan).known == nullptr);  // thousands of new files wait at a time
      CHECK(Only(plan).file.path == home.Path(name));
      CHECK(Only(plan).info.size == text.size());
    }
    home.Sync();
    CHECK(Plan(home).items.empty());
    home.Append(name, "{}\n");
    {
      const HostPlan plan = Plan(home);
      CHECK(Only(plan).change == Change::kGrown);
      CHECK(Only(plan).state().offset == text.size());
      CHECK(Only(plan).state().line_no > 0);
      CHECK(!Only(plan).state().parser_state.empty());
    }
    home.Sync();
    home.Write(name, SyncHome::Recording(kMention));
    {
      const HostPlan plan = Plan(home);
      CHECK(Only(plan).change == Change::kReplaced);
      CHECK(Only(plan).state().id);
      CHECK(Only(plan).state().parser_state.empty());  // up to a megabyte each
    }
    home.Sync();
    home.Remove(name);
    {
      const HostPlan plan = Plan(home);
      CHECK(plan.items.empty());
      CHECK(plan.missing.size() == 1);
    }
    home.Sync();
    CHECK(Plan(home).missing.empty());
  }

  TEST_CASE("the same file, shorter or with another beginning, is read from its start") {
    SyncHome home;
    const std::string name = Name(kOld);
    home.Write(name, SyncHome::Recording(kOld));
    home.Sync();
    REQUIRE(::truncate(home.Path(name).c_str(), 100) == 0);
    CHECK(Only(Plan(home)).change == Change::kReplaced);
    home.Sync();
    REQUIRE(::truncate(home.Path(name).c_str(), 0) == 0);
    home.Append(name, SyncHome::Recording(kMention));
    CHECK(Only(Plan(home)).change == Change::kReplaced);
  }

  TEST_CASE("a moved file is known by what it is, not by its number alone") {
    SyncHome home;
    const std::string name = Name(kOld);
    home.Write(name, SyncHome::Recording(kOld));
    home.Sync();
    home.Move(name, Name(kOld, kArchive));
    {
      const HostPlan plan = Plan(home);
      CHECK(Only(plan).moved);
      CHECK(Only(plan).change == Change::kGrown);
      CHECK(Only(plan).file.archived);
      CHECK(plan.missing.empty());
      const HostPlan forced = Plan(home, {.force = true});
      CHECK(Only(forced).moved);
      CHECK(Only(forced).change == Change::kReplaced);
    }
    // The number of a removed file is given to another one.
    REQUIRE(::truncate(home.Path(Name(kOld, kArchive)).c_str(), 0) == 0);
    home.Append(Name(kOld, kArchive), SyncHome::Recording(kMention));
    home.Move(Name(kOld, kArchive), Name(kMention));
    const HostPlan plan = Plan(home);
    CHECK(!Only(plan).moved);
    CHECK(Only(plan).change == Change::kNew);
    CHECK(plan.missing.size() == 1);
  }

  TEST_CASE("all is read again when asked, or by another reader") {
    SyncHome home;
    home.Write(Name(kOld), SyncHome::Recording(kOld));
    home.Write(Name(kMention), SyncHome::Recording(kMention));
    home.Sync();
    CHECK(Plan(home).items.empty());
    CHECK(Plan(home, {.force = true}).items.size() == 2);
    home.codex.version_bump = 1;
    const HostPlan plan = Plan(home);
    REQUIRE(plan.items.size() == 2);
    for (const WorkItem& item : plan.items) CHECK(item.change == Change::kReplaced);
  }

  TEST_CASE("files not written since a time are left out, known or not") {
    SyncHome home;
    home.Write(Name(kOld), SyncHome::Recording(kOld), 3'600'000);
    home.Write(Name(kMention), SyncHome::Recording(kMention), 60'000);
    const PlanOptions hour{.since = UtcMillis{home.clock.now.value - 600'000}};
    CHECK(Only(Plan(home, hour)).file.path == home.Path(Name(kMention)));
    CHECK(Plan(home, hour).scanned == 2);
    home.Sync();
    // An old file is not missing because it is not looked at.
    CHECK(Plan(home, hour).missing.empty());
    CHECK(Plan(home, {.force = true, .since = hour.since}).items.size() == 1);
  }

  TEST_CASE("a file that may have changed in the tick it was read in is looked into again") {
    SyncHome home;
    home.clock.now.value += 500;  // no whole second
    const std::string lines = Name(kResumed), whole = Name(kOld) + ".zst";
    const std::string text = SyncHome::Recording(kResumed);
    std::string other = text;
    other[text.size() - 8] ^= 1;  // of the same size
    const auto frame = [](const std::string& of) { return selftune::testing::ZstdFrame(of, 1); };
    std::string document = SyncHome::Recording(kOld);
    home.Write(lines, text, /*age_ms=*/0);
    home.Write(whole, frame(document), /*age_ms=*/3);
    home.Sync();
    // The beginning and the end of a file of lines say that it is the same; a document has
    // only a beginning.
    CHECK(Only(Plan(home)).file.path == home.Path(whole));
    CHECK(Only(Plan(home)).change == Change::kReplaced);
    home.Rewrite(lines, other, /*age_ms=*/0);
    REQUIRE(Plan(home).items.size() == 2);
    for (const WorkItem& item : Plan(home).items) CHECK(item.change == Change::kReplaced);
    // Read once more when the tick is over, both are as they are.
    home.clock.now.value += 60'000;
    home.Sync();
    CHECK(Plan(home).items.empty());
  }

  TEST_CASE("where times are whole seconds a young file is read once more") {
    SyncHome home;
    const std::string text = SyncHome::Recording(kResumed);
    std::string other = text;
    other[text.size() / 2] ^= 1;  // neither at its beginning nor at its end
    home.Write(Name(kResumed), text, /*age_ms=*/0);
    home.clock.now.value += 400;
    home.Sync();
    home.Rewrite(Name(kResumed), other, /*age_ms=*/400);
    CHECK(Only(Plan(home)).change == Change::kReplaced);
    home.clock.now.value += 60'000;
    home.Sync();
    CHECK(Plan(home).items.empty());
  }

  TEST_CASE("a file that was written this moment is read when its tick is over") {
    // Goes on whenever it is asked.
    class Running final : public Clock {
     public:
      explicit Running(UtcMillis begin) : now_(begin) {}
      UtcMillis Now() const override { return UtcMillis{now_.value += 7}; }

     private:
      mutable UtcMillis now_;
    };
    SyncHome home;
    home.clock.now.value += 500;
    home.Write(Name(kResumed), SyncHome::Recording(kResumed), /*age_ms=*/0);
    const Running clock(UtcMillis{home.clock.now.value - 10});
    const HostPlan plan = Must(PlanHost(home.db.get(), home.codex, home.env, {.clock = &clock}));
    REQUIRE(Only(plan).looked.has_value());
    CHECK(Only(plan).looked->value > home.clock.now.value + 5);
  }

  TEST_CASE("a file that was written over is read from its start, also when its time is put back") {
    SyncHome home;
    const std::string text = SyncHome::Recording(kResumed);
    std::string other = text;
    other[text.size() / 2] ^= 1;  // neither at its beginning nor at its end
    home.Write(Name(kResumed), text, /*age_ms=*/60'000);
    home.Sync();
    CHECK(Plan(home).items.empty());
    for (const int64_t age_ms : {60'000, 30'000, 30'000}) {
      CAPTURE(age_ms);
      AwaitTick();
      home.Rewrite(Name(kResumed), other, age_ms);
      CHECK(Only(Plan(home)).change == Change::kReplaced);
      home.Sync();
      CHECK(Plan(home).items.empty());
    }
    // One that was added to goes on as before.
    AwaitTick();
    home.Append(Name(kResumed), "{}\n");
    CHECK(Only(Plan(home)).change == Change::kGrown);
    CHECK(Only(Plan(home)).state().offset == text.size());
  }

  TEST_CASE("a file is read from its start when another one tells of it what it did not before") {
    struct Case {
      const char *known, *told;
      bool reads;
    };
    const Case cases[] = {{"", "", false},       {"", "+a1", true},      {"+a1", "+a1", false},
                          {"+a1", "", false},  // it is away, or being written
                          {"+a1", "+a1t", true}, {"+a1t", "+a1", false}, {"+a1", "+b2", true}};
    for (const Case& c : cases) {
      CAPTURE(c.known);
      CAPTURE(c.told);
      SyncHome home;
      home.Write(Name(kResumed), SyncHome::Recording(kResumed), /*age_ms=*/60'000);
      home.Sync();
      REQUIRE(home.db
                  ->Execute("UPDATE source_file SET foreign_cursor=foreign_cursor||'" +
                            std::string(c.known) + "'")
                  .ok());
      ToldBeside source(home.codex);
      source.beside = std::string(c.told).substr(*c.told == '+' ? 1 : 0);
      const PlanOptions options{.clock = &home.clock};
      const HostPlan same = Must(PlanHost(home.db.get(), source, home.env, options));
      CHECK(same.items.size() == (c.reads ? 1 : 0));
      home.Append(Name(kResumed), "{}\n");
      const HostPlan grown = Must(PlanHost(home.db.get(), source, home.env, options));
      CHECK(Only(grown).change == (c.reads ? Change::kReplaced : Change::kGrown));
      CHECK(StampOf(Only(grown).file, Only(grown).info).ends_with(c.told));
    }
  }

  TEST_CASE("what a store of an earlier build does not know of a file says nothing") {
    SyncHome home;
    home.Write(Name(kResumed), SyncHome::Recording(kResumed), /*age_ms=*/60'000);
    home.Sync();
    REQUIRE(home.db->Execute("UPDATE source_file SET foreign_cursor=NULL").ok());
    AwaitTick();
    REQUIRE(::chmod(home.Path(Name(kResumed)).c_str(), S_IRUSR) == 0);
    CHECK(Plan(home).items.empty());
  }

  TEST_CASE("an unfinished last line is looked at once more after a quiet day") {
    SyncHome home;
    const std::string name = Name(kOld);
    home.Write(name, SyncHome::Recording(kOld) + R"({"type":"event_msg","payload":{)");
    home.Sync();
    CHECK(Plan(home).items.empty());
    home.clock.now.value += 25 * 3'600'000;
    CHECK(Only(Plan(home)).accept_tail);
    home.Sync();
    CHECK(Plan(home).items.empty());
    home.clock.now.value += 25 * 3'600'000;
    CHECK(Plan(home).items.empty());
  }

  TEST_CASE("a file that is written as a whole is read from its start after any change") {
    SyncHome home;
    const std::string name = Name(kOld) + ".zst";
    home.Write(name, selftune::testing::ZstdFrame(SyncHome::Recording(kOld)));
    CHECK(Only(Plan(home)).file.replaced_whole);
    home.Sync();
    CHECK(Plan(home).items.empty());
    home.Append(name, selftune::testing::ZstdFrame("{}\n"));
    CHECK(Only(Plan(home)).change == Change::kReplaced);
    home.Sync();
    home.Move(name, Name(kOld, kArchive) + ".zst");
    CHECK(Only(Plan(home)).moved);
    CHECK(Only(Plan(home)).change == Change::kGrown);
  }

  TEST_CASE("what cannot be looked at is named, and the rest is planned") {
    SyncHome home;
    home.Write(Name(kOld), SyncHome::Recording(kOld));
    REQUIRE(::symlink("/nowhere/at/all", home.Path(Name("dangling")).c_str()) == 0);
    const HostPlan plan = Plan(home);
    CHECK(Only(plan).file.path == home.Path(Name(kOld)));
    REQUIRE(plan.problems.size() == 1);
    CHECK(plan.problems.front().find("dangling") != std::string::npos);
  }

  TEST_CASE("without a store everything is new") {
    SyncHome home;
    home.Write(Name(kOld), SyncHome::Recording(kOld));
    home.Sync();
    const HostPlan plan = Must(PlanHost(nullptr, home.codex, home.env, {.clock = &home.clock}));
    CHECK(Only(plan).change == Change::kNew);
  }
}

}  // namespace selftune::sync

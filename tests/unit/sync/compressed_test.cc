// Rollouts that the host compressed, by the whole of sync.
#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support/zstd_frame.h"
#include "unit/sync/sync_fixture.h"

namespace selftune::sync {
namespace {

using selftune::testing::ZstdFrame;
using testing::kArchive;
using testing::kDay;
using testing::kLong;
using testing::kMention;
using testing::kOld;
using testing::kResumed;
using testing::Name;
using testing::SyncHome;

std::string Zst(std::string_view part, std::string_view folder = kDay) {
  return Name(part, folder) + ".zst";
}

// What is known after one sync of the plain file.
std::vector<std::string> PlainFacts(std::string_view text, std::string_view folder = kDay) {
  SyncHome home;
  home.Write(Name("x", folder), text);
  home.Sync();
  return home.Facts();
}

constexpr char kPaths[] =
    "SELECT DISTINCT source_path FROM (SELECT source_path FROM sessions UNION ALL SELECT "
    "source_path FROM prompts UNION ALL SELECT source_path FROM skill_invocations UNION ALL SELECT "
    "source_path FROM exposures)";

}  // namespace

TEST_SUITE("sync/compressed") {
  TEST_CASE("a compressed rollout gives what the plain one gives, at the same places") {
    for (const std::string_view part : {kOld, kMention, kLong}) {
      CAPTURE(part);
      const std::string text = SyncHome::Recording(part);
      SyncHome home;
      home.Write(Zst("x"), ZstdFrame(text));
      const HostReport report = home.SyncCodex();
      CHECK(report.changed == 1);
      CHECK(report.sessions == 1);
      CHECK(report.warnings.empty());
      CHECK(home.Facts() == PlainFacts(text));
      // The place in the ledger is one in the text.
      CHECK(home.One("SELECT read_offset FROM source_files") == std::to_string(text.size()));
      CHECK(home.One("SELECT pending_bytes FROM source_files") == "0");
      CHECK(home.SyncCodex().changed == 0);
    }
  }

  TEST_CASE("a rollout that was read is compressed later: same session, nothing twice") {
    const std::string text = SyncHome::Recording(kLong);
    SyncHome home;
    home.Write(Name(kLong), text);
    home.Sync();
    const auto before = home.Facts();
    // While both are there, the plain one is read.
    home.Write(Zst(kLong), ZstdFrame(text));
    CHECK(home.SyncCodex().changed == 0);
    home.Remove(Name(kLong));
    CHECK(home.SyncCodex().set_aside == 0);
    CHECK(home.Facts() == before);
    CHECK(home.Rows(kPaths, 1) == std::vector<std::string>{home.Path(Zst(kLong))});
    CHECK(home.Rows("SELECT path, state FROM source_files ORDER BY 1", 2) ==
          std::vector<std::string>{home.Path(Name(kLong)) + "|missing",
                                   home.Path(Zst(kLong)) + "|active"});
    CHECK(home.SyncCodex().changed == 0);
  }

  TEST_CASE("a compressed rollout becomes plain again and goes on") {
    const std::string text = SyncHome::Recording(kLong);
    const size_t half = text.find('\n', text.size() / 2) + 1;
    SyncHome home;
    home.Write(Zst(kLong), ZstdFrame(text.substr(0, half)));
    home.Sync();
    home.Write(Name(kLong), text.substr(0, half));
    home.Remove(Zst(kLong));
    home.Sync();
    home.Append(Name(kLong), text.substr(half));
    home.Sync();
    CHECK(home.Facts() == PlainFacts(text));
    CHECK(home.Rows(kPaths, 1) == std::vector<std::string>{home.Path(Name(kLong))});
  }

  TEST_CASE("many rollouts are compressed at once, and the numbers of files are given anew") {
    const std::vector<std::string_view> parts = {kOld, kResumed, kMention, kLong};
    SyncHome home, plain;
    for (const std::string_view part : parts) {
      home.Write(Name(part), SyncHome::Recording(part));
      plain.Write(Name(part), SyncHome::Recording(part));
    }
    plain.Sync();
    home.Sync();
    for (const std::string_view part : parts) {
      // In place: the compressed file gets the number that the plain one had.
      const std::string frame = ZstdFrame(SyncHome::Recording(part));
      home.Move(Name(part), Zst(part));
      std::filesystem::resize_file(home.Path(Zst(part)), 0);
      home.Append(Zst(part), frame);
    }
    const HostReport report = home.SyncCodex();
    CHECK(report.set_aside == 0);
    CHECK(report.bad_lines == 0);
    CHECK(home.Facts() == plain.Facts());
    CHECK(home.One("SELECT count(*) FROM source_files WHERE state='active'") == "4");
  }

  TEST_CASE("an archived rollout may be compressed as well, and come back") {
    const std::string text = SyncHome::Recording(kOld);
    SyncHome home;
    home.Write(Zst(kOld), ZstdFrame(text));
    home.Sync();
    home.codex.bytes = 0;
    home.Move(Zst(kOld), Zst(kOld, kArchive));
    home.Sync();
    CHECK(home.Facts() == PlainFacts(text, kArchive));
    CHECK(home.codex.bytes == 0);  // nothing of it was handed out again
    CHECK(home.Rows(kPaths, 1) == std::vector<std::string>{home.Path(Zst(kOld, kArchive))});
    home.Move(Zst(kOld, kArchive), Zst(kOld));
    home.Sync();
    CHECK(home.Facts() == PlainFacts(text));
  }

  TEST_CASE("cut at any byte, then whole: what came before the cut counts, and nothing twice") {
    const std::string text = SyncHome::Recording(kLong);
    const std::string frame = ZstdFrame(text);
    const auto whole = PlainFacts(text);
    for (const size_t cut : {size_t{1}, size_t{9}, size_t{5000}, frame.size() / 2, frame.size() - 4,
                             frame.size() - 1}) {
      CAPTURE(cut);
      SyncHome home;
      home.Write(Zst(kLong), frame.substr(0, cut));
      const HostReport report = home.SyncCodex();
      CHECK(report.bad_lines == 1);
      REQUIRE(report.warnings.size() == 1);
      CHECK(report.warnings.front().find(home.Path(Zst(kLong))) != std::string::npos);
      CHECK(home.One("SELECT reason FROM bad_lines") == "truncated");
      // The bad line is where the text breaks off, and the ledger says why.
      const uint64_t at = std::stoull(home.One("SELECT offset FROM bad_lines"));
      CHECK((at == 0 || text[at - 1] == '\n'));
      CHECK(home.One("SELECT last_error FROM source_files").find("truncated") == std::string::npos);
      CHECK(home.One("SELECT last_error FROM source_files").find("ends inside") !=
            std::string::npos);
      CHECK(home.SyncCodex().changed == 0);
      // The writer comes back to it.
      home.Append(Zst(kLong), frame.substr(cut));
      CHECK(home.SyncCodex().bad_lines == 0);
      CHECK(home.Facts() == whole);
      CHECK(home.One("SELECT last_error IS NULL OR last_error='' FROM source_files") == "1");
    }
  }

  TEST_CASE("damage is a row with its place, and all whole blocks before it are kept") {
    // Prompts of half a megabyte: several blocks.
    std::string text = R"({"timestamp":"2026-11-22T09:54:00.000Z","type":"session_meta",)"
                       R"("payload":{"id":"big","cwd":"/home/dev/w"}})"
                       "\n";
    const auto prompt = [](int i) {
      std::string words;
      for (int k = 0; k < 400; ++k) words += fmt::format("w{} ", (i * 7919 + k * k * 31) % 99991);
      return fmt::format(R"({{"timestamp":"2026-11-22T09:54:01.000Z","type":"event_msg",)"
                         R"("payload":{{"type":"user_message","message":"{}"}}}})"
                         "\n",
                         words);
    };
    for (int i = 0; i < 200; ++i) text += prompt(i);
    std::string frame = ZstdFrame(text);
    frame.replace(frame.size() * 3 / 4, 200, 200, '\xff');
    SyncHome home;
    home.Write(Zst("big"), frame);
    home.Write(Name(kOld), SyncHome::Recording(kOld));
    const HostReport report = home.SyncCodex();
    CHECK(report.changed == 2);
    const int kept = std::stoi(home.One("SELECT count(*) FROM prompts WHERE session_id='big'"));
    CHECK(kept > 80);
    CHECK(kept < 200);
    CHECK(home.One("SELECT count(*) FROM bad_lines WHERE reason='decompression'") == "1");
    CHECK(home.One("SELECT state FROM source_files WHERE path LIKE '%big%'") == "active");
    // Mended, everything is there once.
    home.Write(Zst("big"), ZstdFrame(text));
    home.Sync();
    CHECK(home.One("SELECT count(*) FROM prompts WHERE session_id='big'") == "200");
    CHECK(home.One("SELECT count(*) FROM bad_lines") == "0");
  }

  TEST_CASE("any order of plain and compressed files gives the same facts") {
    const std::vector<std::string_view> parts = {kOld, kResumed, kMention, kLong};
    std::vector<std::string> first;
    for (uint32_t order = 0; order < 24; order += 5) {
      CAPTURE(order);
      std::vector<std::string_view> shuffled = parts;
      for (uint32_t i = 0; i < order; ++i) {
        std::next_permutation(shuffled.begin(), shuffled.end());
      }
      SyncHome home;
      for (size_t i = 0; i < shuffled.size(); ++i) {
        const std::string text = SyncHome::Recording(shuffled[i]);
        if ((order + i) % 2 == 0) {
          home.Write(Zst(shuffled[i]), ZstdFrame(text));
        } else {
          home.Write(Name(shuffled[i]), text);
        }
        if (i % 2 == 1) home.Sync();
      }
      home.Sync();
      if (first.empty()) first = home.Facts();
      CHECK(home.Facts() == first);
      CHECK(!first.empty());
    }
  }

  TEST_CASE("an empty file and one of nothing are no sessions and no damage") {
    SyncHome home;
    home.Write(Zst("a"), "");
    home.Write(Zst("b"), ZstdFrame(""));
    const HostReport report = home.SyncCodex();
    CHECK(report.changed == 2);
    CHECK(report.bad_lines == 0);
    CHECK(home.One("SELECT count(*) FROM sessions") == "0");
  }
}

}  // namespace selftune::sync

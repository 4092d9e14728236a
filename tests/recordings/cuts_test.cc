// Recorded homes whose files are cut and completed again: the store says in the
// end what it says of a home that nobody cut.
//
// All recordings lie in one home. Each file is cut in turn by up to 300 bytes,
// each time starting from a store that has read it up to the longest cut. Here
// every third length, at the ends of lines all around; all of them, at three
// times the price, with SELFTUNE_CUTS=all in the environment.
//
// Databases lose their last bytes, whole pages, or have pages that were never
// written. Such a copy is an error that is told, never a wrong fact.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "recordings/recorded_home.h"
#include "support/rounds.h"

namespace selftune {
namespace {

namespace fs = std::filesystem;
using testing::Difference;
using testing::Facts;
using testing::Home;
using testing::Recording;
using testing::Recordings;

constexpr size_t kLongestCut = 300;

// Sanitizers look at how bytes are read, which few cuts show as well as all.
size_t Step() {
  const char* cuts = std::getenv("SELFTUNE_CUTS");
  if (cuts != nullptr && std::string_view(cuts) == "all") return 1;
  return testing::kSanitized ? 97 : 3;
}

// A file with sessions, and the lengths by which it is cut.
struct CutFile {
  std::string path, bytes;
  std::vector<size_t> cuts;
};

// Every `step`th length, beginning with another one for each file; and those
// around the end of a line, where it is told from what is not written yet.
std::vector<size_t> CutsOf(const std::string& bytes, size_t number, size_t step) {
  std::vector<size_t> out;
  const size_t longest = std::min(kLongestCut, bytes.size());
  for (size_t cut = longest; cut > 0; --cut) {
    const auto line_end = [&](size_t at) {  // cut so that `at` bytes stay
      return at > 0 && at <= bytes.size() && bytes[at - 1] == '\n';
    };
    const size_t keep = bytes.size() - cut;
    const bool near = line_end(keep) || line_end(keep + 1) || (keep > 0 && line_end(keep - 1));
    if ((cut + number) % step == 0 || near) out.push_back(cut);
  }
  return out;
}

std::vector<CutFile> CutFilesOf(const Home& home) {
  std::vector<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(home.Path("home"))) {
    const std::string path = entry.path().string();
    if (entry.is_regular_file() && !entry.is_symlink() && testing::IsSessionFile(path))
      paths.push_back(path);
  }
  std::sort(paths.begin(), paths.end());
  std::vector<CutFile> out;
  for (const std::string& path : paths) {
    std::string bytes = testing::ReadWhole(path);
    std::vector<size_t> cuts = CutsOf(bytes, out.size(), Step());
    out.push_back({path, std::move(bytes), std::move(cuts)});
  }
  return out;
}

// The same file with fewer bytes or all of them, as one that grows.
void Write(const CutFile& file, size_t cut) {
  const size_t from = file.bytes.size() - std::min(file.bytes.size(), kLongestCut);
  const size_t keep = file.bytes.size() - std::min(cut, file.bytes.size());
  fs::resize_file(file.path, std::min(from, keep));
  std::ofstream out(file.path, std::ios::binary | std::ios::app);
  if (keep > from) out << std::string_view(file.bytes).substr(from, keep - from);
  REQUIRE(out.flush().good());
}

// Copies of a database that somebody made while it was written, or that broke off.
std::vector<std::pair<std::string, std::string>> BrokenCopies(const std::string& bytes) {
  constexpr size_t kPage = 4096;
  std::vector<std::pair<std::string, std::string>> out;
  for (size_t cut = 1; cut <= kLongestCut; cut += Step()) {
    out.emplace_back("cut by " + std::to_string(cut), bytes.substr(0, bytes.size() - cut));
  }
  const size_t pages = bytes.size() / kPage;
  for (size_t keep = 0; keep < pages; keep += testing::kSanitized ? 41 : 9) {
    // An empty file is a database in which nothing is yet.
    if (keep > 0) out.emplace_back(std::to_string(keep) + " pages", bytes.substr(0, keep * kPage));
    std::string holes = bytes;
    std::fill(holes.begin() + static_cast<std::ptrdiff_t>(keep * kPage), holes.end(), '\0');
    out.emplace_back("zeros from page " + std::to_string(keep), std::move(holes));
    std::string hole = bytes;
    const auto begin = hole.begin() + static_cast<std::ptrdiff_t>(keep * kPage);
    std::fill(begin, begin + kPage, '\0');
    out.emplace_back("zeros at page " + std::to_string(keep), std::move(hole));
  }
  return out;
}

// What is known of other things than sources that cannot be read.
Facts WithoutBadLines(const Facts& facts) {
  Facts out;
  for (const std::string& fact : facts) {
    if (!fact.starts_with("bad_lines|")) out.push_back(fact);
  }
  return out;
}

std::string Trouble(Home& home) {
  auto rows = home.Store()->Query(
      "SELECT count(*) FROM source_file WHERE last_error IS NOT NULL OR bad_lines>0 OR "
      "records_unknown>0");
  REQUIRE(rows.ok());
  REQUIRE(*rows->Next());
  return rows->String(0);
}

TEST_SUITE("recordings/cuts") {
  TEST_CASE("a cut at any of the last bytes changes nothing once the file is whole") {
    Home home;
    for (const Recording& recording : Recordings()) {
      if (!recording.database) home.Add(recording.home);
    }
    std::vector<CutFile> files = CutFilesOf(home);
    REQUIRE(files.size() > 150);
    home.Sync();
    const Facts whole = home.Known();
    REQUIRE(whole.size() > 2000);
    home.Forget();
    size_t rounds = 0;
    for (const CutFile& file : files) {
      Write(file, kLongestCut);
      rounds = std::max(rounds, file.cuts.size());
    }
    home.Sync();
    home.Keep();
    int wrong = 0;
    for (size_t round = 0; round < rounds && wrong < 3; ++round) {
      home.Back();
      for (const CutFile& file : files) {
        Write(file, round < file.cuts.size() ? file.cuts[round] : 0);
      }
      home.Sync();
      for (const CutFile& file : files) {
        if (round < file.cuts.size()) Write(file, 0);
      }
      home.Sync();
      const std::string difference = Difference(whole, home.Known());
      CHECK_MESSAGE(difference.empty(), "round ", round, difference);
      wrong += difference.empty() ? 0 : 1;
    }
  }

  TEST_CASE("half a copy of a database is told, gives no wrong fact and heals") {
    int databases = 0;
    for (const Recording& recording : Recordings()) {
      if (!recording.database) continue;
      ++databases;
      CAPTURE(recording.name);
      Home home;
      home.Add(recording.home);
      std::string path;
      for (const auto& entry : fs::recursive_directory_iterator(home.Path("home"))) {
        const std::string name = entry.path().string();
        if (name.ends_with(".sqlite") || name.ends_with("/opencode.db")) path = name;
      }
      const std::string bytes = testing::ReadWhole(path);
      const auto write = [&](std::string_view content) {
        std::ofstream out(path, std::ios::binary | std::ios::trunc);
        out << content;
        REQUIRE(out.flush().good());
      };
      home.Store();
      home.Keep();
      home.Sync();
      const Facts whole = home.Known();
      REQUIRE(whole.size() > 50);
      int number = 0;
      for (const auto& [what, copy] : BrokenCopies(bytes)) {
        CAPTURE(what);
        home.Back();
        write(copy);
        home.Sync();
        const Facts some = WithoutBadLines(home.Known());
        CHECK(std::includes(whole.begin(), whole.end(), some.begin(), some.end()));
        if (some.size() < whole.size()) CHECK(Trouble(home) == "1");
        if (some.empty() && ++number % 16 != 0) continue;
        write(bytes);
        home.Sync();
        CHECK(Difference(whole, home.Known()) == "");
        CHECK(Trouble(home) == "0");
        write(copy);  // what was read stays
        home.Sync();
        CHECK(Difference(whole, WithoutBadLines(home.Known())) == "");
        write(bytes);
        home.Sync();
        CHECK(Difference(whole, home.Known()) == "");
      }
    }
    CHECK(databases == 2);
  }
}

}  // namespace
}  // namespace selftune

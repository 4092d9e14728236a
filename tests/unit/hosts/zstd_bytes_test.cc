#include "hosts/common/zstd_bytes.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support/temp_dir.h"
#include "support/zstd_frame.h"

namespace selftune::hosts {
namespace {

using selftune::testing::TempDir;
using selftune::testing::ZstdFrame;

struct Expanded {
  std::string text;
  std::string reason;  // of the damage, "" = whole
  std::string detail;
};

Expanded Expand(std::string_view file, size_t step = 4096, uint64_t start = 0) {
  const TempDir dir;
  const std::string path = dir.Write("x.zst", file);
  auto stream = OpenZstd(path, file.size());
  REQUIRE(stream.ok());
  Expanded out;
  std::string piece(step, '\0');
  for (;;) {
    const auto got = (*stream)->ReadAt(start + out.text.size(), piece.data(), step);
    REQUIRE(got.ok());
    if (*got == 0) break;
    out.text.append(piece, 0, *got);
  }
  if (const ingest::Damage* damage = (*stream)->damage(); damage != nullptr) {
    out.reason = damage->reason;
    out.detail = damage->detail;
  }
  return out;
}

// Text of several blocks that does not compress to nothing.
std::string Sample(size_t bytes) {
  std::string text;
  uint64_t state = 7;
  while (text.size() < bytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    text += fmt::format("{{\"n\":{},\"x\":{}}}\n", text.size(), state >> 33);
  }
  text.resize(bytes);
  return text;
}

}  // namespace

TEST_SUITE("hosts/zstd_bytes") {
  TEST_CASE("what was compressed comes back, in pieces of any size") {
    const std::string text = Sample(700'000);
    for (const int level : {1, 3, 19}) {
      CAPTURE(level);
      const std::string frame = ZstdFrame(text, level, 0, /*checksum=*/level == 3);
      for (const size_t step : {size_t{997}, size_t{4096}, size_t{1} << 20}) {
        const Expanded got = Expand(frame, step);
        CHECK(got.text == text);
        CHECK(got.reason.empty());
      }
    }
  }

  TEST_CASE("frames behind each other are one stream, empty and skippable ones are nothing") {
    const std::string skippable("\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
    const Expanded got =
        Expand(ZstdFrame("one\n") + ZstdFrame("") + skippable + ZstdFrame("two\n"));
    CHECK(got.text == "one\ntwo\n");
    CHECK(got.reason.empty());
    CHECK(Expand("").text.empty());
    CHECK(Expand("").reason.empty());
  }

  TEST_CASE("reading may begin anywhere, also behind the end") {
    const std::string text = Sample(300'000);
    const std::string frame = ZstdFrame(text);
    for (const uint64_t start : {0, 1, 131'071, 131'072, 299'999, 300'000, 400'000}) {
      CAPTURE(start);
      CHECK(Expand(frame, 4096, start).text == text.substr(std::min<uint64_t>(start, text.size())));
    }
  }

  TEST_CASE("cut at any byte, all whole blocks before the cut are given and the cut is said") {
    const std::string text = Sample(400'000);
    const std::string frame = ZstdFrame(text);
    size_t last = 0;
    for (size_t cut = 1; cut < frame.size(); cut += cut < 40 || cut + 40 > frame.size() ? 1 : 977) {
      CAPTURE(cut);
      const Expanded got = Expand(std::string_view(frame).substr(0, cut), 1 << 20);
      CHECK(text.starts_with(got.text));
      CHECK(got.text.size() >= last);
      last = got.text.size();
      CHECK(got.reason == "truncated");
      CHECK(got.detail.find(fmt::format("byte {} of {}", cut, cut)) != std::string::npos);
    }
    CHECK(last > 390'000);
  }

  TEST_CASE("bytes changed in the last block take nothing from the blocks before") {
    const std::string text = Sample(400'000);
    std::string frame = ZstdFrame(text, 3, 0, /*checksum=*/true);
    // The type of the last block: reserved.
    const std::string whole = frame;
    frame.replace(frame.size() / 2, 64, 64, '\xff');
    const Expanded got = Expand(frame, 1 << 20);
    CHECK(got.reason == "decompression");
    CHECK(got.text.size() >= 131'072);
    CHECK(text.compare(0, 131'072, got.text, 0, 131'072) == 0);
    // Only the checksum tells: everything is given.
    frame = whole;
    frame.back() = static_cast<char>(frame.back() ^ 1);
    const Expanded checked = Expand(frame);
    CHECK(checked.text == text);
    CHECK(checked.reason == "decompression");
  }

  TEST_CASE("what is no frame is damage at its place") {
    CHECK(Expand("{\"type\":\"session_meta\"}\n").reason == "decompression");
    const std::string frame = ZstdFrame("one\n");
    const Expanded got = Expand(frame + "garbage");
    CHECK(got.text == "one\n");
    CHECK(got.reason == "decompression");
    CHECK(got.detail.find(fmt::format("byte {} of", frame.size())) != std::string::npos);
  }

  TEST_CASE("a bomb is put out, a window beyond what decoders must have is refused") {
    const std::string bomb = ZstdFrame(std::string(size_t{200} << 20, 'x'));
    REQUIRE(bomb.size() < 30'000);
    const TempDir dir;
    const std::string path = dir.Write("bomb.zst", bomb);
    auto stream = OpenZstd(path, bomb.size());
    REQUIRE(stream.ok());
    std::string piece(size_t{1} << 20, '\0');
    uint64_t total = 0;
    for (;;) {
      const auto got = (*stream)->ReadAt(total, piece.data(), piece.size());
      REQUIRE(got.ok());
      if (*got == 0) break;
      total += *got;
    }
    CHECK(total >= size_t{64} << 20);
    CHECK(total < size_t{80} << 20);
    REQUIRE((*stream)->damage() != nullptr);
    CHECK((*stream)->damage()->reason == "decompression");

    const Expanded wide = Expand(ZstdFrame(Sample(1000), 3, /*window_log=*/27));
    CHECK(wide.text.empty());
    CHECK(wide.reason == "decompression");
  }

  TEST_CASE("bytes added since the last look are left for the next") {
    const TempDir dir;
    const std::string first = ZstdFrame("one\n");
    const std::string path = dir.Write("x.zst", first + ZstdFrame("two\n"));
    auto stream = OpenZstd(path, first.size());
    REQUIRE(stream.ok());
    char out[16];
    uint64_t total = 0;
    while (const size_t got = *(*stream)->ReadAt(total, out, sizeof out)) total += got;
    CHECK(total == 4);
    CHECK((*stream)->damage() == nullptr);
    CHECK(CodeOf((*stream)->ReadAt(0, out, sizeof out).status()).name == "INTERNAL");
  }

  TEST_CASE("a file that is not there is an error") {
    CHECK(CodeOf(OpenZstd("/nowhere/x.zst", 10).status()).name == "FILE_NOT_FOUND");
  }
}

}  // namespace selftune::hosts

// Any bytes can be read as a compressed rollout: in steps of any size they give
// the same lines and the same damage, and a rollout cut or changed anywhere
// gives no line that it did not hold before that place.
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hosts/common/zstd_bytes.h"
#include "ingest/line_pump.h"
#include "input.h"

namespace selftune {
namespace {

// A file of which only the first bytes are looked at, as after a cut.
class Memory final : public ingest::ByteStream {
 public:
  explicit Memory(std::string_view bytes) : bytes_(bytes) {}
  StatusOr<size_t> ReadAt(uint64_t offset, char* out, size_t size) override {
    if (offset >= bytes_.size()) return size_t{0};
    return bytes_.copy(out, size, offset);
  }

 private:
  std::string_view bytes_;
};

constexpr size_t kWhole = size_t{1} << 16;
constexpr uint64_t kMostBytes = uint64_t{1} << 20;
constexpr uint64_t kMostSteps = 1000;
constexpr int kNotKept = -1;  // libFuzzer: no input to change further

// Remembers a hash of every line and where it stood.
class Recorder final : public ingest::LineReader {
 public:
  Status ReadLine(const ingest::Line& line, base::LineParser&, ingest::Batch& batch) override {
    if (!line.text.starts_with('{')) return Fail(kInvalidRequest, "no object");
    lines.push_back({line.offset, std::hash<std::string_view>{}(line.text)});
    batch.Session("s").metrics.answers += 1;
    return absl::OkStatus();
  }
  [[nodiscard]] std::string SaveState() const override { return "{}"; }

  std::vector<std::pair<uint64_t, size_t>> lines;
};

struct Result {
  std::vector<std::pair<uint64_t, size_t>> lines;
  std::vector<std::pair<uint64_t, std::string>> bad;
  uint64_t offset = 0, pending = 0;
  std::string damage;
  friend bool operator==(const Result&, const Result&) = default;
};

Result Read(std::string_view packed, size_t chunk) {
  auto stream = hosts::OpenZstd(std::make_unique<Memory>(packed), "fuzz", packed.size());
  fuzz::Require(stream.ok(), "a file opens");
  ingest::PumpOptions options;
  options.chunk_bytes = chunk;
  options.max_line_bytes = 4096;
  Recorder recorder;
  static ingest::PumpBuffer buffer;  // serves file after file, as in a sync
  Result out;
  const auto pumped = ingest::PumpLines(**stream, options, recorder, buffer,
                                        [&](ingest::Batch batch, const ingest::Cursor& at) {
                                          for (const ingest::BadLine& line : batch.bad_lines) {
                                            out.bad.emplace_back(line.offset, line.reason);
                                          }
                                          out.offset = at.offset;
                                          return absl::OkStatus();
                                        });
  fuzz::Require(pumped.ok(), "damage is no failure");
  out.lines = recorder.lines;
  out.pending = pumped->pending;
  out.damage = pumped->damage;
  fuzz::Require(out.damage.empty() || out.pending == 0, "behind damage nothing waits");
  return out;
}

std::string Compress(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

// The first lines of `got` are those of `whole`.
bool IsPrefix(const Result& got, const Result& whole) {
  return got.lines.size() <= whole.lines.size() &&
         std::equal(got.lines.begin(), got.lines.end(), whole.lines.begin());
}

}  // namespace
}  // namespace selftune

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  if (size < 3) return 0;
  const uint8_t mode = data[0];
  const size_t place = data[1] * size_t{256} + data[2];
  const std::string_view rest = fuzz::AsText(data, size).substr(3);
  if (mode % 2 == 0) {  // the bytes are the file
    const Result one = Read(rest, kWhole);
    const uint64_t expanded = one.offset + one.pending;
    // Bombs take the time of thousands, and there is a test of them.
    if (expanded > kMostBytes) return kNotKept;
    const size_t step = std::max<size_t>(1 + place % 5000, expanded / kMostSteps);
    fuzz::Require(one == Read(rest, step), "steps change nothing");
    return 0;
  }
  // The bytes are the text; its file is cut, in steps.
  const std::string file = Compress(rest) + Compress(rest.substr(place % (rest.size() + 1)));
  const Result whole = Read(file, kWhole);
  fuzz::Require(whole.damage.empty(), "what was compressed is whole");
  const std::string_view begin = std::string_view(file).substr(0, place % (file.size() + 1));
  fuzz::Require(IsPrefix(Read(begin, 1 + place % 300), whole), "a cut file gives the beginning");
  return 0;
}

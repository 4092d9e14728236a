// Any bytes can be read as a compressed rollout: in steps of any size they give
// the same lines and the same damage, and a rollout cut or changed anywhere
// gives no line that it did not hold before that place.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
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

// A file that lives in memory.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(::memfd_create("fuzz", 0)) {
    fuzz::Require(fd_ >= 0, "a file in memory");
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n = ::write(fd_, bytes.data() + done, bytes.size() - done);
      fuzz::Require(n > 0, "writing to it");
      done += static_cast<size_t>(n);
    }
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

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

Result Read(const MemoryFile& file, size_t size, size_t chunk) {
  auto stream = hosts::OpenZstd(file.path(), size);
  fuzz::Require(stream.ok(), "a file opens");
  ingest::PumpOptions options;
  options.chunk_bytes = chunk;
  options.max_line_bytes = 4096;
  Recorder recorder;
  ingest::PumpBuffer buffer;
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
    const MemoryFile file(rest);
    const Result one = Read(file, rest.size(), size_t{1} << 20);
    fuzz::Require(one == Read(file, rest.size(), 1 + place % 5000), "steps change nothing");
    return 0;
  }
  // The bytes are the text; its file is cut, in steps.
  const std::string frame = Compress(rest) + Compress(rest.substr(place % (rest.size() + 1)));
  const MemoryFile file(frame);
  const Result whole = Read(file, frame.size(), size_t{1} << 20);
  fuzz::Require(whole.damage.empty(), "what was compressed is whole");
  const Result cut = Read(file, place % (frame.size() + 1), 1 + place % 300);
  fuzz::Require(IsPrefix(cut, whole), "a cut file gives the beginning");
  return 0;
}

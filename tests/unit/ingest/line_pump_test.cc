#include "ingest/line_pump.h"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/file.h"
#include "support/temp_dir.h"

namespace selftune::ingest {
namespace {

// Accepts lines that begin with '{' and remembers them.
class Recorder final : public LineReader {
 public:
  Status ReadLine(const Line& line, base::LineParser&, Batch& batch) override {
    if (!line.text.starts_with('{')) return Fail(kInvalidRequest, "no object");
    lines.emplace_back(line.text);
    offsets.push_back(line.offset);
    batch.Session("s").metrics.answers += 1;
    return absl::OkStatus();
  }
  [[nodiscard]] std::string SaveState() const override { return "{}"; }

  std::vector<std::string> lines;
  std::vector<uint64_t> offsets;
};

struct Pumped {
  std::vector<std::string> lines;
  std::vector<BadLine> bad;
  Cursor cursor;
  size_t flushes = 0;
};

Pumped Pump(const std::string& bytes, PumpOptions options, Recorder& recorder) {
  const testing::TempDir dir;
  const std::string path = dir.Write("lines.jsonl", bytes);
  options.end = bytes.size();
  auto file = base::OpenRead(path);
  REQUIRE(file.ok());
  PumpBuffer buffer;
  Pumped out;
  const Status status = PumpLines(file->fd(), path, options, recorder, buffer,
                                  [&](Batch batch, const Cursor& cursor) {
                                    for (BadLine& line : batch.bad_lines) {
                                      out.bad.push_back(std::move(line));
                                    }
                                    out.cursor = cursor;
                                    ++out.flushes;
                                    return absl::OkStatus();
                                  });
  REQUIRE(status.ok());
  out.lines = recorder.lines;
  return out;
}

Pumped Pump(const std::string& bytes, const PumpOptions& options = {}) {
  Recorder recorder;
  return Pump(bytes, options, recorder);
}

}  // namespace

TEST_SUITE("ingest/line_pump") {
  TEST_CASE("only complete lines are read; the rest waits") {
    struct Case {
      const char* name;
      std::string bytes;
      std::vector<std::string> want;
      uint64_t offset, line_no;
    };
    const Case cases[] = {
        {"empty file", "", {}, 0, 0},
        {"a line being written", "{1}\n{2", {"{1}"}, 4, 1},
        {"windows line ends", "{1}\r\n{2}\r\n", {"{1}", "{2}"}, 10, 2},
        {"blank lines count but say nothing", "{1}\n\n  \n{2}\n", {"{1}", "{2}"}, 12, 4},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const Pumped got = Pump(c.bytes);
      CHECK(got.lines == c.want);
      CHECK(got.cursor.offset == c.offset);
      CHECK(got.cursor.line_no == c.line_no);
      CHECK(got.bad.empty());
    }
  }

  TEST_CASE("a cursor at any line end repeats and skips nothing") {
    const std::string bytes = "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n";
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
      CAPTURE(cut);
      const Pumped first = Pump(bytes.substr(0, cut));
      PumpOptions options;
      options.start = first.cursor;
      const Pumped second = Pump(bytes, options);
      CHECK(first.lines.size() + second.lines.size() == 3);
      CHECK(second.cursor.line_no == 3);
    }
  }

  TEST_CASE("small chunks give the same lines as one") {
    std::string bytes;
    for (int i = 0; i < 200; ++i) bytes += "{" + std::string(static_cast<size_t>(i), 'x') + "}\n";
    const std::vector<std::string> whole = Pump(bytes).lines;
    for (const size_t chunk : {1, 7, 64, 1000}) {
      CAPTURE(chunk);
      PumpOptions options;
      options.chunk_bytes = chunk;
      CHECK(Pump(bytes, options).lines == whole);
    }
  }

  TEST_CASE("a bad line becomes a row with its place and is passed over") {
    const Pumped got = Pump("{1}\nnonsense\n{\xff}\n{2}\n");
    CHECK(got.lines == std::vector<std::string>{"{1}", "{\xff}", "{2}"});
    REQUIRE(got.bad.size() == 1);
    CHECK(got.bad[0].offset == 4);
    CHECK(got.bad[0].line_no == 2);
    CHECK(got.bad[0].reason == "wrong_shape");
    CHECK(got.bad[0].excerpt == "nonsense");
  }

  TEST_CASE("a line above the limit is counted, and what follows is read") {
    PumpOptions options;
    options.max_line_bytes = 1000;
    options.chunk_bytes = 300;
    const std::string giant = "{" + std::string(5000, 'x') + "}";
    const Pumped got = Pump("{1}\n" + giant + "\n{2}\n", options);
    CHECK(got.lines == std::vector<std::string>{"{1}", "{2}"});
    REQUIRE(got.bad.size() == 1);
    CHECK(got.bad[0].reason == "too_long");
    CHECK(got.bad[0].offset == 4);
    CHECK(got.cursor.line_no == 3);
    CHECK(got.cursor.offset == 4 + giant.size() + 1 + 4);
  }

  TEST_CASE("a giant line without an end is tried again from its beginning") {
    PumpOptions options;
    options.max_line_bytes = 100;
    const Pumped got = Pump("{1}\n" + std::string(5000, 'x'), options);
    CHECK(got.cursor.offset == 4);
    CHECK(got.bad.empty());
  }

  TEST_CASE("an unfinished last line counts only where it may") {
    PumpOptions options;
    CHECK(Pump("{1}\n{2}", options).lines.size() == 1);
    options.accept_tail = true;
    const Pumped accepted = Pump("{1}\n{2}", options);
    CHECK(accepted.lines.size() == 2);
    CHECK(accepted.cursor.offset == 7);
    // What does not parse is no line yet, and no bad line either.
    const Pumped half = Pump("{1}\nhalf", options);
    CHECK(half.cursor.offset == 4);
    CHECK(half.bad.empty());
  }

  TEST_CASE("batches are flushed before they grow") {
    std::string bytes;
    for (int i = 0; i < 100; ++i) bytes += "bad\n";
    PumpOptions options;
    options.max_rows = 10;
    CHECK(Pump(bytes, options).flushes >= 10);
  }

  TEST_CASE("a request to stop is obeyed between lines") {
    base::Cancel cancel;
    cancel.Request();
    PumpOptions options;
    options.cancel = &cancel;
    options.end = 8;
    const testing::TempDir dir;
    const std::string path = dir.Write("x", "{1}\n{2}\n");
    auto file = base::OpenRead(path);
    Recorder recorder;
    PumpBuffer buffer;
    const Status status = PumpLines(file->fd(), path, options, recorder, buffer,
                                    [](Batch, const Cursor&) { return absl::OkStatus(); });
    CHECK(CodeOf(status).name == "CANCELLED");
    CHECK(recorder.lines.size() <= 1);
  }
}

}  // namespace selftune::ingest

#include "ingest/line_pump.h"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

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

struct Result {
  std::vector<std::string> lines;
  std::vector<BadLine> bad;
  Cursor cursor;
  size_t flushes = 0;
  uint64_t pending = 0;
  std::string damage;
};

Result Pump(ByteStream& bytes, const PumpOptions& options, Recorder& recorder) {
  PumpBuffer buffer;
  Result out;
  const auto pumped =
      PumpLines(bytes, options, recorder, buffer, [&](Batch batch, const Cursor& cursor) {
        for (BadLine& line : batch.bad_lines) out.bad.push_back(std::move(line));
        out.cursor = cursor;
        ++out.flushes;
        return absl::OkStatus();
      });
  REQUIRE(pumped.ok());
  out.pending = pumped->pending;
  out.damage = pumped->damage;
  out.lines = recorder.lines;
  return out;
}

Result Pump(const std::string& bytes, const PumpOptions& options, Recorder& recorder) {
  const testing::TempDir dir;
  auto stream = OpenPlain(dir.Write("lines.jsonl", bytes), bytes.size());
  REQUIRE(stream.ok());
  return Pump(**stream, options, recorder);
}

// Bytes that break off.
class Broken final : public ByteStream {
 public:
  explicit Broken(std::string bytes) : bytes_(std::move(bytes)) {}
  StatusOr<size_t> ReadAt(uint64_t offset, char* out, size_t size) override {
    return bytes_.copy(out, size, static_cast<size_t>(offset));
  }
  const Damage* damage() const override { return &damage_; }

 private:
  std::string bytes_;
  Damage damage_{"truncated", "the file ends inside a frame"};
};

Result Pump(const std::string& bytes, const PumpOptions& options = {}) {
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
      const Result got = Pump(c.bytes);
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
      const Result first = Pump(bytes.substr(0, cut));
      PumpOptions options;
      options.start = first.cursor;
      const Result second = Pump(bytes, options);
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
    const Result got = Pump("{1}\nnonsense\n{\xff}\n{2}\n");
    CHECK(got.lines == std::vector<std::string>{"{1}", "{\xff}", "{2}"});
    REQUIRE(got.bad.size() == 1);
    CHECK(got.bad[0].offset == 4);
    CHECK(got.bad[0].line_no == 2);
    CHECK(got.bad[0].reason == "wrong_shape");
    CHECK(got.bad[0].excerpt == "nonsense");
  }

  TEST_CASE("a byte order mark at the beginning of a file is not part of its first line") {
    const std::string mark = "\xEF\xBB\xBF";
    Recorder recorder;
    const Result got = Pump(mark + "{\"a\":1}\n{\"b\":2}\n" + mark + "{\"c\":3}\n", {}, recorder);
    CHECK(got.lines == std::vector<std::string>{"{\"a\":1}", "{\"b\":2}"});
    CHECK(recorder.offsets == std::vector<uint64_t>{0, 11});
    REQUIRE(got.bad.size() == 1);  // in the middle of a file it is a mistake
    CHECK(got.bad[0].line_no == 3);
  }

  TEST_CASE("a line above the limit is counted, and what follows is read") {
    PumpOptions options;
    options.max_line_bytes = 1000;
    options.chunk_bytes = 300;
    const std::string giant = "{" + std::string(5000, 'x') + "}";
    const Result got = Pump("{1}\n" + giant + "\n{2}\n", options);
    CHECK(got.lines == std::vector<std::string>{"{1}", "{2}"});
    REQUIRE(got.bad.size() == 1);
    CHECK(got.bad[0].reason == "too_long");
    CHECK(got.bad[0].offset == 4);
    CHECK(got.cursor.line_no == 3);
    CHECK(got.cursor.offset == 4 + giant.size() + 1 + 4);
  }

  TEST_CASE("the limit of a line does not depend on how much is read at once") {
    for (const size_t chunk : {size_t{1}, size_t{99}, size_t{100}, size_t{101}, size_t{1} << 20}) {
      CAPTURE(chunk);
      PumpOptions options;
      options.max_line_bytes = 100;
      options.chunk_bytes = chunk;
      const std::string longest = "{" + std::string(98, 'x') + "}";
      const Result got = Pump(longest + "\n{" + longest + "\n{1}\n", options);
      CHECK(got.lines == std::vector<std::string>{longest, "{1}"});
      REQUIRE(got.bad.size() == 1);
      CHECK(got.bad[0].reason == "too_long");
      CHECK(got.bad[0].offset == 101);
    }
  }

  TEST_CASE("a buffer grows to the limit of a line, not to twice that, and gives it back") {
    PumpBuffer buffer;
    buffer.Reserve(size_t{40} << 20, size_t{41} << 20);
    const size_t limit = size_t{65} << 20;
    buffer.data()[0] = 'x';
    buffer.Reserve((size_t{40} << 20) + 1, limit);
    CHECK(buffer.capacity() == limit);
    CHECK(buffer.data()[0] == 'x');
    buffer.Shrink(size_t{5} << 20);  // still needed
    CHECK(buffer.capacity() == limit);
    buffer.Shrink(size_t{1} << 20);
    CHECK(buffer.capacity() <= size_t{2} << 20);
    CHECK(buffer.data()[0] == 'x');
  }

  TEST_CASE("of a very long line the middle of its string is left out, and places stay right") {
    PumpOptions options;
    options.whole_line_bytes = size_t{1} << 20;
    options.chunk_bytes = size_t{1} << 16;
    const std::string giant = "{\"text\":\"" + std::string(size_t{5} << 20, 'x') + "\",\"n\":1}";
    for (const bool tail : {false, true}) {
      CAPTURE(tail);
      options.accept_tail = tail;
      Recorder recorder;
      const Result got =
          Pump("{1}\n" + giant + "\n{2}\n" + giant + (tail ? "" : "\n"), options, recorder);
      CHECK(got.bad.empty());
      REQUIRE(got.lines.size() == 4);
      CHECK(got.lines[1].size() < size_t{1} << 20);
      CHECK(got.lines[1].ends_with("x\",\"n\":1}"));
      CHECK(got.lines[3] == got.lines[1]);
      CHECK(recorder.offsets == std::vector<uint64_t>{0, 4, giant.size() + 5, giant.size() + 9});
      CHECK(got.cursor.offset == 2 * giant.size() + 9 + (tail ? 0 : 1));
    }
    options.accept_tail = false;
    CHECK(Pump("{1}\n" + giant, options).pending == giant.size());
  }

  TEST_CASE("a long line that is no record is dropped as it is read, with the reason") {
    PumpOptions options;
    options.whole_line_bytes = size_t{1} << 16;
    options.chunk_bytes = size_t{1} << 14;
    options.max_line_bytes = size_t{1} << 20;
    const std::string part((size_t{1} << 19) + 1, 'x');
    struct Case {
      const char* name;
      std::string line;
      std::string_view reason;
    };
    const Case cases[] = {{"words", part, "wrong_shape"},
                          {"a list", "[" + part + "]", "wrong_shape"},
                          {"an object that is none", "{" + part + "}", "not_json"},
                          {"zeroes of a crash", std::string(part.size(), '\0'), "wrong_shape"},
                          {"other bytes", part + "\xFF", "wrong_shape"},
                          {"other bytes first", "\xFF" + part, "not_utf8"},
                          {"above the limit", part + part, "too_long"}};
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const Result got = Pump("{1}\n" + c.line + "\n{2}\n" + c.line, options);
      CHECK(got.lines == std::vector<std::string>{"{1}", "{2}"});
      REQUIRE(got.bad.size() == 1);
      CHECK(got.bad[0].reason == c.reason);
      CHECK(got.bad[0].offset == 4);
      CHECK(got.bad[0].line_no == 2);
      CHECK(got.pending == c.line.size());
      CHECK(got.cursor.offset == c.line.size() + 9);
    }
  }

  TEST_CASE("a line whose parts would take more memory than it may is counted") {
    PumpOptions options;
    options.whole_line_bytes = size_t{1} << 16;
    options.chunk_bytes = size_t{1} << 14;
    options.max_held_bytes = size_t{1} << 20;
    std::string dense = "{\"a\":[1";
    while (dense.size() < size_t{1} << 18) dense += ",1";
    const Result got = Pump("{1}\n" + dense + "]}\n{2}\n", options);
    CHECK(got.lines == std::vector<std::string>{"{1}", "{2}"});
    REQUIRE(got.bad.size() == 1);
    CHECK(got.bad[0].reason == "too_long");
    options.max_held_bytes = size_t{2} << 20;
    CHECK(Pump("{1}\n" + dense + "]}\n{2}\n", options).lines.size() == 3);
  }

  TEST_CASE("the limit counts what was left out") {
    PumpOptions options;
    options.whole_line_bytes = size_t{1} << 20;
    options.max_line_bytes = size_t{3} << 20;
    options.chunk_bytes = size_t{1} << 16;
    const std::string giant = "{\"text\":\"" + std::string(size_t{4} << 20, 'x') + "\"}";
    const Result got = Pump("{1}\n" + giant + "\n{2}\n" + giant, options);
    CHECK(got.lines == std::vector<std::string>{"{1}", "{2}"});
    REQUIRE(got.bad.size() == 1);
    CHECK(got.bad[0].reason == "too_long");
    CHECK(got.bad[0].offset == 4);
    CHECK(got.cursor.offset == giant.size() + 9);  // the other one may go on
  }

  TEST_CASE("a giant line without an end is tried again from its beginning") {
    PumpOptions options;
    options.max_line_bytes = 100;
    const Result got = Pump("{1}\n" + std::string(5000, 'x'), options);
    CHECK(got.cursor.offset == 4);
    CHECK(got.bad.empty());
  }

  TEST_CASE("an unfinished last line counts only where it may") {
    PumpOptions options;
    CHECK(Pump("{1}\n{2}", options).lines.size() == 1);
    options.accept_tail = true;
    const Result accepted = Pump("{1}\n{2}", options);
    CHECK(accepted.lines.size() == 2);
    CHECK(accepted.cursor.offset == 7);
    // What does not parse is no line yet, and no bad line either.
    const Result half = Pump("{1}\nhalf", options);
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
    const testing::TempDir dir;
    auto stream = OpenPlain(dir.Write("x", "{1}\n{2}\n"), 8);
    Recorder recorder;
    PumpBuffer buffer;
    const auto pumped = PumpLines(**stream, options, recorder, buffer,
                                  [](const Batch&, const Cursor&) { return absl::OkStatus(); });
    CHECK(CodeOf(pumped.status()).name == "CANCELLED");
    CHECK(recorder.lines.size() <= 1);
  }

  TEST_CASE("no more is read than the file had at the last look") {
    const testing::TempDir dir;
    auto stream = OpenPlain(dir.Write("x", "{1}\n{2}\n{3}\n"), 6);
    Recorder recorder;
    const Result got = Pump(**stream, {}, recorder);
    CHECK(got.lines == std::vector<std::string>{"{1}"});
    CHECK(got.pending == 2);
  }

  TEST_CASE("where a stream breaks off there is a bad line, and nothing waits") {
    struct Case {
      const char* name;
      std::string bytes;
      size_t lines;
      uint64_t offset, line_no;
      std::string excerpt;
    };
    const Case cases[] = {
        {"inside a line", "{1}\n{2", 1, 4, 2, "{2"},
        {"between two lines", "{1}\n", 1, 4, 2, ""},
        {"before anything", "", 0, 0, 1, ""},
        {"inside a giant line", "{1}\n" + std::string(5000, 'x'), 1, 4, 2, std::string(200, 'x')},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      PumpOptions options;
      options.max_line_bytes = 1000;
      options.chunk_bytes = 300;
      options.accept_tail = true;
      Broken stream(c.bytes);
      Recorder recorder;
      const Result got = Pump(stream, options, recorder);
      CHECK(got.lines.size() == c.lines);
      REQUIRE(got.bad.size() == 1);
      CHECK(got.bad[0].reason == "truncated");
      CHECK(got.bad[0].offset == c.offset);
      CHECK(got.bad[0].line_no == c.line_no);
      CHECK(got.bad[0].excerpt == c.excerpt);
      CHECK(got.cursor.offset == c.bytes.size());
      CHECK(got.pending == 0);
      CHECK(got.damage == "the file ends inside a frame");
    }
  }
}

}  // namespace selftune::ingest

// Reads a file from a cursor to its end in bounded memory and hands each
// complete line to a host's reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <absl/functional/function_ref.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/json_object.h"
#include "ingest/facts.h"
#include "ingest/source.h"

namespace selftune::ingest {

// Place in a line-oriented file: everything before it has been read.
struct Cursor {
  uint64_t offset = 0;   // just past the last complete line
  uint64_t line_no = 0;  // lines before it
};

struct PumpOptions {
  Cursor start;
  uint64_t end = 0;                      // read no further: the file's size at the last look
  size_t chunk_bytes = size_t{1} << 20;  // of one read; grows for a longer line
  size_t max_line_bytes = size_t{64} << 20;
  size_t max_rows = 2000;    // facts in a batch before it is flushed
  bool accept_tail = false;  // a last line without '\n' counts if it parses
  const base::Cancel* cancel = nullptr;
};

// Buffers reused from file to file. One per thread.
class PumpBuffer {
 public:
  // At least `bytes` of room plus the padding JSON parsing needs; keeps the
  // first `used` bytes.
  char* Reserve(size_t bytes, size_t used);
  [[nodiscard]] char* data() { return data_.get(); }
  [[nodiscard]] size_t capacity() const { return capacity_; }
  base::LineParser& parser() { return parser_; }
  // Gives back memory above the ordinary size after an unusually long line.
  void Shrink();

 private:
  std::unique_ptr<char[]> data_;
  size_t capacity_ = 0;
  base::LineParser parser_;
};

// `flush` gets each batch with the place up to which it is complete; the
// reader's SaveState() at that moment belongs to it. The last call may hold no
// facts. Bad lines become rows of the batch: the pump fails only when the file
// cannot be read, `flush` fails, or the work is cancelled.
using FlushFn = absl::FunctionRef<Status(Batch batch, const Cursor& cursor)>;
[[nodiscard]] Status PumpLines(int fd, const std::string& path, const PumpOptions& options,
                               LineReader& reader, PumpBuffer& buffer, FlushFn flush);

}  // namespace selftune::ingest

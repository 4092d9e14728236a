// Reads a stream from a cursor to its end in bounded memory and hands each
// complete line to a host's reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include <absl/functional/function_ref.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/json_object.h"
#include "ingest/byte_stream.h"
#include "ingest/facts.h"
#include "ingest/source.h"

namespace selftune::ingest {

// Place in a line-oriented stream: everything before it has been read.
struct Cursor {
  uint64_t offset = 0;   // just past the last complete line
  uint64_t line_no = 0;  // lines before it
};

struct PumpOptions {
  Cursor start;
  size_t chunk_bytes = size_t{512} << 10;  // of one read; grows for a longer line
  size_t max_line_bytes = size_t{64} << 20;
  // Of a longer line the middles of long strings are left out (LongLine).
  size_t whole_line_bytes = size_t{1} << 20;
  // What is left of a line, with the marks that parsing it takes.
  size_t max_held_bytes = size_t{40} << 20;
  size_t max_rows = 2000;    // facts in a batch before it is flushed
  bool accept_tail = false;  // a last line without '\n' counts if it parses
  const base::Cancel* cancel = nullptr;
};

// Buffers reused from file to file. One per thread.
class PumpBuffer {
 public:
  PumpBuffer();
  // At least `bytes` of room plus the padding JSON parsing needs, and not much
  // more than `most`; what is in it stays.
  char* Reserve(size_t bytes, size_t most);
  [[nodiscard]] char* data() { return data_.get(); }
  [[nodiscard]] size_t capacity() const { return capacity_; }
  base::LineParser& parser() { return parser_; }
  // Gives back what an unusually long line needed, unless `bytes` need it too.
  void Shrink(size_t bytes);

 private:
  struct Free {
    void operator()(char* data) const { std::free(data); }
  };
  void Resize(size_t capacity);

  std::unique_ptr<char, Free> data_;
  size_t capacity_ = 0;
  base::LineParser parser_;
};

// `flush` gets each batch with the place up to which it is complete; the
// reader's SaveState() at that moment belongs to it. The last call may hold no
// facts. Bad lines become rows of the batch, and so does the place where a
// damaged stream breaks off: the pump fails only when the file cannot be read,
// `flush` fails, or the work is cancelled.
using FlushFn = absl::FunctionRef<Status(Batch batch, const Cursor& cursor)>;
struct Pumped {
  uint64_t pending = 0;  // bytes behind the last complete line
  std::string damage;    // why the stream broke off, "" = it did not
};
[[nodiscard]] StatusOr<Pumped> PumpLines(ByteStream& bytes, const PumpOptions& options,
                                         LineReader& reader, PumpBuffer& buffer, FlushFn flush);

}  // namespace selftune::ingest

// The bytes of a source as lines are found in them: those of the file, or what
// a compressed file expands to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace selftune::ingest {

// Why a stream ends earlier than its writer meant.
struct Damage {
  std::string_view reason;  // of a bad line: truncated decompression
  std::string detail;       // what was found, and where in the file
};

// Offsets are places in the stream, so a fact of a compressed file is found by
// expanding the file. Not thread-safe.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Up to `size` bytes at `offset` into `out`; returns the number read, 0 at
  // the end. Offsets never go back. Damage ends the stream and is no failure.
  [[nodiscard]] virtual StatusOr<size_t> ReadAt(uint64_t offset, char* out, size_t size) = 0;
  // Once the end was seen: nullptr when the stream is whole.
  [[nodiscard]] virtual const Damage* damage() const { return nullptr; }
};

// The first `size` bytes of a file, as they are.
[[nodiscard]] StatusOr<std::unique_ptr<ByteStream>> OpenPlain(const std::string& path,
                                                              uint64_t size);

}  // namespace selftune::ingest

// What a file in the Zstandard format expands to, as a stream that goes forward.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "ingest/byte_stream.h"

namespace selftune::hosts {

// Memory: one window of at most 8 MiB, which is what the format asks of every
// decoder, and two blocks. A file that expands to more than a thousand times its
// size (above 64 MiB), needs a larger window, is cut short or is no such file
// ends where that shows, with all that came before. Several frames behind each
// other are one stream. Only the first `size` bytes of the file are looked at.
[[nodiscard]] StatusOr<std::unique_ptr<ingest::ByteStream>> OpenZstd(const std::string& path,
                                                                     uint64_t size);

// The same of bytes that lie elsewhere; `name` is for messages.
[[nodiscard]] StatusOr<std::unique_ptr<ingest::ByteStream>> OpenZstd(
    std::unique_ptr<ingest::ByteStream> packed, const std::string& name, uint64_t size);

}  // namespace selftune::hosts

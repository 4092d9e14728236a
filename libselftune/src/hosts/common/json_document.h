// Files that are one JSON document each, as lines for a reader.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "ingest/byte_stream.h"

namespace selftune::hosts {

// Each document becomes one line: line ends between its values turn into
// blanks. A document of another kind than an object is wrapped: {"items": ...}.
//
// Hosts replace such files, some of them in place: a document that is cut off
// makes opening fail, so that what was read of it before stays until the next
// look. An absent file is an empty line.
[[nodiscard]] StatusOr<std::unique_ptr<ingest::ByteStream>> OpenDocuments(
    std::vector<std::string> paths);

}  // namespace selftune::hosts

// The folders of JSON files of OpenCode before about February 2026:
// storage/session/<project>/<session>.json, storage/message/<session>/<message>.json,
// storage/part/<message>/<part>.json. Files are written in place.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "ingest/source.h"
#include "ingest/store_reader.h"

namespace selftune::hosts::opencode {

// The session files below a folder `storage`.
[[nodiscard]] std::vector<std::string> FindSessionFiles(const std::string& storage,
                                                        std::vector<std::string>& problems);
// The session file together with the files of its messages and parts.
[[nodiscard]] StatusOr<base::FileInfo> LookAtSession(const std::string& session_file);

// Reads the session of options.file as a whole; keeps no state. A file that is no
// JSON (one that is being written) is a bad row, the others are read.
[[nodiscard]] std::unique_ptr<ingest::StoreReader> MakeTreeReader(
    const ingest::StoreOptions& options);

}  // namespace selftune::hosts::opencode

// Looking for a host's files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/file.h"
#include "ingest/source.h"

namespace selftune::hosts {

// Entries of a folder; an unreadable one is a problem, a missing one is not.
[[nodiscard]] std::vector<base::DirEntry> EntriesOf(const std::string& dir,
                                                    std::vector<std::string>& problems);

// Sorted by path, each once.
[[nodiscard]] std::vector<ingest::SourceFile> Sorted(std::vector<ingest::SourceFile> files);

// `path` as a person writes it in settings: `~` is the home, and what is not
// absolute lies below `base`.
[[nodiscard]] std::string ExpandPath(const base::Environment& env, std::string_view base,
                                     std::string_view path);

}  // namespace selftune::hosts

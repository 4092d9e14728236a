// The logs that older versions of the reference kept: one JSON object a line.
// They are read by the ordinary line reader into tables of the shape the
// reference's database has, and imported like those.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "store/ingest_writer.h"
#include "store/loose_db.h"
#include "upstream/engine.h"

namespace selftune::upstream {

struct LogFile {
  std::string name, path;
};
// Those that lie in the folder, in the order in which they are read.
[[nodiscard]] std::vector<LogFile> FindLogs(const std::string& dir);

struct LogCounts {
  std::string name;
  int64_t records = 0, bad_lines = 0;
};
// Fills `scratch`, an empty database. Lines that are no record become rows of bad_lines
// with their offset, written through the engine.
[[nodiscard]] StatusOr<std::vector<LogCounts>> ReadLogs(Engine& engine, store::LooseDb& scratch,
                                                        const std::vector<LogFile>& logs,
                                                        const base::Cancel* cancel);

}  // namespace selftune::upstream

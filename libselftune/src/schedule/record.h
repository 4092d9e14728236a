// What was installed, in <state>/schedule/installed.json: enough to find it again.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "schedule/place.h"

namespace selftune::schedule {

inline constexpr int kRecordVersion = 2;

struct Record {
  struct Entry {
    Platform platform = Platform::kCron;
    std::string id, path, program;
    int every_hours = 6;
    std::string path_list;  // where it looks for programs; "" = nobody wrote it down
  };
  std::vector<Entry> entries;
  // Of the text that was read. The first one is of the time before there was a job health.
  int version = kRecordVersion;
};

// Empty when there is none. INVALID_CONFIG when it cannot be read.
[[nodiscard]] StatusOr<Record> ReadRecord(const std::string& state_dir);
// An empty one is removed.
[[nodiscard]] Status WriteRecord(const std::string& state_dir, const Record& record);

// What a removal took out of several schedulers, in <state>/schedule/removed.json, until it is
// brought back.
[[nodiscard]] StatusOr<Record> ReadRemoved(const std::string& state_dir);
[[nodiscard]] Status WriteRemoved(const std::string& state_dir, const Record& record);

}  // namespace selftune::schedule

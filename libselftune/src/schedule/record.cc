#include "schedule/record.h"

#include <cstdint>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "schedule/job.h"

namespace selftune::schedule {
namespace {

constexpr uint64_t kMostBytes = 1 << 20;

std::string PathOf(const std::string& state_dir) {
  return base::JoinPath(state_dir, "schedule/installed.json");
}

std::string RemovedPathOf(const std::string& state_dir) {
  return base::JoinPath(state_dir, "schedule/removed.json");
}

StatusOr<Record> Read(const std::string& path) {
  Record out;
  if (!base::Exists(path)) return out;
  ST_ASSIGN_OR_RETURN(const std::string text, base::ReadFile(path, kMostBytes));
  const auto json = base::JsonValue::Parse(text);
  if (!json.ok()) {
    return WithSuggestion(Fail(kInvalidConfig, "reading {}: {}", path, Message(json.status())),
                          "install the schedule anew", "selftune cron setup");
  }
  out.version = (*json)["version"].AsInt() < kRecordVersion ? 1 : kRecordVersion;
  for (const base::JsonValue& item : (*json)["jobs"].items()) {
    const auto platform = ParsePlatform(item["platform"].AsString());
    if (!platform.has_value() || item["id"].AsString().empty()) continue;
    const int64_t hours = item["every_hours"].AsInt(6);
    if (!IsEveryHours(hours)) {  // nobody can say when such a job runs next
      return WithSuggestion(Fail(kInvalidConfig, "reading {}: a job every {} hours", path, hours),
                            "install the schedule anew", "selftune cron setup");
    }
    out.entries.push_back({.platform = *platform,
                           .id = item["id"].AsString(),
                           .path = item["path"].AsString(),
                           .program = item["program"].AsString(),
                           .every_hours = static_cast<int>(hours),
                           .path_list = item["path_list"].AsString()});
  }
  return out;
}

Status Write(const std::string& path, const Record& record) {
  if (record.entries.empty()) return base::RemoveFile(path);
  base::JsonWriter out;
  out.BeginObject().Field("version", record.version).Key("jobs").BeginArray();
  for (const Record::Entry& entry : record.entries) {
    out.BeginObject()
        .Field("platform", Word(entry.platform))
        .Field("id", entry.id)
        .Field("path", entry.path)
        .Field("program", entry.program)
        .Field("every_hours", entry.every_hours)
        .Field("path_list", entry.path_list)
        .EndObject();
  }
  out.EndArray().EndObject();
  ST_RETURN_IF_ERROR(base::MakeDirs(std::string(base::DirName(path)), 0700));
  return base::WriteFileAtomic(path, std::move(out).Take() + "\n", 0600);
}

}  // namespace

StatusOr<Record> ReadRecord(const std::string& state_dir) { return Read(PathOf(state_dir)); }
Status WriteRecord(const std::string& state_dir, const Record& record) {
  Record now = record;
  now.version = kRecordVersion;
  return Write(PathOf(state_dir), now);
}

StatusOr<Record> ReadRemoved(const std::string& state_dir) {
  return Read(RemovedPathOf(state_dir));
}
Status WriteRemoved(const std::string& state_dir, const Record& record) {
  return Write(RemovedPathOf(state_dir), record);
}

}  // namespace selftune::schedule

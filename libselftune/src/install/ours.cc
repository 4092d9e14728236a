#include "install/ours.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "install/target.h"

namespace selftune::install {
namespace {

using base::JsonValue;
using store::InstallRow;

std::vector<std::string> TextsOf(const JsonValue& list) {
  std::vector<std::string> out;
  for (const JsonValue& item : list.items()) out.push_back(item.AsString());
  return out;
}

// `dir`, which holds the file `from`, as it holds `to`; "" when it has another name there.
std::string DirAt(const std::string& dir, std::string_view from, std::string_view to) {
  if (!from.starts_with(dir + "/")) return "";
  const std::string_view below = from.substr(dir.size());
  const std::string named = "/" + std::string(base::BaseName(dir)) + std::string(below);
  return to.ends_with(named) ? std::string(to.substr(0, to.size() - below.size())) : "";
}

bool IsOf(const InstallRow& row, std::string_view kind, const FileText& file) {
  return row.kind == kind && row.path != file.path && row.sha256 == file.sha256 &&
         base::BaseName(row.path) == base::BaseName(file.path) && !base::Exists(row.path);
}

}  // namespace

Ours OursOf(const InstallRow& row) {
  const auto json = JsonValue::Parse(row.ours);
  if (!json.ok()) return {};
  return {.before = (*json)["before"].AsString(),
          .mode = static_cast<uint32_t>((*json)["mode"].AsInt(0)),
          .former = (*json)["former"].AsString(),
          .made = TextsOf((*json)["made"]),
          .dirs = TextsOf((*json)["dirs"])};
}

std::string ToJson(const Ours& ours) {
  base::JsonWriter out;
  out.BeginObject().Field("before", ours.before);
  if (ours.mode != 0) out.Field("mode", static_cast<int64_t>(ours.mode));
  if (!ours.former.empty()) out.Field("former", ours.former);
  out.Key("made").BeginArray();
  for (const std::string& what : ours.made) out.String(what);
  out.EndArray().Key("dirs").BeginArray();
  for (const std::string& dir : ours.dirs) out.String(dir);
  out.EndArray().EndObject();
  return std::move(out).Take();
}

bool HoldsTheirs(const InstallRow& row) {
  // Settings of a person are never replaced as a whole: their other kinds of backups are spare.
  const bool whole = row.kind == "skill" || row.kind == "agent" || row.kind == "plugin";
  return whole && !row.created_file && !row.backup_path.empty();
}

bool IsAsLeft(const InstallRow& row, std::string_view sha256) {
  return row.sha256 == sha256 || (!sha256.empty() && OursOf(row).former == sha256);
}

const InstallRow* FindRow(const std::vector<InstallRow>& rows, std::string_view path,
                          std::string_view kind) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const InstallRow& row) {
    return row.path == path && row.kind == kind;
  });
  return found == rows.end() ? nullptr : &*found;
}

MovedRow FindMovedRow(const std::vector<InstallRow>& rows, std::string_view kind,
                      const FileText& file) {
  const InstallRow* found = nullptr;
  for (const InstallRow& row : rows) {
    if (!file.exists || !IsOf(row, kind, file)) continue;
    // It names a person's file, which belongs in that place and in no other.
    if (HoldsTheirs(row)) continue;
    if (found != nullptr &&
        (found->created_file != row.created_file || OursOf(*found).before != OursOf(row).before)) {
      return {};
    }
    if (found == nullptr) found = &row;
  }
  if (found == nullptr) return {};
  MovedRow out{.former_path = found->path, .row = *found};
  out.row.path = file.path;
  Ours ours = OursOf(*found);
  for (std::string& dir : ours.dirs) dir = DirAt(dir, found->path, file.path);
  std::erase(ours.dirs, std::string());
  out.row.ours = ToJson(ours);
  return out;
}

bool IsManaged(std::string_view bytes) {
  const std::string mark(kManagedMark);
  const std::string_view top = bytes.substr(0, 4096);
  return top.starts_with("// " + mark + ":") || top.starts_with("#!/bin/sh\n# " + mark + ":") ||
         top.find("\"comment\": \"" + mark + "\"") != top.npos;
}

}  // namespace selftune::install

#include "install/installer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "install/file_change.h"
#include "install/hook_list.h"
#include "install/ours.h"
#include "install/own_file.h"
#include "install/record.h"

namespace selftune::install {
namespace {

using store::InstallRow;

constexpr std::string_view kHookKind = "hook";
constexpr std::string_view kPluginKind = "plugin";
constexpr uint32_t kSettingsMode = 0600;

StatusOr<bool> HoldsOurs(std::string_view text, const HookFileRules& rules, std::string_view path) {
  ST_ASSIGN_OR_RETURN(const std::vector<FoundHook> hooks, FindHooks(text, rules, path));
  return std::any_of(hooks.begin(), hooks.end(), [](const FoundHook& hook) { return hook.ours; });
}

StatusOr<FileResult> InstallSettings(World& world, const Target& target, const Place& place) {
  const std::string path = SettingsPath(target, place);
  ST_ASSIGN_OR_RETURN(const FileText file, ReadFileText(path));
  ST_ASSIGN_OR_RETURN(const HookEdit edit,
                      WithHooks(file.bytes, target.hooks(place.shim), target.rules, path));
  const InstallRow* row = FindRow(world.rows, path, kHookKind);
  const MovedRow moved = row == nullptr ? FindMovedRow(world.rows, kHookKind, file) : MovedRow{};
  if (!moved.former_path.empty()) row = &moved.row;
  if (row != nullptr && row->sha256 != file.sha256) {
    // Somebody wrote the file anew: what we know of the former one is over.
    ST_ASSIGN_OR_RETURN(const bool same_file, HoldsOurs(file.bytes, target.rules, path));
    if (!same_file) row = nullptr;
  }
  const bool known = row != nullptr;
  const Did did = !edit.changed                     ? Did::kNothing
                  : edit.updated + edit.removed > 0 ? Did::kUpdated
                                                    : Did::kInstalled;
  FileResult result = ResultOf(file, did, edit.text);
  ST_ASSIGN_OR_RETURN(result.had_ours, HoldsOurs(file.bytes, target.rules, path));
  if (world.dry_run) return result;
  if (!edit.changed && known) {
    ST_RETURN_IF_ERROR(ClearLeftovers(file, KnownOf(*row, file)));
    if (moved.former_path.empty()) return result;
    ST_RETURN_IF_ERROR(PutRow(world, moved.row));
    ST_RETURN_IF_ERROR(DropRow(world, moved.former_path, kHookKind));
    return result;
  }
  InstallRow next{.path = path,
                  .kind = std::string(kHookKind),
                  .platform = std::string(target.platform),
                  .ours = "",
                  .sha256 = "",
                  .created_file = known ? row->created_file : !file.exists,
                  .backup_path = known ? row->backup_path : "",
                  .version = "",
                  .installed = {}};
  Ours ours = known ? OursOf(*row) : Ours{};
  if (!edit.changed) {  // somebody else wrote exactly this
    next.sha256 = file.sha256;
    next.version = world.version;
    next.installed = world.now;
    next.created_file = false;
    next.ours = ToJson(ours);
    ST_RETURN_IF_ERROR(PutRow(world, next));
    return result;
  }
  Merge(ours.made, edit.made);
  if (!known || row->sha256 != file.sha256) {
    ST_ASSIGN_OR_RETURN(next.backup_path, Backup(world, file, target.platform));
    ours.before = known || result.had_ours ? "" : file.sha256;
  }
  result.backup_path = next.backup_path;
  ST_RETURN_IF_ERROR(Write(world, next, ours, file, edit.text, kSettingsMode));
  ST_RETURN_IF_ERROR(DropRow(world, moved.former_path, kHookKind));
  return result;
}

// An empty document and nothing else, such as a person's comment.
bool IsEmptyDocument(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::string rest(text);
  std::erase_if(rest, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  return rest == "{}";
}

// The bytes from before our first change, when the file is as we left it.
std::optional<std::string> BytesBefore(const InstallRow& row, const FileText& file,
                                       const Ours& ours) {
  if (row.sha256 != file.sha256 || row.backup_path.empty() || ours.before.empty()) {
    return std::nullopt;
  }
  auto bytes = base::ReadFile(row.backup_path, kMaxBackup);
  if (!bytes.ok() || base::Sha256Hex(*bytes) != ours.before) return std::nullopt;
  return *std::move(bytes);
}

// Takes the person's approvals of hooks that are gone out of the host's list.
StatusOr<std::optional<FileResult>> RemoveApprovals(const World& world, const Target& target,
                                                    const Place& place,
                                                    std::string_view settings_text) {
  if (target.without_approvals == nullptr) return std::optional<FileResult>();
  const std::string path = base::JoinPath(place.config_dir, target.approvals_file);
  ST_ASSIGN_OR_RETURN(const FileText file, ReadFileText(path));
  if (!file.exists) return std::optional<FileResult>();
  const std::string after = target.without_approvals(place, settings_text, file.bytes);
  if (after == file.bytes) return std::optional<FileResult>();
  FileResult result = ResultOf(file, Did::kUpdated, after);
  if (!world.dry_run) {
    ST_ASSIGN_OR_RETURN(result.backup_path, Backup(world, file, target.platform));
    std::vector<std::string> dirs;
    ST_RETURN_IF_ERROR(WriteFileText(file, after, kSettingsMode, dirs, {file.sha256}));
  }
  return std::optional(std::move(result));
}

// A file that cannot be read and that we never wrote to is nobody's business here.
bool IsForeign(const World& world, const std::string& path, const StatusOr<FileText>& file,
               const HookFileRules& rules) {
  if (FindRow(world.rows, path, kHookKind) != nullptr) return false;
  if (!file.ok()) return true;
  return file->bytes.find(kShimName) == file->bytes.npos &&
         !FindHooks(file->bytes, rules, path).ok();
}

Status RemoveFromSettings(World& world, const Target& target, const Place& place,
                          const std::string& path, HostResult& out) {
  const StatusOr<FileText> read = ReadFileText(path);
  if (IsForeign(world, path, read, target.rules)) {
    out.afterwards.push_back(path + " could not be read; nothing of selftune is known to be in it");
    return absl::OkStatus();
  }
  if (!read.ok()) return read.status();
  const FileText& file = *read;
  if (!file.exists) return Forget(world, path, kHookKind, file);
  const InstallRow* row = FindRow(world.rows, path, kHookKind);
  const MovedRow moved = row == nullptr ? FindMovedRow(world.rows, kHookKind, file) : MovedRow{};
  if (!moved.former_path.empty()) row = &moved.row;
  const Ours ours = row == nullptr ? Ours{} : OursOf(*row);
  ST_ASSIGN_OR_RETURN(HookEdit edit, WithoutHooks(file.bytes, target.rules,
                                                  row == nullptr ? nullptr : &ours.made, path));
  if (!edit.changed) return Forget(world, path, kHookKind, file);
  if (row != nullptr) {
    if (auto bytes = BytesBefore(*row, file, ours)) edit.text = *std::move(bytes);
  }
  const bool gone =
      row != nullptr && row->created_file && !file.is_link && IsEmptyDocument(edit.text);
  FileResult result = ResultOf(file, Did::kRemoved, gone ? "" : edit.text);
  if (!world.dry_run) {
    std::vector<std::string> dirs;
    if (gone) {
      ST_RETURN_IF_ERROR(RemoveFileText(file));
      Merge(out.made_dirs, ours.dirs);
    } else {
      ST_ASSIGN_OR_RETURN(result.backup_path, Backup(world, file, target.platform));
      ST_RETURN_IF_ERROR(WriteFileText(file, edit.text, kSettingsMode, dirs,
                                       {file.sha256, ours.before, base::Sha256Hex(edit.text)}));
    }
    const std::string& at = moved.former_path.empty() ? path : moved.former_path;
    ST_RETURN_IF_ERROR(DropRowAndDirs(world, at, kHookKind));
  }
  out.files.push_back(std::move(result));
  // Of hooks that are gone: left there, they do no harm.
  const auto approvals = RemoveApprovals(world, target, place, file.bytes);
  if (!approvals.ok()) {
    out.afterwards.push_back("their approvals were kept: " +
                             std::string(Message(approvals.status())));
  } else if (approvals->has_value()) {
    out.files.push_back(**approvals);
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view Word(Did did) {
  constexpr std::array<std::string_view, 4> kWords = {"none", "removed", "updated", "installed"};
  return kWords[static_cast<size_t>(did)];
}

StatusOr<HostResult> InstallHooks(World& world, const Target& target, const Place& place) {
  HostResult out{.platform = std::string(target.platform)};
  if (target.hooks != nullptr) {
    ST_ASSIGN_OR_RETURN(FileResult file, InstallSettings(world, target, place));
    out.did = std::max(out.did, file.did);
    out.files.push_back(std::move(file));
  }
  if (target.files != nullptr) {
    for (const OwnFile& own : target.files(place)) {
      ST_ASSIGN_OR_RETURN(FileResult file, InstallFile(world, kPluginKind, target.platform, own));
      out.did = std::max(out.did, file.did);
      out.files.push_back(std::move(file));
    }
  }
  if (target.hindrances != nullptr) {
    for (Hindrance& one : target.hindrances(place, out.files.front().after)) {
      out.afterwards.push_back(std::move(one.remedy));
    }
  }
  if (out.did != Did::kNothing && !target.afterwards.empty()) {
    out.afterwards.emplace_back(target.afterwards);
  }
  return out;
}

StatusOr<HostResult> RemoveHooks(World& world, const Target& target, const Place& place) {
  HostResult out{.platform = std::string(target.platform)};
  std::vector<std::string> settings, plugins;
  std::vector<OwnFile> files;
  if (target.hooks != nullptr) settings.push_back(SettingsPath(target, place));
  if (target.files != nullptr) files = target.files(place);
  for (const OwnFile& own : files) plugins.push_back(own.path);
  // Where the host was when they were installed.
  for (const InstallRow& row : world.rows) {
    if (row.platform != target.platform || place.only_here) continue;
    if (row.kind == kHookKind && target.hooks != nullptr) Merge(settings, {row.path});
    if (row.kind == kPluginKind) Merge(plugins, {row.path});
  }
  for (const std::string& path : settings) {
    ST_RETURN_IF_ERROR(RemoveFromSettings(world, target, place, path, out));
  }
  for (const std::string& path : plugins) {
    const auto own = std::find_if(files.begin(), files.end(),
                                  [&](const OwnFile& file) { return file.path == path; });
    ST_RETURN_IF_ERROR(RemoveOwn(world, path, kPluginKind,
                                 own == files.end() ? std::string_view() : own->bytes, out));
  }
  ST_RETURN_IF_ERROR(LeaveDirs(world, out.made_dirs));
  if (!out.files.empty()) out.did = Did::kRemoved;
  return out;
}

}  // namespace selftune::install

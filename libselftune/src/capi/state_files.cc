#include "capi/state_files.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "deploy/journal.h"
#include "hooks/notes.h"
#include "hooks/pending.h"
#include "hooks/told.h"
#include "install/installer.h"
#include "store/backup.h"

namespace selftune::capi {
namespace {

constexpr std::string_view kTemp = ".selftune-tmp-";
constexpr int64_t kTempAge = 3'600'000'000'000;  // ns; writing takes milliseconds

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }

bool AllOf(std::string_view text, bool (*is)(char)) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is);
}

// "2026-11-26.jsonl", with whatever stands behind the day.
bool IsSpool(std::string_view name) {
  if (name.size() < 16 || !name.ends_with(".jsonl")) return false;
  return AllOf(name.substr(0, 4), IsDigit) && name[4] == '-' && AllOf(name.substr(5, 2), IsDigit) &&
         name[7] == '-' && AllOf(name.substr(8, 2), IsDigit);
}

// "1795340590996-0a1b2c3d-claude_code-settings.json".
bool IsBackupOfSettings(std::string_view name) {
  const size_t dash = name.find('-');
  return dash != name.npos && AllOf(name.substr(0, dash), IsDigit) && name.size() > dash + 9 &&
         AllOf(name.substr(dash + 1, 8), IsHex) && name[dash + 9] == '-';
}

// "bugreport-2026-11-26T205304.000Z.json".
bool IsBugreport(std::string_view name) {
  return name.starts_with("bugreport-2") && name.ends_with("Z.json");
}

bool IsTold(std::string_view name) {
  if (name.starts_with("day-") || name.starts_with("run-")) return AllOf(name.substr(4), IsDigit);
  return name == "pending" || name == "pending-seen" || (name.size() == 16 && AllOf(name, IsHex));
}

// "reactive.log", and "reactive.log.1" put aside; also of the jobs of a scheduler.
bool IsLog(std::string_view name) {
  constexpr std::array<std::string_view, 3> kNames = {"reactive.log", "run.log", "sync.log"};
  return std::any_of(kNames.begin(), kNames.end(), [&](std::string_view log) {
    if (!name.starts_with(log)) return false;
    const std::string_view rest = name.substr(log.size());
    return rest.empty() || (rest.size() == 2 && rest[0] == '.' && IsDigit(rest[1]));
  });
}

// ".selftune-tmp-00112233aabbccdd" (base::WriteFileAtomic).
bool IsTemp(std::string_view name) {
  return name.starts_with(kTemp) && name.size() == kTemp.size() + 16 &&
         AllOf(name.substr(kTemp.size()), IsHex);
}

// Folders in which files are written over as a whole.
std::array<std::string, 4> FoldersOfTemps(const std::string& state_dir) {
  return {state_dir, base::JoinPath(state_dir, "backups/install"),
          base::JoinPath(state_dir, install::kReplacedDir), base::JoinPath(state_dir, "hooks")};
}

bool IsLock(std::string_view name) {
  constexpr std::array<std::string_view, 6> kNames = {
      "config.lock", "deploy.lock", "install.lock", "orchestrate.lock", "swap.lock", "sync.lock"};
  return (name.starts_with("evolve-") && name.ends_with(".lock")) ||
         std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

void Add(const std::string& dir, bool (*is)(std::string_view), std::vector<std::string>& out) {
  const auto entries = base::ListDir(dir);
  if (!entries.ok()) return;  // there is no such folder
  for (const base::DirEntry& entry : *entries) {
    if (entry.maybe_file && is(entry.name)) out.push_back(base::JoinPath(dir, entry.name));
  }
}

}  // namespace

StatusOr<StateFiles> FindStateFiles(const std::string& state_dir, const std::string& db_path) {
  const auto in = [&](std::string_view name) { return base::JoinPath(state_dir, name); };
  StateFiles out;
  Add(in("spool"), IsSpool, out.evidence);
  Add(state_dir, IsBugreport, out.evidence);
  Add(in("backups/install"), IsBackupOfSettings, out.evidence);
  ST_ASSIGN_OR_RETURN(const std::vector<store::BackupInfo> backups, store::ListBackups(db_path));
  for (const store::BackupInfo& backup : backups) out.evidence.push_back(backup.path);
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> journals, deploy::ListJournals(state_dir));
  for (const std::string& id : journals) {
    out.evidence.push_back(base::JoinPath(in("deploy"), id));
  }
  Add(hooks::ToldDir(state_dir), IsTold, out.evidence);
  Add(in("logs"), IsLog, out.evidence);
  for (const std::string& notes : {hooks::NotesPath(state_dir), hooks::NamesPath(state_dir)}) {
    if (base::Exists(notes)) out.evidence.push_back(notes);
  }
  for (const std::string& dir : FoldersOfTemps(state_dir)) Add(dir, IsTemp, out.evidence);
  // The store goes last: with it goes the proof that the rest is ours.
  for (const std::string_view side : {"-wal", "-shm", ""}) {
    const std::string path = db_path + std::string(side);
    if (base::Exists(path)) out.evidence.push_back(path);
  }
  Add(in("locks"), IsLock, out.locks);
  out.dirs = {state_dir,
              in("backups"),
              in("backups/install"),
              in(install::kReplacedDir),
              in("deploy"),
              in("hooks"),
              in("locks"),
              in("logs"),
              in("spool"),
              in("tmp"),
              hooks::ToldDir(state_dir)};
  return out;
}

Status RemoveOldTemps(const std::string& state_dir, UtcMillis now) {
  std::vector<std::string> temps;
  for (const std::string& dir : FoldersOfTemps(state_dir)) Add(dir, IsTemp, temps);
  for (const std::string& path : temps) {
    const auto info = base::Stat(path);
    if (!info.ok() || now.value * 1'000'000 - info->mtime_ns < kTempAge) continue;
    ST_RETURN_IF_ERROR(base::RemoveFile(path));
  }
  return absl::OkStatus();
}

}  // namespace selftune::capi

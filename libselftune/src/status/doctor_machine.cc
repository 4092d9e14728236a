// Checks that need no evidence: configuration, database file, disk, locks.
#include <sys/statvfs.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/error_next.h"
#include "base/file.h"
#include "base/free_path.h"
#include "base/json_value.h"
#include "base/lock_file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "deploy/recover.h"
#include "hosts/moved_homes.h"
#include "status/doctor_checks.h"
#include "status/settings.h"
#include "store/backup.h"
#include "store/integrity.h"
#include "store/migrate.h"
#include "store/queries/doctor.h"
#include "store/queries/overview.h"
#include "store/spool.h"

namespace selftune::status {
namespace {

constexpr int64_t kMiB = 1 << 20;
constexpr int64_t kBackupDays = 14;
constexpr int64_t kMaxWal = 64 * kMiB;
constexpr int64_t kLowDisk = 200 * kMiB;
constexpr int64_t kNoDisk = 20 * kMiB;
constexpr int64_t kManySpooled = kMiB;
constexpr std::string_view kRunLock = "orchestrate";
constexpr int64_t kLongRunMs = 60 * 60 * 1000;
// Reading every page of a larger file takes longer than anybody waits for.
constexpr int64_t kQuickCheckBytes = 4 * kMiB;

void CheckMode(const std::string& path, uint32_t allowed, std::string_view chmod,
               std::string_view why, Checks& out) {
  const auto info = base::Stat(path);
  if (!info.ok()) return;
  const uint32_t mode = info->mode & 0777;
  if ((mode & ~allowed) == 0) return;
  out.push_back({.name = "config.mode",
                 .status = CheckStatus::kWarn,
                 .message = fmt::format("others can read it: mode {:o}", mode),
                 .path = path,
                 .text = std::string(why) + "; keep it to yourself",
                 .command = base::JoinCommand({"chmod", std::string(chmod), path})});
}

void CheckIntegrity(const store::CheckReport& report, bool deep, Checks& out) {
  Check check{
      .name = "db.integrity",
      .message = deep ? "every page and counter is right" : "pages and references are right"};
  if (!report.ok()) {
    check.status = CheckStatus::kFail;
    check.message = fmt::format("{} problems, the first: {}", report.problems.size(),
                                report.problems.front().message);
    const bool read = report.reading_helps();
    check.text = read ? "read the transcripts again" : "restore a backup, or see all of them";
    check.command = read ? "selftune sync --force" : "selftune db check --deep";
    if (!report.quick_check || !report.foreign_keys) {
      check.text = "save what can be read into a new file; the old one is kept";
      check.command = "selftune recover";
    }
  }
  out.push_back(std::move(check));
}

Status CheckSchema(const DoctorWorld& world, store::Db& db, Checks& out) {
  Check schema{.name = "db.schema", .message = fmt::format("version {}", db.schema_version())};
  if (db.schema_version() < store::kSchemaVersion) {
    schema.status = CheckStatus::kWarn;
    schema.message = fmt::format("version {}, this program writes {}", db.schema_version(),
                                 store::kSchemaVersion);
    schema.text = "bring it up to date; a backup is made first";
    schema.command = "selftune db migrate";
  }
  if (db.schema_version() > store::kSchemaVersion) {
    schema.status = CheckStatus::kFail;
    schema.message = fmt::format("version {}, this program knows {}: it can only read",
                                 db.schema_version(), store::kSchemaVersion);
    schema.text = "a newer selftune wrote it; install that version or a newer one";
    schema.command = "selftune version";
  }
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> foreign, store::ForeignTables(db));
  if (!foreign.empty()) {
    schema.status = CheckStatus::kWarn;
    schema.message =
        fmt::format("{} tables are not ours, {} among them", foreign.size(), foreign.front());
    schema.text = "another program writes to this file; see whose hooks start it";
    schema.command = "selftune hooks status";
  }
  schema.path = world.db_path;
  out.push_back(std::move(schema));
  return absl::OkStatus();
}

Status CheckBackups(const DoctorWorld& world, Checks& out) {
  ST_ASSIGN_OR_RETURN(const auto backups, store::ListBackups(world.db_path));
  Check check{.name = "db.backup"};
  const int64_t age = backups.empty() ? 0 : world.now.value - backups.front().at.value;
  if (backups.empty() || age > kBackupDays * kDayMs) {
    check.status = CheckStatus::kInfo;
    check.message =
        backups.empty() ? "there is none" : fmt::format("the newest is {} days old", age / kDayMs);
    check.text = "what you labelled and deployed cannot be read again from transcripts";
    check.command = "selftune backup create";
  } else {
    check.message = fmt::format("{}, the newest {} days old", backups.size(),
                                std::max<int64_t>(0, age / kDayMs));
    check.path = backups.front().path;
  }
  out.push_back(std::move(check));
  return absl::OkStatus();
}

void CheckDisk(const DoctorWorld& world, Checks& out) {
  struct statvfs disk{};
  std::string folder(base::DirName(world.db_path));
  while (::statvfs(folder.c_str(), &disk) != 0) {
    if (folder.size() <= 1) return;
    folder = base::DirName(folder);
    if (folder.empty()) folder = "/";
  }
  const auto free = static_cast<int64_t>(disk.f_bavail) * static_cast<int64_t>(disk.f_frsize);
  Check check{.name = "disk", .message = fmt::format("{} MiB free", free / kMiB), .path = folder};
  if (free < kLowDisk) {
    check.status = free < kNoDisk ? CheckStatus::kFail : CheckStatus::kWarn;
    check.text = "make room: without it evidence cannot be stored; see what the store takes";
    check.command = "selftune db stats";
  }
  out.push_back(std::move(check));
}

// The lock of whole runs is always told, the others while somebody holds them.
void CheckLock(const DoctorWorld& world, const std::string& name, Checks& out) {
  const std::string path = base::JoinPath(world.state_dir, "locks/" + name + ".lock");
  const bool main = name == kRunLock;
  Check check{.name = main ? "lock" : "lock." + name, .message = "free", .path = path};
  const auto holder = base::LockFile::Holder(path);
  if (!main && holder.ok() && !holder->has_value()) return;
  if (!holder.ok()) {
    check.status = CheckStatus::kWarn;
    check.message = std::string(Message(holder.status()));
    check.text = "nobody can tell whether a run is under way; look at that file";
    check.command = base::JoinCommand({"ls", "-l", path});
  } else if (holder->has_value()) {
    check.status = CheckStatus::kInfo;
    check.message = main ? "a run is under way" : "held";
    check.text = "others wait for it; ask again in a moment";
    check.command = base::JoinCommand({"selftune", "doctor", "--only", check.name});
    const auto text = base::JsonValue::Parse(**holder);
    int64_t running_ms = 0;
    if (text.ok()) {
      const auto since = ParseRfc3339((*text)["started_at"].AsString());
      running_ms = world.now.value - since.value_or(world.now).value;
      if ((*text)["pid"].is_int()) {
        check.message += fmt::format(", process {}", (*text)["pid"].AsInt());
      }
    }
    if (running_ms > kLongRunMs) {
      check.status = CheckStatus::kWarn;
      check.message += fmt::format(", for {} minutes", running_ms / 60'000);
      check.text = "it should have ended; look at that process";
      if ((*text)["pid"].is_int()) {
        check.command = base::JoinCommand({"ps", "-fp", std::to_string((*text)["pid"].AsInt())});
      }
    }
  }
  out.push_back(std::move(check));
}

void CheckLocks(const DoctorWorld& world, Checks& out) {
  CheckLock(world, std::string(kRunLock), out);
  constexpr std::string_view kEnding = ".lock";
  const auto entries = base::ListDir(base::JoinPath(world.state_dir, "locks"));
  if (!entries.ok()) return;  // no run yet
  for (const base::DirEntry& entry : *entries) {
    if (!entry.name.ends_with(kEnding)) continue;
    const std::string name = entry.name.substr(0, entry.name.size() - kEnding.size());
    if (name != kRunLock) CheckLock(world, name, out);
  }
}

}  // namespace

void CheckConfig(const DoctorWorld& world, Checks& out) {
  const std::string path = config::PathIn(world.state_dir);
  Check file{.name = "config.file", .message = "read", .path = path};
  if (!world.config.ok()) {
    file.status = CheckStatus::kFail;
    file.message = std::string(Message(world.config.status()));
    file.text = "correct the file, or move it aside: the defaults then hold";
    file.command = base::JoinCommand({"mv", "-n", path, base::FreePath(path + ".broken")});
    out.push_back(std::move(file));
    return;
  }
  const config::Config& config = **world.config;
  if (!config.exists) {
    file.status = CheckStatus::kInfo;
    file.message = "there is none: the defaults hold, nothing runs by itself";
    file.text = "set selftune up, if more than reading is wanted";
    file.command = "selftune init";
  }
  out.push_back(std::move(file));
  CheckMode(path, 0600, "600", "it says what may run by itself", out);
  CheckMode(world.state_dir, 0700, "700", "your prompts are in it", out);
  Check values{.name = "config.values",
               .message = fmt::format("autonomy {}, guards {}", config::Word(config.autonomy),
                                      config::Word(config.guards)),
               .path = path};
  const std::vector<config::Problem> problems = SettingProblems(config);
  const std::vector<std::string> unknown = UnknownSettings(config);
  if (!problems.empty()) {
    const config::Problem& first = problems.front();
    values.status = CheckStatus::kWarn;
    values.message = fmt::format("{} cannot be used: {}", first.key, first.message);
    if (problems.size() > 1) {
      values.message += fmt::format(" (and {} more)", problems.size() - 1);
    }
    values.text = "correct the file";
    values.command = "selftune config validate";
  } else if (!unknown.empty()) {
    values.status = CheckStatus::kInfo;
    values.message += fmt::format("; not known here and kept: {}", base::Join(unknown, ", "));
    values.text = "another version's, or a slip of the pen; see which are known";
    values.command = "selftune config list";
  }
  out.push_back(std::move(values));
}

void CheckFolders(const DoctorWorld& world, Checks& out) {
  for (const hosts::MovedHome& moved : hosts::FindMovedHomes(*world.env)) {
    out.push_back({.name = fmt::format("hosts.{}", moved.platform),
                   .status = CheckStatus::kWarn,
                   .message = hosts::Describe(moved),
                   .path = moved.folder,
                   .text = "record the folder if it is the one you use",
                   .command = base::JoinCommand(hosts::CommandFor(moved))});
  }
  for (const hosts::HostRow& row : hosts::Rows()) {
    const auto folder = world.env->HostHome(row.platform);
    if (!folder.has_value()) continue;
    Check check{.name = fmt::format("hosts.{}", row.platform),
                .message = fmt::format("read from {}, as configured", *folder),
                .path = *folder};
    if (!base::Exists(*folder)) {
      check.status = CheckStatus::kWarn;
      check.message = fmt::format("{} is configured for {}, and is not there", *folder, row.title);
      check.text = "correct it, or go back to the default";
      check.command = fmt::format("selftune config set hosts.{}.home --default", row.platform);
    }
    out.push_back(std::move(check));
  }
  if (const auto former = FindFormerStateDir(*world.env, world.db_path)) {
    out.push_back(
        {.name = "state.folder",
         .status = CheckStatus::kWarn,
         .message = fmt::format("SELFTUNE_CONFIG_DIR names {}, whose store is not used", *former),
         .path = *former,
         .text = "set SELFTUNE_HOME instead if it is yours; look at it with",
         .command = base::JoinCommand({"selftune", "status", "--home", *former})});
  }
}

Status CheckDatabase(const DoctorWorld& world, const DoctorOptions& options, Checks& out) {
  Check open{.name = "db.open", .message = "opened", .path = world.db_path};
  if (!world.db.ok()) {
    open.status = CheckStatus::kFail;
    open.message = std::string(Message(world.db.status()));
    open.text = Suggestion(world.db.status());
    open.command = NextCommand(world.db.status());
    const ErrorNext next = FindErrorNext(CodeOf(world.db.status()).name);
    if (open.text.empty()) open.text = next.text;
    if (open.command.empty()) open.command = next.command;
    out.push_back(std::move(open));
    return absl::OkStatus();
  }
  out.push_back(std::move(open));
  store::Db& db = **world.db;
  ST_RETURN_IF_ERROR(CheckSchema(world, db, out));
  if (options.quick) return absl::OkStatus();

  const auto info = base::Stat(world.db_path);
  const int64_t size = info.ok() ? static_cast<int64_t>(info->size) : 0;
  if (options.deep || size <= kQuickCheckBytes) {
    ST_ASSIGN_OR_RETURN(const store::CheckReport report,
                        store::CheckStore(db, {.deep = options.deep,
                                               .seed = static_cast<uint64_t>(world.now.value)}));
    CheckIntegrity(report, options.deep, out);
  } else {
    out.push_back({.name = "db.integrity",
                   .status = CheckStatus::kSkip,
                   .message = fmt::format("{} MiB are read only with --deep", size / kMiB)});
  }
  const auto wal = base::Stat(world.db_path + "-wal");
  const int64_t wal_bytes = wal.ok() ? static_cast<int64_t>(wal->size) : 0;
  Check log{.name = "db.wal", .message = fmt::format("{} KiB", wal_bytes / 1024)};
  if (wal_bytes > kMaxWal) {
    log.status = CheckStatus::kWarn;
    log.text = "a reader holds it open, or a writer died; a sync folds it in";
    log.command = "selftune sync";
  }
  out.push_back(std::move(log));
  return CheckBackups(world, out);
}

// Deploys that a crash left open: the next run ends them, unless their record is
// damaged.
void CheckJournals(const DoctorWorld& world, Checks& out) {
  Check check{.name = "deploy.journal",
              .message = "no deploy is half done",
              .path = base::JoinPath(world.state_dir, "deploy")};
  const auto open = deploy::OpenJournals(world.state_dir);
  if (!open.ok()) {
    check.status = CheckStatus::kWarn;
    check.message = std::string(Message(open.status()));
    check.text = "nobody can tell whether a deploy is half done; look at that folder";
    check.command = base::JoinCommand({"ls", "-l", check.path});
  } else if (!open->empty()) {
    const auto damaged = std::find_if(open->begin(), open->end(),
                                      [](const auto& journal) { return !journal.why.ok(); });
    const bool readable = damaged == open->end();
    check.status = readable ? CheckStatus::kWarn : CheckStatus::kFail;
    check.message = readable ? fmt::format("{} deploys are half done", open->size())
                             : std::string(Message(damaged->why));
    check.text = readable ? "the next run brings them to an end"
                          : "move this folder away after comparing the skill's text with its bytes";
    check.command =
        readable ? "selftune orchestrate" : base::JoinCommand({"ls", "-lR", check.path});
  }
  out.push_back(std::move(check));
}

void CheckMachine(const DoctorWorld& world, Checks& out) {
  if (world.db.ok()) {
    Check spool{.name = "hooks.spool", .message = "empty"};
    const std::string list =
        base::JoinCommand({"ls", "-l", base::JoinPath(world.state_dir, "spool")});
    const auto waiting = store::SpoolWaiting(**world.db, world.state_dir);
    if (!waiting.ok()) {
      spool.status = CheckStatus::kWarn;
      spool.message = std::string(Message(waiting.status()));
      spool.text = "hook events in it are not stored; look at that folder";
      spool.command = list;
    } else if (!waiting->problems.empty()) {
      spool.status = CheckStatus::kWarn;
      spool.message = waiting->problems.front();
      if (waiting->problems.size() > 1) {
        spool.message += fmt::format(" (and {} more)", waiting->problems.size() - 1);
      }
      spool.text = "hook events in it are not stored; repair it or move it away";
      spool.command = list;
    } else if (waiting->bytes > 0) {
      spool.status = waiting->bytes > kManySpooled ? CheckStatus::kWarn : CheckStatus::kInfo;
      spool.message = fmt::format("{} bytes of hook events wait to be stored", waiting->bytes);
      spool.text = "a sync stores them";
      spool.command = "selftune sync";
    }
    out.push_back(std::move(spool));
  }
  CheckLocks(world, out);
  CheckJournals(world, out);
  CheckDisk(world, out);
}

}  // namespace selftune::status

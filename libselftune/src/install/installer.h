// Puts our hooks into a host and takes them out again. Everything written is a row
// of table `install` before it is a file, so that uninstalling finds it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/time.h"
#include "install/target.h"
#include "store/db.h"
#include "store/install_rows.h"

namespace selftune::install {

// In the state folder: files of a person that ours replaced. Purging leaves them.
inline constexpr std::string_view kReplacedDir = "backups/replaced";

struct World {
  std::string state_dir;
  std::string version;  // of this selftune
  UtcMillis now;
  // nullptr in a dry run without a store.
  store::Db* db = nullptr;
  bool dry_run = false;
  std::vector<store::InstallRow> rows;  // what is installed, as read
};

// From nothing to everything: of several files the last one counts.
enum class Did { kNothing, kRemoved, kUpdated, kInstalled };
[[nodiscard]] std::string_view Word(Did did);  // "installed"

struct FileResult {
  std::string path;
  Did did = Did::kNothing;
  std::string sha256_before, sha256_after;  // "" = there was, or is, none
  std::string backup_path;                  // "" = none
  std::string kept_as;                      // an edited text of ours, "" = there was none
  bool had_ours = false;                    // before: taking it out is more than an undo
  bool replaced = false;                    // it was somebody else's: `backup_path` has its bytes
  std::string before, after;                // the texts
};

struct HostResult {
  std::string platform;
  Did did = Did::kNothing;
  std::vector<FileResult> files;
  std::vector<std::string> afterwards;  // what is left for the person
  std::vector<std::string> made_dirs;   // folders of removed files that were ours, too
  std::vector<std::string> unreturned;  // backups of a person's files that were not put back
};

// All or nothing for each file; files before a failing one stay changed and are
// in the rows. A dry run returns what would happen.
[[nodiscard]] StatusOr<HostResult> InstallHooks(World& world, const Target& target,
                                                const Place& place);
[[nodiscard]] StatusOr<HostResult> RemoveHooks(World& world, const Target& target,
                                               const Place& place);

enum class HookState {
  kAbsent,   // none of ours
  kPartial,  // some are missing, changed or there twice
  kInstalled,
  kUnapproved,  // installed, and the host does not run them yet
};
[[nodiscard]] std::string_view Word(HookState state);  // "unapproved"

struct HostHooks {
  HookState state = HookState::kAbsent;
  std::string path;                   // the file they are in
  std::vector<std::string> wanted;    // events
  std::vector<FoundHook> found;       // ours and others', of a settings file
  std::string shim;                   // the program that ours start, "" = none
  std::string problem;                // why nothing can be said, "" = none
  std::vector<Hindrance> hindrances;  // why they do not run though they are there
};
// Reads files only. With `place.shim` empty any shim will do.
[[nodiscard]] HostHooks LookAtHooks(const Target& target, const Place& place);

// What keeps hooks from running that is not in the person's own settings.
struct Outside {
  std::string_view scope;  // "machine", "local", "project"
  std::string path;
  Hindrance hindrance;
};
// By the settings of the machine and of `project` ("" = of none), those that count most
// first. Of a setting that more than one of them has the first counts. Reads files only.
[[nodiscard]] std::vector<Outside> HindrancesOutside(const Target& target, const Place& person,
                                                     const std::string& project,
                                                     const base::Environment& env);

// What became of an installed file: "none", "edited", "missing", "unreadable".
[[nodiscard]] std::string_view DriftOf(const store::InstallRow& row);

// $PATH, the folder of this program and those beside it in a build tree; "" if
// there is none.
[[nodiscard]] std::string FindShim(std::string_view path_list);

}  // namespace selftune::install

// A file and its row in table `install`: what the installers of hooks and of whole
// files share. Private to this module.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "install/file_change.h"
#include "install/installer.h"
#include "install/ours.h"

namespace selftune::install {

inline constexpr uint64_t kMaxBackup = 8 << 20;

// Both read the rows anew: pointers into `world.rows` end here.
[[nodiscard]] Status PutRow(World& world, const store::InstallRow& row);
// Nothing in a dry run and where there is no such row.
[[nodiscard]] Status DropRow(World& world, const std::string& path, std::string_view kind);

// Where the bytes of `file` were put; "" for a file that is not there.
[[nodiscard]] StatusOr<std::string> Backup(const World& world, const FileText& file,
                                           std::string_view platform);
// The same for a person's file that ours replaces: it is the only copy, so nothing but
// putting it back removes it.
[[nodiscard]] StatusOr<std::string> BackupTheirs(const World& world, const FileText& file,
                                                 std::string_view platform);

void Merge(std::vector<std::string>& into, const std::vector<std::string>& more);

// Writes, with the row first: a run that is killed in between leaves a row that
// says more than there is, never a file that no row knows.
[[nodiscard]] Status Write(World& world, store::InstallRow row, Ours ours, const FileText& before,
                           std::string_view bytes, uint32_t mode);

[[nodiscard]] FileResult ResultOf(const FileText& file, Did did, std::string after);

// Texts that a run of ours may have left beside a file.
[[nodiscard]] std::vector<std::string> KnownOf(const store::InstallRow& row, const FileText& file);

// Removes the folders that were made for files that are gone. One that holds another file
// of ours stays, and goes with that: its row names the folder from then on.
// `leaving` is the file whose row goes.
[[nodiscard]] Status LeaveDirs(World& world, const std::vector<std::string>& dirs,
                               std::string_view leaving = {});
// The folders of the row first: whoever is killed before it goes leaves none that nobody
// knows.
[[nodiscard]] Status DropRowAndDirs(World& world, const std::string& path, std::string_view kind);

// Nothing of ours is in the file any more.
[[nodiscard]] Status Forget(World& world, const std::string& path, std::string_view kind,
                            const FileText& file);

}  // namespace selftune::install

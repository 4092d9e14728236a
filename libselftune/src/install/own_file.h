// Files that are ours as a whole: a plugin, the skill, its specialists.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "install/installer.h"
#include "install/target.h"

namespace selftune::install {

// A file of ours that somebody edited since.
enum class Edits {
  kRefuse,      // it stays as it is (FILE_CHANGED), or is named
  kKeepAsOrig,  // ours comes in its place; the edited text stays beside it as *.orig
  kReplace,     // that, and a file that somebody else wrote gives way as well
};

// Replaces what somebody else wrote (FILE_EXISTS) only when told to, and never what a
// link leads to; its bytes come back when ours are taken out. A file that was there before,
// byte for byte as ours, is looked after and stays when ours are taken out.
[[nodiscard]] StatusOr<FileResult> InstallFile(World& world, std::string_view kind,
                                               std::string_view platform, const OwnFile& own,
                                               Edits edits = Edits::kRefuse);

// Those of a kind; edited ones are kept and named in `afterwards`.
[[nodiscard]] StatusOr<HostResult> RemoveFiles(World& world, std::string_view kind);

// Those of a kind below a folder that are not wanted any more: of an older version, or
// all of them with nothing wanted.
[[nodiscard]] StatusOr<HostResult> RemoveStale(World& world, std::string_view kind,
                                               const std::string& folder,
                                               const std::vector<OwnFile>& wanted,
                                               Edits edits = Edits::kRefuse);

// One of them. `ours_now`: what we would write there, "" = unknown.
[[nodiscard]] Status RemoveOwn(World& world, const std::string& path, std::string_view kind,
                               std::string_view ours_now, HostResult& out,
                               Edits edits = Edits::kRefuse);

// What an installed text that somebody edited would be kept as beside `path`: the first
// name that is free, or that holds just these bytes.
[[nodiscard]] StatusOr<std::string> OrigPath(const std::string& path, std::string_view bytes);

}  // namespace selftune::install

// Whether this user may write what must be written: without it no sync stores
// anything, while everything that is in the store can still be read.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/strings.h"
#include "status/doctor_checks.h"

namespace selftune::status {
namespace {

// 0, or why the effective user may not.
int WhyNot(const std::string& path, int mode) {
  return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0 ? 0 : errno;
}

// The folder, or the one above it in which it would be made.
std::string NearestFolder(std::string folder) {
  while (!base::Exists(folder) && folder.size() > 1) {
    folder = std::string(base::DirName(folder));
    if (folder.empty()) folder = "/";
  }
  return folder;
}

// `paths` are refused together: SQLite gives what it makes beside a store the
// store's mode, so that one command has to help for all of them.
Check Refused(const std::vector<std::string>& paths, bool folder, int error) {
  const std::string& path = paths.front();
  const auto command = [&paths](std::vector<std::string> words) {
    words.insert(words.end(), paths.begin(), paths.end());
    return base::JoinCommand(words);
  };
  Check check{.name = "db.write",
              .status = CheckStatus::kFail,
              .message = fmt::format("{} cannot be written: {}", path,
                                     std::generic_category().message(error)),
              .path = path};
  if (error == EROFS) {
    check.text =
        "its file system is read-only: mount it for writing, or name a folder elsewhere "
        "with SELFTUNE_HOME";
    check.command = command({"df"});
    return check;
  }
  check.text = "nothing new is stored until its owner allows it";
  check.command = command({"chmod", folder ? "u+rwx" : "u+rw"});
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0 && info.st_uid != ::geteuid()) {
    check.text = "it belongs to another user: nothing new is stored until it is yours";
    check.command = command({"sudo", "chown", std::to_string(::geteuid())});
  }
  return check;
}

// Only what lies where our own folder belongs is ours to have moved.
Check NoFolder(const std::string& path, const std::string& state_dir) {
  Check check{.name = "db.write",
              .status = CheckStatus::kFail,
              .message = path + " is no folder: nothing can be stored below it",
              .path = path};
  if (path == state_dir && base::BaseName(path) == ".selftune") {
    check.text = "this keeps it under another name, and the folder is made by the next sync";
    check.command = base::JoinCommand({"mv", "-n", path, path + ".kept"});
  } else {
    check.text = "see what it is, and name a folder with SELFTUNE_HOME";
    check.command = base::JoinCommand({"ls", "-ld", path});
  }
  return check;
}

}  // namespace

void CheckStoreAccess(const DoctorWorld& world, Checks& out) {
  const std::string store_folder(base::DirName(world.db_path));
  for (const std::string& folder : {world.state_dir, store_folder}) {
    const std::string path = NearestFolder(folder);
    if (const auto info = base::Stat(path); info.ok() && !info->is_dir()) {
      out.push_back(NoFolder(path, world.state_dir));
      return;
    }
    if (const int error = WhyNot(path, W_OK | X_OK); error != 0) {
      out.push_back(Refused({path}, /*folder=*/true, error));
      return;
    }
  }
  std::vector<std::string> refused;
  int why = 0;
  for (const char* const part : {"", "-wal", "-shm"}) {
    const std::string path = world.db_path + part;
    const int error = WhyNot(path, R_OK | W_OK);
    if (error == 0 || error == ENOENT) continue;
    if (refused.empty()) why = error;
    refused.push_back(path);
  }
  if (!refused.empty()) out.push_back(Refused(refused, /*folder=*/false, why));
}

}  // namespace selftune::status

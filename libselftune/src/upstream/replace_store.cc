#include "upstream/replace_store.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/free_path.h"
#include "base/status_macros.h"

namespace selftune::upstream {
namespace {

constexpr std::string_view kAside = ".reference";
constexpr std::string_view kBetween = "-";  // selftune.db.reference-2
constexpr std::string_view kLog = "-wal";
constexpr std::string_view kIndex = "-shm";
constexpr std::string_view kJournal = "-journal";

std::string Join(const std::string& path, std::string_view end) { return path + std::string(end); }

bool SameFile(const std::string& a, const std::string& b) {
  const auto one = base::Stat(a);
  const auto two = base::Stat(b);
  return one.ok() && two.ok() && one->dev == two->dev && one->inode == two->inode;
}

// Gives the file a second name.
Status Link(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
  const int why = errno;
  Status failed = Fail(why == EEXIST ? kFileExists : kWriteFailed, "linking {} to {}: {}", from, to,
                       std::strerror(why));
  if (why != EPERM && why != EOPNOTSUPP && why != EMLINK) return failed;
  return WithSuggestion(std::move(failed),
                        "this file system has no links: move the file away by hand and import it "
                        "from there",
                        "selftune help import upstream");
}

Status SyncFolderOf(const std::string& path) {
  return base::SyncDir(std::string(base::DirName(path)));
}

// The name beside which an unfinished change of places left the second link; "" = none did.
std::string HalfMoved(const std::string& store_path) {
  for (int n = 1;; ++n) {
    std::string name = base::NumberedPath(Join(store_path, kAside), n, kBetween);
    if (!base::Exists(name)) return {};
    if (SameFile(name, store_path)) return name;
  }
}

}  // namespace

std::string ImportingPath(const std::string& store_path) { return store_path + ".importing"; }

Status UndoUnfinished(const std::string& store_path) {
  const std::string aside = HalfMoved(store_path);
  if (aside.empty()) return absl::OkStatus();
  for (const std::string_view part : {kLog, kJournal, kIndex}) {
    const std::string there = Join(aside, part), here = Join(store_path, part);
    if (!base::Exists(there)) continue;
    // Who looked at the database meanwhile left an empty one.
    const auto made = base::Stat(here);
    if (made.ok() && made->size == 0) ST_RETURN_IF_ERROR(base::RemoveFile(here));
    if (!base::Exists(here)) {
      ST_RETURN_IF_ERROR(Link(there, here));
    } else if (part != kIndex && !SameFile(there, here)) {
      return Fail(kConflicted,
                  "{} and {} are both logs of {}: another program went on with it in the middle of "
                  "an import",
                  here, there, store_path);
    }
  }
  ST_RETURN_IF_ERROR(SyncFolderOf(store_path));
  for (const std::string_view part : {kLog, kJournal, kIndex}) {
    ST_RETURN_IF_ERROR(base::RemoveFile(Join(aside, part)));
  }
  ST_RETURN_IF_ERROR(base::RemoveFile(aside));
  return SyncFolderOf(store_path);
}

StatusOr<std::string> ReplaceStore(const std::string& store_path) {
  const std::string made = ImportingPath(store_path);
  const std::string aside = base::FreePath(Join(store_path, kAside), kBetween, kLog);
  ST_ASSIGN_OR_RETURN(const base::FileHandle file, base::OpenRead(made));
  ST_RETURN_IF_ERROR(base::SyncFile(file.fd(), made));
  // A second name for each of its files, then the first names go: whatever happens
  // in between, everything is there, and UndoUnfinished knows the way back.
  ST_RETURN_IF_ERROR(Link(store_path, aside));
  for (const std::string_view part : {kLog, kJournal, kIndex}) {
    const std::string here = Join(store_path, part);
    if (base::Exists(here)) ST_RETURN_IF_ERROR(Link(here, Join(aside, part)));
  }
  ST_RETURN_IF_ERROR(SyncFolderOf(store_path));
  // The new store must not find a log of the old one beside it.
  for (const std::string_view part : {kIndex, kJournal, kLog}) {
    ST_RETURN_IF_ERROR(base::RemoveFile(Join(store_path, part)));
  }
  ST_RETURN_IF_ERROR(SyncFolderOf(store_path));
  ST_RETURN_IF_ERROR(base::Rename(made, store_path));
  ST_RETURN_IF_ERROR(SyncFolderOf(store_path));
  return aside;
}

}  // namespace selftune::upstream

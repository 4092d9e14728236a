#include "dashboard/instance.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "cli/json.h"
#include "cli/text.h"

namespace selftune::dashboard {
namespace {

using cli::Json;

constexpr size_t kLargestFile = 64 * 1024;
constexpr std::string_view kLinkPrefix = "open-";
constexpr std::string_view kLinkSuffix = ".html";
constexpr std::chrono::milliseconds kLookAgain{20};

std::string Failed(std::string_view doing, const std::string& path) {
  return std::string(doing) + " " + path + ": " + std::strerror(errno);
}

std::string FilePath(const std::string& run) { return run + "/dashboard.json"; }

std::optional<std::string> ReadSmallFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return std::nullopt;
  std::string out;
  char chunk[4096];
  ssize_t got = 0;
  while (out.size() < kLargestFile && (got = read(fd, chunk, sizeof chunk)) > 0) {
    out.append(chunk, static_cast<size_t>(got));
  }
  close(fd);
  if (got < 0) return std::nullopt;
  return out;
}

// Field 22 of /proc/<pid>/stat; the name before it may hold anything.
uint64_t StartTime(int pid) {
  const auto text = ReadSmallFile("/proc/" + std::to_string(pid) + "/stat");
  if (!text.has_value()) return 0;
  size_t at = text->rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = text->find(' ', at + 1);
  uint64_t ticks = 0;
  if (at == std::string::npos) return 0;
  std::from_chars(text->data() + at + 1, text->data() + text->size(), ticks);
  return ticks;
}

std::string BootId() {
  std::string id = ReadSmallFile("/proc/sys/kernel/random/boot_id").value_or("");
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

}  // namespace

InstanceFile ThisProcess(std::string_view version) {
  InstanceFile file;
  file.pid = getpid();
  file.start_time = StartTime(file.pid);
  file.boot_id = BootId();
  file.version = version;
  file.started_at = cli::UtcNow();
  return file;
}

std::string PrepareRunFolder(const std::string& run) {
  for (size_t slash = run.find('/', 1);; slash = run.find('/', slash + 1)) {
    const std::string part = run.substr(0, slash);
    if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) return Failed("making", part);
    if (slash == std::string::npos) break;
  }
  struct stat info = {};
  if (lstat(run.c_str(), &info) != 0) return Failed("looking at", run);
  if (!S_ISDIR(info.st_mode)) return run + " is no folder";
  if (info.st_uid != geteuid()) return run + " belongs to another user";
  if ((info.st_mode & 077) != 0 && chmod(run.c_str(), 0700) != 0) return Failed("closing", run);
  return "";
}

std::string LinkFileName(std::string_view code) {
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(code.data()),
                     code.size(), nullptr, 0);
  std::string hex(2 * hash.size() + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  hex.pop_back();
  return std::string(kLinkPrefix) + hex + std::string(kLinkSuffix);
}

void RemoveLinkFiles(const std::string& run, std::chrono::seconds age) {
  struct CloseFolder {
    void operator()(DIR* folder) const { closedir(folder); }
  };
  const std::unique_ptr<DIR, CloseFolder> folder(opendir(run.c_str()));
  if (folder == nullptr) return;  // it is gone, and they with it
  std::vector<std::string> old;
  while (const dirent* entry = readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(kLinkPrefix) || !name.ends_with(kLinkSuffix)) continue;
    struct stat info = {};
    std::string path = run + "/" + std::string(name);
    if (lstat(path.c_str(), &info) != 0) continue;
    if (std::time(nullptr) - info.st_mtime >= age.count()) old.push_back(std::move(path));
  }
  for (const std::string& path : old) unlink(path.c_str());
}

std::optional<InstanceFile> ReadInstance(const std::string& run) {
  const auto text = ReadSmallFile(FilePath(run));
  const std::optional<Json> json = text.has_value() ? Json::Parse(*text) : std::nullopt;
  if (!json.has_value() || !json->is_object()) return std::nullopt;
  InstanceFile file;
  file.pid = static_cast<int>((*json)["pid"].Int());
  file.port = static_cast<int>((*json)["port"].Int());
  file.start_time = static_cast<uint64_t>((*json)["start_time"].Int());
  file.boot_id = (*json)["boot_id"].Text();
  file.version = (*json)["version"].Text();
  file.instance = (*json)["instance"].Text();
  file.token = (*json)["token"].Text();
  file.started_at = (*json)["started_at"].Text();
  if (file.pid <= 1 || file.port <= 0 || file.port > 65535 || file.token.empty()) {
    return std::nullopt;
  }
  return file;
}

std::string WritePrivateFile(const std::string& path, std::string_view text) {
  const std::string part = path + ".tmp";
  unlink(part.c_str());
  const int fd = open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return Failed("writing", part);
  const bool whole = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (close(fd) != 0 || !whole) return Failed("writing", part);
  if (rename(part.c_str(), path.c_str()) != 0) return Failed("writing", path);
  return "";
}

std::string WriteInstance(const std::string& run, const InstanceFile& file) {
  const std::string text = cli::JsonObject()
                               .AddInt("pid", file.pid)
                               .AddInt("port", file.port)
                               .AddInt("start_time", static_cast<int64_t>(file.start_time))
                               .AddText("boot_id", file.boot_id)
                               .AddText("version", file.version)
                               .AddText("instance", file.instance)
                               .AddText("token", file.token)
                               .AddText("started_at", file.started_at)
                               .Take();
  return WritePrivateFile(FilePath(run), text + "\n");
}

void RemoveInstance(const std::string& run, std::string_view instance) {
  const std::optional<InstanceFile> file = ReadInstance(run);
  if (file.has_value() && file->instance == instance) unlink(FilePath(run).c_str());
}

bool IsRunning(const InstanceFile& file) {
  return file.start_time != 0 && StartTime(file.pid) == file.start_time && BootId() == file.boot_id;
}

bool Terminate(const InstanceFile& file) {
  const int process = static_cast<int>(syscall(SYS_pidfd_open, file.pid, 0));
  if (process < 0) return false;
  // The descriptor holds the process; look once more who it is.
  const bool sent =
      IsRunning(file) && syscall(SYS_pidfd_send_signal, process, SIGTERM, nullptr, 0) == 0;
  close(process);
  return sent;
}

InstanceLock::~InstanceLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

InstanceLock::Result InstanceLock::Try(const std::string& run) {
  if (descriptor_ < 0) {
    descriptor_ =
        open((run + "/dashboard.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  }
  if (descriptor_ < 0) return Result::kFailed;
  if (flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return Result::kTaken;
  return errno == EWOULDBLOCK || errno == EINTR ? Result::kHeld : Result::kFailed;
}

InstanceLock::Result InstanceLock::Wait(const std::string& run, std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  for (;;) {
    const Result result = Try(run);
    if (result != Result::kHeld || std::chrono::steady_clock::now() >= end) return result;
    std::this_thread::sleep_for(kLookAgain);
  }
}

}  // namespace selftune::dashboard

// Any bytes can be read as a database of a host, and stay as they are. The first
// byte says which host's.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "base/file.h"
#include "hosts/openclaw/source.h"
#include "hosts/opencode/source.h"
#include "input.h"

namespace selftune {
namespace {

// One file, given other bytes for each input. It lies in memory where the machine
// has such a folder, is never forced to a disk, and was written long ago: readers
// wait for a file that has just changed.
class StoreFile {
 public:
  StoreFile() {
    const char* const parent = ::access(kMemory, W_OK) == 0 ? kMemory : std::getenv("TMPDIR");
    auto folder = base::MakeTempDir(parent != nullptr ? parent : "/tmp", "selftune-fuzz-");
    fuzz::Require(folder.ok(), "a temporary folder");
    folder_ = *std::move(folder);
    path_ = base::JoinPath(folder_, "opencode.sqlite");
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    fuzz::Require(fd_ >= 0, "a temporary file");
  }
  ~StoreFile() {
    ::close(fd_);
    (void)base::RemoveTree(folder_);  // the next run makes another one
  }
  StoreFile(const StoreFile&) = delete;
  StoreFile& operator=(const StoreFile&) = delete;

  void Write(std::string_view bytes) const {
    const auto size = static_cast<ssize_t>(bytes.size());
    fuzz::Require(::pwrite(fd_, bytes.data(), bytes.size(), 0) == size, "writing it");
    fuzz::Require(::ftruncate(fd_, size) == 0, "cutting it");
    constexpr timespec kLongAgo = {.tv_sec = 1'700'000'000, .tv_nsec = 0};
    const timespec times[] = {kLongAgo, kLongAgo};
    fuzz::Require(::futimens(fd_, times) == 0, "dating it");
  }
  // Nothing else either: neither a log nor a journal beside it.
  [[nodiscard]] bool Holds(std::string_view bytes) const {
    std::string now(bytes.size() + 1, '\0');
    const ssize_t got = ::pread(fd_, now.data(), now.size(), 0);
    const auto files = base::ListDir(folder_);
    return got == static_cast<ssize_t>(bytes.size()) && now.starts_with(bytes) && files.ok() &&
           files->size() == 1;
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  static constexpr const char* kMemory = "/dev/shm";

  std::string folder_;
  std::string path_;
  int fd_ = -1;
};

}  // namespace
}  // namespace selftune

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  if (size == 0) return 0;
  static const StoreFile store;
  const std::string_view bytes = fuzz::AsText(data, size).substr(1);
  store.Write(bytes);
  const ingest::Source& source =
      data[0] % 2 == 0 ? hosts::OpenCodeSource() : hosts::OpenClawSource();
  const ingest::SourceFile file = source.Describe(store.path());
  const auto reader = source.OpenStore({.file = &file});
  fuzz::Require(reader.ok(), "a reader opens nothing yet");
  const Status status = (*reader)->Read([](ingest::Batch) { return absl::OkStatus(); });
  (void)status;  // a damaged store says so
  fuzz::Require(store.Holds(bytes), "the store is as it was");
  return 0;
}

// Advisory whole-file lock (flock), released by the kernel when the process
// dies. The file stays in place; its text is for display only.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "base/error.h"
#include "base/file.h"

namespace selftune::base {

class LockFile {
 public:
  // LOCK_HELD (details: the holder's text) when another process or engine has it.
  [[nodiscard]] static StatusOr<LockFile> TryAcquire(const std::string& path,
                                                     std::string_view holder_text);
  // The same, and waits so long for another holder.
  [[nodiscard]] static StatusOr<LockFile> Acquire(const std::string& path,
                                                  std::string_view holder_text,
                                                  std::chrono::milliseconds wait,
                                                  const Cancel* cancel);
  // Text written by the current holder; nullopt when the lock is free.
  [[nodiscard]] static StatusOr<std::optional<std::string>> Holder(const std::string& path);

  // Replaces the display text.
  [[nodiscard]] Status Update(std::string_view holder_text);

 private:
  explicit LockFile(FileHandle file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}
  FileHandle file_;
  std::string path_;
};

}  // namespace selftune::base

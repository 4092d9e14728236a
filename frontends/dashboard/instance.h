// One dashboard a state folder: the lock it holds and the file that tells
// others how to reach it (dashboard B2).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace selftune::dashboard {

// "open-....html", of one code and without telling it: in the run folder as long
// as the code is good, shows a browser the link.
[[nodiscard]] std::string LinkFileName(std::string_view code);
// Those of all codes that are at least so old.
void RemoveLinkFiles(const std::string& run, std::chrono::seconds age);

// <state>/run/dashboard.json, readable by its owner only.
struct InstanceFile {
  int pid = 0;
  int port = 0;
  uint64_t start_time = 0;  // of the process, clock ticks since boot
  std::string boot_id;
  std::string version;
  std::string instance;
  std::string token;
  std::string started_at;
};

// This process; without port, instance, token.
[[nodiscard]] InstanceFile ThisProcess(std::string_view version);

// Makes <state>/run for us alone; "" or what is wrong with it.
[[nodiscard]] std::string PrepareRunFolder(const std::string& run);

[[nodiscard]] std::optional<InstanceFile> ReadInstance(const std::string& run);
// "" or what went wrong. Replaces the file as a whole.
[[nodiscard]] std::string WriteInstance(const std::string& run, const InstanceFile& file);
// Unless another instance has written it since.
void RemoveInstance(const std::string& run, std::string_view instance);

// Writes a file that only its owner can read; "" or what went wrong.
[[nodiscard]] std::string WritePrivateFile(const std::string& path, std::string_view text);

// The process that wrote the file still runs: pid, start time and boot agree.
[[nodiscard]] bool IsRunning(const InstanceFile& file);
// Sends SIGTERM to that process and to no other that got its number.
[[nodiscard]] bool Terminate(const InstanceFile& file);

// Held as long as the process lives.
class InstanceLock {
 public:
  InstanceLock() = default;
  ~InstanceLock();
  InstanceLock(const InstanceLock&) = delete;
  InstanceLock& operator=(const InstanceLock&) = delete;

  enum class Result { kTaken, kHeld, kFailed };
  [[nodiscard]] Result Try(const std::string& run);
  // Until it is free or the time is over.
  [[nodiscard]] Result Wait(const std::string& run, std::chrono::milliseconds time);

 private:
  int descriptor_ = -1;
};

}  // namespace selftune::dashboard

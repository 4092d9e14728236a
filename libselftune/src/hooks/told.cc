#include "hooks/told.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "hooks/small_file.h"

namespace selftune::hooks {
namespace {

constexpr size_t kMaxText = 32;

std::string PathOf(const World& world, const std::string& what) {
  return ToldDir(world.state_dir) + "/" + what;
}

}  // namespace

std::string ToldDir(std::string_view state_dir) { return std::string(state_dir) + "/hooks/told"; }

// FNV-1a.
std::string ToldName(std::string_view a, std::string_view b) {
  uint64_t hash = 0xcbf29ce484222325U;
  const auto add = [&](std::string_view text) {
    for (const char c : text) {
      hash ^= static_cast<unsigned char>(c);
      hash *= 0x100000001b3U;
    }
  };
  add(a);
  add("\n");
  add(b);
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4)
    out.push_back("0123456789abcdef"[(hash >> shift) & 15]);
  return out;
}

bool WasTold(const World& world, const std::string& what) {
  struct stat info;
  return stat(PathOf(world, what).c_str(), &info) == 0;
}

std::string ToldText(const World& world, const std::string& what) {
  return ReadSmall(PathOf(world, what), kMaxText);
}

bool FirstToSay(const World& world, const std::string& what, std::string_view text) {
  mkdir(ToldDir(world.state_dir).c_str(), 0700);  // the folder above is there: the notes were in it
  const int fd = open(PathOf(world, what).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool kept = text.empty() || write(fd, text.data(), text.size()) > 0;
  close(fd);
  return kept;
}

}  // namespace selftune::hooks

// A fresh directory for one test, removed with everything in it at the end.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "base/file.h"

namespace selftune::testing {

class TempDir {
 public:
  TempDir() {
    const char* parent = std::getenv("TMPDIR");
    StatusOr<std::string> made =
        base::MakeTempDir(parent != nullptr ? parent : "/tmp", "selftune-test-");
    REQUIRE(made.ok());
    StatusOr<std::string> real = base::RealPath(*made);
    REQUIRE(real.ok());
    path_ = *real;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    const Status removed = base::RemoveTree(path_);
    WARN(removed.ok());
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(std::string_view name) const {
    return base::JoinPath(path_, name);
  }
  // Writes a file, its parents included, and returns its path.
  std::string Write(std::string_view name, std::string_view bytes, uint32_t mode = 0644) const {
    const std::string path = *this / name;
    REQUIRE(base::MakeDirs(std::string(base::DirName(path)), 0755).ok());
    // A new file takes the place of an older one, as with base::WriteFileAtomic, but
    // nobody waits for the disk.
    const std::string made = path + ".writing";
    std::ofstream out(made, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    REQUIRE(out.good());
    REQUIRE(chmod(made.c_str(), mode) == 0);
    REQUIRE(base::Rename(made, path).ok());
    return path;
  }
  [[nodiscard]] std::string Read(std::string_view name) const {
    const StatusOr<std::string> bytes = base::ReadFile(*this / name, 64 << 20);
    REQUIRE(bytes.ok());
    return *bytes;
  }

 private:
  std::string path_;
};

}  // namespace selftune::testing

#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "support/temp_dir.h"

namespace selftune::base {
namespace {

using testing::TempDir;

std::string CodeName(const Status& status) { return std::string(CodeOf(status).name); }

uint32_t ModeOf(const std::string& path) {
  const StatusOr<FileInfo> info = Stat(path);
  REQUIRE(info.ok());
  return info->mode & 07777;
}

std::vector<std::string> Names(const std::string& dir) {
  const StatusOr<std::vector<DirEntry>> entries = ListDir(dir);
  REQUIRE(entries.ok());
  std::vector<std::string> names;
  for (const DirEntry& entry : *entries) names.push_back(entry.name);
  return names;
}

}  // namespace

TEST_SUITE("base/file") {
  TEST_CASE("reading says what is wrong and where") {
    const TempDir dir;
    const std::string file = dir.Write("a.txt", "hello");
    REQUIRE(mkfifo((dir / "fifo").c_str(), 0600) == 0);
    REQUIRE(symlink("nowhere", (dir / "dangling").c_str()) == 0);
    REQUIRE(symlink("loop", (dir / "loop").c_str()) == 0);
    struct Case {
      const char* name;
      std::string path;
      uint64_t limit;
      const char* code;  // nullptr = fine
    };
    const Case cases[] = {
        {"a file", file, 5, nullptr},
        {"one byte too long", file, 4, "FILE_TOO_LARGE"},
        {"absent", dir / "none", 5, "FILE_NOT_FOUND"},
        {"below a file", file + "/x", 5, "FILE_NOT_FOUND"},
        {"dangling link", dir / "dangling", 5, "FILE_NOT_FOUND"},
        {"link to itself", dir / "loop", 5, "FILE_UNREADABLE"},
        {"a directory", dir.path(), 5, "FILE_UNREADABLE"},
        {"a pipe does not hang", dir / "fifo", 5, "FILE_UNREADABLE"},
        {"NUL in the name", file + std::string("\0x", 2), 5, "FILE_NOT_FOUND"},
        {"empty device", "/dev/null", 0, nullptr},
        {"endless device", "/dev/zero", 1000, "FILE_TOO_LARGE"},
        {"file without a size", "/proc/self/status", 1 << 20, nullptr},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const StatusOr<std::string> got = ReadFile(c.path, c.limit);
      CHECK(got.ok() == (c.code == nullptr));
      if (got.ok()) continue;
      CHECK(CodeName(got.status()) == c.code);
      if (c.path.find('\0') == std::string::npos) {
        CHECK(Message(got.status()).find(c.path) != std::string_view::npos);
      }
    }
    CHECK(*ReadFile(file, 5) == "hello");
    CHECK(ReadFile("/proc/self/status", 1 << 20)->find("Pid:") != std::string::npos);
  }

  TEST_CASE("large files and reads at an offset") {
    const TempDir dir;
    std::string bytes;
    for (int i = 0; bytes.size() < (1 << 20); ++i) bytes += std::to_string(i) + "\n";
    const std::string path = dir.Write("big", bytes);
    CHECK(*ReadFile(path, bytes.size()) == bytes);
    const StatusOr<FileHandle> file = OpenRead(path);
    REQUIRE(file.ok());
    char buffer[100];
    CHECK(*ReadAt(file->fd(), 1000, buffer, sizeof buffer, path) == 100);
    CHECK(std::string_view(buffer, 100) == std::string_view(bytes).substr(1000, 100));
    CHECK(*ReadAt(file->fd(), bytes.size() - 3, buffer, sizeof buffer, path) == 3);
    CHECK(*ReadAt(file->fd(), bytes.size() + 9, buffer, sizeof buffer, path) == 0);
    CHECK(CodeName(ReadAt(-1, 0, buffer, 1, path).status()) == "FILE_UNREADABLE");
  }

  TEST_CASE("an atomic write replaces bytes and mode and leaves nothing else") {
    const TempDir dir;
    const mode_t umask_before = umask(0077);
    const std::string path = dir.Write("f", "old", 0600);
    CHECK(ModeOf(path) == 0600);
    REQUIRE(WriteFileAtomic(path, "new bytes", 0644).ok());
    umask(umask_before);
    CHECK(dir.Read("f") == "new bytes");
    CHECK(ModeOf(path) == 0644);
    REQUIRE(WriteFileAtomic(path, "", 0644).ok());
    CHECK(dir.Read("f").empty());
    CHECK(Names(dir.path()) == std::vector<std::string>{"f"});
    CHECK(CodeName(WriteFileAtomic(dir / "no/such/f", "x", 0600)) == "FILE_NOT_FOUND");
    REQUIRE(MakeDirs(dir / "d", 0755).ok());
    CHECK(!WriteFileAtomic(dir / "d", "x", 0600).ok());
    CHECK(Names(dir.path()) == std::vector<std::string>{"d", "f"});
  }

  TEST_CASE("a reader sees the old or the new bytes, and an open file keeps its own") {
    const TempDir dir;
    const std::string path = dir.Write("f", "old");
    const StatusOr<FileHandle> open = OpenRead(path);
    REQUIRE(open.ok());
    REQUIRE(WriteFileAtomic(path, "newer", 0644).ok());
    char buffer[8];
    CHECK(*ReadAt(open->fd(), 0, buffer, sizeof buffer, path) == 3);
  }

  TEST_CASE("a new file is never written over, links included") {
    const TempDir dir;
    CHECK(WriteFileNew(dir / "f", "one", 0600).ok());
    CHECK(CodeName(WriteFileNew(dir / "f", "two", 0600)) == "FILE_EXISTS");
    CHECK(dir.Read("f") == "one");
    REQUIRE(symlink("target", (dir / "link").c_str()) == 0);
    CHECK(CodeName(WriteFileNew(dir / "link", "two", 0600)) == "FILE_EXISTS");
    CHECK(!Exists(dir / "target"));
  }

  TEST_CASE("a full disk is told apart and leaves no piece") {
    if (access("/dev/full", W_OK) != 0) return;
    const int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    const FileHandle full(fd);
    const Status status = WriteAll(full.fd(), "x", "/dev/full");
    CHECK(CodeName(status) == "DISK_FULL");
    CHECK(CodeOf(status).retryable);
  }

  TEST_CASE("rename and remove") {
    const TempDir dir;
    dir.Write("a", "1");
    dir.Write("b", "2");
    CHECK(Rename(dir / "a", dir / "b").ok());
    CHECK(dir.Read("b") == "1");
    CHECK(CodeName(Rename(dir / "a", dir / "c")) == "FILE_NOT_FOUND");
    CHECK(RemoveFile(dir / "b").ok());
    CHECK(RemoveFile(dir / "b").ok());
    CHECK(RemoveFile(dir / "b/below").ok());
    REQUIRE(MakeDirs(dir / "d", 0755).ok());
    CHECK(!RemoveFile(dir / "d").ok());
  }

  TEST_CASE("removing a tree does not follow links") {
    const TempDir dir;
    dir.Write("keep/file", "x");
    dir.Write("tree/a/b/c", "x");
    dir.Write("tree/.hidden", "x");
    REQUIRE(symlink((dir / "keep").c_str(), (dir / "tree/link").c_str()) == 0);
    REQUIRE(symlink((dir / "keep").c_str(), (dir / "toplink").c_str()) == 0);
    CHECK(RemoveTree(dir / "tree/").ok());
    CHECK(RemoveTree(dir / "tree").ok());
    CHECK(RemoveTree(dir / "toplink").ok());
    CHECK(Names(dir.path()) == std::vector<std::string>{"keep"});
    CHECK(dir.Read("keep/file") == "x");
    CHECK(RemoveTree(dir / "keep/file").ok());
  }

  TEST_CASE("directories are made with their parents") {
    const TempDir dir;
    CHECK(MakeDirs(dir / "a//b/./c/", 0700).ok());
    CHECK(MakeDirs(dir / "a/b/c", 0700).ok());
    CHECK(ModeOf(dir / "a") == 0700);
    REQUIRE(symlink("a", (dir / "link").c_str()) == 0);
    CHECK(MakeDirs(dir / "link/d", 0700).ok());
    CHECK(Stat(dir / "a/d")->is_dir());
    dir.Write("f", "");
    CHECK(CodeName(MakeDirs(dir / "f", 0700)) == "FILE_EXISTS");
    CHECK(!MakeDirs(dir / "f/x", 0700).ok());
    const StatusOr<std::string> temp = MakeTempDir(dir / "a", "t-");
    REQUIRE(temp.ok());
    CHECK(ModeOf(*temp) == 0700);
    CHECK(!MakeTempDir(dir / "none", "t-").ok());
  }

  TEST_CASE("listing is sorted and tells what may be a directory") {
    const TempDir dir;
    dir.Write("b", "");
    dir.Write("a/x", "");
    REQUIRE(symlink("a", (dir / "c").c_str()) == 0);
    REQUIRE(mkfifo((dir / "d").c_str(), 0600) == 0);
    const StatusOr<std::vector<DirEntry>> entries = ListDir(dir.path());
    REQUIRE(entries.ok());
    REQUIRE(entries->size() == 4);
    CHECK((*entries)[0].name == "a");
    CHECK((*entries)[0].maybe_dir);
    CHECK(!(*entries)[0].maybe_file);
    CHECK(!(*entries)[1].maybe_dir);
    CHECK((*entries)[1].maybe_file);
    CHECK((*entries)[2].maybe_dir);
    CHECK((*entries)[2].maybe_file);
    CHECK(!(*entries)[3].maybe_dir);
    CHECK(!(*entries)[3].maybe_file);
    CHECK(CodeName(ListDir(dir / "none").status()) == "FILE_NOT_FOUND");
    CHECK(CodeName(ListDir(dir / "b").status()) == "FILE_NOT_FOUND");
  }

  TEST_CASE("stat follows links and sees identity") {
    const TempDir dir;
    const std::string path = dir.Write("f", "12345");
    REQUIRE(link(path.c_str(), (dir / "g").c_str()) == 0);
    REQUIRE(symlink("f", (dir / "s").c_str()) == 0);
    const FileInfo f = *Stat(path);
    const FileInfo g = *Stat(dir / "g");
    const FileInfo s = *Stat(dir / "s");
    CHECK(f.size == 5);
    CHECK(f.is_file());
    CHECK(f.links == 2);
    CHECK(f.inode == g.inode);
    CHECK(f.inode == s.inode);
    CHECK(f.dev == s.dev);
    CHECK(f.mtime_ns > int64_t{1'600'000'000} * 1'000'000'000);
    CHECK(*RealPath(dir / "s") == path);
    CHECK(CodeName(RealPath(dir / "none").status()) == "FILE_NOT_FOUND");
  }

  TEST_CASE("handles close once") {
    FileHandle a(dup(0));
    REQUIRE(a.valid());
    const int fd = a.fd();
    FileHandle b = std::move(a);
    CHECK(b.fd() == fd);
    FileHandle c(dup(0));
    c = std::move(b);
    CHECK(c.fd() == fd);
    c.Close();
    c.Close();
    CHECK(!c.valid());
    CHECK(fcntl(fd, F_GETFD) == -1);
  }

  TEST_CASE("path pieces") {
    struct Case {
      const char *path, *base, *dir;
    };
    const Case cases[] = {
        {"", "", ""},        {"a", "a", ""},      {"a/b", "b", "a"},  {"/a", "a", "/"},
        {"/", "/", "/"},     {"//", "/", "/"},    {"a/b/", "b", "a"}, {"/a//b", "b", "/a"},
        {"../x", "x", ".."}, {"a/..", "..", "a"}, {"///a", "a", "/"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.path);
      CHECK(BaseName(c.path) == c.base);
      CHECK(DirName(c.path) == c.dir);
    }
    CHECK(JoinPath("a", "b") == "a/b");
    CHECK(JoinPath("a/", "b") == "a/b");
    CHECK(JoinPath("", "b") == "b");
    CHECK(JoinPath("a", "") == "a");
    CHECK(JoinPath("a", "/b") == "/b");
    CHECK(JoinPath("/", "b") == "/b");
  }

  TEST_CASE("normal form of a path") {
    struct Case {
      const char *base, *path, *want;
    };
    const Case cases[] = {
        {"/a", "b", "/a/b"},         {"/a", "/b", "/b"},      {"/a/b", "../c", "/a/c"},
        {"/a", "../../..", "/"},     {"/", ".", "/"},         {"/a//b/", "./c/.", "/a/b/c"},
        {"", "a/../..", ".."},       {"", "a/..", "."},       {"", "../../x", "../../x"},
        {"x", "../../y", "../y"},    {"/a", "", "/a"},        {"", "", "."},
        {"/a", "b/../../c/.", "/c"}, {"/a", "...", "/a/..."},
    };
    for (const Case& c : cases) {
      CAPTURE(c.base);
      CAPTURE(c.path);
      CHECK(NormalizePath(c.base, c.path) == c.want);
    }
  }
}

}  // namespace selftune::base

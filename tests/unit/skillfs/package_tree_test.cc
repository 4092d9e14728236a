#include "skillfs/package_tree.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"

namespace selftune::skillfs {
namespace {

class Package {
 public:
  Package() {
    const char* tmp = std::getenv("TMPDIR");
    auto dir = base::MakeTempDir(tmp == nullptr ? "/tmp" : tmp, "selftune-package-");
    REQUIRE(dir.ok());
    root = *dir;
    Write("SKILL.md", "---\nname: x\n---\n");
    Write("scripts/run.sh", "echo\n");
    Write("references/a.md", "a\n");
  }
  ~Package() { (void)base::RemoveTree(root); }
  Package(const Package&) = delete;
  Package& operator=(const Package&) = delete;

  [[nodiscard]] std::string Path(std::string_view path) const {
    return root + "/" + std::string(path);
  }
  void Write(std::string_view path, std::string_view bytes) {
    REQUIRE(base::MakeDirs(std::string(base::DirName(Path(path))), 0755).ok());
    REQUIRE(base::WriteFileAtomic(Path(path), bytes, 0644).ok());
  }
  void Link(const char* target, std::string_view path) {
    REQUIRE(symlink(target, Path(path).c_str()) == 0);
  }
  [[nodiscard]] std::string Fingerprint() const {
    const auto tree = ReadPackage(root);
    REQUIRE(tree.ok());
    return tree->fingerprint;
  }

  std::string root;
};

TEST_SUITE("skillfs/package_tree") {
  TEST_CASE("files are listed by path, with what was read") {
    Package package;
    package.Link("../references/a.md", "scripts/a.md");
    const auto tree = ReadPackage(package.root);
    REQUIRE(tree.ok());
    std::vector<std::string> paths;
    for (const PackageFile& file : tree->files) paths.push_back(file.path);
    CHECK(paths == std::vector<std::string>{"SKILL.md", "references/a.md", "scripts/a.md",
                                            "scripts/run.sh"});
    CHECK(tree->files[1].sha256 == base::Sha256Hex("a\n"));
    CHECK(tree->files[1].size == 2);
    CHECK(tree->files[2].is_link);
    CHECK(tree->fingerprint.starts_with("pkg2_sha256_"));
    CHECK(tree->fingerprint.size() == 12 + 32);
  }

  TEST_CASE("any byte, path, x bit or link changes the fingerprint") {
    Package package;
    std::vector<std::string> seen = {package.Fingerprint()};
    const auto differs = [&] {
      const std::string now = package.Fingerprint();
      for (const std::string& before : seen) CHECK(now != before);
      seen.push_back(now);
    };
    package.Write("references/a.md", "b\n");
    differs();
    REQUIRE(chmod(package.Path("scripts/run.sh").c_str(), 0755) == 0);
    differs();
    REQUIRE(base::Rename(package.Path("references/a.md"), package.Path("references/b.md")).ok());
    differs();
    package.Link("b.md", "references/a.md");
    differs();
    package.Write("assets/empty", "");
    differs();
  }

  TEST_CASE("litter and what the package ignores change nothing") {
    Package package;
    package.Write(".selftuneignore", "# ours\n*.log\nassets/tmp/\n/notes.txt\n");
    const std::string before = package.Fingerprint();
    for (const char* path :
         {".git/HEAD", "evals/set.json", ".DS_Store", "SKILL.md~", "scripts/__pycache__/x.pyc",
          "deep/er/x.log", "assets/tmp/y", "notes.txt"}) {
      package.Write(path, "litter");
    }
    CHECK(package.Fingerprint() == before);
    package.Write("scripts/notes.txt", "counts: the pattern is meant from the top");
    CHECK(package.Fingerprint() != before);
  }

  TEST_CASE("a link out of the package is refused") {
    for (const char* target : {"../../outside", "/etc/hosts", "../../package"}) {
      CAPTURE(target);
      Package package;
      package.Link(target, "scripts/out");
      const auto tree = ReadPackage(package.root);
      REQUIRE_FALSE(tree.ok());
      CHECK(CodeOf(tree.status()).name == "INVALID_REQUEST");
    }
    for (const char* target : {"..", "../not/there/yet"}) {
      CAPTURE(target);
      Package package;
      package.Link(target, "scripts/in");
      CHECK(ReadPackage(package.root).ok());
    }
  }

  TEST_CASE("what cannot be read fails") {
    CHECK(CodeOf(ReadPackage("/nonexistent/skill").status()).name == "FILE_NOT_FOUND");
    Package package;
    REQUIRE(mkfifo(package.Path("pipe").c_str(), 0600) == 0);
    CHECK_FALSE(ReadPackage(package.root).ok());
  }

  TEST_CASE("the older fingerprint is that of the manifest's files in path order") {
    const TrackedFile files[] = {{"workflows/a.md", "w"}, {"SKILL.md", "s"}};
    const std::string text("selftune:create-package:v1\0SKILL.md\0SKILL.md\0s\0workflows/a.md\0w\0",
                           27 + 9 + 9 + 2 + 15 + 2);
    CHECK(PackageFingerprintV1("SKILL.md", files) ==
          "pkg_sha256_" + base::Sha256Hex(text).substr(0, 16));
  }
}

}  // namespace
}  // namespace selftune::skillfs

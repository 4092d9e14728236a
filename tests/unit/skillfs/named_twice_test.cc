#include "skillfs/named_twice.h"

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace selftune::skillfs {
namespace {

constexpr std::string_view kFolders[] = {"/a", "/a/b", "/a/b/c", "/a/bc", "/ab", "/d", "/d/e"};

ResolvedRoot Root(std::string project_root, std::string disabled_by,
                  const std::vector<std::string_view>& off_in) {
  ResolvedRoot out;
  out.path = out.real = "/skills";
  out.scope = project_root.empty() ? "global" : "project";
  out.project_root = std::move(project_root);
  out.disabled_by = std::move(disabled_by);
  for (const std::string_view folder : off_in) {
    out.disabled_in.push_back({std::string(folder), "/settings"});
  }
  return out;
}

bool IsOff(const ResolvedRoot& root, std::string_view folder) {
  return !root.disabled_by.empty() ||
         std::ranges::any_of(root.disabled_in, [&](const ProjectSwitch& off) {
           return IsBelow(folder, off.project_root);
         });
}

std::string_view StateIn(const ResolvedRoot& root, std::string_view folder) {
  if (IsOff(root, folder)) return "off";
  const bool unknown =
      !root.unknown_by.empty() || std::ranges::any_of(root.unknown_in, [&](const auto& in) {
        return IsBelow(folder, in.project_root);
      });
  return unknown ? "unknown" : "on";
}

std::vector<ResolvedRoot> Together(const std::vector<ResolvedRoot>& roots) {
  std::vector<const ResolvedRoot*> named;
  for (const ResolvedRoot& root : roots) named.push_back(&root);
  return NamedTogether(named);
}

}  // namespace

TEST_SUITE("skillfs/named_twice") {
  TEST_CASE("of roots for all sessions a skill is off where each of them is off") {
    std::mt19937 dice(11);
    for (int round = 0; round < 500; ++round) {
      CAPTURE(round);
      std::vector<ResolvedRoot> roots;
      const size_t count = 1 + dice() % 4;
      while (roots.size() < count) {
        std::vector<std::string_view> off_in;
        for (const std::string_view folder : kFolders) {
          if (dice() % 3 == 0) off_in.push_back(folder);
        }
        roots.push_back(Root("", dice() % 6 == 0 ? "/settings" : "", off_in));
      }
      const std::vector<ResolvedRoot> out = Together(roots);
      REQUIRE(out.size() == 1);
      for (const std::string_view folder : kFolders) {
        CAPTURE(folder);
        const bool all = std::ranges::all_of(
            roots, [&](const ResolvedRoot& root) { return IsOff(root, folder); });
        CHECK(IsOff(out[0], folder) == all);
      }
    }
  }

  TEST_CASE("it is on where one of them is on, else not known where one is not known") {
    std::mt19937 dice(7);
    for (int round = 0; round < 2000; ++round) {
      CAPTURE(round);
      std::vector<ResolvedRoot> roots;
      const size_t count = 2 + dice() % 3;
      while (roots.size() < count) {
        std::vector<std::string_view> off_in;
        for (const std::string_view folder : kFolders) {
          if (dice() % 3 == 0) off_in.push_back(folder);
        }
        ResolvedRoot root = Root("", dice() % 4 == 0 ? "/settings" : "", off_in);
        if (dice() % 3 == 0) root.unknown_by = "/broken";
        for (const std::string_view folder : kFolders) {
          if (dice() % 4 == 0) root.unknown_in.push_back({std::string(folder), "/broken"});
        }
        roots.push_back(std::move(root));
      }
      const std::vector<ResolvedRoot> out = Together(roots);
      REQUIRE(out.size() == 1);
      for (const std::string_view folder : {"/a", "/a/b", "/a/b/c", "/a/bc", "/ab", "/d", "/x"}) {
        CAPTURE(folder);
        std::string_view want = "off";
        for (const ResolvedRoot& root : roots) {
          const std::string_view state = StateIn(root, folder);
          if (state == "on" || (state == "unknown" && want == "off")) want = state;
        }
        CHECK(StateIn(out[0], folder) == want);
      }
      for (const ProjectSwitch& in : out[0].unknown_in) CHECK(in.settings == "/broken");
    }
  }

  TEST_CASE("what projects say beside it") {
    struct Case {
      const char* name;
      std::vector<ResolvedRoot> roots;
      std::vector<std::string> off_in;  // of the one that all sessions see
      std::vector<std::string> beside;  // projects that have a root of their own
    };
    const Case cases[] = {
        {"nothing new", {Root("", "", {}), Root("/a", "", {})}, {}, {}},
        {"off there", {Root("", "", {}), Root("/a", "/own", {})}, {"/a"}, {}},
        {"off in a project of it that is off as well",
         {Root("", "", {}), Root("/a", "/own", {}), Root("/a/b", "/own", {})},
         {"/a"},
         {}},
        {"on in a project around where it is off",
         {Root("", "", {"/a/b", "/d"}), Root("/a", "", {})},
         {"/d"},
         {}},
        {"on where it is off for all",
         {Root("", "/own", {}), Root("/a", "", {}), Root("/d", "/own", {})},
         {},
         {"/a"}},
        {"on below where it is off",
         {Root("", "", {"/a"}), Root("/a/b/c-which-is-a-long-name", "", {})},
         {"/a"},
         {"/a/b/c-which-is-a-long-name"}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      std::vector<std::string> off_in, beside;
      for (const ResolvedRoot& root : Together(c.roots)) {
        if (!root.project_root.empty()) beside.push_back(root.project_root);
        if (!root.project_root.empty()) continue;
        for (const ProjectSwitch& off : root.disabled_in) off_in.push_back(off.project_root);
      }
      CHECK(off_in == c.off_in);
      CHECK(beside == c.beside);
    }
  }

  TEST_CASE("thousands of projects, each switched off, are put together at once") {
    std::vector<ResolvedRoot> roots(2, Root("", "", {}));
    for (int i = 0; i < 5000; ++i) {
      const std::string project = "/srv/project-" + std::to_string(i);
      for (size_t own = 0; own < 2; ++own) roots[own].disabled_in.push_back({project, "/settings"});
      roots.push_back(Root(project, i % 2 == 0 ? "" : "/own", {}));
    }
    const std::vector<ResolvedRoot> out = Together(roots);
    REQUIRE(out.size() == 1);
    CHECK(out[0].disabled_in.size() == 2500);
  }
}

}  // namespace selftune::skillfs

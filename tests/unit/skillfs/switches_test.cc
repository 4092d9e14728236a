#include "skillfs/switches.h"

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace selftune::skillfs {
namespace {

constexpr const char* kFolders[] = {"/", "/a", "/a/b", "/a/b/c", "/a/d", "/ab"};

ProjectSwitch In(std::string folder, SwitchState state, bool below = true) {
  std::string file = folder + ".json";
  return {.project_root = std::move(folder),
          .settings = std::move(file),
          .below = below,
          .state = state};
}

Switches Random(std::mt19937& dice) {
  const auto state = [&] { return static_cast<SwitchState>(dice() % 3); };
  Switches out;
  const SwitchState everywhere = state();
  if (everywhere == SwitchState::kOff) out.disabled_by = "/own";
  if (everywhere == SwitchState::kUnknown) out.unknown_by = "/own";
  for (const char* const folder : kFolders) {
    for (const bool below : {true, false}) {
      if (dice() % 3 == 0) out.in_projects.push_back(In(folder, state(), below));
    }
    if (out.in_projects.empty() || dice() % 3 != 0) continue;
    ProjectSwitch& last = out.in_projects.back();
    if (last.below && last.project_root.size() <= 2) last.not_in = {"/a/b"};
  }
  std::shuffle(out.in_projects.begin(), out.in_projects.end(), dice);
  return out;
}

TEST_SUITE("skillfs/switches") {
  TEST_CASE("of what holds for a session the nearest counts") {
    Switches said;
    said.disabled_by = "/own";
    said.in_projects = {In("/a", SwitchState::kOn), In("/a/b", SwitchState::kOff),
                        In("/a/b/c", SwitchState::kUnknown, /*below=*/false)};
    struct Case {
      const char* dir;
      SwitchState state;
      const char* settings;
    };
    const Case cases[] = {
        {"/x", SwitchState::kOff, "/own"},
        {"/ab", SwitchState::kOff, "/own"},
        {"/a", SwitchState::kOn, "/a.json"},
        {"/a/d", SwitchState::kOn, "/a.json"},
        {"/a/b", SwitchState::kOff, "/a/b.json"},
        {"/a/b/c", SwitchState::kUnknown, "/a/b/c.json"},
        {"/a/b/c/d", SwitchState::kOff, "/a/b.json"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.dir);
      CHECK(said.In(c.dir).state == c.state);
      CHECK(said.In(c.dir).settings == c.settings);
    }
    REQUIRE(said.OnAgain() != nullptr);
    CHECK(said.OnAgain()->project_root == "/a");
  }

  TEST_CASE("where nobody knows where a session was, it is off if it is off for all") {
    Switches said;
    said.disabled_by = "/own";
    CHECK(said.In("").state == SwitchState::kOff);
    said.in_projects = {In("/a", SwitchState::kUnknown)};
    CHECK(said.In("").state == SwitchState::kOff);
    said.in_projects.push_back(In("/b", SwitchState::kOn));
    CHECK(said.In("").state == SwitchState::kOn);
    said = {.disabled_by = "", .unknown_by = "/own", .in_projects = {In("/b", SwitchState::kOn)}};
    CHECK(said.In("").state == SwitchState::kUnknown);
  }

  TEST_CASE("both: in each folder the worse of the two, and nothing that is so anyhow") {
    std::mt19937 dice(7);
    for (int round = 0; round < 5000; ++round) {
      const Switches a = Random(dice), b = Random(dice);
      const Switches both = Both(a, b);
      CAPTURE(round);
      for (const char* const dir : {"/", "/a", "/a/b", "/a/b/c", "/a/b/c/x", "/a/d", "/a/d/x",
                                    "/a/x", "/ab", "/ab/x", "/x"}) {
        CAPTURE(std::string(dir));
        CHECK(both.In(dir).state == std::max(a.In(dir).state, b.In(dir).state));
      }
    }
    Switches off, on;
    off.disabled_by = "/own";
    off.in_projects = {In("/a", SwitchState::kOn)};
    on.in_projects = {In("/a", SwitchState::kOff), In("/b", SwitchState::kOff)};
    CHECK(Both(off, on).in_projects.empty());
    CHECK(Both(off, on).disabled_by == "/own");
  }

  TEST_CASE("projects by the thousand cost no more than to sort them") {
    Switches a, b;
    a.disabled_by = "/own";
    for (int i = 0; i < 20'000; ++i) {
      a.in_projects.push_back(In("/srv/" + std::to_string(i), SwitchState::kOn));
      b.in_projects.push_back(In("/srv/" + std::to_string(i + 10'000), SwitchState::kOff));
    }
    CHECK(Both(a, b).in_projects.size() == 10'000);
  }
}

}  // namespace
}  // namespace selftune::skillfs

#include "hooks/background_run.h"

#include <map>
#include <string>

#include <doctest/doctest.h>

#include "base/ci.h"
#include "hooks/world.h"
#include "support/temp_dir.h"

namespace selftune::hooks {
namespace {

using Files = std::map<std::string, std::string>;

TEST_SUITE("hooks/background_run") {
  TEST_CASE("a battery is low when nothing else gives power and there is little left") {
    struct Case {
      const char* name;
      Files files;
      bool low;
    };
    const Files empty = {
        {"BAT0/type", "Battery"}, {"BAT0/status", "Discharging"}, {"BAT0/capacity", "19"}};
    const auto with = [&](Files more) {
      more.insert(empty.begin(), empty.end());
      return more;
    };
    const Case cases[] = {
        {"no battery at all", {}, false},
        {"nearly empty", empty, true},
        {"just enough", with({{"BAT0/capacity", "20"}}), false},
        {"being charged", with({{"BAT0/status", "Charging"}}), false},
        {"plugged in, and it does not charge", with({{"AC/type", "Mains"}, {"AC/online", "1"}}),
         false},
        {"unplugged", with({{"AC/type", "Mains"}, {"AC/online", "0"}}), true},
        {"plugged in by USB", with({{"ucsi/type", "USB"}, {"ucsi/online", "1"}}), false},
        {"a second one that is full",
         with({{"BAT1/type", "Battery"}, {"BAT1/status", "Unknown"}, {"BAT1/capacity", "97"}}),
         false},
        {"that of a mouse", with({{"BAT0/scope", "Device"}}), false},
        {"one that does not say how full it is", with({{"BAT0/capacity", "?"}}), false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const testing::TempDir dir;
      for (const auto& [path, text] : c.files) dir.Write(path, text + "\n");
      CHECK(BatteryIsLow(dir.path().c_str()) == c.low);
    }
    CHECK(!BatteryIsLow("/there/is/no/such/folder"));
  }

  TEST_CASE("a CI job is known by its variables") {
    using Variables = std::map<std::string, std::string>;
    struct Case {
      Variables set;
      bool ci;
    };
    const Case cases[] = {
        {{}, false},
        {{{"CI", "true"}}, true},
        {{{"CI", "1"}}, true},
        {{{"CI", ""}}, false},
        {{{"CI", "false"}}, false},
        {{{"CI", "0"}, {"TF_BUILD", "True"}}, true},
        {{{"JENKINS_URL", "http://j"}}, true},
        {{{"CIRCUS", "1"}}, false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.set.size());
      const auto get = [](const void* user, const char* name) -> std::string_view {
        const auto& set = *static_cast<const Variables*>(user);
        const auto found = set.find(name);
        return found == set.end() ? std::string_view() : found->second;
      };
      CHECK(LookAround(get, &c.set, UtcMillis{0}).ci == c.ci);
    }
  }
}

}  // namespace
}  // namespace selftune::hooks

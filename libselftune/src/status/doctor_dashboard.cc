// Whether the dashboard runs, in which version, and whether it can be had where people
// look for it. It writes <state>/run/dashboard.json and holds a lock as long as it lives.
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_value.h"
#include "base/lock_file.h"
#include "base/strings.h"
#include "status/doctor_checks.h"

namespace selftune::status {
namespace {

constexpr uint64_t kMaxInstance = 64U << 10;
constexpr int kUsualPort = 3141;

void DescribeRunning(const base::JsonValue& instance, const std::string& version, Check& check) {
  const std::string& theirs = instance["version"].AsString();
  check.message = fmt::format("runs as process {} on port {}", instance["pid"].AsInt(),
                              instance["port"].AsInt());
  if (theirs.empty() || version.empty() || theirs == version) return;
  check.status = CheckStatus::kWarn;
  check.message += fmt::format(", in version {}; this is {}", theirs, version);
  check.text = "end it and start this one";
  check.command = "selftune dashboard --restart";
}

}  // namespace

void CheckDashboard(const DoctorWorld& world, Checks& out) {
  const std::string run = base::JoinPath(world.state_dir, "run");
  Check check{.name = "dashboard"};
  const std::string path = base::JoinPath(run, "dashboard.json");
  const bool there = base::Exists(path);
  if (there) check.path = path;
  const auto holder = base::LockFile::Holder(base::JoinPath(run, "dashboard.lock"));
  const auto bytes = there ? base::ReadFile(path, kMaxInstance) : StatusOr<std::string>("");
  const auto instance = base::JsonValue::Parse(bytes.ok() ? *bytes : "");
  const bool readable =
      instance.ok() && (*instance)["pid"].is_int() && (*instance)["port"].is_int();
  if (!holder.ok()) {
    check.status = CheckStatus::kWarn;
    check.message = std::string(Message(holder.status()));
    check.text = "nobody can tell whether it runs; look at that file";
    check.command = base::JoinCommand({"ls", "-l", base::JoinPath(run, "dashboard.lock")});
  } else if (holder->has_value() && readable) {
    DescribeRunning(*instance, world.version, check);
  } else if (holder->has_value()) {
    check.status = there ? CheckStatus::kWarn : CheckStatus::kInfo;
    check.message = there ? "runs, and its file cannot be read" : "is just starting or ending";
    check.text = there ? "end it and start anew" : "ask again in a moment";
    check.command = there ? "selftune dashboard --restart" : "selftune doctor --only dashboard";
  } else if (there) {
    check.status = CheckStatus::kInfo;
    check.message = readable ? fmt::format("process {} ended without taking its file away",
                                           (*instance)["pid"].AsInt())
                             : "does not run, and left a file that cannot be read";
    check.text = "nothing is lost; the next start replaces it";
    check.command = "selftune dashboard";
  } else if (world.port_is_taken(kUsualPort)) {
    check.status = CheckStatus::kInfo;
    check.message = fmt::format("does not run; port {} is another program's", kUsualPort);
    check.text = "it takes any free port and says which";
    check.command = "selftune dashboard";
  } else {
    check.message = fmt::format("does not run; port {} is free", kUsualPort);
  }
  out.push_back(std::move(check));
}

}  // namespace selftune::status

// Schedulers that read a file a job: systemd's user manager and launchd.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "schedule/backend.h"

namespace selftune::schedule {
namespace {

constexpr uint64_t kMostBytes = 1 << 20;
constexpr uint32_t kFolder = 0755;
constexpr uint32_t kFile = 0644;
constexpr std::string_view kNew = ".selftune-new";
// As the reference calls its own, which carry no mark.
constexpr std::array<std::string_view, 3> kOldJobs = {"sync", "status", "orchestrate"};

// "" when there is none.
std::string TextOf(const std::string& path) {
  auto text = base::ReadFile(path, kMostBytes);
  return text.ok() ? *std::move(text) : std::string();
}

class Units : public Backend {
 public:
  Units(Platform platform, const Machine& machine, SetupReport& report)
      : Backend(machine, report), platform_(platform) {}

  Status Describe(const JobEnvironment& env, Plan& plan) const override {
    for (const Job& job : plan.jobs) {
      auto files = systemd() ? RenderSystemd(places_, job, env) : RenderLaunchd(places_, job, env);
      for (Artifact& file : files) plan.artifacts.push_back(std::move(file));
    }
    if (systemd()) plan.commands.push_back({"systemctl", "--user", "daemon-reload"});
    for (const Job& job : plan.jobs) plan.commands.push_back(Activate(job));
    return absl::OkStatus();
  }

  Status Install(const Plan& plan, const SetupOptions& options) override {
    std::vector<const Artifact*> wanted;
    ST_RETURN_IF_ERROR(Compare(plan, options, wanted));
    ST_RETURN_IF_ERROR(Validate(plan));
    std::vector<std::pair<std::string, std::string>> before;
    Status done = Write(wanted, before);
    if (done.ok()) done = Start(plan, !wanted.empty());
    if (done.ok()) return done;
    Undo(plan, before);
    return done;
  }

  Status Remove(bool dry_run) override {
    const std::string folder = Folder();
    const auto entries = base::ListDir(folder);
    if (!entries.ok()) return absl::OkStatus();
    std::vector<std::string> ours;
    for (const base::DirEntry& entry : *entries) {
      if (IsOurs(entry.name)) ours.push_back(entry.name);
    }
    for (const std::string& name : ours) {
      if (!dry_run && !name.ends_with(kNew)) Stop(name);
      const std::string path = base::JoinPath(folder, name);
      if (!dry_run) ST_RETURN_IF_ERROR(base::RemoveFile(path));
      Note(path, "removed");
    }
    if (systemd() && !dry_run && !ours.empty() && HasProgram(machine_, "systemctl")) {
      Try({"systemctl", "--user", "daemon-reload"});
    }
    return absl::OkStatus();
  }

  StatusOr<std::string> ProblemOf(const Job& job, bool ask) override {
    for (const std::string& path : PathsOf(job)) {
      const std::string text = TextOf(path);
      if (text.empty()) return path + " is gone";
      if (MarkOf(text) != Mark::kOurs) return path + " was edited";
    }
    if (!ask) return std::string();
    auto argv = systemd()
                    ? std::vector<std::string>{"systemctl", "--user", "is-enabled", Timer(job)}
                    : std::vector<std::string>{"launchctl", "print", Target(LabelOf(job))};
    const auto ran = Run(machine_, std::move(argv));
    if (!ran.ok()) return std::string(Message(ran.status()));
    return ran->ok() ? std::string() : job.name() + " is not enabled";
  }

 private:
  [[nodiscard]] bool systemd() const { return platform_ == Platform::kSystemd; }
  [[nodiscard]] std::string Folder() const {
    return systemd() ? places_.Units() : places_.Agents();
  }
  static std::string Timer(const Job& job) { return job.name() + ".timer"; }
  static std::string Domain() { return fmt::format("gui/{}", ::getuid()); }
  static std::string Target(std::string_view label) {
    return fmt::format("{}/{}", Domain(), label);
  }

  [[nodiscard]] std::vector<std::string> PathsOf(const Job& job) const {
    if (!systemd()) return {base::JoinPath(Folder(), LabelOf(job) + ".plist")};
    const std::string path = base::JoinPath(Folder(), job.name());
    return {path + ".service", path + ".timer"};
  }

  [[nodiscard]] std::vector<std::string> Activate(const Job& job) const {
    if (systemd()) return {"systemctl", "--user", "enable", "--now", Timer(job)};
    return {"launchctl", "bootstrap", Domain(), PathsOf(job).front()};
  }

  // Which files are to be written; what somebody changed stays.
  Status Compare(const Plan& plan, const SetupOptions& options,
                 std::vector<const Artifact*>& wanted) {
    std::string edited;
    for (const Artifact& file : plan.artifacts) {
      const std::string there = TextOf(file.path);
      if (there == file.contents) {
        Note(file.path, "unchanged", there);
      } else if (!there.empty() && MarkOf(there) != Mark::kOurs && !options.force) {
        if (edited.empty()) edited = file.path;
        ST_RETURN_IF_ERROR(
            base::WriteFileAtomic(file.path + std::string(kNew), file.contents, kFile));
        Note(file.path, "skipped_user_edited", there);
      } else {
        wanted.push_back(&file);
      }
    }
    if (edited.empty()) return absl::OkStatus();
    return WithSuggestion(
        Fail(kConflicted,
             "installing: {} was edited, or is not ours; the new text is beside it as "
             "{}{}",
             edited, base::BaseName(edited), kNew),
        "look at both; with force the new one takes its place", "selftune cron setup --force");
  }

  // By systemd's own checker, on files of the same names elsewhere.
  Status Validate(const Plan& plan) {
    if (!systemd() || !HasProgram(machine_, "systemd-analyze")) return absl::OkStatus();
    ST_ASSIGN_OR_RETURN(
        const std::string dir,
        base::MakeTempDir(machine_.env->GetOr("TMPDIR", "/tmp"), "selftune-units-"));
    std::vector<std::string> argv = {"systemd-analyze", "--user", "verify"};
    Status written;
    for (const Artifact& file : plan.artifacts) {
      argv.push_back(base::JoinPath(dir, base::BaseName(file.path)));
      if (written.ok()) written = base::WriteFileNew(argv.back(), file.contents, kFile);
    }
    const auto ran = written.ok() ? Run(machine_, argv) : StatusOr<Ran>(written);
    ST_RETURN_IF_ERROR(base::RemoveTree(dir));
    ST_RETURN_IF_ERROR(ran.status());
    // Where no user manager can be made up it says so; only what it says of a unit counts.
    const bool about = ran->error.find("selftune-") != std::string::npos;
    if (ran->ok() || !about) return absl::OkStatus();
    return Fail(kInvalidConfig, "systemd does not take the units: {}", ran->error);
  }

  Status Write(const std::vector<const Artifact*>& wanted,
               std::vector<std::pair<std::string, std::string>>& before) {
    if (!wanted.empty()) ST_RETURN_IF_ERROR(base::MakeDirs(Folder(), kFolder));
    for (const Artifact* file : wanted) {
      before.emplace_back(file->path, TextOf(file->path));
      ST_RETURN_IF_ERROR(base::WriteFileAtomic(file->path, file->contents, kFile));
      Note(file->path, before.back().second.empty() ? "created" : "updated", file->contents);
    }
    return absl::OkStatus();
  }

  Status Start(const Plan& plan, bool anything) {
    if (systemd() && anything) ST_RETURN_IF_ERROR(Do({"systemctl", "--user", "daemon-reload"}));
    for (const Job& job : plan.jobs) {
      if (!systemd()) {
        ST_RETURN_IF_ERROR(
            base::MakeDirs(std::string(base::DirName(places_.LogOf(platform_, job))), kFolder));
      }
      ST_ASSIGN_OR_RETURN(const std::string problem, ProblemOf(job, /*ask=*/true));
      if (problem.empty() && !anything) continue;  // it runs already
      if (!systemd() && problem.empty()) Try({"launchctl", "bootout", Target(LabelOf(job))});
      ST_RETURN_IF_ERROR(Do(Activate(job)));
      ST_ASSIGN_OR_RETURN(const std::string left, ProblemOf(job, /*ask=*/true));
      if (!left.empty()) return Fail(kProcessFailed, "installing {}: {}", job.name(), left);
    }
    report_.activated = report_.verified = true;
    return absl::OkStatus();
  }

  void Undo(const Plan& plan, const std::vector<std::pair<std::string, std::string>>& before) {
    // A job that was there before goes on.
    for (const Job& job : plan.jobs) {
      const std::string started = PathsOf(job).back();
      const auto is_new = [&](const auto& one) {
        return one.first == started && one.second.empty();
      };
      if (std::ranges::any_of(before, is_new)) Stop(std::string(base::BaseName(started)));
    }
    for (const auto& [path, text] : before) {
      const Status back =
          text.empty() ? base::RemoveFile(path) : base::WriteFileAtomic(path, text, kFile);
      if (!back.ok()) report_.warnings.emplace_back(Message(back));
    }
    if (systemd() && !before.empty()) Try({"systemctl", "--user", "daemon-reload"});
  }

  void Stop(const std::string& name) {
    if (systemd() && name.ends_with(".timer")) {
      if (HasProgram(machine_, "systemctl")) {
        Try({"systemctl", "--user", "disable", "--now", name});
      }
      // What it would have removed.
      const Status link = base::RemoveFile(base::JoinPath(Folder(), "timers.target.wants/" + name));
      if (!link.ok()) report_.warnings.emplace_back(Message(link));
    } else if (!systemd() && HasProgram(machine_, "launchctl")) {
      Try({"launchctl", "bootout", Target(name.substr(0, name.rfind('.')))});
    }
  }

  // Marked as ours, or of a name that the reference gave its own.
  [[nodiscard]] bool IsOurs(std::string name) const {
    const std::string path = base::JoinPath(Folder(), name);
    if (name.ends_with(kNew)) name.resize(name.size() - kNew.size());
    if (!name.starts_with(systemd() ? "selftune-" : "com.selftune.") &&
        name != "dev.selftune.orchestrate.plist") {
      return false;
    }
    if (MarkOf(TextOf(path)) != Mark::kNone) return true;
    return std::ranges::any_of(kOldJobs, [&](std::string_view old) {
      return systemd() ? name == fmt::format("selftune-{}.timer", old) ||
                             name == fmt::format("selftune-{}.service", old)
                       : name == fmt::format("com.selftune.{}.plist", old) ||
                             name == "dev.selftune.orchestrate.plist";
    });
  }

  Platform platform_;
};

}  // namespace

std::unique_ptr<Backend> MakeUnits(Platform platform, const Machine& machine, SetupReport& report) {
  return std::make_unique<Units>(platform, machine, report);
}

}  // namespace selftune::schedule

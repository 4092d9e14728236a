// cron, and the cron of the OpenClaw gateway.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_value.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "schedule/backend.h"
#include "schedule/crontab.h"

namespace selftune::schedule {
namespace {

constexpr std::string_view kTable = "crontab";

class Cron : public Backend {
 public:
  using Backend::Backend;

  Status Describe(const JobEnvironment& env, Plan& plan) const override {
    ST_ASSIGN_OR_RETURN(const std::string lines, RenderCron(places_, plan.jobs, env));
    plan.artifacts.push_back({std::string(kTable), MakeBlock(lines)});
    plan.commands.push_back({"crontab", "-"});
    return absl::OkStatus();
  }

  Status Install(const Plan& plan, const SetupOptions& options) override {
    ST_ASSIGN_OR_RETURN(const std::string before, Read());
    ST_ASSIGN_OR_RETURN(const Crontab table, SplitCrontab(before));
    const std::string& block = plan.artifacts.front().contents;
    const std::string after = JoinCrontab(table.others, block);
    if (table.edited && !options.force) {
      Note(std::string(kTable), "skipped_user_edited", table.block);
      return WithSuggestion(
          Fail(kConflicted, "installing: the lines of selftune in the crontab were edited"),
          "look at them with crontab -l; with force they are written anew",
          "selftune cron setup --force");
    }
    ST_RETURN_IF_ERROR(base::MakeDirs(
        std::string(base::DirName(places_.LogOf(Platform::kCron, plan.jobs[0]))), 0700));
    if (after == before) {
      Note(std::string(kTable), "unchanged", block);
    } else {
      ST_RETURN_IF_ERROR(Do({"crontab", "-"}, after));
      const auto now = Read();
      const auto kept = now.ok() ? SplitCrontab(*now) : StatusOr<Crontab>(now.status());
      if (!kept.ok() || kept->block.empty() || kept->edited) {
        const Status back = Put(before);
        if (!back.ok()) report_.warnings.emplace_back(Message(back));
        return Fail(kProcessFailed, "installing: crontab did not keep the lines");
      }
      Note(std::string(kTable), table.block.empty() ? "created" : "updated", block);
    }
    report_.activated = report_.verified = true;
    return absl::OkStatus();
  }

  Status Remove(bool dry_run) override {
    if (!HasProgram(machine_, "crontab")) return absl::OkStatus();
    const auto before = Read();
    if (!before.ok()) {  // not ours to repair, and no reason to leave the rest
      report_.warnings.emplace_back(Message(before.status()));
      return absl::OkStatus();
    }
    ST_ASSIGN_OR_RETURN(const Crontab table, SplitCrontab(*before));
    if (table.block.empty()) return absl::OkStatus();
    if (!dry_run) ST_RETURN_IF_ERROR(Put(table.others));
    Note(std::string(kTable), "removed");
    return absl::OkStatus();
  }

  StatusOr<std::string> ProblemOf(const Job& job, bool ask) override {
    if (!ask) return std::string();
    const auto text = Read();
    if (!text.ok()) return std::string(Message(text.status()));
    const auto table = SplitCrontab(*text);
    if (!table.ok()) return std::string(Message(table.status()));
    if (table->edited) return std::string("its lines in the crontab were edited");
    const bool there = table->block.find(job.description) != std::string::npos;
    return there ? std::string() : "the crontab has no line of " + job.name();
  }

 private:
  // "" when the person has none.
  StatusOr<std::string> Read() {
    ST_ASSIGN_OR_RETURN(const Ran ran, Run(machine_, {"crontab", "-l"}));
    if (ran.ok()) return ran.out;
    const bool none = ran.error.find("no crontab") != std::string::npos || ran.error.empty();
    if (none && ran.out.empty()) return std::string();
    return Fail(kProcessFailed, "reading the crontab: {}", ran.error);
  }

  Status Put(const std::string& text) {
    return text.empty() ? Do({"crontab", "-r"}) : Do({"crontab", "-"}, text);
  }
};

class Openclaw : public Backend {
 public:
  using Backend::Backend;

  Status Describe(const JobEnvironment& env, Plan& plan) const override {
    for (const Job& job : plan.jobs) plan.commands.push_back(RenderOpenclaw(job, env, plan.zone));
    return absl::OkStatus();
  }

  Status Install(const Plan& plan, const SetupOptions& /*options*/) override {
    ST_ASSIGN_OR_RETURN(const std::vector<Found> before, Find());
    for (const std::vector<std::string>& argv : plan.commands) {
      const Status added = Do(argv);
      if (added.ok()) continue;
      Undo(before);
      return added;
    }
    ST_ASSIGN_OR_RETURN(const std::vector<Found> after, Find());
    for (const Job& job : plan.jobs) {
      const auto same = [&](const Found& found) { return found.key == job.name(); };
      if (std::ranges::none_of(after, same)) {
        Undo(before);
        return Fail(kProcessFailed, "installing: the gateway has no job {}", job.name());
      }
      Note("openclaw:" + job.name(), std::ranges::any_of(before, same) ? "unchanged" : "created",
           job.name());
    }
    report_.activated = report_.verified = true;
    return absl::OkStatus();
  }

  Status Remove(bool dry_run) override {
    if (!HasProgram(machine_, "openclaw")) return absl::OkStatus();
    const auto found = Find();
    if (!found.ok()) {
      report_.warnings.emplace_back(Message(found.status()));
      return absl::OkStatus();
    }
    for (const Found& job : *found) {
      if (!dry_run) ST_RETURN_IF_ERROR(Do({"openclaw", "cron", "rm", job.id}));
      Note("openclaw:" + job.key, "removed");
    }
    return absl::OkStatus();
  }

  StatusOr<std::string> ProblemOf(const Job& job, bool ask) override {
    if (!ask) return std::string();
    const auto found = Find();
    if (!found.ok()) return std::string(Message(found.status()));
    const bool there =
        std::ranges::any_of(*found, [&](const Found& one) { return one.key == job.name(); });
    return there ? std::string() : "the gateway has no job " + job.name();
  }

 private:
  struct Found {
    std::string id, key;
  };

  // Ours, by the key that we gave them: the list has jobs of the host as well.
  StatusOr<std::vector<Found>> Find() {
    ST_ASSIGN_OR_RETURN(const Ran ran, Run(machine_, {"openclaw", "cron", "list", "--json"}));
    if (!ran.ok()) return Fail(kProcessFailed, "asking the gateway of OpenClaw: {}", ran.error);
    ST_ASSIGN_OR_RETURN(const base::JsonValue json, base::JsonValue::Parse(ran.out));
    std::vector<Found> out;
    for (const base::JsonValue& job : json["jobs"].items()) {
      const std::string& key = job["declarationKey"].AsString();
      if (key.starts_with("selftune-")) out.push_back({job["id"].AsString(), key});
    }
    return out;
  }

  void Undo(const std::vector<Found>& before) {
    const auto now = Find();
    if (!now.ok()) return report_.warnings.emplace_back(Message(now.status())), void();
    for (const Found& job : *now) {
      const bool known =
          std::ranges::any_of(before, [&](const Found& one) { return one.id == job.id; });
      if (!known) Try({"openclaw", "cron", "rm", job.id});
    }
  }
};

}  // namespace

std::unique_ptr<Backend> MakeCron(const Machine& machine, SetupReport& report) {
  return std::make_unique<Cron>(machine, report);
}

std::unique_ptr<Backend> MakeOpenclaw(const Machine& machine, SetupReport& report) {
  return std::make_unique<Openclaw>(machine, report);
}

}  // namespace selftune::schedule

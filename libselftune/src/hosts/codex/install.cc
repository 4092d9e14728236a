// Codex's hooks.json (host-codex.md 7.1): what the person approved is known by its
// place, so groups are only added behind the others.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file.h"
#include "base/json_value.h"
#include "base/status_macros.h"
#include "hosts/codex/install_trust.h"
#include "hosts/hook_rows.h"
#include "hosts/install_rows.h"
#include "install/target.h"

namespace selftune::hosts {
namespace {

constexpr uint64_t kMaxToml = 8 << 20;
constexpr std::string_view kHooksFile = "hooks.json";
constexpr install::HookFileRules kRules = {.dialect = install::JsonDialect::kPlain,
                                           .positional = true};

std::vector<install::WantedHook> Hooks(const std::string& shim) {
  return install::GroupsOf(kCodexHooks, shim);
}

constexpr std::string_view kConfigFile = "config.toml";
constexpr std::string_view kApprove =
    "start codex once and approve the hooks it asks about (or type /hooks): until then they do "
    "not run";

// A hook of ours, by the names its file may have: as configured, and without links.
struct Keyed {
  install::FoundHook hook;
  std::vector<std::string> keys;
};

StatusOr<std::vector<Keyed>> KeysOfOurs(const install::Place& place, std::string_view text) {
  const std::string path = base::JoinPath(place.config_dir, kHooksFile);
  ST_ASSIGN_OR_RETURN(const auto hooks, install::FindHooks(text, kRules, path));
  const auto real = base::RealPath(path);
  std::vector<Keyed> out;
  for (const install::FoundHook& hook : hooks) {
    if (!hook.ours) continue;
    out.push_back({hook, {codex::TrustKey(path, hook.event, hook.group, hook.handler)}});
    if (real.ok() && *real != path) {
      out.back().keys.push_back(codex::TrustKey(*real, hook.event, hook.group, hook.handler));
    }
  }
  return out;
}

// Why a hook of ours does not run.
enum class Why { kRuns, kDisabled, kUnapproved, kChanged };

Why WhyNot(const Keyed& ours, const base::JsonValue& settings, const codex::HookConfig& config) {
  const auto& groups = settings["hooks"][ours.hook.event].items();
  const std::string hash =
      ours.hook.group < groups.size()
          ? codex::TrustHash(ours.hook.event, groups[ours.hook.group], ours.hook.handler)
          : "";
  Why why = Why::kUnapproved;
  for (const std::string& key : ours.keys) {
    const codex::Trust* const trust = config.Find(key);
    if (trust == nullptr) continue;
    if (!trust->enabled) return Why::kDisabled;
    if (trust->hash.empty()) continue;
    if (hash.empty() || trust->hash == hash) return Why::kRuns;
    why = Why::kChanged;
  }
  return why;
}

std::vector<install::Hindrance> Hindrances(const install::Place& place, std::string_view text) {
  const std::string path = base::JoinPath(place.config_dir, kConfigFile);
  const auto toml = base::ReadFile(path, kMaxToml);
  const codex::HookConfig config = codex::ReadHookConfig(toml.ok() ? *toml : std::string());
  std::vector<install::Hindrance> out;
  if (!config.off.empty()) {
    out.push_back(
        {.name = "switched_off",
         .what = fmt::format("no hook runs: {} is false under [features] in {}", config.off, path),
         .remedy = fmt::format("switch the feature on with codex features enable hooks, "
                               "unless it is meant so: {} is false in {}",
                               config.off, path),
         .command = "codex features enable hooks"});
  }
  const auto ours = KeysOfOurs(place, text);
  const auto settings = base::JsonValue::Parse(text);
  if (!ours.ok() || !settings.ok()) return out;
  const auto events = [&](Why why) {
    std::vector<std::string_view> names;
    for (const Keyed& one : *ours) {
      if (WhyNot(one, *settings, config) == why) names.push_back(one.hook.event);
    }
    return fmt::format("{}", fmt::join(names, ", "));
  };
  if (const std::string names = events(Why::kUnapproved); !names.empty()) {
    out.push_back(
        {.name = "unapproved",
         .what = fmt::format("not approved, so not run: {}; {} has no approval", names, path),
         .remedy = std::string(kApprove),
         .command = "codex",
         .approval = true});
  }
  if (const std::string names = events(Why::kChanged); !names.empty()) {
    out.push_back(
        {.name = "changed",
         .what = fmt::format("changed after they were approved, so not run: {}; each "
                             "trusted_hash in {} is of another command",
                             names, path),
         .remedy = fmt::format("{}; what was approved before is not what is there now", kApprove),
         .command = "codex",
         .approval = true});
  }
  if (const std::string names = events(Why::kDisabled); !names.empty()) {
    out.push_back({.name = "disabled",
                   .what = fmt::format("switched off, so not run: {}; their tables in {} say "
                                       "enabled = false",
                                       names, path),
                   .remedy = fmt::format("start codex, type /hooks and switch on {}, unless it is "
                                         "meant so",
                                         names),
                   .command = "codex"});
  }
  return out;
}

std::string WithoutApprovals(const install::Place& place, std::string_view settings_text,
                             std::string_view approvals_text) {
  const auto ours = KeysOfOurs(place, settings_text);
  if (!ours.ok()) return std::string(approvals_text);
  std::vector<std::string> keys;
  for (const Keyed& one : *ours) keys.insert(keys.end(), one.keys.begin(), one.keys.end());
  return codex::WithoutTrust(approvals_text, keys);
}

std::string Sample(const hooks::Subscription& event) {
  return install::UsualSample(event, {.write = "apply_patch", .skill = "", .shell = "Bash"});
}

}  // namespace

constinit const install::Target kCodexTarget = {
    .platform = "codex",
    .settings_file = kHooksFile,
    .rules = kRules,
    .hooks = Hooks,
    .afterwards = "",
    .hindrances = Hindrances,
    .approve = kApprove,
    .approvals_file = kConfigFile,
    .without_approvals = WithoutApprovals,
    .sample = Sample,
};

}  // namespace selftune::hosts

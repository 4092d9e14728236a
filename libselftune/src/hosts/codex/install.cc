// Codex's hooks.json (host-codex.md 7.1): what the person approved is known by its
// place, so groups are only added behind the others.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
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

// By the names a path may have: as configured, and without links.
StatusOr<std::vector<std::vector<std::string>>> KeysOfOurs(const install::Place& place,
                                                           std::string_view text) {
  const std::string path = base::JoinPath(place.config_dir, kHooksFile);
  ST_ASSIGN_OR_RETURN(const auto hooks, install::FindHooks(text, kRules, path));
  const auto real = base::RealPath(path);
  std::vector<std::vector<std::string>> out;
  for (const install::FoundHook& hook : hooks) {
    if (!hook.ours) continue;
    out.push_back({codex::TrustKey(path, hook.event, hook.group, hook.handler)});
    if (real.ok() && *real != path) {
      out.back().push_back(codex::TrustKey(*real, hook.event, hook.group, hook.handler));
    }
  }
  return out;
}

StatusOr<size_t> Unapproved(const install::Place& place, std::string_view text) {
  ST_ASSIGN_OR_RETURN(const auto ours, KeysOfOurs(place, text));
  const auto toml = base::ReadFile(base::JoinPath(place.config_dir, "config.toml"), kMaxToml);
  const std::vector<std::string> trusted = codex::TrustedKeys(toml.ok() ? *toml : std::string());
  return static_cast<size_t>(
      std::count_if(ours.begin(), ours.end(), [&](const std::vector<std::string>& keys) {
        return std::none_of(keys.begin(), keys.end(), [&](const std::string& key) {
          return std::find(trusted.begin(), trusted.end(), key) != trusted.end();
        });
      }));
}

std::string WithoutApprovals(const install::Place& place, std::string_view settings_text,
                             std::string_view approvals_text) {
  const auto ours = KeysOfOurs(place, settings_text);
  if (!ours.ok()) return std::string(approvals_text);
  std::vector<std::string> keys;
  for (const std::vector<std::string>& names : *ours) {
    keys.insert(keys.end(), names.begin(), names.end());
  }
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
    .unapproved = Unapproved,
    .approve =
        "start codex once and approve the hooks it asks about (or type /hooks): until then "
        "they do not run",
    .approvals_file = "config.toml",
    .without_approvals = WithoutApprovals,
    .sample = Sample,
};

}  // namespace selftune::hosts

#include "capi/hooked_agents.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "capi/config_edit.h"
#include "capi/config_record.h"
#include "config/config.h"

namespace selftune::capi {
namespace {

using base::JsonValue;

// Each of `agents` with `key` as `holds` says of its type.
template <typename Holds>
JsonValue WithEach(const JsonValue& document, std::string_view key, const Holds& holds) {
  if (!document["agents"].is_array()) return document;
  std::vector<JsonValue> agents;
  for (const JsonValue& agent : document["agents"].items()) {
    agents.push_back(
        agent.is_object()
            ? config::WithValue(agent, key, JsonValue::Bool(holds(agent["type"].AsString())))
            : agent);
  }
  return config::WithValue(document, "agents", JsonValue::Array(std::move(agents)));
}

}  // namespace

Hooked HookedHosts(const std::vector<store::InstallRow>& rows) {
  Hooked out;
  for (const store::InstallRow& row : rows) {
    if (row.kind == "hook" || row.kind == "plugin") out.insert(row.platform);
  }
  return out;
}

JsonValue WithHooked(const JsonValue& document, const Hooked& hooked) {
  JsonValue out =
      WithEach(document, "hooks", [&](const std::string& type) { return hooked.contains(type); });
  if (!document.Has("hooks_installed")) return out;
  return config::WithValue(out, "hooks_installed", JsonValue::Bool(!hooked.empty()));
}

JsonValue WithPrimary(const JsonValue& document) {
  const std::string& primary = document["agent_type"].AsString();
  return WithEach(document, "primary", [&](const std::string& type) { return type == primary; });
}

void RecordHooked(Context& context, const std::vector<store::InstallRow>& rows) {
  const auto config = LoadConfig(context.paths().state_dir);
  // Another program's, one that cannot be read, and none: not for hooks to write.
  if (context.dry_run() || !config.ok() || !config->document.Has("config_version")) return;
  const bool recorded = RecordsConfig(rows, config->path);
  const auto edit = EditConfig(
      context,
      [&](const config::Config& was) -> StatusOr<JsonValue> {
        return WithHooked(was.document, HookedHosts(rows));
      },
      nullptr,
      [&](const ConfigEdit& coming) {
        return recorded ? RecordConfig(context, coming) : absl::OkStatus();
      });
  if (edit.ok()) return;
  context.Warn("CONFIG_STALE",
               "config.json does not say yet what became of the hooks: " +
                   std::string(Message(edit.status())),
               {"selftune", "init", "--no-sync"});
}

}  // namespace selftune::capi

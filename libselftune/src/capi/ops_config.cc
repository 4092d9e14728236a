// config.*: the person's settings.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "capi/config_edit.h"
#include "capi/hooked_agents.h"
#include "capi/ops.h"
#include "capi/params.h"
#include "hosts/registry.h"
#include "llm/agent_argv.h"
#include "skillfs/lint.h"
#include "status/settings.h"
#include "store/queries/skills.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using status::Setting;
using status::SettingKey;

constexpr std::string_view kAgentCli = "agent_cli";

void TextOrNull(JsonWriter& out, std::string_view key, const std::string& text) {
  if (text.empty()) {
    out.NullField(key);
  } else {
    out.Field(key, text);
  }
}

StatusOr<SettingKey> KeyOf(const std::string& name) {
  if (auto key = status::ParseSettingKey(name)) return *std::move(key);
  const std::vector<std::string> names = status::SettingNames();
  std::vector<std::string_view> known(names.begin(), names.end());
  known.push_back("skills.<skill>.autonomy");
  const Status status = UnknownName("setting", name, known);
  return WithSuggestion(status, Suggestion(status), "selftune config list");
}

void WriteSetting(JsonWriter& out, const Setting& setting) {
  out.BeginObject().Field("key", setting.key);
  TextOrNull(out, "value", setting.value);
  out.Field("source", setting.in_file ? "file" : "default");
  TextOrNull(out, "default", setting.fallback);
  out.Key("choices").BeginArray();
  if (setting.key == kAgentCli) {
    for (const llm::Agent agent : llm::AllAgents()) out.String(llm::CommandOf(agent));
  } else if (const auto key = status::ParseSettingKey(setting.key)) {
    for (const std::string_view word : status::ChoicesOf(*key)) out.String(word);
  }
  out.EndArray().EndObject();
}

// What may be written: a value of the right kind, folders by their plain name.
StatusOr<std::string> CheckedValue(const SettingKey& key, std::string value) {
  const std::string why = status::ProblemOfValue(key, value);
  if (!why.empty()) return Fail(kInvalidRequest, "config.set: {} {}", key.name, why);
  if (key.name == kAgentCli) {
    ST_ASSIGN_OR_RETURN(const llm::Agent agent, llm::ParseAgent(value));
    return std::string(llm::CommandOf(agent));
  }
  if (key.name == "agent_type") {  // by whichever of its names
    const hosts::HostRow* const row = hosts::FindRow(value);
    return row == nullptr ? value : std::string(row->platform);
  }
  if (key.path[0] != "hosts") return value;
  while (value.size() > 1 && value.ends_with('/')) value.pop_back();
  return value;
}

// A name that no host gives a skill restricts nothing: it is a slip. What the file already
// has may be changed, and a skill that was met has the name it has.
Status CheckSkill(Context& context, const SettingKey& key, const config::Config& before) {
  if (key.path[0] != "skills") return absl::OkStatus();
  const std::string& name = key.path[1];
  if (skillfs::IsPossibleSkillName(name) || before.document["skills"].Has(name)) {
    return absl::OkStatus();
  }
  if (context.HasStore()) {
    ST_ASSIGN_OR_RETURN(store::Db* const db, context.ReadDb());
    const auto met = store::FindSkill(*db, name);
    if (met.ok()) return absl::OkStatus();
    if (CodeOf(met.status()).name != kSkillNotFound.name) return met.status();
  }
  return WithSuggestion(Fail(kInvalidRequest, "config.set: no skill can be called {}", name),
                        "letters, digits, - _ . and at most 64 of them", "selftune skills list");
}

// The folder of a host is a folder, or not there yet.
Status CheckFolder(Context& context, const SettingKey& key, const config::Config& after) {
  if (key.path[0] != "hosts") return absl::OkStatus();
  const auto folder = status::WithHostHomes(context.env(), after).HostHome(key.path[1]);
  if (!folder.has_value()) return absl::OkStatus();
  const auto info = base::Stat(*folder);
  if (!info.ok()) {
    context.Warn("HOST_FOLDER_MISSING", key.name + ": there is no folder " + *folder + " now");
  } else if (!info->is_dir()) {
    return Fail(kInvalidRequest, "config.set: {} must name a folder, {} is none", key.name,
                *folder);
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::string> ConfigGet(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(const SettingKey key, KeyOf(params["key"].AsString()));
  ST_ASSIGN_OR_RETURN(const config::Config* const config, context.config());
  JsonWriter out;
  out.BeginObject().Key("values").BeginArray();
  WriteSetting(out, status::ReadSetting(*config, context.env(), key));
  out.EndArray().EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> ConfigList(Context& context, const JsonValue&) {
  ST_ASSIGN_OR_RETURN(const config::Config* const config, context.config());
  JsonWriter out;
  out.BeginObject().Key("values").BeginArray();
  for (const Setting& setting : status::ReadSettings(*config, context.env())) {
    WriteSetting(out, setting);
  }
  out.EndArray().Key("unknown").BeginArray();
  for (const std::string& key : status::UnknownSettings(*config)) out.String(key);
  out.EndArray().EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> ConfigPath(Context& context, const JsonValue&) {
  const std::string path = config::PathIn(context.paths().state_dir);
  JsonWriter out;
  out.BeginObject().Field("path", path).Field("exists", base::Exists(path)).EndObject();
  return std::move(out).Take();
}

StatusOr<std::string> ConfigValidate(Context& context, const JsonValue&) {
  ST_ASSIGN_OR_RETURN(const config::Config* const config, context.config());
  const std::vector<config::Problem> problems = status::SettingProblems(*config);
  JsonWriter out;
  out.BeginObject().Field("path", config->path).Field("valid", problems.empty());
  out.Key("problems").BeginArray();
  for (const config::Problem& problem : problems) {
    out.BeginObject().Field("key", problem.key).Field("message", problem.message).EndObject();
  }
  out.EndArray().Key("unknown").BeginArray();
  for (const std::string& key : status::UnknownSettings(*config)) out.String(key);
  out.EndArray().EndObject();
  if (!problems.empty()) {
    context.SetVerdict(
        WithSuggestion(Fail(kCheckFailed, "{}: {}", config->path, problems.front().message),
                       "write it again, or take it out", "selftune config list"));
  }
  return std::move(out).Take();
}

StatusOr<std::string> ConfigSet(Context& context, const JsonValue& params) {
  ST_ASSIGN_OR_RETURN(const SettingKey key, KeyOf(params["key"].AsString()));
  const bool take_out = params["default"].AsBool();
  if (take_out == params["value"].is_string()) {
    return Fail(kInvalidRequest, "config.set: give value or default, one of them");
  }
  JsonValue value;
  if (!take_out) {
    ST_ASSIGN_OR_RETURN(std::string text, CheckedValue(key, params["value"].AsString()));
    value = JsonValue::Text(std::move(text));
  }
  ST_ASSIGN_OR_RETURN(
      ConfigEdit edit,
      EditConfig(
          context,
          [&](const config::Config& before) -> StatusOr<JsonValue> {
            ST_RETURN_IF_ERROR(CheckSkill(context, key, before));
            const JsonValue document = config::WithValueAt(before.document, key.path, value);
            return key.name == "agent_type" ? WithPrimary(document) : document;
          },
          [&](const config::Config& after) { return CheckFolder(context, key, after); }));

  const Setting was = status::ReadSetting(edit.before, context.env(), key);
  const Setting is = status::ReadSetting(edit.after, context.env(), key);
  if (edit.written) {
    edit.receipt.undo = {"selftune", "config", "set", key.name,
                         was.in_file ? was.value : std::string("--default")};
    if (key.path[0] == "hosts") {
      context.SetNext({.argv = {"selftune", "sync"},
                       .reason = "read what lies in " + (is.value.empty() ? "it" : is.value)});
    }
  }
  JsonWriter out;
  out.BeginObject().Field("key", key.name);
  TextOrNull(out, "before", was.value);
  TextOrNull(out, "after", is.value);
  WriteEditReceipt(out, edit);
  out.EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops

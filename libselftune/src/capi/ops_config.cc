// config.*: the person's settings.
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/lock_file.h"
#include "base/status_macros.h"
#include "capi/ops.h"
#include "capi/params.h"
#include "capi/receipt.h"
#include "llm/agent_argv.h"
#include "status/settings.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;
using status::Setting;
using status::SettingKey;

constexpr std::chrono::seconds kLockWait{5};
constexpr std::chrono::milliseconds kLockPause{5};

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
  out.EndObject();
}

// What may be written: a value of the right kind, folders by their plain name.
StatusOr<std::string> CheckedValue(const SettingKey& key, std::string value) {
  const std::string why = status::ProblemOfValue(key, value);
  if (!why.empty()) return Fail(kInvalidRequest, "config.set: {} {}", key.name, why);
  if (key.name == "agent_cli") {
    ST_ASSIGN_OR_RETURN(const llm::Agent agent, llm::ParseAgent(value));
    return std::string(llm::CommandOf(agent));
  }
  if (key.path[0] != "hosts") return value;
  while (value.size() > 1 && value.ends_with('/')) value.pop_back();
  return value;
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

StatusOr<std::string> HashOf(const std::string& path) {
  const StatusOr<std::string> bytes = base::ReadFile(path, 1 << 20);
  if (bytes.ok()) return base::Sha256Hex(*bytes);
  if (CodeOf(bytes.status()).name == kFileNotFound.name) return std::string();
  return bytes.status();
}

std::optional<std::string> NotEmpty(std::string text) {
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

// One writer at a time, so that none undoes what another just wrote. Each holds
// it for a moment, so waiting is worth it.
StatusOr<base::LockFile> LockConfig(const Context& context) {
  const std::string dir = base::JoinPath(context.paths().state_dir, "locks");
  ST_RETURN_IF_ERROR(base::MakeDirs(dir, 0700));
  JsonWriter holder;
  holder.BeginObject()
      .Field("what", "config.set")
      .Field("pid", static_cast<int64_t>(::getpid()))
      .Field("started_at", context.now())
      .EndObject();
  const std::string path = base::JoinPath(dir, "config.lock");
  const auto until = std::chrono::steady_clock::now() + kLockWait;
  for (;;) {
    auto lock = base::LockFile::TryAcquire(path, holder.view());
    const bool held = !lock.ok() && CodeOf(lock.status()).name == kLockHeld.name;
    if (!held || std::chrono::steady_clock::now() >= until) return lock;
    ST_RETURN_IF_ERROR(context.cancel().Check());
    std::this_thread::sleep_for(kLockPause);
  }
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
  ST_RETURN_IF_ERROR(context.CheckWritable());
  std::optional<base::LockFile> lock;
  if (!context.dry_run()) {
    ST_ASSIGN_OR_RETURN(lock, LockConfig(context));
  }
  const std::string& state_dir = context.paths().state_dir;
  ST_ASSIGN_OR_RETURN(const config::Config before, config::Load(state_dir));
  JsonValue value;
  if (!take_out) {
    ST_ASSIGN_OR_RETURN(std::string text, CheckedValue(key, params["value"].AsString()));
    value = JsonValue::Text(std::move(text));
  }
  const JsonValue document = config::WithValueAt(before.document, key.path, std::move(value));
  const std::string text = config::TextOf(document);
  ST_ASSIGN_OR_RETURN(const config::Config after, config::Parse(text, before.path));
  ST_RETURN_IF_ERROR(CheckFolder(context, key, after));

  const Setting was = status::ReadSetting(before, context.env(), key);
  const Setting is = status::ReadSetting(after, context.env(), key);
  const bool changed = document.ToJson() != before.document.ToJson();
  Receipt receipt{.operation = "config.set", .targets = {before.path}};
  ST_ASSIGN_OR_RETURN(const std::string hash, HashOf(before.path));
  receipt.sha256_before = NotEmpty(hash);
  if (changed && !context.dry_run()) {
    ST_RETURN_IF_ERROR(config::Save(state_dir, document));
    context.SetChanged();
    receipt.sha256_after = base::Sha256Hex(text);
    receipt.undo = {"selftune", "config", "set", key.name,
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
  out.Key("receipt");
  if (changed && !context.dry_run()) {
    WriteReceipt(out, receipt);
  } else {
    out.Null();
  }
  out.EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops

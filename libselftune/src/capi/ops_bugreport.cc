// doctor.bugreport: one file that says what is wrong and little of the person: no
// prompts, skills and the user under numbers, the home folder as "~", no keys.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/ops.h"
#include "capi/receipt.h"
#include "llm/redact.h"

namespace selftune::capi::ops {
namespace {

using base::JsonValue;
using base::JsonWriter;

constexpr std::string_view kParts[] = {"version", "doctor", "store", "settings", "runs"};

// A part that cannot be told says why.
JsonValue PartOf(const StatusOr<std::string>& data) {
  if (data.ok()) return JsonValue::Parse(*data).value_or(JsonValue());
  return JsonValue::Object({{"error", JsonValue::Text(std::string(CodeOf(data.status()).name))},
                            {"message", JsonValue::Text(std::string(Message(data.status())))}});
}

// Which settings there are; what they say only where it is one of a few words.
JsonValue SettingsOf(Context& context) {
  const auto config = context.config();
  if (!config.ok()) return PartOf(config.status());
  std::vector<JsonValue::Member> out;
  for (const auto& [key, value] : (*config)->document.members()) {
    const bool plain = key == "autonomy" || key == "guards" || key == "suggestions" ||
                       key == "llm_mode" || key == "agent_type" || key == "hooks_installed" ||
                       key == "config_version";
    out.emplace_back(key, plain ? value : JsonValue::Text("(set)"));
  }
  return JsonValue::Object(std::move(out));
}

// Kinds and endings, no targets.
JsonValue RunsOf(Context& context) {
  constexpr int64_t kMost = 20;
  const JsonValue list =
      PartOf(OrchestrateRuns(context, JsonValue::Object({{"limit", JsonValue::Int(kMost)}})));
  std::vector<JsonValue> out;
  for (const JsonValue& run : list["items"].items()) {
    out.push_back(JsonValue::Object({{"job", run["job"]},
                                     {"trigger", run["trigger"]},
                                     {"status", run["status"]},
                                     {"started", run["started"]},
                                     {"error", run["error"]}}));
  }
  return JsonValue::Array(std::move(out));
}

// Names of skills stand in many messages: those that are known go, each under a number.
StatusOr<std::vector<std::string>> NamesToHide(Context& context) {
  std::vector<std::string> out;
  for (const std::string_view name : {"USER", "LOGNAME"}) {
    const std::string value = context.env().GetOr(name, "");
    if (value.size() > 2) out.push_back(value);
  }
  if (!context.HasStore()) return out;
  const JsonValue list = PartOf(SkillList(
      context,
      JsonValue::Object({{"limit", JsonValue::Int(1000)}, {"sort", JsonValue::Text("name")}})));
  for (const JsonValue& skill : list["items"].items()) {
    if (skill["name"].AsString() != "selftune") out.push_back(skill["name"].AsString());
  }
  // A name that is part of another one goes after it.
  std::sort(out.begin(), out.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  return out;
}

std::string Hidden(std::string text, const Context& context,
                   const std::vector<std::string>& names) {
  text = llm::Redact(text, {.home = context.paths().home, .emails = true});
  int number = 0;
  for (const std::string& name : names) {
    if (name.size() > 1) text = base::ReplaceAll(text, name, fmt::format("name{}", ++number));
  }
  return text;
}

}  // namespace

StatusOr<std::string> DoctorBugreport(Context& context, const JsonValue& params) {
  if (!context.dry_run()) ST_RETURN_IF_ERROR(context.CheckWritable());
  ST_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesToHide(context));
  const JsonValue none = JsonValue::Object({});
  const JsonValue report = JsonValue::Object(
      {{"made_at", JsonValue::Text(FormatRfc3339(context.now()))},
       {"version", PartOf(AboutVersion(context, none))},
       {"doctor", PartOf(DoctorRun(context, none))},
       {"store",
        context.HasStore()
            ? PartOf(StoreInfo(context, JsonValue::Object({{"counts", JsonValue::Bool(true)}})))
            : JsonValue()},
       {"settings", SettingsOf(context)},
       {"runs", context.HasStore() ? RunsOf(context) : JsonValue()}});
  context.SetVerdict(absl::OkStatus());  // what the doctor found is in the file
  const std::string text = Hidden(report.ToJson(), context, names) + "\n";
  std::string dir = params["dir"].AsString();
  if (dir.empty()) dir = context.paths().state_dir;
  const std::string path = base::JoinPath(
      dir,
      fmt::format("bugreport-{}.json", base::ReplaceAll(FormatRfc3339(context.now()), ":", "")));
  if (!context.dry_run()) {
    ST_RETURN_IF_ERROR(base::MakeDirs(dir, 0700));
    ST_RETURN_IF_ERROR(base::WriteFileNew(path, text, 0600));
    context.SetChanged();
  }
  JsonWriter out;
  out.BeginObject().Field("path", path).Key("contents").BeginArray();
  for (const std::string_view part : kParts) out.String(part);
  out.EndArray().Field("bytes", static_cast<int64_t>(text.size())).Key("receipt");
  if (context.dry_run()) {
    out.Null();
  } else {
    WriteReceipt(
        out, {.operation = context.op(), .targets = {path}, .sha256_after = base::Sha256Hex(text)});
  }
  out.EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi::ops

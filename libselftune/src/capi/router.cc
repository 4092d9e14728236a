#include "capi/router.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "capi/context.h"
#include "capi/engine.h"
#include "capi/envelope.h"
#include "capi/hook_notes.h"
#include "capi/next_step.h"
#include "capi/params.h"

namespace selftune::capi {
namespace {

constexpr size_t kMaxRequestBytes = 64 << 20;
constexpr int64_t kMaxDeadlineMs = int64_t{30} * 24 * 3600 * 1000;

Status CheckKeys(const base::JsonValue& document, const std::vector<std::string_view>& known,
                 std::string_view what) {
  for (const auto& [key, value] : document.members()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    return UnknownName(what, key, known);
  }
  return absl::OkStatus();
}

Status CheckClient(const base::JsonValue& client) {
  if (client.is_null()) return absl::OkStatus();
  if (!client.is_object()) return Fail(kInvalidRequest, "request: client must be an object");
  ST_RETURN_IF_ERROR(CheckKeys(client, {"name", "version", "command"}, "client key"));
  for (const auto& [key, value] : client.members()) {
    if (value.is_string()) continue;
    return Fail(kInvalidRequest, "request: client.{} must be a string", key);
  }
  return absl::OkStatus();
}

StatusOr<std::optional<int64_t>> ReadDeadline(const base::JsonValue& value) {
  if (value.is_null()) return std::optional<int64_t>();
  const int64_t ms = value.AsInt(-1);
  if (ms >= 1 && ms <= kMaxDeadlineMs) return std::optional(ms);
  return Fail(kInvalidRequest, "request: deadline_ms must be an integer from 1 to {}",
              kMaxDeadlineMs);
}

StatusOr<const OpSpec*> OpOf(const base::JsonValue& name) {
  if (!name.is_string()) {
    return WithSuggestion(Fail(kInvalidRequest, "request: \"op\" must name an operation"),
                          "list the operations with the schemas of their replies",
                          "selftune request '{\"op\":\"schema.list\"}'");
  }
  if (const OpSpec* op = FindOp(name.AsString())) return op;
  std::vector<std::string_view> known;
  for (const OpSpec& op : AllOps()) known.push_back(op.name);
  const Status status = UnknownName("operation", name.AsString(), known);
  return WithSuggestion(MakeError(kUnknownOperation, std::string(Message(status))),
                        Suggestion(status), "selftune request '{\"op\":\"schema.list\"}'");
}

// A request that ran past its deadline was cancelled by us: say so.
Status AsDeadline(const Status& status, int64_t deadline_ms) {
  if (CodeOf(status).name != kCancelledError.name) return status;
  return Fail(kDeadline, "not done within {} ms", deadline_ms);
}

// Says how an operation is run, not what it does.
bool IsAboutTheRun(std::string_view param) {
  return param == "yes" || param == "dry_run" || param == "plan_id";
}

// What a dry run showed, as one word: the same plan has the same one.
std::string PlanIdOf(const OpSpec& op, const base::JsonValue& params, const Context& context,
                     std::string_view data) {
  constexpr size_t kShown = 16;
  base::FieldHash hash("plan");
  hash.Add(op.name);
  for (const auto& [name, value] : params.members()) {
    if (!IsAboutTheRun(name)) hash.Add(name).Add(value.ToJson());
  }
  hash.Add(data).Add(Message(context.verdict()));
  return base::Hex(hash.Key16()).substr(0, kShown);
}

// The plan as it is now.
StatusOr<std::string> PlanNow(Engine& engine, const OpSpec& op, const base::JsonValue& params,
                              const base::Cancel& cancel) {
  std::vector<base::JsonValue::Member> members;
  for (const auto& [name, value] : params.members()) {
    members.emplace_back(name, name == "dry_run" ? base::JsonValue::Bool(true) : value);
  }
  Context context(engine, {.op = std::string(op.name), .dry_run = true, .on_event = {}}, cancel);
  ST_ASSIGN_OR_RETURN(const std::string data,
                      op.run(context, base::JsonValue::Object(std::move(members))));
  return PlanIdOf(op, params, context, data);
}

// Goes through when what was previewed is still what would be done.
Status CheckPlan(Engine& engine, const OpSpec& op, const base::JsonValue& params,
                 const base::Cancel& cancel) {
  ST_ASSIGN_OR_RETURN(const std::string now, PlanNow(engine, op, params, cancel));
  if (now == params["plan_id"].AsString()) return absl::OkStatus();
  return WithSuggestion(Fail(kConflicted, "{}: plan {} is not what would be done now", op.name,
                             params["plan_id"].AsString()),
                        "look at the plan again with dry_run",
                        RequestCommand(op, params, "dry_run"));
}

// Before anybody is asked whether they are sure.
Status CheckChoice(const OpSpec& op, const base::JsonValue& params) {
  std::string names;
  for (const ParamSpec& param : op.params) {
    if (IsAboutTheRun(param.name)) continue;
    const base::JsonValue& value = params[param.name];
    if (!value.is_null() && !(value.is_string() && value.AsString().empty())) {
      return absl::OkStatus();
    }
    names += (names.empty() ? "" : ", ") + std::string(param.name);
  }
  return Fail(kInvalidRequest, "{}: choose by at least one of {}", op.name, names);
}

// What failed may have changed the store before: the first of several skills was deployed,
// then somebody cancelled.
void KeepNotesAfterFailure(Engine& engine, const Context& failed) {
  if (failed.dry_run() || engine.options().read_only) return;
  if (!failed.changed() && !failed.heard() && !failed.wrote()) return;
  const base::Cancel never;
  Context context(engine, {.op = failed.op(), .dry_run = false, .on_event = {}}, never);
  const Status kept = KeepHookNotes(context);
  if (!kept.ok()) engine.Log(LogLevel::kWarning, "hooks.notes", Message(kept));
}

StatusOr<std::string> RunChecked(Engine& engine, const RequestDoc& request,
                                 const base::Cancel& cancel,
                                 std::function<void(std::string_view)> on_event) {
  ST_ASSIGN_OR_RETURN(const base::JsonValue params,
                      CheckParams(*request.op, request.params, engine));
  Context context(engine,
                  {.op = std::string(request.op->name),
                   .dry_run = params["dry_run"].AsBool(),
                   .on_event = std::move(on_event)},
                  cancel);
  if (request.op->Has('C')) ST_RETURN_IF_ERROR(CheckChoice(*request.op, params));
  const bool planned = params["plan_id"].is_string() && !context.dry_run();
  if (planned) ST_RETURN_IF_ERROR(CheckPlan(engine, *request.op, params, cancel));
  if (request.op->Has('Y') && !params["yes"].AsBool() && !planned && !context.dry_run()) {
    return WithSuggestion(
        Fail(kConfirmationRequired, "{} changes what cannot be brought back by itself",
             request.op->name),
        "look at the plan with dry_run, then repeat with yes",
        RequestCommand(*request.op, request.params, "dry_run"));
  }
  StatusOr<std::string> ran = request.op->run(context, params);
  if (!ran.ok()) {
    KeepNotesAfterFailure(engine, context);
    return ran.status();
  }
  std::string data = *std::move(ran);
  if (request.op->Has('Y')) {
    const std::string id = context.dry_run() ? PlanIdOf(*request.op, params, context, data) : "";
    data.pop_back();
    data += id.empty() ? ",\"plan_id\":null}" : ",\"plan_id\":\"" + id + "\"}";
  }
  const bool differs =
      context.changed() || context.heard() || context.hooks_differ() || HooksLeftAMark(context);
  if (differs && !context.dry_run() && !engine.options().read_only) {
    const Status kept = KeepHookNotes(context);
    if (!kept.ok()) context.Warn("HOOK_NOTES", std::string(Message(kept)), {"selftune", "doctor"});
  }
  return SuccessEnvelope(request, context, data);
}

}  // namespace

const OpSpec* FindOp(std::string_view name) {
  const std::span<const OpSpec> ops = AllOps();
  const auto it =
      std::lower_bound(ops.begin(), ops.end(), name,
                       [](const OpSpec& op, std::string_view n) { return op.name < n; });
  return it != ops.end() && it->name == name ? &*it : nullptr;
}

StatusOr<RequestDoc> ParseRequest(std::string_view json) {
  if (json.size() > kMaxRequestBytes) {
    return Fail(kInvalidRequest, "request: {} bytes are more than {}", json.size(),
                kMaxRequestBytes);
  }
  ST_ASSIGN_OR_RETURN(base::JsonValue document, base::JsonValue::Parse(json));
  if (!document.is_object()) return Fail(kInvalidRequest, "request: expected a JSON object");
  ST_RETURN_IF_ERROR(CheckKeys(document, {"op", "params", "client", "deadline_ms"}, "request key"));
  ST_RETURN_IF_ERROR(CheckClient(document["client"]));
  RequestDoc request;
  ST_ASSIGN_OR_RETURN(request.op, OpOf(document["op"]));
  ST_ASSIGN_OR_RETURN(request.deadline_ms, ReadDeadline(document["deadline_ms"]));
  request.params = document["params"];
  request.command = document["client"]["command"].AsString();
  if (request.command.empty()) request.command = request.op->name;
  return request;
}

namespace {

StatusOr<std::string> RunInTime(Engine& engine, const RequestDoc& request, base::Cancel& cancel,
                                std::function<void(std::string_view)> on_event) {
  if (!request.deadline_ms.has_value()) {
    return RunChecked(engine, request, cancel, std::move(on_event));
  }
  const auto at =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(*request.deadline_ms);
  const Deadlines::Guard guard(engine.deadlines(), at, cancel);
  StatusOr<std::string> reply = RunChecked(engine, request, cancel, std::move(on_event));
  if (reply.ok() || !guard.passed()) return reply;
  return AsDeadline(reply.status(), *request.deadline_ms);
}

}  // namespace

StatusOr<std::string> RunRequest(Engine& engine, const RequestDoc& request, base::Cancel& cancel,
                                 std::function<void(std::string_view)> on_event) {
  StatusOr<std::string> reply = RunInTime(engine, request, cancel, std::move(on_event));
  if (reply.ok()) return reply;
  return InPlace(WithStepOf(reply.status(), *request.op, request.params, engine), engine.paths());
}

}  // namespace selftune::capi

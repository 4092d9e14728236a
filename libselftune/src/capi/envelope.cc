#include "capi/envelope.h"

#include "base/json_writer.h"
#include "base/strings.h"
#include "capi/next_step.h"
#include "capi/version.h"

namespace selftune::capi {
namespace {

using base::JsonWriter;

void WriteText(JsonWriter& out, std::string_view key, const std::string& text) {
  if (text.empty()) {
    out.NullField(key);
  } else {
    out.Field(key, text);
  }
}

void WriteErrorFields(JsonWriter& out, const Status& status) {
  const ErrorCode& code = CodeOf(status);
  out.Field("code", code.name).Field("message", Message(status));
  WriteText(out, "suggestion", Suggestion(status));
  out.Field("retryable", code.retryable).Field("exit_code", code.exit_code);
  const std::string details = DetailsJson(status);
  out.Key("details");
  if (details.empty()) {
    out.Null();
  } else {
    out.Raw(details);
  }
}

void WriteCommand(JsonWriter& out, const std::vector<std::string>& argv) {
  out.Field("command", JoinCommand(argv)).Key("argv").BeginArray();
  for (const std::string& word : argv) out.String(word);
  out.EndArray();
}

void WriteNext(JsonWriter& out, const std::vector<NextStep>& steps, const Paths& paths) {
  out.Key("next");
  if (steps.empty()) {
    out.Null();
    return;
  }
  out.BeginObject();
  WriteCommand(out, InPlace(steps[0].argv, paths));
  out.Field("reason", steps[0].reason).Field("blocking", steps[0].blocking);
  out.Key("alternatives").BeginArray();
  for (size_t i = 1; i < steps.size(); ++i) {
    out.BeginObject();
    WriteCommand(out, InPlace(steps[i].argv, paths));
    out.Field("reason", steps[i].reason).EndObject();
  }
  out.EndArray().EndObject();
}

// The steps of the context, else what the verdict suggests.
std::vector<NextStep> StepsOf(const Context& context) {
  if (!context.next().empty()) return context.next();
  if (context.verdict().ok()) return {};
  const Status verdict = WithStep(context.verdict());
  NextStep step;
  step.argv = SplitCommand(NextCommand(verdict));
  step.reason = Suggestion(verdict);
  return {step};
}

}  // namespace

std::string ErrorObject(const Status& status) {
  JsonWriter out;
  out.BeginObject();
  WriteErrorFields(out, WithStep(status));
  out.EndObject();
  return std::move(out).Take();
}

std::string ErrorObjectWithNext(const Status& bare) {
  const Status status = WithStep(bare);
  JsonWriter out;
  out.BeginObject();
  WriteErrorFields(out, status);
  out.Key("next").BeginObject();
  WriteCommand(out, SplitCommand(NextCommand(status)));
  out.EndObject().EndObject();
  return std::move(out).Take();
}

std::string SuccessEnvelope(const RequestDoc& request, const Context& context,
                            std::string_view data_json) {
  const bool ok = context.verdict().ok();
  JsonWriter out;
  out.BeginObject()
      .Field("schema", request.op->schema)
      .Field("ok", ok)
      .Field("command", request.command)
      .Field("selftune_version", kVersion)
      .Field("generated_at", context.now())
      .Field("dry_run", context.dry_run())
      .Field("changed", context.changed() && !context.dry_run());
  out.Key("data").Raw(data_json);
  out.Key("warnings").BeginArray();
  for (const Context::Warning& warning : context.warnings()) {
    out.BeginObject().Field("code", warning.code).Field("message", warning.message).Key("next");
    if (warning.next.empty()) {
      out.Null();
    } else {
      out.BeginObject();
      WriteCommand(out, InPlace(warning.next, context.paths()));
      out.EndObject();
    }
    out.EndObject();
  }
  out.EndArray();
  WriteNext(out, StepsOf(context), context.paths());
  out.Key("error");
  if (ok) {
    out.Null();
  } else {
    out.Raw(ErrorObject(context.verdict()));
  }
  out.EndObject();
  return std::move(out).Take();
}

}  // namespace selftune::capi

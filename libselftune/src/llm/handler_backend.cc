#include "llm/handler_backend.h"

#include <optional>
#include <string>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"

namespace selftune::llm {
namespace {

std::string RequestJson(const LlmRequest& request) {
  base::JsonWriter out;
  out.BeginObject()
      .Field("purpose", Word(request.purpose))
      .Field("tier", Word(request.tier))
      .Field("system", request.system)
      .Field("user", request.user)
      .Field("model", request.model)
      .Field("effort", request.effort)
      .Field("json_schema", request.json_schema)
      .Field("timeout_ms", request.timeout.count() > 0 ? request.timeout.count()
                                                       : DefaultTimeout(request.purpose).count())
      .EndObject();
  return std::move(out).Take();
}

}  // namespace

StatusOr<LlmReply> HandlerBackend::Call(const LlmRequest& request) {
  ST_ASSIGN_OR_RETURN(const std::string text, handler_(RequestJson(request)));
  const auto reply = base::JsonValue::Parse(text);
  if (!reply.ok() || !(*reply)["text"].is_string()) {
    return Fail(kInvalidReply, "calling the model handler: expected an object with \"text\"");
  }
  LlmReply out;
  out.text = (*reply)["text"].AsString();
  out.model = (*reply)["model"].AsString();
  const base::JsonValue& usage = (*reply)["usage"];
  out.usage.input_tokens = ReportedCount(usage["input_tokens"]);
  out.usage.output_tokens = ReportedCount(usage["output_tokens"]);
  out.usage.cache_read_tokens = ReportedCount(usage["cache_read_tokens"]);
  out.usage.cache_write_tokens = ReportedCount(usage["cache_write_tokens"]);
  out.usage.reasoning_tokens = ReportedCount(usage["reasoning_tokens"]);
  out.usage.cost_micro_usd = MicroUsd(usage["cost_usd"]);
  return out;
}

}  // namespace selftune::llm

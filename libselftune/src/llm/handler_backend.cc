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

std::optional<int64_t> Count(const base::JsonValue& value) {
  if (!value.is_number()) return std::nullopt;
  return static_cast<int64_t>(value.AsDouble());
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
  out.usage.input_tokens = Count(usage["input_tokens"]);
  out.usage.output_tokens = Count(usage["output_tokens"]);
  out.usage.cache_read_tokens = Count(usage["cache_read_tokens"]);
  out.usage.cache_write_tokens = Count(usage["cache_write_tokens"]);
  out.usage.reasoning_tokens = Count(usage["reasoning_tokens"]);
  if (usage["cost_usd"].is_number()) {
    out.usage.cost_micro_usd = static_cast<int64_t>(usage["cost_usd"].AsDouble() * 1e6 + 0.5);
  }
  return out;
}

}  // namespace selftune::llm

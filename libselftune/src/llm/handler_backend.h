// Model calls through a function of the embedding program.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "llm/backend.h"

namespace selftune::llm {

// Request: {"purpose","tier","system","user","model","effort","json_schema",
// "timeout_ms"}. Reply: {"text"} and, where known, "model" and "usage"
// {"input_tokens","output_tokens","cache_read_tokens","cache_write_tokens",
// "reasoning_tokens","cost_usd"}.
using Handler = std::function<StatusOr<std::string>(std::string_view request_json)>;

// Thread-safe when the handler is.
class HandlerBackend final : public Backend {
 public:
  explicit HandlerBackend(Handler handler) : handler_(std::move(handler)) {}
  [[nodiscard]] std::string_view name() const override { return "handler"; }
  [[nodiscard]] std::string_view version() const override { return ""; }
  [[nodiscard]] StatusOr<LlmReply> Call(const LlmRequest& request) override;

 private:
  Handler handler_;
};

}  // namespace selftune::llm

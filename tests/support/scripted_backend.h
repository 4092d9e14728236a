// A model that can be foreseen: a function from request to reply text.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llm/backend.h"

namespace selftune::testing {

class ScriptedBackend final : public llm::Backend {
 public:
  using Script = std::function<StatusOr<std::string>(const llm::LlmRequest&)>;
  explicit ScriptedBackend(Script script) : script_(std::move(script)) {}

  [[nodiscard]] std::string_view name() const override { return "scripted"; }
  [[nodiscard]] std::string_view version() const override { return "1"; }
  [[nodiscard]] StatusOr<llm::LlmReply> Call(const llm::LlmRequest& request) override {
    requests.push_back(request);
    StatusOr<std::string> text = script_(request);
    if (!text.ok()) return text.status();
    llm::LlmReply reply;
    reply.text = *std::move(text);
    reply.usage.input_tokens = 10;
    reply.usage.output_tokens = 5;
    return reply;
  }

  std::vector<llm::LlmRequest> requests;

 private:
  Script script_;
};

}  // namespace selftune::testing

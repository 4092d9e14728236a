// Whatever a model replies: what is taken out has the wanted shape, and clean
// JSON is taken as it is.
#include <string>

#include "base/json_value.h"
#include "eval/batch_judge_reply.h"
#include "input.h"
#include "llm/extract_json.h"
#include "llm/fence.h"
#include "llm/redact.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  const std::string_view reply = fuzz::AsText(data, size);
  const llm::JsonShape shapes[] = {llm::JsonShape::Object(), llm::JsonShape::Object({"a"}),
                                   llm::JsonShape::Array(), llm::JsonShape::Array({"a"})};
  for (const llm::JsonShape& shape : shapes) {
    const auto found = llm::ExtractJson(reply, shape);
    if (!found.ok()) continue;
    fuzz::Require(shape.Fits(found->value), "the shape fits");
    const auto again = llm::ExtractJson(found->value.ToJson(), shape);
    fuzz::Require(again.ok() && !again->repaired, "its own text is found");
    fuzz::Require(again->value.ToJson() == found->value.ToJson(), "and is the same");
  }
  const auto whole = base::JsonValue::Parse(reply);
  if (whole.ok() && whole->is_object() && reply.find('\r') == std::string_view::npos) {
    const auto found = llm::ExtractJson(reply, llm::JsonShape::Object());
    fuzz::Require(found.ok() && found->value == *whole, "clean JSON is taken as it is");
  }
  (void)eval::ParseBatchReply(reply, 20);

  const std::string nonce = "0123456789abcdef";
  const std::string fenced = llm::Fence(reply, nonce, {.source = "reply"});
  fuzz::Require(llm::Unfence(fenced, nonce) == llm::NormalizeUntrusted(reply), "fences round-trip");
  const std::string redacted = llm::Redact(reply, {.home = "/home/a", .emails = true});
  fuzz::Require(!llm::HasSecret(redacted), "no secret is left");
  return 0;
}

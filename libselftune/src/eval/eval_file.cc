#include "eval/eval_file.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_value.h"
#include "base/status_macros.h"

namespace selftune::eval {
namespace {

constexpr uint64_t kMaxBytes = 8 << 20;
constexpr size_t kMaxEntries = 5000;

}  // namespace

StatusOr<std::vector<store::PromptEvidence>> ReadEvalFile(const std::string& path) {
  ST_ASSIGN_OR_RETURN(const std::string text, base::ReadFile(path, kMaxBytes));
  const auto refuse = [&](std::string_view found) {
    return WithSuggestion(Fail(kInvalidRequest, "reading the eval set {}: {}", path, found),
                          R"(write a JSON array of {"query":"...","should_trigger":true})",
                          "selftune help evolve");
  };
  const auto root = base::JsonValue::Parse(text);
  if (!root.ok()) return refuse(Message(root.status()));
  if (!root->is_array()) return refuse("it is no JSON array");
  if (root->items().size() > kMaxEntries) {
    return refuse(
        fmt::format("{} entries, at most {} are read", root->items().size(), kMaxEntries));
  }
  std::vector<store::PromptEvidence> out;
  for (const base::JsonValue& entry : root->items()) {
    if (!entry["query"].is_string() || !entry["should_trigger"].is_bool()) {
      return refuse(fmt::format("entry {} has no query or no should_trigger", out.size() + 1));
    }
    store::PromptEvidence& evidence = out.emplace_back();
    const bool should = entry["should_trigger"].AsBool();
    evidence.kind =
        should ? store::EvidenceKind::kLabelShould : store::EvidenceKind::kLabelShouldNot;
    evidence.prompt_id = fmt::format("file:{}", out.size());
    evidence.text = entry["query"].AsString();
    evidence.reason = "curated";
    // Nobody knows whether it triggers today: the training runs tell.
    if (should) evidence.miss_cause = "unknown";
  }
  return out;
}

}  // namespace selftune::eval

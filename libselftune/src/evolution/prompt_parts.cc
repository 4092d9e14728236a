#include "evolution/prompt_parts.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "base/utf8.h"
#include "llm/fence.h"

namespace selftune::evolution {
namespace {

constexpr size_t kMaxQuery = 500;  // code points
constexpr std::string_view kStableNonce = "0000000000000000";

std::string Assemble(std::string_view instructions,
                     const std::vector<std::pair<std::string_view, std::string>>& blocks,
                     std::string_view reminder, std::string_view nonce) {
  std::string out(llm::FenceNotice());
  out.append("\n\n").append(instructions).append("\n\n");
  for (const auto& [source, text] : blocks) {
    out += llm::Fence(text, nonce, {.source = source});
    out += "\n\n";
  }
  out.append(llm::FenceReminder()).append("\n").append(reminder).append("\n");
  return out;
}

}  // namespace

std::string PromptText(std::string_view text, const llm::RedactOptions& privacy) {
  return llm::Redact(llm::NormalizeUntrusted(text), privacy);
}

std::string PromptSafe(std::string_view query, const llm::RedactOptions& privacy) {
  return std::string(base::FirstCodePoints(PromptText(query, privacy), kMaxQuery));
}

PromptBody MakeBody(std::string_view instructions,
                    const std::vector<std::pair<std::string_view, std::string>>& blocks,
                    std::string_view reminder) {
  PromptBody body;
  body.nonce = llm::MakeNonce();
  body.text = Assemble(instructions, blocks, reminder, body.nonce);
  body.cache_text = Assemble(instructions, blocks, reminder, kStableNonce);
  return body;
}

}  // namespace selftune::evolution

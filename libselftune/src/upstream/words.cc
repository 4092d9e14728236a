#include "upstream/words.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/strings.h"

namespace selftune::upstream {
namespace {

// The longer of two that begin alike first.
constexpr std::array<std::string_view, 9> kHosts = {
    "claude_code", "codex", "opencode", "openclaw", "cline", "gemini", "copilot", "qwen", "pi"};
constexpr std::array<std::string_view, 6> kOtherKinds = {"continuation",     "task_notification",
                                                         "teammate_message", "system_instruction",
                                                         "tool_output",      "meta"};
constexpr std::array<std::string_view, 3> kWrappers = {"<system_instruction>",
                                                       "<system-instruction>", "<command-name>"};
constexpr std::array<std::string_view, 6> kEvaluations = {"you are an evaluation assistant",
                                                          "you are a skill description optimizer",
                                                          "would each query trigger this skill",
                                                          "propose an improved description",
                                                          "failure patterns:",
                                                          "output only valid json"};

}  // namespace

std::string_view HostOfSource(std::string_view source) {
  for (const std::string_view host : kHosts) {
    if (!source.starts_with(host)) continue;
    const bool whole = source.size() == host.size() || source[host.size()] == '_';
    if (whole) return host;
  }
  return source.starts_with("claude") ? kHosts[0] : std::string_view();
}

std::string_view AgentOfSession(std::string_view platform, std::string_view session_id) {
  constexpr std::string_view kStart = "agent-";
  constexpr size_t kFewest = 5;
  if (platform != "claude_code" || !session_id.starts_with(kStart)) return {};
  const std::string_view agent = session_id.substr(kStart.size());
  const bool hex = agent.find_first_not_of("0123456789abcdef") == agent.npos;
  return hex && agent.size() >= kFewest ? agent : std::string_view();
}

bool IsHostName(std::string_view platform) {
  constexpr size_t kLongest = 32;
  return !platform.empty() && platform.size() <= kLongest && platform[0] >= 'a' &&
         platform[0] <= 'z';
}

std::optional<Completion> ParseCompletion(std::string_view word) {
  for (const Completion one : {Completion::kCompleted, Completion::kFailed,
                               Completion::kInterrupted, Completion::kCancelled}) {
    if (word == Word(one)) return one;
  }
  return std::nullopt;
}

std::optional<SignalKind> ParseSignalKind(std::string_view word) {
  for (const SignalKind one : {SignalKind::kCorrection, SignalKind::kUnwanted,
                               SignalKind::kExplicitRequest, SignalKind::kManualInvocation}) {
    if (word == Word(one)) return one;
  }
  return std::nullopt;
}

std::string_view OtherKind(std::string_view kind) {
  const auto* const found = std::ranges::find(kOtherKinds, kind);
  return found != kOtherKinds.end() ? *found : std::string_view("unknown");
}

bool IsPolluted(std::string_view text, std::string_view kind) {
  const std::string_view trimmed = base::Trim(text);
  for (const std::string_view wrapper : kWrappers) {
    if (trimmed.starts_with(wrapper)) return true;
  }
  if (kind != "meta") return false;
  const std::string lower = base::AsciiLower(trimmed);
  return std::ranges::any_of(kEvaluations, [&](std::string_view phrase) {
    return lower.find(phrase) != std::string::npos;
  });
}

bool IsScope(std::string_view word) {
  return word == "project" || word == "global" || word == "admin" || word == "system" ||
         word == "unknown";
}

UseWords UseOf(bool triggered, std::string_view mode, std::string_view capture,
               std::string_view tool) {
  UseWords out;
  if (mode == "explicit" || mode == "implicit" || mode == "inferred" || mode == "contextual" ||
      mode == "repaired") {
    out.mode = mode;
  }
  const bool read =
      tool == "Read" || (tool.empty() && (mode == "implicit" || mode == "contextual"));
  // Of replayed rows `explicit` only says that the skill tool was called.
  const bool by_hand = mode == "explicit" && capture == "hook" && tool.empty();
  if (!triggered) {
    out.outcome = Outcome::kReadOnly;  // its file was read, the skill was not called
    out.level = Level::kRead;
    out.route = Route::kFileRead;
  } else if (by_hand) {
    out.level = Level::kExplicit;
    out.route = Route::kSlashCommand;
    out.requested_by = RequestedBy::kUser;
  } else if (read) {
    out.level = Level::kRead;
    out.route = Route::kFileRead;
  }
  out.confidence = ConfidenceOf(out.level);
  return out;
}

}  // namespace selftune::upstream

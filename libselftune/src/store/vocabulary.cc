#include "store/vocabulary.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace selftune {
namespace {

// Words in the order of the enumerators.
constexpr std::array<std::string_view, 3> kSessionKinds = {"main", "subagent", "automation"};
constexpr std::array<std::string_view, 3> kPromptKinds = {"user", "agent", "automation"};
constexpr std::array<std::string_view, 3> kCommandKinds = {"", "skill", "custom"};
constexpr std::array<std::string_view, 5> kCompletions = {"unknown", "completed", "failed",
                                                          "interrupted", "cancelled"};
constexpr std::array<std::string_view, 5> kOutcomes = {"triggered", "refused", "requested",
                                                       "read_only", "missed"};
constexpr std::array<std::string_view, 4> kLevels = {"explicit", "tool", "read", "shell_read"};
constexpr std::array<std::string_view, 8> kRoutes = {"slash_command", "mention",   "slash_text",
                                                     "skill_tool",    "file_read", "shell_read",
                                                     "script_run",    "host_event"};
constexpr std::array<std::string_view, 2> kRequestedBy = {"user", "model"};
constexpr std::array<std::string_view, 3> kModes = {"explicit", "implicit", "inferred"};
constexpr std::array<std::string_view, 7> kCaptures = {"transcript", "hook",   "wrapper", "batch",
                                                       "label",      "repair", "legacy"};
constexpr std::array<std::string_view, 3> kMissReasons = {"signal", "grader", "curated"};
constexpr std::array<std::string_view, 8> kMissCauses = {
    "description", "not_installed", "not_listed", "truncated",
    "compacted",   "shadowed",      "disabled",   "unknown"};
constexpr std::array<std::string_view, 3> kLabels = {"should", "should_not", "unknown"};
constexpr std::array<std::string_view, 4> kSignals = {"correction", "unwanted", "explicit_request",
                                                      "manual_invocation"};
constexpr std::array<std::string_view, 6> kExposureStates = {
    "full", "truncated", "name_only", "explicit_only", "absent", "disabled"};
constexpr std::array<std::string_view, 3> kExposureCauses = {"listing", "delta", "compaction"};
constexpr std::array<std::string_view, 7> kEvents = {"tool_error",  "nonzero_exit", "denied",
                                                     "failed_turn", "interruption", "compaction",
                                                     "api_error"};

template <typename Enum, size_t kSize>
std::string_view At(const std::array<std::string_view, kSize>& words, Enum value) {
  const auto index = static_cast<size_t>(value);
  return index < kSize ? words[index] : std::string_view();
}

template <typename Enum, size_t kSize>
std::optional<Enum> Parse(const std::array<std::string_view, kSize>& words, std::string_view word) {
  for (size_t i = 0; i < kSize; ++i) {
    if (words[i] == word) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view Word(SessionKind v) { return At(kSessionKinds, v); }
std::string_view Word(PromptKind v) { return At(kPromptKinds, v); }
std::string_view Word(CommandKind v) { return At(kCommandKinds, v); }
std::string_view Word(Completion v) { return At(kCompletions, v); }
std::string_view Word(Outcome v) { return At(kOutcomes, v); }
std::string_view Word(Level v) { return At(kLevels, v); }
std::string_view Word(Route v) { return At(kRoutes, v); }
std::string_view Word(RequestedBy v) { return At(kRequestedBy, v); }
std::string_view Word(InvocationMode v) { return At(kModes, v); }
std::string_view Word(Capture v) { return At(kCaptures, v); }
std::string_view Word(MissReason v) { return At(kMissReasons, v); }
std::string_view Word(MissCause v) { return At(kMissCauses, v); }
std::string_view Word(Label v) { return At(kLabels, v); }
std::string_view Word(SignalKind v) { return At(kSignals, v); }
std::string_view Word(ExposureState v) { return At(kExposureStates, v); }
std::string_view Word(ExposureCause v) { return At(kExposureCauses, v); }
std::string_view Word(EventKind v) { return At(kEvents, v); }

std::optional<ExposureState> ParseExposureState(std::string_view word) {
  return Parse<ExposureState>(kExposureStates, word);
}
std::optional<ExposureCause> ParseExposureCause(std::string_view word) {
  return Parse<ExposureCause>(kExposureCauses, word);
}

double ConfidenceOf(Level level) {
  switch (level) {
    case Level::kExplicit:
    case Level::kTool:
      return 1.0;
    case Level::kRead:
      return 0.9;
    case Level::kShellRead:
      return 0.8;
  }
  return 0;
}

}  // namespace selftune

// The fixed words of the evidence: what they mean is in docs/sql-views.md.
// Stored as TEXT; the enums keep a misspelling from compiling.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace selftune {

enum class SessionKind { kMain, kSubagent, kAutomation };
enum class PromptKind { kUser, kAgent, kAutomation };
enum class CommandKind { kNone, kSkill, kCustom };
enum class Completion { kUnknown, kCompleted, kFailed, kInterrupted, kCancelled };
enum class Outcome { kTriggered, kRefused, kRequested, kReadOnly, kMissed };
enum class Level { kExplicit, kTool, kRead, kShellRead };
enum class Route {
  kSlashCommand,
  kMention,
  kSlashText,
  kSkillTool,
  kFileRead,
  kShellRead,
  kScriptRun,
  kHostEvent
};
enum class RequestedBy { kUser, kModel };
enum class InvocationMode { kExplicit, kImplicit, kInferred };
enum class Capture { kTranscript, kHook, kWrapper, kBatch, kLabel, kRepair, kLegacy };
enum class MissReason { kSignal, kGrader, kCurated };
enum class MissCause {
  kDescription,
  kNotInstalled,
  kNotListed,
  kTruncated,
  kCompacted,
  kShadowed,
  kDisabled,
  kUnknown
};
enum class Label { kShould, kShouldNot, kUnknown };
enum class SignalKind { kCorrection, kUnwanted, kExplicitRequest, kManualInvocation };
enum class ExposureState { kFull, kTruncated, kNameOnly, kExplicitOnly, kAbsent, kDisabled };
enum class ExposureCause { kListing, kDelta, kCompaction };
enum class EventKind {
  kToolError,
  kNonzeroExit,
  kDenied,
  kFailedTurn,
  kInterruption,
  kCompaction,
  kApiError
};

// The word as stored and shown ("shell_read").
[[nodiscard]] std::string_view Word(SessionKind);
[[nodiscard]] std::string_view Word(PromptKind);
[[nodiscard]] std::string_view Word(CommandKind);  // "" for kNone
[[nodiscard]] std::string_view Word(Completion);
[[nodiscard]] std::string_view Word(Outcome);
[[nodiscard]] std::string_view Word(Level);
[[nodiscard]] std::string_view Word(Route);
[[nodiscard]] std::string_view Word(RequestedBy);
[[nodiscard]] std::string_view Word(InvocationMode);
[[nodiscard]] std::string_view Word(Capture);
[[nodiscard]] std::string_view Word(MissReason);
[[nodiscard]] std::string_view Word(MissCause);
[[nodiscard]] std::string_view Word(Label);
[[nodiscard]] std::string_view Word(SignalKind);
[[nodiscard]] std::string_view Word(ExposureState);
[[nodiscard]] std::string_view Word(ExposureCause);
[[nodiscard]] std::string_view Word(EventKind);

[[nodiscard]] std::optional<ExposureState> ParseExposureState(std::string_view word);
[[nodiscard]] std::optional<ExposureCause> ParseExposureCause(std::string_view word);

// How sure a use at this level is: 1.0, 1.0, 0.9, 0.8.
[[nodiscard]] double ConfidenceOf(Level level);

}  // namespace selftune

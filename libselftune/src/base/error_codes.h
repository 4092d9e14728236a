// Every failure a caller may branch on, one row each. The C header, the CLI
// exit codes and the reference page are derived from kErrorCodes.
#pragma once

#include <array>
#include <string_view>

#include <absl/status/status.h>

namespace selftune {

struct ErrorCode {
  std::string_view name;  // stable, e.g. "STORE_BUSY"
  absl::StatusCode kind;
  int exit_code;  // of the CLI: 1 failed, 2 blocked, 3 negative, 4 not
                  // initialised, 5 dependency, 6 no evidence, 7 busy, 64 usage
  bool retryable;
};

// clang-format off
// Usage and requests.
inline constexpr ErrorCode kInvalidRequest{"INVALID_REQUEST", absl::StatusCode::kInvalidArgument, 64, false};
inline constexpr ErrorCode kInvalidFlag{"INVALID_FLAG", absl::StatusCode::kInvalidArgument, 64, false};
inline constexpr ErrorCode kMissingFlag{"MISSING_FLAG", absl::StatusCode::kInvalidArgument, 64, false};
inline constexpr ErrorCode kUnknownCommand{"UNKNOWN_COMMAND", absl::StatusCode::kInvalidArgument, 64, false};
inline constexpr ErrorCode kUnknownOperation{"UNKNOWN_OPERATION", absl::StatusCode::kUnimplemented, 64, false};
inline constexpr ErrorCode kUnsupportedType{"UNSUPPORTED_TYPE", absl::StatusCode::kInvalidArgument, 64, false};
inline constexpr ErrorCode kConfirmationRequired{"CONFIRMATION_REQUIRED", absl::StatusCode::kFailedPrecondition, 2, false};
// Files.
inline constexpr ErrorCode kFileNotFound{"FILE_NOT_FOUND", absl::StatusCode::kNotFound, 1, false};
inline constexpr ErrorCode kFileUnreadable{"FILE_UNREADABLE", absl::StatusCode::kPermissionDenied, 1, false};
inline constexpr ErrorCode kFileExists{"FILE_EXISTS", absl::StatusCode::kAlreadyExists, 2, false};
inline constexpr ErrorCode kFileChanged{"FILE_CHANGED", absl::StatusCode::kAborted, 2, false};
inline constexpr ErrorCode kFileTooLarge{"FILE_TOO_LARGE", absl::StatusCode::kOutOfRange, 1, false};
inline constexpr ErrorCode kWriteFailed{"WRITE_FAILED", absl::StatusCode::kDataLoss, 1, false};
inline constexpr ErrorCode kDiskFull{"DISK_FULL", absl::StatusCode::kResourceExhausted, 1, true};
inline constexpr ErrorCode kInvalidFrontmatter{"INVALID_FRONTMATTER", absl::StatusCode::kInvalidArgument, 2, false};
inline constexpr ErrorCode kManagedByPlugin{"MANAGED_BY_PLUGIN", absl::StatusCode::kFailedPrecondition, 2, false};
inline constexpr ErrorCode kGitDirty{"GIT_DIRTY", absl::StatusCode::kFailedPrecondition, 2, false};
inline constexpr ErrorCode kConflicted{"CONFLICTED", absl::StatusCode::kAborted, 2, false};
inline constexpr ErrorCode kSettingsInvalid{"SETTINGS_INVALID", absl::StatusCode::kFailedPrecondition, 1, false};
// Store.
inline constexpr ErrorCode kStoreMissing{"STORE_MISSING", absl::StatusCode::kNotFound, 4, false};
inline constexpr ErrorCode kStoreBusy{"STORE_BUSY", absl::StatusCode::kUnavailable, 7, true};
inline constexpr ErrorCode kStoreFull{"STORE_FULL", absl::StatusCode::kResourceExhausted, 1, true};
inline constexpr ErrorCode kStoreCorrupt{"STORE_CORRUPT", absl::StatusCode::kDataLoss, 1, false};
inline constexpr ErrorCode kStoreReadOnly{"STORE_READ_ONLY", absl::StatusCode::kPermissionDenied, 1, false};
inline constexpr ErrorCode kStoreForeign{"STORE_FOREIGN", absl::StatusCode::kFailedPrecondition, 4, false};
inline constexpr ErrorCode kSchemaNewer{"SCHEMA_NEWER", absl::StatusCode::kFailedPrecondition, 5, false};
inline constexpr ErrorCode kStoreConstraint{"STORE_CONSTRAINT", absl::StatusCode::kInternal, 70, false};
inline constexpr ErrorCode kQueryRefused{"QUERY_REFUSED", absl::StatusCode::kInvalidArgument, 64, false};
// Evidence.
inline constexpr ErrorCode kSkillNotFound{"SKILL_NOT_FOUND", absl::StatusCode::kNotFound, 6, false};
inline constexpr ErrorCode kSessionNotFound{"SESSION_NOT_FOUND", absl::StatusCode::kNotFound, 6, false};
inline constexpr ErrorCode kNotFound{"NOT_FOUND", absl::StatusCode::kNotFound, 6, false};
inline constexpr ErrorCode kAmbiguousSkill{"AMBIGUOUS_SKILL", absl::StatusCode::kInvalidArgument, 64, false};
inline constexpr ErrorCode kInsufficientEvidence{"INSUFFICIENT_EVIDENCE", absl::StatusCode::kFailedPrecondition, 6, false};
// Model calls.
inline constexpr ErrorCode kAgentNotFound{"AGENT_NOT_FOUND", absl::StatusCode::kNotFound, 5, false};
inline constexpr ErrorCode kAgentUnsafe{"AGENT_UNSAFE", absl::StatusCode::kFailedPrecondition, 5, false};
inline constexpr ErrorCode kAuthMissing{"AUTH_MISSING", absl::StatusCode::kUnauthenticated, 8, false};
inline constexpr ErrorCode kApiFailed{"API_ERROR", absl::StatusCode::kInternal, 8, false};
inline constexpr ErrorCode kRateLimited{"RATE_LIMITED", absl::StatusCode::kUnavailable, 8, true};
inline constexpr ErrorCode kTimeout{"TIMEOUT", absl::StatusCode::kDeadlineExceeded, 1, true};
inline constexpr ErrorCode kContextTooLong{"CONTEXT_TOO_LONG", absl::StatusCode::kInvalidArgument, 1, false};
inline constexpr ErrorCode kBudgetExhausted{"BUDGET_EXHAUSTED", absl::StatusCode::kResourceExhausted, 2, false};
inline constexpr ErrorCode kInvalidReply{"INVALID_REPLY", absl::StatusCode::kInternal, 1, true};
inline constexpr ErrorCode kInjectionSuspected{"INJECTION_SUSPECTED", absl::StatusCode::kAborted, 2, false};
inline constexpr ErrorCode kBackendUnavailable{"BACKEND_UNAVAILABLE", absl::StatusCode::kUnavailable, 8, true};
// Engine.
inline constexpr ErrorCode kLockHeld{"LOCK_HELD", absl::StatusCode::kUnavailable, 7, true};
inline constexpr ErrorCode kCancelledError{"CANCELLED", absl::StatusCode::kCancelled, 130, false};
inline constexpr ErrorCode kDeadline{"DEADLINE", absl::StatusCode::kDeadlineExceeded, 1, true};
inline constexpr ErrorCode kJobRunning{"JOB_RUNNING", absl::StatusCode::kDeadlineExceeded, 7, true};
inline constexpr ErrorCode kForked{"FORKED", absl::StatusCode::kFailedPrecondition, 70, false};
inline constexpr ErrorCode kOutOfMemory{"OUT_OF_MEMORY", absl::StatusCode::kResourceExhausted, 1, true};
inline constexpr ErrorCode kInvalidConfig{"INVALID_CONFIG", absl::StatusCode::kFailedPrecondition, 4, false};
inline constexpr ErrorCode kSchedulerNotFound{"SCHEDULER_NOT_FOUND", absl::StatusCode::kNotFound, 5, false};
inline constexpr ErrorCode kProcessFailed{"PROCESS_FAILED", absl::StatusCode::kInternal, 1, false};
inline constexpr ErrorCode kInternal{"INTERNAL", absl::StatusCode::kInternal, 70, false};
// Answers that are no failure of the operation: it ran, and says no.
inline constexpr ErrorCode kUnhealthy{"UNHEALTHY", absl::StatusCode::kFailedPrecondition, 3, false};
inline constexpr ErrorCode kProposalRejected{"PROPOSAL_REJECTED", absl::StatusCode::kFailedPrecondition, 3, false};
inline constexpr ErrorCode kRegressionFound{"REGRESSION_FOUND", absl::StatusCode::kFailedPrecondition, 3, false};
inline constexpr ErrorCode kCheckFailed{"CHECK_FAILED", absl::StatusCode::kFailedPrecondition, 3, false};
inline constexpr ErrorCode kOnHold{"ON_HOLD", absl::StatusCode::kFailedPrecondition, 6, false};
inline constexpr ErrorCode kBlocked{"BLOCKED", absl::StatusCode::kFailedPrecondition, 2, false};

inline constexpr std::array kErrorCodes = {
    kInvalidRequest, kInvalidFlag, kMissingFlag, kUnknownCommand, kUnknownOperation, kUnsupportedType, kConfirmationRequired,
    kFileNotFound, kFileUnreadable, kFileExists, kFileChanged, kFileTooLarge, kWriteFailed, kDiskFull, kInvalidFrontmatter,
    kManagedByPlugin, kGitDirty, kConflicted, kSettingsInvalid,
    kStoreMissing, kStoreBusy, kStoreFull, kStoreCorrupt, kStoreReadOnly, kStoreForeign, kSchemaNewer, kStoreConstraint, kQueryRefused,
    kSkillNotFound, kSessionNotFound, kNotFound, kAmbiguousSkill, kInsufficientEvidence,
    kAgentNotFound, kAgentUnsafe, kAuthMissing, kApiFailed, kRateLimited, kTimeout, kContextTooLong, kBudgetExhausted, kInvalidReply,
    kInjectionSuspected, kBackendUnavailable,
    kLockHeld, kCancelledError, kDeadline, kJobRunning, kForked, kOutOfMemory, kInvalidConfig, kSchedulerNotFound, kProcessFailed, kInternal,
    kUnhealthy, kProposalRejected, kRegressionFound, kCheckFailed, kOnHold, kBlocked,
};
// clang-format on

}  // namespace selftune

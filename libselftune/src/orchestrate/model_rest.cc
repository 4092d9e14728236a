#include "orchestrate/model_rest.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>

#include "base/status_macros.h"

namespace selftune::orchestrate {
namespace {

using status::RunsRest;

constexpr std::array kOfModel = {kAgentUnsafe.name,        kAuthMissing.name,  kApiFailed.name,
                                 kRateLimited.name,        kTimeout.name,      kInvalidReply.name,
                                 kBackendUnavailable.name, kProcessFailed.name};

// The same as before, and not so long ago that it is another matter.
bool GoesOn(const RunsRest& before, const RunsRest& now, UtcMillis at) {
  return before.reason == now.reason && before.agent == now.agent && before.mark == now.mark &&
         before.config == now.config && before.since <= at &&
         at.value - before.until.value < kLongestRestMs;
}

int64_t RestMs(int64_t failures) {
  int64_t out = kShortestRestMs;
  for (int64_t i = 1; i < failures && out < kLongestRestMs; ++i) out *= 2;
  return std::min(out, kLongestRestMs);
}

}  // namespace

Asked WhoIsAsked(const base::Environment& env, const llm::ChooseOptions& options) {
  return {.agent = llm::NameBackend(env, options).value_or(""),
          .program = llm::BackendProgram(env, options)};
}

bool IsOfModel(const Status& failure) {
  return !failure.ok() && std::ranges::find(kOfModel, CodeOf(failure).name) != kOfModel.end();
}

Status NoAnswer(const Status& ended, std::span<const Tried> tried) {
  Status failure = IsOfModel(ended) ? ended : absl::OkStatus();
  for (const Tried& one : tried) {
    if (one.calls == 0) continue;
    if (one.answered > 0 || one.error.ok()) return absl::OkStatus();
    if (failure.ok() && IsOfModel(one.error)) failure = one.error;
  }
  return failure;
}

Status RestAfter(store::Db& db, const config::Config& config, const Asked& asked,
                 const Status& failure, UtcMillis now) {
  ST_ASSIGN_OR_RETURN(const std::optional<RunsRest> before, status::LastRunsRest(db));
  RunsRest rest{.reason = std::string(CodeOf(failure).name),
                .agent = asked.agent,
                .mark = status::MarkOf(asked.program).value_or(status::FileMark{}),
                .config = status::ConfigKey(config),
                .failures = 1,
                .since = now,
                .until = {}};
  if (before.has_value() && GoesOn(*before, rest, now)) {
    rest.failures = before->failures + 1;
    rest.since = before->since;
  }
  rest.until = UtcMillis{now.value + RestMs(rest.failures)};
  return status::WriteRunsRest(db, rest);
}

}  // namespace selftune::orchestrate

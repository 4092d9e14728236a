// What a prompt says about a skill. The words equal those of the store's
// vocabulary; the enum lives here because the hook program links this module
// and no store header.
#pragma once

#include <cstdint>
#include <string_view>

namespace selftune::signals {

enum class SignalKind : uint8_t {
  kCorrection,        // the skill should have been used
  kUnwanted,          // the skill should not have been used
  kExplicitRequest,   // "use the X skill"
  kManualInvocation,  // "/X ..." or "$X ..."
};

// The word as stored and shown ("explicit_request").
[[nodiscard]] constexpr std::string_view Word(SignalKind kind) {
  switch (kind) {
    case SignalKind::kCorrection:
      return "correction";
    case SignalKind::kUnwanted:
      return "unwanted";
    case SignalKind::kExplicitRequest:
      return "explicit_request";
    case SignalKind::kManualInvocation:
      return "manual_invocation";
  }
  return "";
}

}  // namespace selftune::signals

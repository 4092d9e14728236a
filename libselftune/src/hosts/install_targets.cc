#include <span>

#include "hosts/install_rows.h"
#include "install/target.h"

namespace selftune::install {

std::span<const Target> Targets() {
  // Copied once, so that each lives in its host's folder.
  static const Target targets[] = {
      hosts::kClaudeCodeTarget, hosts::kCodexTarget,  hosts::kClineTarget,   hosts::kOpenCodeTarget,
      hosts::kPiTarget,         hosts::kGeminiTarget, hosts::kCopilotTarget, hosts::kQwenTarget,
  };
  return targets;
}

}  // namespace selftune::install

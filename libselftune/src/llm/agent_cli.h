// Model calls through the user's own agent CLI.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/error.h"
#include "base/time.h"
#include "llm/agent_argv.h"
#include "llm/backend.h"

namespace selftune::llm {

// An installed agent and what its help says it can do.
struct InstalledAgent {
  Agent agent = Agent::kClaude;
  std::string binary;       // absolute path
  std::string fingerprint;  // of path, size and modification time: key of cached facts
  std::string version;      // first line of --version, "" = unknown
  FlagSet flags;
};

// Absolute path of `agent` on env's PATH; "" if not installed.
[[nodiscard]] std::string FindAgent(Agent agent, const base::Environment& env);
// Path, size and modification time as one text.
[[nodiscard]] StatusOr<std::string> BinaryFingerprint(const std::string& binary);
// Asks the CLI for its version and help: two short processes, in a fresh private
// directory below `temp_parent`.
[[nodiscard]] StatusOr<InstalledAgent> ProbeAgent(Agent agent, const std::string& binary,
                                                  const base::Environment& env,
                                                  const std::string& temp_parent);

// Removes working directories of calls whose process died long ago.
void RemoveAbandoned(const std::string& temp_parent, UtcMillis now);

// Runs one process a call in a fresh private directory below `temp_parent`,
// which is removed afterwards. Thread-safe.
class AgentCliBackend final : public Backend {
 public:
  AgentCliBackend(InstalledAgent agent, base::Environment env, std::string temp_parent)
      : agent_(std::move(agent)), env_(std::move(env)), temp_parent_(std::move(temp_parent)) {}

  [[nodiscard]] std::string_view name() const override { return CommandOf(agent_.agent); }
  [[nodiscard]] std::string_view version() const override { return agent_.version; }
  [[nodiscard]] StatusOr<LlmReply> Call(const LlmRequest& request) override;

 private:
  InstalledAgent agent_;
  base::Environment env_;
  std::string temp_parent_;
};

}  // namespace selftune::llm

// Which model answers: the embedding program's handler, else the agent that was
// asked for, else the configured one, else the first one installed.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/error.h"
#include "base/time.h"
#include "llm/agent_argv.h"
#include "llm/backend.h"
#include "llm/handler_backend.h"
#include "store/db.h"

namespace selftune::llm {

struct ChooseOptions {
  const Handler* handler = nullptr;  // of the embedding program, may be null
  std::string agent;                 // parameter; "" = SELFTUNE_AGENT, then `configured`
  std::string configured;            // of config.json, "" = any
  std::string temp_parent;           // folder for private working directories; ours alone
                                     // where `remember` is set: it is tidied up
  bool remember = true;              // false in a dry run: nothing is written
};

// The agent a call would go to, without asking it anything. AGENT_NOT_FOUND
// (details: what was searched), INVALID_FLAG, UNSUPPORTED_TYPE.
[[nodiscard]] StatusOr<Agent> ChooseAgent(const base::Environment& env,
                                          const ChooseOptions& options);

// Ready to call. `db` (may be null) remembers what the installed CLI can do, so
// that it is asked once per version.
[[nodiscard]] StatusOr<std::unique_ptr<Backend>> ChooseBackend(const base::Environment& env,
                                                               const ChooseOptions& options,
                                                               store::Db* db, UtcMillis now);

}  // namespace selftune::llm

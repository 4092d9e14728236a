// Which model answers: the embedding program's handler, else the server that was
// configured for llm_mode "api", else the agent that was asked for, else the
// configured one, else the first one installed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/error.h"
#include "base/time.h"
#include "llm/agent_argv.h"
#include "llm/api_settings.h"
#include "llm/backend.h"
#include "llm/handler_backend.h"
#include "store/db.h"

namespace selftune::llm {

struct ChooseOptions {
  const Handler* handler = nullptr;  // of the embedding program, may be null
  std::string agent;                 // parameter; "" = SELFTUNE_AGENT, then `configured`
  std::string configured;            // of config.json, "" = any
  std::optional<ApiSettings> api;    // instead of an agent
  bool no_network = false;           // of the engine: `api` is an error
  std::string temp_parent;           // folder for private working directories; ours alone
                                     // where `remember` is set: it is tidied up
  bool remember = true;              // false in a dry run: nothing is written
};

// Who a call would go to ("claude", "handler", "anthropic"), without asking
// anything. AGENT_NOT_FOUND (details: what was searched), INVALID_FLAG,
// UNSUPPORTED_TYPE; AUTH_MISSING and API_ERROR of a server.
[[nodiscard]] StatusOr<std::string> NameBackend(const base::Environment& env,
                                                const ChooseOptions& options);

// The program that would be started, "" when it is a handler or a server, or there is none.
[[nodiscard]] std::string BackendProgram(const base::Environment& env,
                                         const ChooseOptions& options);

// Ready to call. `db` (may be null) remembers what the installed CLI can do, so
// that it is asked once per version, and what a server refuses; it and `clock`
// must outlive the result.
[[nodiscard]] StatusOr<std::unique_ptr<Backend>> ChooseBackend(const base::Environment& env,
                                                               const ChooseOptions& options,
                                                               store::Db* db, const Clock& clock);

}  // namespace selftune::llm

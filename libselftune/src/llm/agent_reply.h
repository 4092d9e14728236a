// What an agent CLI printed, read as an answer or as a classified failure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/process.h"
#include "llm/agent_argv.h"
#include "llm/backend.h"

namespace selftune::llm {

// `reply_file_text`: content of CallFiles::reply_file, "" when absent.
[[nodiscard]] StatusOr<LlmReply> ReadAgentReply(Agent agent, const base::ProcessResult& result,
                                                std::string_view reply_file_text);

// The failure behind an error text of an agent: AUTH_MISSING, RATE_LIMITED,
// CONTEXT_TOO_LONG, API_ERROR ... `http_status` 0 = not known.
[[nodiscard]] Status ClassifyFailure(std::string_view agent, std::string_view text,
                                     int http_status);

}  // namespace selftune::llm

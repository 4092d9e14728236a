// Envelopes that the command makes itself: of calls that failed, and of
// commands that ask the library nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/json.h"

namespace selftune::cli {

struct Failure {
  std::string code;
  std::string message;
  std::string suggestion;  // "" = null
  bool retryable = false;
  int exit_code = 1;
  std::string details;                 // a JSON object, "" = null
  std::vector<std::string> next_argv;  // empty = that of the code
};

// From the error object of the library.
[[nodiscard]] Failure FailureOf(const Json& error);
[[nodiscard]] Failure UsageFailure(std::string code, std::string message, std::string suggestion);

// With the next step of its code where the failure names none.
[[nodiscard]] std::string FailureEnvelope(std::string_view command, std::string_view schema,
                                          const Failure& failure, bool dry_run);
[[nodiscard]] std::string OwnEnvelope(std::string_view command, std::string_view schema,
                                      std::string_view data_json);

// Keeps only the named parts of data ("skills.name,window"); what data lacks
// becomes a warning UNKNOWN_FIELD.
[[nodiscard]] Json KeepFields(const Json& envelope, std::string_view fields);

}  // namespace selftune::cli

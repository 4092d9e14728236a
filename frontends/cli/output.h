// What a command says, by the output rule: text, or an envelope.
#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"
#include "cli/envelope.h"
#include "cli/json.h"

namespace selftune::cli {

// Prints an envelope by the output rule and returns its exit code. `render`
// may be empty (RenderFields).
[[nodiscard]] int Finish(const Invocation& invocation, const std::string& envelope,
                         RenderFn render);

// Prints a failure: envelope on stdout where JSON is due, a line on stderr.
[[nodiscard]] int FinishFailure(const Invocation& invocation, std::string_view command,
                                std::string_view schema, const Failure& failure);

// The parts of it. Text of a reply, as a terminal shows it; "" without data.
[[nodiscard]] std::string TextOf(const Invocation& invocation, const Json& envelope,
                                 RenderFn render);
// The document, with the fields that are asked for.
[[nodiscard]] std::string JsonOf(const Invocation& invocation, const std::string& text,
                                 const Json& envelope);
// "selftune: CODE: message (suggestion); next: command", a line.
[[nodiscard]] std::string Explained(const Json& envelope);
[[nodiscard]] int ExitCodeOf(const Json& envelope, const Args& args);
// Says that stdout cannot be written to; the exit code of that.
[[nodiscard]] int NotWritten();

inline constexpr std::string_view kErrorSchema = "selftune/error@1";

}  // namespace selftune::cli

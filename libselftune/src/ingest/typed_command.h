// "/name args" typed as a prompt, which a host may pass on as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace selftune::ingest {

struct TypedCommand {
  std::string_view name;  // "" = the text is no command
  std::string_view args;
};
[[nodiscard]] TypedCommand ReadTypedCommand(std::string_view text);

// The key of the fact that prompt `seq` asks for the skill so.
[[nodiscard]] std::string RequestKey(int32_t seq, std::string_view name);

}  // namespace selftune::ingest

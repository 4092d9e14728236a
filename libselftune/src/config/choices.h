// The words that settings take: what is parsed, named in messages and offered to a shell.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace selftune::config {

using Words = std::span<const std::string_view>;

[[nodiscard]] Words AutonomyWords();
[[nodiscard]] Words GuardsWords();
[[nodiscard]] Words SuggestionsWords();
[[nodiscard]] Words SkillAutonomyWords();
[[nodiscard]] Words LlmModeWords();
[[nodiscard]] Words ProviderWords();

// "off, advise or block"
[[nodiscard]] std::string EitherOf(Words words);

}  // namespace selftune::config

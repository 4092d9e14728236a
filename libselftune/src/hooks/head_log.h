// What a repository's log of its HEAD says in words: the hook reads its file, sync asks
// git for it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace selftune::hooks {

inline constexpr size_t kMaxTitle = 500;
inline constexpr size_t kMaxName = 500;  // bytes of a branch or a remote; longer ones are none

// The whole name of a commit.
[[nodiscard]] bool IsSha(std::string_view text);

// Not inside of a character.
[[nodiscard]] std::string Cut(std::string_view text, size_t most);

// "commit: title", "commit (amend): title", "merge topic: Merge made by ...": what
// was committed; nullopt for moves (checkout, reset, fast-forward).
[[nodiscard]] std::optional<std::string> TitleOf(std::string_view message);

// "main" of "checkout: moving from main to topic": what was checked out before; nullopt
// for other messages.
[[nodiscard]] std::optional<std::string> LeftBranch(std::string_view message);

// An address without a user's name and password.
[[nodiscard]] std::string WithoutUser(std::string_view url);

}  // namespace selftune::hooks

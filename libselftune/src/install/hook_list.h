// The hooks of a settings file as people and tools write them: ours put in and
// taken out, everybody else's left byte for byte.
//
//   {"hooks": {"<Event>": [{"matcher": "...", "hooks": [{"type": "command", "command": "..."}]}]}}
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_value.h"
#include "install/json_text.h"

namespace selftune::install {

// One group of ours, with one handler.
struct WantedHook {
  std::string event;      // the host's name: "UserPromptSubmit"
  base::JsonValue group;  // {"matcher"?, "hooks": [{"type","command",...}]}
};

struct HookFileRules {
  JsonDialect dialect = JsonDialect::kPlain;
  // A foreign hook is known by its place: groups never move, ours leave an empty
  // one behind where others follow.
  bool positional = false;
};

// What the program is called that hooks start.
inline constexpr std::string_view kShimName = "selftune-hook";

// How a command begins that is the same on every machine: of settings that a team
// shares. Where there is no such program nothing happens.
inline constexpr std::string_view kSharedStart =
    "command -v selftune-hook >/dev/null 2>&1 && selftune-hook ";

// The shim's path in a command line that starts it, also behind variables and such
// as `timeout 5`; "" for any other.
[[nodiscard]] std::string ShimIn(std::string_view command);
// A command line that starts our shim, or the reference's hooks.
[[nodiscard]] bool IsOurCommand(std::string_view command);

// A handler found in a file.
struct FoundHook {
  std::string event, matcher, command;
  size_t group = 0, handler = 0;  // where it stands
  bool ours = false;
};
// SETTINGS_INVALID when the text cannot be read or `hooks` is no such list.
[[nodiscard]] StatusOr<std::vector<FoundHook>> FindHooks(std::string_view text,
                                                         const HookFileRules& rules,
                                                         std::string_view path);

struct HookEdit {
  std::string text;
  bool changed = false;
  // Containers that were made: "hooks", "hooks.Stop". Taken out again when empty.
  std::vector<std::string> made;
  int added = 0, updated = 0, removed = 0;  // handlers
};

// The text with exactly the hooks of `wanted` as ours. Blank text is an empty
// document. What is right already is not touched.
[[nodiscard]] StatusOr<HookEdit> WithHooks(std::string_view text,
                                           const std::vector<WantedHook>& wanted,
                                           const HookFileRules& rules, std::string_view path);

// The text without ours. `made`: the containers that may go when they are empty,
// nullptr = every one that the removal made empty.
[[nodiscard]] StatusOr<HookEdit> WithoutHooks(std::string_view text, const HookFileRules& rules,
                                              const std::vector<std::string>* made,
                                              std::string_view path);

// Every hook of `wanted` is there once, and no other of ours.
[[nodiscard]] StatusOr<bool> HasExactly(std::string_view text,
                                        const std::vector<WantedHook>& wanted,
                                        const HookFileRules& rules, std::string_view path);

}  // namespace selftune::install

// Which prompts a person typed. Hosts store tool results, hook output, skill
// bodies and our own model calls as user messages, too; these rules recognise
// them by their text where the host has no flag for it (rules 1 to 5 of the
// query filter; `eval/hygiene.h` adds the ones against injection and secrets).
#pragma once

#include <cstdint>
#include <string_view>

namespace selftune::signals {

enum class HygieneVerdict : uint8_t {
  kKeep,
  kDrop,        // no person said this
  kQuarantine,  // kept in the store, never put into an eval set or a model prompt
};

// "keep", "drop", "quarantine".
[[nodiscard]] std::string_view Word(HygieneVerdict verdict);

struct Hygiene {
  HygieneVerdict verdict = HygieneVerdict::kKeep;
  std::string_view category;  // why not kept: "hook_output", ...; empty if kept
  std::string_view text;      // what the person typed; points into the query
};

// Every prompt of our own starts with this (llm/fence.h).
inline constexpr std::string_view kSentinelPrefix = "[selftune:internal";

// Rules 1 to 5: strips leading wrapper elements, then drops what is left if it
// is no person's text.
[[nodiscard]] Hygiene CheckAuthor(std::string_view query);

}  // namespace selftune::signals

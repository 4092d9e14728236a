// How a query addresses a skill: by name, by the bare task, or by a task in
// its real-world detail.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace selftune::eval {

// The label of an eval entry. Not to be mixed up with the mode of a live use
// (store/vocabulary.h): there is no conversion on purpose.
enum class InvocationType : uint8_t {
  kExplicit,
  kImplicit,
  kContextual,
  kNegative,  // an intent; never computed from the text
};

[[nodiscard]] std::string_view Word(InvocationType type);

struct InvocationLabel {
  InvocationType type = InvocationType::kImplicit;
  std::string_view rule;  // "E1".."E6", "C1".."C6", "I": what the label rests on
};

// First rule that fires, in the order explicit, contextual, implicit.
// `generic_names` are further skill names that are everyday words, in lower
// case: they count as addressed only with a sigil or the word "skill".
[[nodiscard]] InvocationLabel ClassifyInvocation(std::string_view query, std::string_view skill,
                                                 std::span<const std::string> generic_names = {});

}  // namespace selftune::eval

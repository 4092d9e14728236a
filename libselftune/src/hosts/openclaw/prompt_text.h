// Who wrote a text in user role, and what of it a person typed.
#pragma once

#include <string>
#include <string_view>

namespace selftune::hosts::openclaw {

enum class Author { kPerson, kAgent, kHost };

struct PromptText {
  Author author = Author::kPerson;
  std::string text;  // without what the host put around it
};

// `provenance`: who the host says it is, "" = it does not. `channel`: of the
// session, "" = none; its messages begin with an envelope.
[[nodiscard]] PromptText ReadPromptText(std::string_view stored, std::string_view provenance,
                                        std::string_view channel);

}  // namespace selftune::hosts::openclaw

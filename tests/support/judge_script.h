// Answers of a model that can be foreseen, made from the prompt it was given.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/json_value.h"
#include "base/strings.h"

namespace selftune::testing {

// Text of the fenced block of this source; "null" without one.
inline std::string Block(const std::string& prompt, const std::string& source) {
  const size_t head = prompt.find("source=\"" + source + "\">\n");
  if (head == std::string::npos) return "null";
  const size_t begin = prompt.find('\n', head) + 1;
  return prompt.substr(begin, prompt.find("\n</untrusted-", begin) - begin);
}

// YES when the description and the query share one of the words of interest.
inline std::string JudgeAnswer(const std::string& prompt) {
  const std::string description =
      base::AsciiLower(base::JsonValue::Parse(Block(prompt, "description"))->AsString());
  const auto queries = base::JsonValue::Parse(Block(prompt, "queries"));
  std::string out;
  for (const base::JsonValue& query : queries->items()) {
    bool yes = false;
    for (const char* word : {"invoice", "receipt", "timetable", "documents"}) {
      yes |= description.find(word) != std::string::npos &&
             base::AsciiLower(query["query"].AsString()).find(word) != std::string::npos;
    }
    out += fmt::format("{}. {}\n", query["n"].AsInt(), yes ? "YES" : "NO");
  }
  return out;
}

inline std::string Proposal(std::string_view text) {
  return fmt::format(R"({{"critique":"c","proposed_description":"{}","rationale":"r",)"
                     R"("confidence":0.9,"expected_gains":[]}})",
                     text);
}

}  // namespace selftune::testing

// Takes out of a text what must not leave the machine: secrets, the home
// directory, e-mail addresses.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::llm {

struct SecretSpan {
  size_t begin = 0;
  size_t end = 0;
  std::string_view kind;  // "api_key", "github_token", "aws_key", ...
};

// Keys and tokens with a recognisable form, in text order, not overlapping:
// sk-..., GitHub, AWS and Slack tokens, private keys, JSON web tokens. Linear.
[[nodiscard]] std::vector<SecretSpan> FindSecrets(std::string_view text);
// Also one with invisible characters in it.
[[nodiscard]] bool HasSecret(std::string_view text);

struct RedactOptions {
  std::string_view home;  // becomes "~"; "" = leave
  bool emails = false;    // become "[email]"
};

// Secrets become "[secret:<kind>]". Where one shows only without the characters that nobody sees,
// those are gone from the whole text (NormalizeUntrusted).
[[nodiscard]] std::string Redact(std::string_view text, const RedactOptions& options);

}  // namespace selftune::llm

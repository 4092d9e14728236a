// Puts untrusted text into a prompt so that it stays data: a marker line that
// says the prompt is ours, and a fence whose name the text cannot know.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/crypto.h"

namespace selftune::llm {

// "[selftune:internal v1 purpose=<p> run=<id>]": first line of every prompt we
// send. Ingest drops a session whose first message starts with it.
[[nodiscard]] std::string SentinelLine(std::string_view purpose, std::string_view run_id);

// 16 hex characters; one per call.
[[nodiscard]] std::string MakeNonce();
[[nodiscard]] std::string MakeNonce(base::Rng& rng);  // repeatable

// Text as a model may see it: valid UTF-8 in NFC without invisible and
// direction-changing characters; LF and TAB are kept, CR LF becomes LF, other
// control characters become "\uXXXX".
[[nodiscard]] std::string NormalizeUntrusted(std::string_view text);

struct FenceOptions {
  std::string_view source;  // what the text is: "query", "transcript"
  bool datamark = false;    // prefix each line: for tool results and web text
  size_t max_bytes = 0;     // cut longer text before fencing; 0 = no limit
};

// "<untrusted-NONCE source="...">\nTEXT\n</untrusted-NONCE>", TEXT normalised
// and without anything that looks like the nonce or a fence: exactly one
// opening and one closing fence are visible, whatever `text` holds.
[[nodiscard]] std::string Fence(std::string_view text, std::string_view nonce,
                                const FenceOptions& options);

// The normalised text inside a fence made by Fence() without datamark; "" if
// `fenced` is no fence with this nonce.
[[nodiscard]] std::string Unfence(std::string_view fenced, std::string_view nonce);

// To be said before the first and after the last fence of a prompt.
[[nodiscard]] std::string_view FenceNotice();
[[nodiscard]] std::string_view FenceReminder();

// Does a reply repeat the nonce or a fence? Then it is not to be trusted.
[[nodiscard]] bool MentionsFence(std::string_view reply, std::string_view nonce);

}  // namespace selftune::llm

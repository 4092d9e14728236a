// Keys that hook and transcript compute alike, so that their rows meet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/vocabulary.h"

namespace selftune::store {

// 16 bytes. `nth`: how many earlier prompts of the session have this text.
[[nodiscard]] std::string PromptKey(std::string_view platform, std::string_view session_id,
                                    std::string_view text, int64_t nth);

// 16 bytes. With a call id the call is the identity, whoever saw it; else the
// reader's key, which holds prompt, skill and count.
[[nodiscard]] std::string OccurrenceKey(std::string_view platform, std::string_view session_id,
                                        std::string_view key, bool key_is_call_id);

// 16 bytes: the one miss of a skill at a prompt.
[[nodiscard]] std::string MissedKey(std::string_view platform, std::string_view session_id,
                                    int32_t prompt_seq, std::string_view skill_key);

// 16 bytes each: a session, and a text in it, that shall not be kept.
[[nodiscard]] std::string ForgottenSessionKey(std::string_view platform,
                                              std::string_view session_id);
[[nodiscard]] std::string ForgottenTextKey(std::string_view platform, std::string_view session_id,
                                           std::string_view text);

// "<session id>:p<seq>".
[[nodiscard]] std::string PromptPublicId(std::string_view session_id, int32_t seq);

// Strength of a capture's word on the same fact; higher wins.
[[nodiscard]] int RankOf(Capture capture);

// Bit of prompt.seen_mask.
[[nodiscard]] int SeenBit(Capture capture);

}  // namespace selftune::store

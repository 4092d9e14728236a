#include "store/identity.h"

#include <string>
#include <string_view>

#include "base/crypto.h"

namespace selftune::store {

std::string PromptKey(std::string_view platform, std::string_view session_id, std::string_view text,
                      int64_t nth) {
  return base::FieldHash("p1")
      .Add(platform)
      .Add(session_id)
      .Add(text)
      .Add(std::to_string(nth))
      .Key16();
}

std::string OccurrenceKey(std::string_view platform, std::string_view session_id,
                          std::string_view key, bool key_is_call_id) {
  return base::FieldHash(key_is_call_id ? "t" : "c").Add(platform).Add(session_id).Add(key).Key16();
}

std::string MissedKey(std::string_view platform, std::string_view session_id, int32_t prompt_seq,
                      std::string_view skill_key) {
  return base::FieldHash("m")
      .Add(platform)
      .Add(session_id)
      .Add(std::to_string(prompt_seq))
      .Add(skill_key)
      .Key16();
}

std::string ForgottenSessionKey(std::string_view platform, std::string_view session_id) {
  return base::FieldHash("f0").Add(platform).Add(session_id).Key16();
}

std::string ForgottenTextKey(std::string_view platform, std::string_view session_id,
                             std::string_view text) {
  return base::FieldHash("f1").Add(platform).Add(session_id).Add(text).Key16();
}

std::string PromptPublicId(std::string_view session_id, int32_t seq) {
  std::string id;
  id.reserve(session_id.size() + 8);
  id.append(session_id).append(":p").append(std::to_string(seq));
  return id;
}

int RankOf(Capture capture) {
  switch (capture) {
    case Capture::kTranscript:
      return 5;
    case Capture::kWrapper:
    case Capture::kBatch:
      return 4;
    case Capture::kHook:
      return 3;
    case Capture::kRepair:
      return 2;
    case Capture::kLegacy:
    case Capture::kLabel:
      return 1;
  }
  return 0;
}

int SeenBit(Capture capture) {
  switch (capture) {
    case Capture::kTranscript:
      return 1;
    case Capture::kHook:
      return 2;
    case Capture::kWrapper:
    case Capture::kBatch:
      return 4;
    case Capture::kRepair:
    case Capture::kLegacy:
    case Capture::kLabel:
      return 8;
  }
  return 0;
}

}  // namespace selftune::store

// Text functions accept any bytes and give valid, bounded UTF-8.
#include <string>

#include "base/text_similarity.h"
#include "base/utf8.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  const std::string_view text = fuzz::AsText(data, size);
  const std::string valid = base::ToValidUtf8(text);
  fuzz::Require(base::IsValidUtf8(valid), "repaired text is valid");
  fuzz::Require(!base::IsValidUtf8(text) || valid == text, "valid text is left alone");
  fuzz::Require(base::ToValidUtf8(valid) == valid, "repairing twice changes nothing");
  const std::string_view head = base::FirstCodePoints(valid, 10);
  fuzz::Require(base::IsValidUtf8(head) && base::CountCodePoints(head) <= 10,
                "a prefix ends at a code point");
  fuzz::Require(base::IsValidUtf8(base::EscapeControls(valid)), "escaped text is valid");
  (void)base::Nfc(text);
  (void)base::UnicodeLower(text);
  if (size < 300) {
    const double distance = base::NormalizedLevenshtein(valid, head);
    fuzz::Require(distance >= 0 && distance <= 1, "a distance is a share");
  }
  (void)base::WordTokens(text);
  return 0;
}

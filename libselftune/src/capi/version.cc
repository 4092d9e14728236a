#include "capi/version.h"

#include <algorithm>

#include "net/transport.h"
#include "selftune/selftune.h"

namespace selftune::capi {
namespace {

constexpr std::string_view kFeatures[] = {"arrow", "http", "jobs", "llm-handler", "subscribe"};
constexpr std::string_view kWithoutHttp[] = {"arrow", "jobs", "llm-handler", "subscribe"};

// kVersion is what texts show; it must be the version of the header.
constexpr bool Matches(std::string_view text, int major, int minor, int patch) {
  const int parts[] = {major, minor, patch};
  size_t at = 0;
  for (int i = 0; i < 3; ++i) {
    if (i > 0) {
      if (at >= text.size() || text[at] != '.') return false;
      ++at;
    }
    int number = 0;
    while (at < text.size() && text[at] != '.') {
      number = number * 10 + (text[at] - '0');
      ++at;
    }
    if (number != parts[i]) return false;
  }
  return at == text.size();
}
static_assert(Matches(kVersion, SELFTUNE_VERSION_MAJOR, SELFTUNE_VERSION_MINOR,
                      SELFTUNE_VERSION_PATCH));

}  // namespace

uint32_t AbiVersion() {
  return SELFTUNE_VERSION_MAJOR << 16 | SELFTUNE_VERSION_MINOR << 8 | SELFTUNE_VERSION_PATCH;
}

std::span<const std::string_view> Features() {
  if (net::HasClient()) return kFeatures;
  return kWithoutHttp;
}

}  // namespace selftune::capi

extern "C" {

uint32_t selftune_abi_version(void) { return selftune::capi::AbiVersion(); }

const char* selftune_version(void) { return selftune::capi::kVersion.data(); }

int32_t selftune_has(const char* feature) {
  if (feature == nullptr) return 0;
  const auto all = selftune::capi::Features();
  return std::find(all.begin(), all.end(), feature) != all.end() ? 1 : 0;
}

}  // extern "C"

// How much of a test that repeats itself a build goes through. A sanitizer
// looks at how memory and threads are used, which a few rounds show as well as
// all; that every round ends well is what the build without one shows.
#pragma once

namespace selftune::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

constexpr int Rounds(int all) { return kSanitized ? (all + 4) / 5 : all; }

}  // namespace selftune::testing

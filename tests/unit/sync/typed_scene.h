// Sessions of Claude Code whose people typed something, and the skill that they talk about.
#pragma once

#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/time.h"
#include "store/integrity.h"
#include "unit/sync/sync_fixture.h"

namespace selftune::sync::testing {

inline constexpr UtcMillis kBegin{1'789'999'000'000};
inline constexpr std::string_view kSkill = ".claude/skills/zeta-check/SKILL.md";
inline constexpr std::string_view kSkillText =
    "---\nname: zeta-check\ndescription: Does it.\n---\nx\n";

// The n-th second after all began.
inline UtcMillis After(int n) { return {kBegin.value + 1000 * n}; }

// Of session `n`, one digit.
inline std::string IdOf(int n) { return fmt::format("{}3333333-2222-4222-8222-222222222222", n); }
inline std::string PathOf(int n) { return fmt::format(".claude/projects/-w/{}.jsonl", IdOf(n)); }

// A line of its transcript: what a person typed at second `n`.
inline std::string Line(int session, int n, std::string_view prompt) {
  return fmt::format(
      R"({{"uuid":"u{0}-{1}","parentUuid":null,"sessionId":"{2}","timestamp":"{3}","cwd":"/w",)"
      R"("version":"2.1.330","isSidechain":false,"userType":"external","type":"user",)"
      R"("promptSource":"typed","message":{{"role":"user","content":"{4}"}}}})"
      "\n",
      session, n, IdOf(session), FormatRfc3339(After(n)), prompt);
}

inline void CheckWhole(SyncHome& home) {
  const store::CheckReport report = Must(store::CheckStore(*home.db, {.deep = true}));
  CHECK_MESSAGE(report.ok(), report.problems.front().message);
}

}  // namespace selftune::sync::testing

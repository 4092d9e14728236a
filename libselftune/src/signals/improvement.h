// Finds what a prompt says about skills: that one should have been used, that
// one was not wanted, that one is asked for.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "signals/kind.h"

namespace selftune::signals {

struct Signal {
  SignalKind kind = SignalKind::kCorrection;
  std::string skill;      // as installed if resolved, else as typed
  bool resolved = false;  // names an installed skill

  friend bool operator==(const Signal&, const Signal&) = default;
};

// Only this much of a prompt is looked at.
inline constexpr size_t kMaxSignalBytes = 8 * 1024;

// Signals of one prompt in text order, each (kind, skill) once. `installed`
// holds the skills of all hosts as the hosts write them ("acme:billing").
//
// Linear in the prompt: one pass cuts it into words, one pass looks for
// complaints, one for requests; no look-back goes further than a few dozen
// words. Quoted speech, code and lines starting with '>' do not count.
[[nodiscard]] std::vector<Signal> DetectSignals(std::string_view prompt,
                                                std::span<const std::string> installed);

}  // namespace selftune::signals

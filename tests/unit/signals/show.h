// Signals as a short text.
#pragma once

#include <string>
#include <vector>

#include "signals/improvement.h"

namespace selftune::signals {

// "correction:commit+ unwanted:pdf-": '+' resolved, '-' not.
inline std::string Show(const std::vector<Signal>& signals) {
  std::string out;
  for (const Signal& s : signals) {
    if (!out.empty()) out += ' ';
    out += std::string(Word(s.kind)) + ":" + s.skill + (s.resolved ? "+" : "-");
  }
  return out;
}

}  // namespace selftune::signals

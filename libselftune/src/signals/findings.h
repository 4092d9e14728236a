// Signals of one prompt while they are being collected: a name counts for the
// first pattern that takes it.
#pragma once

#include <cstddef>
#include <vector>

#include "signals/kind.h"
#include "signals/phrase.h"

namespace selftune::signals {

struct Finding {
  SignalKind kind;
  NameMatch name;
};

class Findings {
 public:
  explicit Findings(size_t words) : taken_(words, false) {}

  [[nodiscard]] bool IsTaken(const NameMatch& name) const { return taken_[name.begin]; }

  void Take(SignalKind kind, const NameMatch& name) {
    if (taken_[name.begin]) return;
    taken_[name.begin] = true;
    list_.push_back({kind, name});
  }

  [[nodiscard]] std::vector<Finding>& list() { return list_; }

 private:
  std::vector<bool> taken_;
  std::vector<Finding> list_;
};

}  // namespace selftune::signals

// Rules that switch an extension on and off by the folder that a session runs in, and what
// they make of its skills.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <absl/functional/function_ref.h>

#include "hosts/common/reached.h"
#include "hosts/common/root_list.h"
#include "hosts/registry.h"

namespace selftune::hosts {

// What settings say of an extension in one directory.
struct Verdict {
  std::string settings = {};  // the file that keeps it out, "" = none does
  bool unknown = false;       // or may do so: it is not understood

  [[nodiscard]] bool off() const { return !settings.empty() && !unknown; }
};

// Whether a rule without its `!` holds in a directory: `*` stands for any
// text, `/*` for none or for what is below.
[[nodiscard]] PatternMatch RuleHolds(std::string_view rule, std::string_view dir);

// Of the rules that hold in a directory the last counts; one with `!` switches off.
struct RuleVerdict {
  bool off = false;
  bool holds = false;    // one of the rules does
  bool unknown = false;  // the effort is used up, and more rules may hold
};
[[nodiscard]] RuleVerdict LastRule(std::span<const std::string> rules, std::string_view dir,
                                   Effort& effort);

// Off where every session is, or in some projects. `verdict_in`: for sessions in a directory.
void MarkOff(const RootQuery& query, absl::FunctionRef<Verdict(const std::string&)> verdict_in,
             skillfs::NamedRoot& root);

}  // namespace selftune::hosts

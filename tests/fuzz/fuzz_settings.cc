// Hooks put into any settings and taken out again: what is not ours means the same
// and stays where it is.
#include <algorithm>
#include <string>

#include "hooks/hosts.h"
#include "input.h"
#include "install/hook_list.h"
#include "install/json_text.h"
#include "install/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune::install;
  using selftune::fuzz::Require;
  if (size == 0) return 0;
  const HookFileRules rules{
      .dialect = (data[0] & 1) != 0 ? JsonDialect::kComments : JsonDialect::kPlain,
      .positional = (data[0] & 2) != 0};
  const std::string text(selftune::fuzz::AsText(data + 1, size - 1));
  const auto wanted = GroupsOf(*selftune::hooks::FindHost("claude"), "/opt/selftune-hook");
  const auto in = WithHooks(text, wanted, rules, "x");
  if (!in.ok()) return 0;
  const auto again = WithHooks(in->text, wanted, rules, "x");
  Require(again.ok() && !again->changed, "twice is once");
  const auto out = WithoutHooks(in->text, rules, &in->made, "x");
  Require(out.ok(), "what was put in can be taken out");
  const auto left = FindHooks(out->text, rules, "x");
  Require(left.ok() && std::none_of(left->begin(), left->end(),
                                    [](const FoundHook& hook) { return hook.ours; }),
          "none of ours is left");
  const auto before = ParseJsonText(text, rules.dialect, "x");
  if (!before.ok() || in->updated + in->removed > 0 ||
      in->added != static_cast<int>(wanted.size())) {
    return 0;
  }
  const auto after = ParseJsonText(out->text, rules.dialect, "x");
  Require(after.ok() && ValueOf(out->text, *after) == ValueOf(text, *before),
          "the rest means the same");
  return 0;
}

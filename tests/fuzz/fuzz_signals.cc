// Any prompt can be read; what is found is well-formed, each once, and stays
// the same for the part of the prompt that counts.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "input.h"
#include "signals/hygiene.h"
#include "signals/improvement.h"
#include "signals/invocation_mode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  static const std::vector<std::string> kInstalled = {
      "commit", "code-review", "pdf", "acme:billing", "my-notes", "Research", "a.b_c", "skill"};
  const std::string_view prompt = fuzz::AsText(data, size);

  const std::vector<signals::Signal> found = signals::DetectSignals(prompt, kInstalled);
  std::set<std::pair<signals::SignalKind, std::string>> seen;
  for (const signals::Signal& signal : found) {
    fuzz::Require(!signal.skill.empty(), "a signal names a skill");
    fuzz::Require(seen.emplace(signal.kind, signal.skill).second, "each signal once");
    bool installed = false;
    for (const std::string& name : kInstalled) installed = installed || name == signal.skill;
    fuzz::Require(installed == signal.resolved || !signal.resolved, "resolved means installed");
  }
  fuzz::Require(signals::DetectSignals(prompt, kInstalled) == found, "the same every time");

  const signals::Hygiene hygiene = signals::CheckAuthor(prompt);
  const bool kept = hygiene.verdict == signals::HygieneVerdict::kKeep;
  fuzz::Require(kept == hygiene.category.empty(), "a reason exactly when dropped");
  fuzz::Require(hygiene.text.size() <= prompt.size(), "text is a part of the prompt");
  if (kept) {
    const signals::Hygiene again = signals::CheckAuthor(hygiene.text);
    fuzz::Require(again.text == hygiene.text, "stripping twice changes nothing");
  }
  for (const std::string& name : kInstalled) (void)signals::PromptNamesSkill(prompt, name);
  return 0;
}

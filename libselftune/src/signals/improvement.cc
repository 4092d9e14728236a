#include "signals/improvement.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "signals/complaint.h"
#include "signals/findings.h"
#include "signals/phrase.h"
#include "signals/prompt_text.h"
#include "signals/request.h"
#include "signals/skill_names.h"
#include "signals/words.h"

namespace selftune::signals {
namespace {

// Prompts that no person typed.
constexpr std::string_view kMachinePrefixes[] = {"<tool_result", "<function_result", "[Automated",
                                                 "[System"};

// "the A skill [and the B skill]" or "the A and B skills" at `i`.
std::vector<NameMatch> RequestedNames(const Phrase& p, size_t i) {
  std::vector<NameMatch> names;
  auto name = p.Name(i);
  if (!name) return names;
  if (!name->skill_word) {
    if (!name->resolved || !p.Joined(name->after, kAnd)) return names;
    const auto second = p.Name(name->after + 1);
    if (!second || !second->resolved || !p.Joined(second->after, kSkillsWord)) return names;
    return {*name, *second};
  }
  names.push_back(*name);
  while (p.Is(names.back().after, kAnd) && names.size() < 8) {
    const size_t next = p.Skip(names.back().after + 1, kAdverb | kFiller);
    name = p.Name(next);
    if (!name || !name->skill_word) break;
    names.push_back(*name);
  }
  return names;
}

// VERB|using|with|via [only] DET NAME skill.
void FindRequests(const Phrase& p, Findings& findings) {
  for (size_t i = 0; i < p.size(); ++i) {
    const bool verb = p.Is(i, kVerb);
    if (!verb && !p.Is(i, kPreposition)) continue;
    size_t at = i + 1;
    if (verb && p.Joined(at, kParticleOut)) ++at;
    const std::vector<NameMatch> names = RequestedNames(p, p.Skip(at, kAdverb));
    if (names.empty() || findings.IsTaken(names.front())) continue;
    if (!(verb ? VerbIsRequest(p, i) : PrepositionIsRequest(p, i))) continue;
    for (const NameMatch& name : names) findings.Take(SignalKind::kExplicitRequest, name);
  }
}

// "/NAME ..." or "$NAME ..." with NAME installed.
std::optional<size_t> ManualInvocation(std::string_view prompt, const SkillNames& names) {
  if (prompt.size() < 2 || (prompt[0] != '/' && prompt[0] != '$')) return std::nullopt;
  size_t end = 1;
  while (end < prompt.size() && !base::IsSpace(prompt[end])) ++end;
  const std::string_view name = prompt.substr(1, end - 1);
  if (base::IsSpace(prompt[1])) return std::nullopt;
  return names.Find(name);
}

void AddOnce(std::vector<Signal>& out, Signal signal) {
  const bool known = std::any_of(out.begin(), out.end(), [&](const Signal& s) {
    return s.kind == signal.kind && s.skill == signal.skill;
  });
  if (!known) out.push_back(std::move(signal));
}

}  // namespace

std::vector<Signal> DetectSignals(std::string_view prompt, std::span<const std::string> installed) {
  std::vector<Signal> out;
  prompt = base::Trim(prompt);
  for (const std::string_view prefix : kMachinePrefixes) {
    if (prompt.starts_with(prefix)) return out;
  }
  if (prompt.size() > kMaxSignalBytes) {
    prompt = prompt.substr(0, kMaxSignalBytes);
    while (!prompt.empty() && !base::IsSpace(prompt.back())) prompt.remove_suffix(1);
  }
  const SkillNames names(installed);
  if (const auto index = ManualInvocation(prompt, names)) {
    out.push_back({SignalKind::kManualInvocation, names[*index], /*resolved=*/true});
  }
  Prompt words;
  ReadPrompt(prompt, names, words);
  const Phrase phrase(words, names);
  Findings findings(phrase.size());
  FindComplaints(phrase, findings);
  FindRequests(phrase, findings);
  std::sort(findings.list().begin(), findings.list().end(),
            [](const Finding& a, const Finding& b) { return a.name.begin < b.name.begin; });
  for (Finding& found : findings.list()) {
    AddOnce(out, {found.kind, std::move(found.name.skill), found.name.resolved});
  }
  return out;
}

}  // namespace selftune::signals

#include "hooks/pending.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bitset>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "hooks/notes.h"
#include "hooks/small_file.h"
#include "hooks/suggestions.h"
#include "hooks/told.h"
#include "signals/improvement.h"
#include "signals/quick_look.h"

namespace selftune::hooks {
namespace {

bool IsThere(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

// Which letters and figures a prompt has, whatever their case.
std::bitset<256> Letters(std::string_view prompt) {
  std::bitset<256> out;
  for (const char c : prompt) out.set(static_cast<unsigned char>(base::ToLower(c)));
  return out;
}

// Can it be named with them? Of "acme:pdf" the last part is enough.
bool IsSpelledWith(const std::bitset<256>& letters, std::string_view name) {
  const size_t colon = name.rfind(':');
  if (colon != name.npos) name.remove_prefix(colon + 1);
  return std::ranges::all_of(name, [&](char c) {
    c = base::ToLower(c);
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    return !word || letters.test(static_cast<unsigned char>(c));
  });
}

// Those of the lines that the prompt may name: to look for all costs more than a hook may.
std::vector<std::string> NamesFor(std::string_view prompt, std::string_view lines) {
  const std::bitset<256> letters = Letters(prompt);
  std::vector<std::string> out;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    if (!line.empty() && IsSpelledWith(letters, line)) out.emplace_back(line);
  }
  return out;
}

bool TellsPrompts(const Host* host) {
  if (host == nullptr || host->subscriptions.empty()) return true;  // a plugin
  return std::ranges::any_of(host->subscriptions,
                             [](const Subscription& one) { return one.handler == "prompt-log"; });
}

}  // namespace

std::string NamesPath(std::string_view state_dir) {
  return std::string(state_dir) + "/hooks/skills";
}

std::string MarkPath(std::string_view state_dir) { return ToldDir(state_dir) + "/pending"; }

std::string SeenMarkPath(std::string_view state_dir) {
  return ToldDir(state_dir) + "/pending-seen";
}

Heard Listen(const World& world, const HookEvent& event) {
  Heard heard;
  if (world.state_dir.empty() || event.prompt.empty()) return heard;
  const bool runs = world.start != nullptr && !world.ci;
  heard.pending = runs && IsThere(MarkPath(world.state_dir));  // or somebody said it before
  if (!signals::MayHaveSignals(event.prompt)) return heard;
  const std::string notes = ReadNotes(world);
  const bool for_runs = runs && !heard.pending && !FindReactive(notes).program.empty();
  const bool for_agent = SuggestsCorrections(notes) && !event.prompt.starts_with(kInternalPrompt);
  if (!for_runs && !for_agent) return heard;
  const std::string lines = ReadSmall(NamesPath(world.state_dir), kMaxNames);
  if (lines.empty()) {
    heard.pending = heard.pending || for_runs;
    return heard;
  }
  const std::vector<std::string> names = NamesFor(event.prompt, lines);
  if (names.empty()) return heard;
  for (const signals::Signal& said : signals::DetectSignals(event.prompt, names)) {
    if (!said.resolved) continue;
    heard.pending = heard.pending || (for_runs && !Rests(notes, base::AsciiLower(said.skill)));
    const bool missed = for_agent && said.kind == signals::SignalKind::kCorrection;
    if (missed && heard.missed.empty()) heard.missed = said.skill;
  }
  return heard;
}

void RememberPending(const World& world) {
  mkdir(ToldDir(world.state_dir).c_str(), 0700);  // the folder above is there: the notes are in it
  const int fd =
      open(MarkPath(world.state_dir).c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
}

bool MayBePending(const World& world, const Host* host, std::string_view notes_json) {
  if (!SaysNothingPending(notes_json, world.now) || !TellsPrompts(host)) return true;
  return IsThere(MarkPath(world.state_dir)) || IsThere(SeenMarkPath(world.state_dir));
}

}  // namespace selftune::hooks

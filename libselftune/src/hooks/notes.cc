#include "hooks/notes.h"

#include <sys/stat.h>

#include <charconv>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/executable.h"
#include "base/json_scan.h"
#include "base/strings.h"
#include "hooks/pending.h"
#include "hooks/shell_line.h"
#include "hooks/small_file.h"
#include "hooks/suggestions.h"
#include "hooks/told.h"

namespace selftune::hooks {
namespace {

using base::JsonScan;
using base::JsonSpan;

constexpr size_t kMaxName = 64;
constexpr std::string_view kSkillFile = "SKILL.md";

int64_t ToInt(const JsonSpan& value) {
  int64_t number = 0;
  if (value.kind != JsonSpan::Kind::kNumber) return 0;
  std::from_chars(value.text.data(), value.text.data() + value.text.size(), number);
  return number;
}

// One caller of all in half an hour, however the clock divides them.
bool FirstInHalfHour(const World& world) {
  constexpr int64_t kSlotMs = 30 * 60 * 1000;
  const int64_t slot = world.now.value / kSlotMs;
  const std::string before = "run-" + std::to_string(slot - 1);
  if (WasTold(world, before)) {
    const std::string text = ToldText(world, before);
    int64_t at = slot * kSlotMs;  // it does not say when: at the end of its slot, then
    std::from_chars(text.data(), text.data() + text.size(), at);
    if (world.now.value - at < kSlotMs) return false;
  }
  return FirstToSay(world, "run-" + std::to_string(slot), std::to_string(world.now.value));
}

// "" = there is none.
std::string MarkAt(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return "";
  constexpr int64_t kSecondNs = 1'000'000'000;
  return MarkText(info.st_ino, static_cast<uint64_t>(info.st_size),
                  info.st_mtim.tv_sec * kSecondNs + info.st_mtim.tv_nsec);
}

// The program that a run would ask: the first of these names that is anywhere on PATH.
std::string FirstAgent(const World& world, std::string_view names) {
  for (const std::string_view name : base::Split(names, '\n')) {
    std::string program = base::FindExecutable(name, world.path);
    if (!program.empty()) return program;
  }
  return "";
}

// Without links, as the notes have it.
std::string RealPath(const std::string& path) {
  char buffer[PATH_MAX];
  return realpath(path.c_str(), buffer) != nullptr ? std::string(buffer) : path;
}

// The files that the call would write, those that may be a skill's.
std::vector<std::string> SkillFilesWritten(const HookEvent& event, std::string_view home) {
  std::vector<std::string> files;
  if (event.tool == ToolKind::kShell)
    files = WrittenFiles(event.command, event.cwd, home, kSkillFile);
  if (event.tool == ToolKind::kWrite && !event.path.empty()) {
    const bool whole = event.path.starts_with('/');
    files.push_back(whole ? event.path : ResolvePath(event.cwd, event.path));
  }
  // A patch comes through a tool of its own, or through a shell.
  const std::vector<std::string> patched = PatchedFiles(event.command, event.cwd, kSkillFile);
  files.insert(files.end(), patched.begin(), patched.end());
  std::erase_if(files, [](const std::string& path) { return !path.ends_with(kSkillFile); });
  return files;
}

Response AnswerGuard(const World& world, const HookEvent& event) {
  Response out;
  const bool named = event.path.find(kSkillFile) != event.path.npos ||
                     event.command.find(kSkillFile) != event.command.npos;
  if (world.guard_off || !named) return out;
  const std::vector<std::string> files = SkillFilesWritten(event, world.home);
  if (files.empty()) return out;
  const std::string notes = ReadNotes(world);
  if (notes.empty()) return out;
  std::optional<Guard> guard;
  for (const std::string& path : files) {
    guard = FindGuard(notes, RealPath(path), world.now);
    if (guard.has_value()) break;
  }
  if (!guard.has_value()) return out;
  const std::string watch = WatchCommand(guard->skill);
  const std::string why = "[selftune] The description of " + NameInWords(guard->skill) +
                          " was changed and is being watched; another change now would spoil the "
                          "comparison.";
  if (guard->block) {
    out.deny = true;
    out.context =
        why + " See how it does: " + watch +
        ". To edit all the same: selftune config set guards advise, or SELFTUNE_GUARD=off.";
    return out;
  }
  if (FirstToSay(world, ToldName(event.session_id, guard->skill))) {
    out.context = why + " See how it does first: " + watch;
  }
  return out;
}

}  // namespace

std::string NotesPath(std::string_view state_dir) {
  return std::string(state_dir) + "/hooks/notes.json";
}

std::string ReadNotes(const World& world) {
  return ReadSmall(NotesPath(world.state_dir), kMaxNotes);
}

JsonSpan FindNote(std::string_view object, std::string_view key) {
  JsonSpan found;
  JsonScan scan(object);
  while (scan.Next()) {
    if (scan.key().Is(key)) found = scan.value();
  }
  return scan.complete() ? found : JsonSpan{};
}

bool IsPlainName(std::string_view name) {
  constexpr std::string_view kMarks = "-_.:";
  if (name.empty() || name.size() > kMaxName || name.front() == '-') return false;
  for (const char c : name) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!word && kMarks.find(c) == std::string_view::npos) return false;
  }
  return true;
}

std::string NameInWords(std::string_view skill) {
  return IsPlainName(skill) ? "skill " + std::string(skill) : "a skill";
}

std::string WatchCommand(std::string_view skill) {
  std::string command = "selftune watch";
  if (IsPlainName(skill)) command.append(" --skill ").append(skill);
  return command;
}

std::optional<Guard> FindGuard(std::string_view notes_json, std::string_view path, UtcMillis now) {
  const JsonSpan guards = FindNote(notes_json, "guards");
  if (!guards.is_object()) return std::nullopt;
  const JsonSpan guard = FindNote(guards.text, path);
  if (!guard.is_object()) return std::nullopt;
  Guard out;
  out.skill = FindNote(guard.text, "skill").ToString();
  out.block = FindNote(guard.text, "mode").Is("block");
  out.until = UtcMillis{ToInt(FindNote(guard.text, "until_ms"))};
  if (out.skill.empty() || out.until.value <= now.value) return std::nullopt;
  return out;
}

BackgroundRun FindReactive(std::string_view notes_json) {
  BackgroundRun run;
  run.program = FindNote(notes_json, "reactive").ToString();
  if (!run.program.starts_with('/')) return {};
  run.review = FindNote(notes_json, "review").IsTrue();
  return run;
}

bool SaysNothingPending(std::string_view notes_json, UtcMillis now) {
  if (!FindNote(notes_json, "pending").IsFalse()) return false;
  const int64_t from = ToInt(FindNote(notes_json, "pending_from_ms"));
  return from == 0 || now.value < from;
}

bool Rests(std::string_view notes_json, std::string_view skill) {
  const std::string names = FindNote(notes_json, "resting").ToString();
  return names.find("\n" + std::string(skill) + "\n") != names.npos;
}

std::string MarkText(uint64_t inode, uint64_t bytes, int64_t mtime_ns) {
  return std::to_string(inode) + " " + std::to_string(bytes) + " " + std::to_string(mtime_ns);
}

bool RunsRest(const World& world, std::string_view notes_json) {
  const JsonSpan rest = FindNote(notes_json, "rest");
  if (!rest.is_object()) return false;
  const int64_t left = ToInt(FindNote(rest.text, "until_ms")) - world.now.value;
  if (left <= 0 || left > kDayMs) return false;  // over; or the clock was another one
  if (!FindNote(rest.text, "config").Is(MarkAt(world.state_dir + "/config.json"))) return false;
  // The run itself knows whom these name.
  if (world.mode_named) return false;
  const JsonSpan program = FindNote(rest.text, "program");
  if (!program.present()) return true;  // no program is asked
  if (world.agent_named) return false;
  return program.Is(MarkAt(FirstAgent(world, FindNote(rest.text, "agents").ToString())));
}

void React(const World& world, const Host* host, const HookEvent& event) {
  if (world.start == nullptr || world.state_dir.empty() || !event.agent_id.empty()) return;
  if (event.goes_on || world.ci) return;
  const std::string notes = ReadNotes(world);
  BackgroundRun run = FindReactive(notes);
  if (run.program.empty() || RunsRest(world, notes)) return;
  if (!MayBePending(world, host, notes)) return;
  if (BatteryIsLow(world.power_supplies) || !FirstInHalfHour(world)) return;
  run.state_dir = world.state_dir;
  world.start(run, world.start_user);
}

Response Answer(const World& world, const HookEvent& event, std::string_view missed) {
  if (world.state_dir.empty()) return {};
  if (event.type == EventType::kPreToolUse) return AnswerGuard(world, event);
  if (event.type == EventType::kPromptSubmit) return Suggest(world, event, missed);
  return {};
}

}  // namespace selftune::hooks

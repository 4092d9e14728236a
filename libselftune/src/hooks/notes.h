// What the library leaves for hooks to say: hooks open no store, so whoever changed
// something that concerns an agent writes it into one small file.
//
//   <state>/hooks/notes.json
//   {"guards": {"/home/dev/.claude/skills/pdf/SKILL.md":
//               {"skill": "pdf", "mode": "advise", "until_ms": 1795341058153}},
//    "hints": {"regression:dep-1": "..."}, "corrections": true,
//    "days": {"review": 14},
//    "reactive": "/usr/bin/selftune", "review": true, "pending": false,
//    "pending_from_ms": 1795341058153, "resting": "\npdf\n",
//    "rest": {"until_ms": 1795341058153, "config": "77 131 1795341058153000000",
//             "agents": "claude\ncodex\n", "program": "4711 1024 1795341058153000000"}}
//
// Said once (told.h); what with a prompt: suggestions.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json_scan.h"
#include "base/time.h"
#include "hooks/event.h"
#include "hooks/host.h"
#include "hooks/world.h"

namespace selftune::hooks {

inline constexpr size_t kMaxNotes = size_t{256} << 10;  // bytes

// `<state>/hooks/notes.json`.
[[nodiscard]] std::string NotesPath(std::string_view state_dir);
// "" without a state folder or notes.
[[nodiscard]] std::string ReadNotes(const World& world);
// The member of an object; kMissing without it.
[[nodiscard]] base::JsonSpan FindNote(std::string_view object, std::string_view key);

// A name goes into the prompt of an agent and into a command line: one that has
// other characters than names have stays out of both.
[[nodiscard]] bool IsPlainName(std::string_view name);
[[nodiscard]] std::string NameInWords(std::string_view skill);   // "skill pdf", "a skill"
[[nodiscard]] std::string WatchCommand(std::string_view skill);  // "selftune watch --skill pdf"

struct Guard {
  std::string skill;
  bool block = false;  // otherwise advise
  UtcMillis until;
};
// Of the file at `path`; nullopt: none, or it is over.
[[nodiscard]] std::optional<Guard> FindGuard(std::string_view notes_json, std::string_view path,
                                             UtcMillis now);

// The run of selftune, when runs may begin by themselves; without a program otherwise.
[[nodiscard]] BackgroundRun FindReactive(std::string_view notes_json);
// No signal waits for a run at this time, as far as the notes know. Older notes do not say.
[[nodiscard]] bool SaysNothingPending(std::string_view notes_json, UtcMillis now);
// Of the skill (its name in lower case) something was said before that no run can act on for
// now: more of it starts none before the notes say that one may.
[[nodiscard]] bool Rests(std::string_view notes_json, std::string_view skill);
// How a file is told from another one at its place.
[[nodiscard]] std::string MarkText(uint64_t inode, uint64_t bytes, int64_t mtime_ns);
// The last runs got no answer from their model, and one that is begun from here would get none
// either, as far as the notes know: the time of that is not over, the configuration is the same,
// and so is the first of the agents on PATH. Looks at a handful of files.
[[nodiscard]] bool RunsRest(const World& world, std::string_view notes_json);
// After the end of a session, or of a turn where that stands for it: starts such a run when
// there may be something for it to do (pending.h), at most one in half an hour, not in a CI
// job and not on a battery that is nearly empty. Whether there is money left for it is for
// the run to find out.
void React(const World& world, const Host* host, const HookEvent& event);

// What the host is told at this event; empty for nearly all. Never fails. `missed`: the
// skill that should have been used, as the prompt says.
[[nodiscard]] Response Answer(const World& world, const HookEvent& event, std::string_view missed);

}  // namespace selftune::hooks

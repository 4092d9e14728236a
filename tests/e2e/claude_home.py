"""Claude Code sessions for tests, in the shape of version 2.1.330.

A Home writes transcripts below .claude/projects, as the host would: the prompt,
what the model was offered, its answers and Skill calls. Times are given, ids
are counted, so the same calls give the same bytes.
"""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

CWD = "/home/dev/work/books"


def stamp(when):
    return when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


class Home:
    def __init__(self, root):
        self.root = Path(root)
        self.count = 0

    def add_skill(self, name, description):
        path = self.root / ".claude" / "skills" / name / "SKILL.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\nname: {name}\ndescription: {description}\n---\n\n# {name}\n\nSteps.\n",
                        encoding="utf-8")
        return path

    def session(self, when, listing):
        self.count += 1
        return Session(self, f"e2e00000-0000-4000-8000-{self.count:012d}", when, listing)


class Session:
    """One conversation. `listing`: {skill: description} as the model sees it."""

    def __init__(self, home, session_id, when, listing):
        self.id = session_id
        self.now = when
        self.listing = listing
        self.parent = None
        self.serial = 0
        self.prompt_id = None
        folder = home.root / ".claude" / "projects" / CWD.replace("/", "-")
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{session_id}.jsonl"

    def _id(self, kind):
        self.serial += 1
        return f"{kind}-{self.id[-12:]}-{self.serial:04d}"

    def _write(self, record, conversation=True):
        self.now += timedelta(milliseconds=250)
        record["timestamp"] = stamp(self.now)
        record["sessionId"] = self.id
        if conversation:
            record.update({"uuid": self._id("rec"), "parentUuid": self.parent, "isSidechain": False,
                           "cwd": CWD, "gitBranch": "main", "version": "2.1.330",
                           "userType": "external", "entrypoint": "cli"})
            self.parent = record["uuid"]
        with open(self.path, "a", encoding="utf-8") as out:
            out.write(json.dumps(record, ensure_ascii=False) + "\n")

    def _listing(self):
        if self.listing is None:
            return
        text = "\n".join(f"- {name}: {text}" for name, text in self.listing.items())
        self._write({"type": "attachment",
                     "attachment": {"type": "skill_listing", "content": text,
                                    "names": list(self.listing), "skillCount": len(self.listing),
                                    "isInitial": True}})
        self.listing = None

    def ask(self, text):
        """A prompt somebody typed, answered without a skill."""
        self._prompt(text)
        self.answer("Done.")
        return self

    def _prompt(self, text):
        self.prompt_id = self._id("prompt")
        self._write({"type": "user", "promptId": self.prompt_id, "promptSource": "typed",
                     "origin": {"kind": "human"}, "message": {"role": "user", "content": text}})
        self._listing()

    def answer(self, text):
        self._assistant([{"type": "text", "text": text}])

    def _assistant(self, blocks):
        message = self._id("msg")
        for block in blocks:
            self._write({"type": "assistant", "requestId": self._id("req"),
                         "message": {"id": message, "type": "message", "role": "assistant",
                                     "model": "claude-opus-5-5", "content": [block],
                                     "stop_reason": "end_turn",
                                     "usage": {"input_tokens": 10, "output_tokens": 20,
                                               "cache_read_input_tokens": 0,
                                               "cache_creation_input_tokens": 0}}})

    def _skill_body(self, skill, call):
        body = f"Base directory for this skill: /home/dev/.claude/skills/{skill}\n\n# {skill}\n"
        record = {"type": "user", "isMeta": True, "promptId": self.prompt_id,
                  "message": {"role": "user", "content": [{"type": "text", "text": body}]}}
        if call:
            record["sourceToolUseID"] = call
        self._write(record)

    def ask_with_skill(self, text, skill):
        """A prompt for which the model loaded a skill by itself."""
        self._prompt(text)
        call = self._id("toolu")
        self._assistant([{"type": "tool_use", "id": call, "name": "Skill", "input": {"skill": skill}}])
        self._write({"type": "user", "promptId": self.prompt_id,
                     "message": {"role": "user", "content": [
                         {"type": "tool_result", "tool_use_id": call,
                          "content": f"Launching skill: {skill}"}]},
                     "toolUseResult": {"success": True, "commandName": skill}})
        self._skill_body(skill, call)
        self.answer("Done with it.")
        return self

    def slash(self, skill, arguments):
        """The person starts the skill by hand."""
        self.prompt_id = self._id("prompt")
        self._write({"type": "user", "promptId": self.prompt_id,
                     "message": {"role": "user", "content":
                                 f"<command-message>{skill}</command-message>\n"
                                 f"<command-name>/{skill}</command-name>\n"
                                 f"<command-args>{arguments}</command-args>"}})
        self._skill_body(skill, None)
        self._listing()
        self.answer("Done again.")
        return self

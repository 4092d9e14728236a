"""How each real agent is run: its package, the settings a person has, a turn, the next.

A new agent is one class and one line of WAYS.
"""

import json
import subprocess
import time
import unittest

import gemini_door
import npm_agent
import real_world
from way import MODEL, STOP_HOOK, Way


class Claude(Way):
    command, platform, skills = "claude", "claude_code", ".claude/skills"
    common = skills
    agent = npm_agent.Agent("@anthropic-ai/claude-code", "2.1.330", "claude", setup="install.cjs")
    call = ("Skill", lambda folder: {"skill": folder.name})
    spawn = ("Agent", lambda task: {"description": "count", "prompt": task, "subagent_type": "general-purpose",
                                    "run_in_background": False})
    events = ("prompt_submit", "post_tool_use", "turn_end", "session_end", "prompt_submit", "turn_end", "session_end")
    maybe = ("turn_end",)  # this hook runs beside it
    tells_errors = False  # by that hook
    switches = ((".claude/settings.json", '"model"', '"disableAllHooks": true,\n  "model"'),)
    flags = ("--allowedTools", "Skill,Bash,Write,Edit", "--output-format", "json")

    def env(self):
        return {"ANTHROPIC_API_KEY": "sk-ant-stub", "ANTHROPIC_BASE_URL": self.url.removesuffix("/v1"),
                "CLAUDE_CODE_MAX_RETRIES": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "DISABLE_AUTOUPDATER": "1", "DISABLE_TELEMETRY": "1", "DISABLE_ERROR_REPORTING": "1"}

    def settings(self):
        return {".claude/settings.json":
                f'{{\n  "model": "claude-opus-5-5",\n  "hooks": {{ "Stop": [ {STOP_HOOK} ] }}\n}}'}

    def first(self, prompt):
        return json.loads(self.world.agent("-p", prompt, *self.flags))["session_id"]

    def next(self, session, prompt):
        self.world.agent("-p", prompt, "--resume", session, *self.flags)

    def shell(self, line):
        return {"tool": "Bash", "input": {"command": line, "description": "as asked"}}

    def writes(self, path):
        return {"tool": "Write", "input": {"file_path": str(path), "content": "spoiled"}}


class Codex(Way):
    command, platform, skills = "codex", "codex", ".codex/skills"
    agent = npm_agent.Agent("@openai/codex", "0.169.0", "codex")
    installed = "unapproved"
    call = ("exec_command", lambda folder: {"cmd": f"cat {folder}/SKILL.md"})
    uses = 0  # no tool for skills: what it loads shows in its transcript
    events = ("prompt_submit", "turn_end", "session_end") * 2
    switches = tuple((".codex/config.toml", "[analytics]", f"[features]\n{name} = false\n[analytics]")
                     for name in ("hooks", "codex_hooks"))
    flags = ("--skip-git-repo-check", "--json", "--dangerously-bypass-hook-trust",
             "--dangerously-bypass-approvals-and-sandbox")
    config = """model = "gpt-5.5"
model_provider = "stub"
check_for_update_on_startup = false
[model_providers.stub]
name = "stub"
base_url = "@URL@"
env_key = "STUB_API_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
[analytics]
enabled = false
[notice.model_migrations]
"gpt-5.5" = "gpt-6-sol"
"""

    def env(self):
        return {"STUB_API_KEY": "sk-stub"}

    def settings(self):
        # A key it does not know turns off every hook of the file.
        return {".codex/config.toml": self.config.replace("@URL@", self.url),
                ".codex/hooks.json": f'{{\n  "description": "mine",\n  "hooks": {{ "Stop": [ {STOP_HOOK} ] }}\n}}'}

    def exec(self, *argv):
        out = self.world.agent("exec", *argv)
        started = [json.loads(line) for line in out.splitlines() if '"thread.started"' in line]
        return started[0]["thread_id"]

    def first(self, prompt):
        return self.exec(*self.flags, prompt)

    def unapproved(self):
        return self.exec("--skip-git-repo-check", "--json", "good morning")

    def next(self, session, prompt):
        self.exec("resume", *self.flags, session, prompt)

    def approve(self):
        """Writes what it writes when its person approves its hooks; it says itself what their hashes are."""
        requests = ({"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "t", "version": "1"}}},
                    {"method": "initialized"},
                    {"id": 2, "method": "hooks/list", "params": {"cwds": [str(self.world.work)]}})
        with subprocess.Popen([self.world.bin / "codex", "app-server"], text=True, env=self.world.env(),
                              cwd=self.world.work, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as server:
            try:
                server.stdin.write("".join(json.dumps(request) + "\n" for request in requests))
                server.stdin.flush()
                reply = next(reply for reply in map(json.loads, server.stdout) if reply.get("id") == 2)
            finally:
                server.terminate()
        config = self.world.home / ".codex/config.toml"
        config.write_text(config.read_text() + "".join(
            f'\n[hooks.state."{hook["key"]}"]\ntrusted_hash = "{hook["currentHash"]}"\n'
            for hook in reply["result"]["data"][0]["hooks"]))

    def shell(self, line):
        return {"tool": "exec_command", "input": {"cmd": line}}

    def writes(self, path):
        return self.shell(f"apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: {path}\n@@\n-# Tides\n+# Spoiled\n*** End Patch\nEOF")


class OpenCode(Way):
    command, platform, skills = "opencode", "opencode", ".config/opencode/skills"
    waits = False
    agent = npm_agent.Agent("opencode-ai", "1.18.33", "opencode")
    call = ("skill", lambda folder: {"name": folder.name})
    events = ("prompt_submit", "post_tool_use", "turn_end", "prompt_submit", "turn_end")

    def settings(self):
        # Beside a plugin it wants to install a package; offline it must be told so, or it tries for a minute.
        return {".npmrc": "offline=true\n", ".config/opencode/plugins/theirs.js": "export const theirs = async () => ({});\n",
                # With its schema, or it writes the file anew itself.
                ".config/opencode/opencode.json": f"""{{ // mine
  "$schema": "https://opencode.ai/config.json",
  "model": "stub/{MODEL}", "small_model": "stub/{MODEL}", "share": "disabled", "autoupdate": false,
  "provider": {{"stub": {{"npm": "@ai-sdk/openai-compatible", "name": "Stub",
    "options": {{"baseURL": "{self.url}", "apiKey": "sk-stub"}},
    "models": {{"{MODEL}": {{"name": "Stub", "limit": {{"context": 200000, "output": 8192}}}}}}}}}},
}}"""}

    def run(self, *argv):
        out = self.world.agent("run", "--format", "json", *argv)
        return json.loads(out.splitlines()[0])["sessionID"]

    def first(self, prompt):
        return self.run(prompt)

    def next(self, session, prompt):
        self.run("-s", session, prompt)

    def shell(self, line):
        return {"tool": "bash", "input": {"command": line, "description": "as asked"}}

    def writes(self, path):
        return {"tool": "write", "input": {"filePath": str(path), "content": "spoiled"}}


class Gemini(Way):
    command, platform, skills = "gemini", "gemini", ".gemini/skills"
    agent = npm_agent.Agent("@google/gemini-cli", "0.61.0", "gemini", node=(20,))
    call = ("activate_skill", lambda folder: {"name": folder.name})
    hand_over = ("invoke_agent", lambda name, task: {"agent_name": name, "prompt": task})
    specialist_tools = ("read_file", "run_shell_command", "complete_task")  # by the last it answers
    uses = 0  # its tool events have no id of the call
    events = ("prompt_submit", "turn_end", "session_end") * 2
    maybe = ("session_end",)  # it does not wait for this one
    switches = ((".gemini/settings.json", '"hooks":', '"hooksConfig": {"enabled": false},\n  "hooks":'),
                (".gemini/settings.json", '"hooks":', '"hooksConfig": {"disabled": ["selftune"]},\n  "hooks":'))
    flags = ("--approval-mode", "yolo", "-o", "json")

    def start(self):
        self.door = gemini_door.Door(self.world.port)
        self.world.addCleanup(self.door.server_close)
        self.world.addCleanup(self.door.shutdown)

    def env(self):
        return {"GEMINI_API_KEY": "stub", "GOOGLE_GEMINI_BASE_URL": f"http://127.0.0.1:{self.door.port}"}

    def settings(self):
        return {".gemini/settings.json": f"""{{ // mine
  "security": {{"auth": {{"selectedType": "gemini-api-key"}}, "folderTrust": {{"enabled": false}}}},
  "general": {{"enableAutoUpdate": false}}, "privacy": {{"usageStatisticsEnabled": false}},
  "telemetry": {{"enabled": false}}, "model": {{"name": "gemini-2.5-pro"}},
  "hooks": {{"AfterAgent": [{{"hooks": [{{"type": "command", "command": "echo {{}}"}}]}}]}}
}}
"""}

    def first(self, prompt):
        return json.loads(self.world.agent("-p", prompt, *self.flags))["session_id"]

    def next(self, session, prompt):
        self.world.agent("--resume", "latest", "-p", prompt, *self.flags)

    def shell(self, line):
        return {"tool": "run_shell_command", "input": {"command": line, "description": "as asked"}}

    def writes(self, path):
        return {"tool": "write_file", "input": {"file_path": str(path), "content": "spoiled"}}


class Qwen(Way):
    command, platform, skills = "qwen", "qwen", ".qwen/skills"
    agent = npm_agent.Agent("@qwen-code/qwen-code", "0.24.4", "qwen", node=(22,))
    call = ("skill", lambda folder: {"skill": folder.name})
    spawn = ("agent", lambda task: {"description": "count", "prompt": task, "subagent_type": "general-purpose",
                                    "run_in_background": False})
    hand_over = ("agent", lambda name, task: {"description": "cause", "prompt": task, "subagent_type": name,
                                              "run_in_background": False})
    specialist_tools = ("read_file", "run_shell_command")
    tells_errors = False
    events = ("prompt_submit", "post_tool_use", "turn_end", "prompt_submit", "turn_end")
    switches = ((".qwen/settings.json", '"hooks":', '"disableAllHooks": true,\n  "hooks":'),)
    flags = ("--approval-mode", "yolo", "-o", "json")

    def env(self):
        return {"OPENAI_API_KEY": "sk-stub", "OPENAI_BASE_URL": self.url, "OPENAI_MODEL": MODEL}

    def settings(self):
        # With the version of its format in it, or it rewrites the file itself.
        return {".qwen/settings.json": f"""{{ // mine
  "$version": 4,
  "security": {{"auth": {{"selectedType": "openai"}}}},
  "general": {{"enableAutoUpdate": false}}, "privacy": {{"usageStatisticsEnabled": false}},
  "hooks": {{"Stop": [ {STOP_HOOK} ]}}
}}
"""}

    def first(self, prompt):
        return json.loads(self.world.agent("-p", prompt, *self.flags))[0]["session_id"]

    def next(self, session, prompt):
        self.world.agent("--resume", session, "-p", prompt, *self.flags)

    def shell(self, line):
        return {"tool": "run_shell_command", "input": {"command": line, "is_background": False}}

    def writes(self, path):
        return {"tool": "write_file", "input": {"file_path": str(path), "content": "spoiled"}}


class Copilot(Way):
    command, platform, skills = "copilot", "copilot", ".copilot/skills"
    agent = npm_agent.Agent("@github/copilot", "1.0.102", "copilot")
    call = ("skill", lambda folder: {"skill": folder.name})
    spawn = ("task", lambda task: {"name": "count", "agent_type": "general-purpose", "description": "count",
                                   "prompt": task, "mode": "sync"})
    hand_over = ("task", lambda name, task: {"name": "cause", "agent_type": name, "description": "cause",
                                             "prompt": task, "mode": "sync"})
    specialist_tools = ("bash", "view", "list_bash", "read_bash", "stop_bash")  # the shell, as it has it
    tells_starts = False
    uses = 0  # its tool events have no id of the call
    events = ("prompt_submit", "turn_end", "session_end") * 2
    switches = ((".copilot/hooks/selftune.json", '"version"', '"disableAllHooks": true,\n  "version"'),)
    flags = ("--output-format", "json", "--allow-all-tools", "--disable-builtin-mcps", "--no-auto-update")

    def env(self):
        return {"COPILOT_PROVIDER_BASE_URL": self.url, "COPILOT_PROVIDER_API_KEY": "sk-stub",
                "COPILOT_MODEL": MODEL, "COPILOT_OFFLINE": "true"}

    def settings(self):
        return {".copilot/hooks/theirs.json": '{"version":1,"hooks":{"sessionEnd":[{"type":"command","bash":"true"}]}}'}

    def one_shot(self, prompt):
        return ("-p", prompt, *self.flags)

    def run(self, *argv):
        out = self.world.agent(*argv, *self.flags)
        return json.loads(out.splitlines()[-1])["sessionId"]

    def first(self, prompt):
        return self.run("-p", prompt)

    def next(self, session, prompt):
        self.run(f"--resume={session}", "-p", prompt)

    def shell(self, line):
        return {"tool": "bash", "input": {"command": line, "description": "as asked"}}

    def writes(self, path):
        return {"tool": "edit", "input": {"path": str(path), "old_str": "# Tides", "new_str": "# Spoiled"}}


class Pi(Way):
    command, platform, skills = "pi", "pi", ".pi/agent/skills"
    waits = False
    agent = npm_agent.Agent("@earendil-works/pi-coding-agent", "0.87.1", "pi", node=(22, 19))
    call = ("read", lambda folder: {"path": str(folder / "SKILL.md")})
    events = ("prompt_submit", "post_tool_use", "turn_end", "session_end", "prompt_submit", "turn_end", "session_end")

    def settings(self):
        model = {"id": MODEL, "name": "Stub", "reasoning": False, "input": ["text"], "contextWindow": 200000,
                 "maxTokens": 8192, "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}}
        return {".pi/agent/settings.json":
                f'{{"defaultProvider": "stub", "defaultModel": "{MODEL}", "defaultProjectTrust": "always"}}\n',
                ".pi/agent/extensions/theirs.ts": "export default function () {}\n",
                ".pi/agent/models.json": json.dumps({"providers": {"stub": {
                    "baseUrl": self.url, "api": "openai-completions", "apiKey": "sk-stub", "models": [model]}}})}

    def first(self, prompt):
        out = self.world.agent("-p", "--offline", "--mode", "json", prompt)
        return json.loads(out.splitlines()[0])["id"]

    def next(self, session, prompt):
        self.world.agent("-p", "--offline", "-c", prompt)

    def shell(self, line):
        return {"tool": "bash", "input": {"command": line}}

    def writes(self, path):
        return {"tool": "write", "input": {"path": str(path), "content": "spoiled"}}


class Cline(Way):
    command, platform, skills = "cline", "cline", ".cline/skills"
    agent = npm_agent.Agent("cline", "3.0.65", "cline")
    call = ("skills", lambda folder: {"skill": folder.name, "args": None})
    hand_over = ("subagent_selftune_diagnosis_analyst", lambda name, task: {"prompt": task})
    specialist_tools = ("run_commands", "read_files", "skills")  # the last comes by itself
    offered = "Available skills: selftune"
    describes = False
    prompts = 0  # it tells no hook of prompts of its one-shot mode
    events = ("post_tool_use", "turn_end", "turn_end")
    resumes = False  # in its terminal interface only
    goes_on = False  # a refusal ends its run
    busy = ".cline/data/"
    server = "--cline-hub-daemon"
    stopped = False

    def settings(self):
        return {".cline/hooks/TaskComplete": '#!/bin/sh\ncat >/dev/null\nprintf \'{"cancel":false}\\n\'\n'}

    def prepare(self):
        for path, text in self.settings().items():
            self.world.write(path, text, 0o755)
        self.world.agent("auth", "-p", "openai-compatible", "-k", "sk-stub", "-m", MODEL, "-b", self.url)
        self.world.addCleanup(self.stop)

    def stop(self):
        """It leaves a server running, one a home, which may still be about to start."""
        deadline = time.monotonic() + (10 if self.sessions() and not self.stopped else 0)
        while not self.world.left_running(self.server) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.world.stop_left_running(self.server)
        self.stopped = True

    def sessions(self):
        return {path.name for path in (self.world.home / ".cline/data/sessions").glob("*")}

    def first(self, prompt):
        before = self.sessions()
        self.world.agent("--json", prompt)
        return (self.sessions() - before).pop()

    def next(self, session, prompt):
        return self.first(prompt)

    def shell(self, line):
        return {"tool": "run_commands", "input": {"commands": [line]}}

    def writes(self, path):
        return {"tool": "editor", "input": {"path": str(path), "old_text": "# Tides", "new_text": "# Spoiled"}}


class Cline2(Way):
    command, platform, skills = "cline", "cline", ".cline/skills"
    agent = npm_agent.Agent("cline", "2.18.0", "cline")
    call = ("use_skill", lambda folder: {"skill_name": folder.name})
    offered = "Finds out why a skill did not run"
    prompts = 0  # told by a hook that version 3 never calls in its one-shot mode: not installed
    uses = 0  # its tool events have no id of the call
    events = ("turn_end",) * 4  # each end is told as one, and as a cancel
    resumes = False
    busy = ".cline/data/"

    def settings(self):
        # Its hooks lie in the documents of the person, wherever a desktop says these are.
        return {".config/user-dirs.dirs": 'XDG_DOCUMENTS_DIR="$HOME/Documents"\n',
                "Documents/Cline/Hooks/TaskResume": "#!/bin/sh\nprintf '{\"cancel\":false}\\n'\n"}

    def prepare(self):
        for path, text in self.settings().items():
            self.world.write(path, text, 0o755)
        self.world.agent("auth", "-p", "openai", "-k", "sk-stub", "-m", MODEL, "-b", self.url)

    @staticmethod
    def answer(text):
        return {"text": f"<attempt_completion>\n<result>{text}</result>\n</attempt_completion>"}

    @staticmethod
    def offers(tool):
        return {}

    def load(self, folder):
        # It offers no tools: its model writes calls into its text.
        return {"text": f"<use_skill>\n<skill_name>{folder.name}</skill_name>\n</use_skill>"}

    def sessions(self):
        return {path.name for path in (self.world.home / ".cline/data/tasks").glob("*")}

    def first(self, prompt):
        before = self.sessions()
        self.world.agent("--yolo", "--json", prompt)
        return (self.sessions() - before).pop()

    def next(self, session, prompt):
        return self.first(prompt)

    def shell(self, line):
        return {"tool": "execute_command", "input": {"command": line, "requires_approval": False}}

    def writes(self, path):
        return {"tool": "write_to_file", "input": {"absolutePath": str(path), "content": "spoiled"}}


WAYS = {way.command: way for way in (Claude, Codex, OpenCode, Gemini, Qwen, Copilot, Pi, Cline)} | {"cline2": Cline2}


def run_tests(arguments, *cases):
    """The tests of `cases` with the way and the programs that a command line names."""
    selftune, agents, command = arguments
    npm_agent.raise_loopback()
    real_world.World.arguments = (WAYS[command], selftune, agents)
    suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(case) for case in cases)
    return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1

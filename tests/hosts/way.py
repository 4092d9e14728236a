"""What it takes to run a real agent: what is asked of each, and what holds unless one says otherwise."""

MODEL = "stub-large"
STOP_HOOK = '{"hooks": [ {"type": "command", "command": "true"} ]}'


class Way:
    """What is said here holds unless a class says otherwise."""

    command = platform = skills = ""  # `skills`: where a person's skills lie, in the home
    common = ".agents/skills"  # where `selftune init` puts ours
    offered = "Finds out why a skill did not run"  # of its description: what the model is shown
    describes = True  # its model is shown descriptions, not the names alone
    agent = None
    call = ("", None)  # tool of the host that loads a skill, its input for the skill's folder
    spawn = None  # tool of the host that hands a task to a subagent, its input for the task
    hand_over = ("", None)  # the same to a named one: its input for the name and the task
    specialist_tools = ()  # of ours, where tools are all that can be restricted
    tells_starts = True  # of subagents, not of their ends alone
    tells_errors = True  # a turn that an error of the model ended, in one-shot mode, whatever happens then
    installed = "installed"  # the state of hooks once they are installed
    prompts, uses = 2, 1  # of the session, what hooks bring
    events = ()  # kinds of events of the session that reach selftune
    maybe = ()  # those of them that its end may cut off
    resumes = True  # the second prompt goes to the same session
    goes_on = True  # after a refusal the model is told why
    waits = True  # for a hook to end, so that events come in their order
    busy = "\n"  # below it the host writes when it likes; no path begins so
    switches = ()  # (path in the home, text there, text in its place): with it no hook of ours runs

    def __init__(self, world):
        self.world = world

    @staticmethod
    def answer(text):
        """What the model does to end a turn."""
        return {"text": text}

    @staticmethod
    def offers(tool):
        """What a request has that asks for a turn, not for a title."""
        return {"tools": [tool]}

    def load(self, folder):
        """What it does to load a skill."""
        tool, make = self.call
        return {"tool": tool, "input": make(folder)}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.world.port}/v1"

    def env(self):
        return {}

    def settings(self):
        """Path in the home -> text, as they are before selftune comes."""
        return {}

    def start(self):
        """Before anything else; the model listens."""

    def prepare(self):
        for path, text in self.settings().items():
            self.world.write(path, text)

    def first(self, prompt):
        """Runs a prompt; the id of its session where the host says one."""
        raise NotImplementedError

    def next(self, session, prompt):
        raise NotImplementedError

    def stop(self):
        """Ends what the host left running."""

// OpenCode loads plugins (host-opencode.md 7): one file of our own, the person's
// opencode.json is not touched. It calls each function that the file exports.
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/strings.h"
#include "hosts/install_rows.h"
#include "install/target.h"

namespace selftune::hosts {
namespace {

constexpr std::string_view kPlugin =
    R"js(// selftune-managed: made by `selftune hooks install`, removed by `selftune hooks uninstall`
import { spawn, spawnSync } from "node:child_process";

const SHIM = @SHIM@;

function tell(event) {
  if (process.env.SELFTUNE_INTERNAL || typeof event.session_id !== "string") return;
  try {
    const child = spawn(SHIM, ["opencode", "event"], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    child.on("error", () => {});
    child.stdin.on("error", () => {});
    child.stdin.end(JSON.stringify(event));
    child.unref();
  } catch {
    // a hook never breaks its host
  }
}

// Why the call must not run, "" = it may. Waits a quarter of a second at most.
function refusal(event) {
  if (process.env.SELFTUNE_INTERNAL || typeof event.session_id !== "string") return "";
  try {
    const done = spawnSync(SHIM, ["opencode", "event"], {
      input: JSON.stringify(event), timeout: 250, encoding: "utf8",
      stdio: ["pipe", "pipe", "ignore"],
    });
    const said = done.stdout ? JSON.parse(done.stdout) : {};
    return said.decision === "block" ? String(said.message) : "";
  } catch {
    return "";
  }
}

export const selftune = async ({ directory }) => {
  const cwd = typeof directory === "string" ? { cwd: directory } : {};
  return {
    "tool.execute.before": async (input, output) => {
      let why = "";
      try {
        const args = output?.args ?? {};
        const base = { ...cwd, type: "pre_tool_use", session_id: input.sessionID,
                       tool_name: input.tool, tool_call_id: String(input.callID ?? "") };
        const patch = args.patchText ?? args.patch;
        if ((input.tool === "edit" || input.tool === "write") &&
            String(args.filePath).endsWith("SKILL.md")) {
          why = refusal({ ...base, tool: "write", path: args.filePath });
        } else if (input.tool === "bash" && String(args.command).includes("SKILL.md")) {
          why = refusal({ ...base, tool: "shell", command: args.command });
        } else if (typeof patch === "string" && patch.includes("SKILL.md")) {
          why = refusal({ ...base, tool: "write", command: patch });
        }
      } catch {
        // a hook never breaks its host
      }
      if (why) throw new Error(why);
    },
    "tool.execute.after": async (input, output) => {
      try {
        const base = { ...cwd, type: "post_tool_use", session_id: input.sessionID,
                       tool_name: input.tool, tool_call_id: String(input.callID ?? "") };
        const args = input.args ?? {};
        if (input.tool === "bash" && /\bgit\b/.test(String(args.command))) {
          tell({ ...base, tool: "shell", command: String(args.command),
                 output: String(output?.output ?? "").slice(0, 20000) });
        } else if (input.tool === "skill" && typeof args.name === "string") {
          tell({ ...base, tool: "skill", skill: args.name });
        } else if (input.tool === "read" && typeof args.filePath === "string" &&
                   args.filePath.endsWith("/SKILL.md")) {
          tell({ ...base, tool: "read", path: args.filePath });
        }
      } catch {
        // a hook never breaks its host
      }
    },
    event: async ({ event }) => {
      try {
        if (event?.type !== "session.idle" && event?.type !== "session.error") return;
        tell({ ...cwd, type: "turn_end", session_id: event.properties?.sessionID,
               reason: event.type === "session.error" ? "error" : "" });
      } catch {
        // a hook never breaks its host
      }
    },
  };
};
)js";

// Subagents get their tasks through the same event: a session without a parent is one
// that a person types into.
constexpr std::string_view kPrompts =
    R"js(
// `run` wraps an argument with white space in it.
function typed(text) {
  const inner = /^"((?:[^"\\]|\\[^])*)"$/.exec(text.replace(/\n+$/, ""))?.[1];
  return inner !== undefined && /\s/.test(inner) ? inner.replaceAll('\\"', '"') : text;
}

export const selftunePrompts = async ({ client, directory }) => {
  const cwd = typeof directory === "string" ? { cwd: directory } : {};
  const parents = new Map(); // session -> its parent, "" = none
  const commands = new Map(); // session -> [what was typed, what the host makes of it]
  const words = (parts) => (parts ?? [])
    .filter((part) => part.type === "text" && !part.synthetic).map((part) => part.text).join("\n");
  return {
    "command.execute.before": async (input, output) => {
      const line = `/${input?.command} ${input?.arguments ?? ""}`.trim();
      commands.set(input?.sessionID, [line, words(output?.parts)]);
    },
    "chat.message": async (input, output) => {
      try {
        const id = input.sessionID;
        const said = words(output.parts);
        const [line, made] = commands.get(id) ?? [];
        commands.delete(id);
        if (!said) return;
        const event = { ...cwd, type: "prompt_submit", session_id: id,
                        prompt: made === said ? line : typed(said),
                        prompt_id: String(output.message?.id ?? "") };
        if (parents.get(id) === "") return tell(event);
        if (parents.has(id)) return;
        // A session of before; not waited for, it is the host who answers.
        client.session.get({ path: { id } }).then(({ data }) => {
          if (data) parents.set(id, data.parentID ?? "");
          if (parents.get(id) === "") tell(event);
        }).catch(() => {});
      } catch {
        // a hook never breaks its host
      }
    },
    event: async ({ event }) => {
      const info = event?.type === "session.created" ? event.properties?.info : undefined;
      if (info?.id) parents.set(info.id, info.parentID ?? "");
    },
  };
};
)js";

std::vector<install::OwnFile> Files(const install::Place& place) {
  return {
      {.path = base::JoinPath(place.config_dir, "plugins/selftune.js"),
       .bytes = base::ReplaceAll(kPlugin, "@SHIM@", base::JsonQuote(place.shim)).append(kPrompts),
       .mode = 0644}};
}

}  // namespace

constinit const install::Target kOpenCodeTarget = {
    .platform = "opencode",
    .files = Files,
    .afterwards =
        "restart running OpenCode sessions; without a network each start with a plugin takes about "
        "a minute, unless ~/.npmrc says offline=true",
};

}  // namespace selftune::hosts

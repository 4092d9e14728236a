// Pi loads extensions (host-pi.md 7): a folder of our own with one module in it,
// which hands events to the shim and never waits.
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/strings.h"
#include "hosts/install_rows.h"
#include "install/target.h"

namespace selftune::hosts {
namespace {

constexpr std::string_view kModule =
    R"js(// selftune-managed: made by `selftune hooks install`, removed by `selftune hooks uninstall`
import { spawn, spawnSync } from "node:child_process";

const SHIM = @SHIM@;

function tell(event: Record<string, unknown>): void {
  if (process.env.SELFTUNE_INTERNAL || typeof event.session_id !== "string") return;
  try {
    const child = spawn(SHIM, ["pi", "event"], {
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

// What is said about a call before it runs. Waits a quarter of a second at most.
function ask(event: Record<string, unknown>): { decision?: string; message?: string } {
  if (process.env.SELFTUNE_INTERNAL || typeof event.session_id !== "string") return {};
  try {
    const done = spawnSync(SHIM, ["pi", "event"], {
      input: JSON.stringify(event), timeout: 250, encoding: "utf8",
      stdio: ["pipe", "pipe", "ignore"],
    });
    return done.stdout ? JSON.parse(done.stdout) : {};
  } catch {
    return {};
  }
}

function base(ctx: any): Record<string, unknown> {
  const out: Record<string, unknown> = { session_id: ctx?.sessionManager?.getSessionId?.() };
  const file = ctx?.sessionManager?.getSessionFile?.();
  if (typeof file === "string") out.transcript_path = file;
  if (typeof ctx?.cwd === "string") out.cwd = ctx.cwd;
  return out;
}

export default function (pi: any) {
  const on = (name: string, make: (ev: any, ctx: any) => Record<string, unknown> | undefined) =>
    pi.on(name, async (ev: any, ctx: any) => {
      try {
        const event = make(ev, ctx);
        if (event) tell({ ...base(ctx), ...event });
      } catch {
        // a hook never breaks its host
      }
    });
  on("input", (ev) =>
    ev.source === "interactive" && typeof ev.text === "string"
      ? { type: "prompt_submit", prompt: ev.text }
      : undefined);
  pi.on("tool_call", async (ev: any, ctx: any) => {
    try {
      const path = ev.input?.path ?? ev.input?.file_path;
      const command = ev.input?.command;
      const about =
        (ev.toolName === "write" || ev.toolName === "edit") && String(path).endsWith("SKILL.md")
          ? { tool: "write", path }
          : ev.toolName === "bash" && String(command).includes("SKILL.md")
            ? { tool: "shell", command }
            : undefined;
      if (!about) return;
      const said = ask({ ...base(ctx), type: "pre_tool_use", tool_name: ev.toolName,
                         tool_call_id: String(ev.toolCallId ?? ""), ...about });
      if (said.decision === "block") return { block: true, reason: String(said.message) };
      if (said.message && ctx?.hasUI) ctx.ui?.notify?.(String(said.message), "info");
    } catch {
      // a hook never breaks its host
    }
  });
  on("tool_result", (ev) => {
    const command = ev.input?.command;
    if (ev.toolName === "bash" && /\bgit\b/.test(String(command))) {
      const text = (Array.isArray(ev.content) ? ev.content : [])
        .map((part: any) => (typeof part?.text === "string" ? part.text : "")).join("\n");
      return { type: "post_tool_use", tool: "shell", tool_name: "bash", command: String(command),
               tool_call_id: String(ev.toolCallId ?? ""), output: text.slice(0, 20000) };
    }
    const path = ev.input?.path ?? ev.input?.file_path;
    if (ev.toolName !== "read" || typeof path !== "string" || !path.endsWith("/SKILL.md")) return;
    return { type: "post_tool_use", tool: "read", tool_name: "read", path,
             tool_call_id: String(ev.toolCallId ?? ""), tool_failed: ev.isError === true };
  });
  on("agent_end", () => ({ type: "turn_end" }));
  on("session_shutdown", (ev) => ({ type: "session_end", reason: String(ev.reason ?? "") }));
}
)js";

std::vector<install::OwnFile> Files(const install::Place& place) {
  return {{.path = base::JoinPath(place.config_dir, "extensions/selftune/index.ts"),
           .bytes = base::ReplaceAll(kModule, "@SHIM@", base::JsonQuote(place.shim)),
           .mode = 0644}};
}

}  // namespace

constinit const install::Target kPiTarget = {
    .platform = "pi",
    .files = Files,
    .afterwards = "restart running Pi sessions",
};

}  // namespace selftune::hosts

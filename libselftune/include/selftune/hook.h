/** @file
 *  selftune: one call for a hook of an agent.
 *
 *  In libselftune.so, and alone in libselftune_hook.a (pkg-config
 *  `selftune-hook`), which loads nothing and starts in half a millisecond:
 *
 *      selftune_hook_options_t options = SELFTUNE_HOOK_OPTIONS_INIT;
 *      selftune_buf_t reply = SELFTUNE_BUF_INIT;
 *      int32_t exit_code = 0;
 *      selftune_hook_handle(&options, selftune_str("claude-code"), selftune_str("prompt-log"),
 *                           payload, &reply, &exit_code, NULL);
 *      fwrite(reply.data, 1, reply.size, stdout);
 *      selftune_buf_free(&reply);
 *      return exit_code;
 *
 *  A hook never disturbs its host: whatever goes wrong, `reply` and `exit_code`
 *  hold what the host takes for "go on". The result says what became of the
 *  event, for those who want to know.
 *
 *  An event is kept in the spool of the state folder and moved into the store
 *  by whoever reads or writes that next. The store itself is not opened. */
#ifndef SELFTUNE_HOOK_H_
#define SELFTUNE_HOOK_H_

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a hook needs to know of the world. Start from
 *  SELFTUNE_HOOK_OPTIONS_INIT; borrowed for the call. */
typedef struct {
  uint32_t struct_size;
  uint32_t flags; /**< 0 */
  /** "K=V" entries, ended by NULL, that replace variables of the process
   *  environment; may be NULL. Looked at: HOME, SELFTUNE_HOME and
   *  SELFTUNE_INTERNAL, SELFTUNE_GUARD, and what tells a CI job (CI and the
   *  like). A run in the background has them as well. */
  const char* const* env;
  /** Milliseconds since 1970 UTC. NULL: the system's clock. */
  int64_t (*now_ms)(void* user);
  void* user; /**< for now_ms */
} selftune_hook_options_t;
#define SELFTUNE_HOOK_OPTIONS_INIT {sizeof(selftune_hook_options_t), 0, NULL, NULL, NULL}

/** Handles one event of an agent.
 *
 *  Does nothing in an agent that selftune itself started (SELFTUNE_INTERNAL is
 *  set), and keeps nothing of prompts that begin with "[selftune:internal".
 *
 *  After the end of a session it may start `selftune orchestrate --reactive`
 *  in the background, at most once in half an hour: only where `selftune init`
 *  allowed runs to begin by themselves and something waits for one (the library
 *  knew of a signal, or a prompt since then says something about an installed
 *  skill), not in a CI job and not on a battery below 20 %. What it says is in logs/reactive.log of
 * the state folder.
 *
 *  @param      options    NULL: all defaults.
 *  @param      host       "claude-code"; `_` for `-` and "claude" will do. With
 *                         hook "event" any name of [a-z0-9_-] that begins with
 *                         a letter: your own agent.
 *  @param      hook       "prompt-log", "guard", "skill-eval", "commit-track",
 *                         "skill-command", "session-stop", "subagent-start",
 *                         "subagent-stop", "session-end"; empty: as the
 *                         payload calls itself;
 *                         "event": the payload is in the form below.
 *  @param      payload    What the host sent, at most 8 MiB. Of hook "event" one
 *                         object:
 *
 *      {"type": "prompt_submit" | "pre_tool_use" | "post_tool_use" | "turn_end" |
 *               "agent_start" | "agent_end" | "session_end",
 *       "session_id": "...",                      required
 *       "prompt": "...",                          of prompt_submit
 *       "prompt_id": "...",                       the turn, if the host has ids
 *       "tool": "skill" | "read" | "write" | "shell",
 *       "skill": "...", "args": "...", "path": "...",
 *       "command": "...", "output": "...",        of shell; write: a patch
 *       "tool_name": "...", "tool_call_id": "...", "tool_failed": false,
 *       "agent_id": "...", "agent_type": "...",   inside a subagent
 *       "cwd": "...", "transcript_path": "...", "reason": "..."}
 *
 *                         pre_tool_use is answered, if there is something to
 *                         say: {"decision": "allow" | "block", "message": "..."}.
 *
 *  @param[out] reply      For the host's standard output; free with
 *                         selftune_buf_free(). Often empty. Always set.
 *  @param[out] exit_code  For the host. Always set; 0 unless a guard blocks.
 *  @param[out] error      May be NULL. Set only on failure; free with
 *                         selftune_error_free().
 *  @return SELFTUNE_OK: kept, or of no interest. SELFTUNE_E_INVALID_ARGUMENT:
 *          the payload cannot be used (a row of bad_lines will say so),
 *          reply or exit_code is NULL, or the options are not from
 *          SELFTUNE_HOOK_OPTIONS_INIT. SELFTUNE_E_NOT_FOUND: no such host or
 *          hook. SELFTUNE_E_RESOURCE_EXHAUSTED, SELFTUNE_E_DATA_LOSS: the event
 *          is lost because the disk is full or cannot be written.
 *  Any thread; calls may overlap, also between processes.
 *  @since 0.1 */
SELFTUNE_API selftune_code_t selftune_hook_handle(const selftune_hook_options_t* options,
                                                  selftune_str_t host, selftune_str_t hook,
                                                  selftune_str_t payload, selftune_buf_t* reply,
                                                  int32_t* exit_code, selftune_error_t** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* SELFTUNE_HOOK_H_ */

// Replies as the server gives them; the types are those of the schemas.

import type { SkillDaily, SkillList, SkillMisses, SkillObservations, SkillReport, StatusSummary } from "../../src/api/types.gen";

export type SkillRow = SkillList["items"][number];
export type Observation = SkillObservations["items"][number];

export const NOW = Date.parse("2026-11-26T12:00:00Z");

export function skillRow(over: Partial<SkillRow> = {}): SkillRow {
  return {
    skill_id: 1,
    name: "sql-helper",
    paths: ["/home/dev/.claude/skills/sql-helper/SKILL.md"],
    platforms: ["claude_code", "codex"],
    scope: "global",
    installed: true,
    autonomy: "auto",
    autonomy_source: "default",
    managed: false,
    uses: 40,
    misses: 3,
    sessions: 31,
    last_use: "2026-11-26T09:00:00.000Z",
    recent: { uses: 12, misses: 2, days: [{ day: "2026-11-20", uses: 12, misses: 2 }] },
    trigger_rate: { k: 8, n: 10, rate: 0.8, interval: [0.49, 0.943], curable: 1 },
    listed_chars: 92,
    state: "HEALTHY",
    state_code: "lower_above_0_6",
    flags: [],
    switched_off: [],
    switched_on: [],
    settings_unknown: [],
    ...over,
  };
}

export function skillList(items: SkillRow[]): SkillList {
  return { items, next_cursor: null, total: items.length };
}

export function summary(over: Partial<StatusSummary> = {}): StatusSummary {
  return {
    verdict: { level: "attention", text: "3 skills in use, 1 needing attention", hint: null },
    evidence: {
      sessions: 93,
      prompts: 113,
      invocations: 46,
      newest: "2026-11-26T09:00:00.000Z",
      last_sync: "2026-11-26T11:58:00.000Z",
      lag_ms: 120_000,
      stale: false,
    },
    skills: {
      total: 3,
      installed: 2,
      used: 2,
      uses: 15, judged: 2, attention: 1,
      states: { UNKNOWN: 0, UNGRADED: 1, CRITICAL: 1, WARNING: 0, UNCERTAIN: 0, HEALTHY: 1 },
    },
    trigger_rate: { k: 34, n: 61, rate: 0.557, interval: [0.433, 0.675] },
    attention: [
      {
        skill_id: 2,
        skill: "invoice-export",
        kind: "critical",
        severity: "critical",
        reason: "6 good of 23 judged sessions in 30 days, 95 % interval 13 to 46 %",
        command: "selftune evolve --skill invoice-export --dry-run",
        at: "2026-11-24T09:00:00.000Z",
      },
    ],
    attention_total: 1,
    changes: [],
    proposals_pending: 0,
    watches_open: 0,
    pending_signals: 2,
    system: { healthy: true, fail: 0, warn: 0 },
    autonomy: "deploy",
    clock: 7,
    ...over,
  };
}

export function report(over: Partial<SkillReport> = {}): SkillReport {
  return {
    skill_id: 3,
    name: "invoice-export",
    paths: ["/home/dev/.claude/skills/invoice-export/SKILL.md"],
    scope: "global",
    description_limit: 1024,
    description: "Works with office documents.",
    usage: {
      triggered: 16,
      refused: 0,
      requested: 1,
      read_only: 2,
      missed: 17,
      explicit: 6,
      implicit: 7,
      inferred: 3,
      sessions: 52,
      first: "2026-08-30T09:00:00.000Z",
      last: "2026-11-24T09:00:00.000Z",
    },
    trigger_rate: { k: 7, n: 24, rate: 0.2917, interval: [0.149, 0.492], by_hand: 6, curable: 15 },
    state: "CRITICAL",
    state_reason: "6 good of 23 judged sessions in 30 days, 95 % interval 13 to 46 %",
    autonomy: "auto",
    autonomy_source: "default",
    autonomy_reason: "the default for files that are not under version control",
    flags: [],
    causes: { description: 15, not_listed: 2 },
    platforms: [
      { platform: "claude_code", uses: 14 },
      { platform: "codex", uses: 2 },
    ],
    proposals: [],
    deploys: [],
    watch: null,
    versions: [
      { sha256: "4ddada689e".padEnd(64, "0"), first: "2026-11-20T09:00:00.000Z", last: "2026-11-26T09:00:00.000Z" },
    ],
    ...over,
  };
}

export function daily(over: Partial<SkillDaily> = {}): SkillDaily {
  return {
    skill: "invoice-export",
    from: "2026-10-27T12:00:00.000Z",
    to: null,
    days: [
      { day: "2026-11-24", triggered: 3, refused: 0, requested: 0, read_only: 1, missed: 2 },
      { day: "2026-11-25", triggered: 5, refused: 0, requested: 0, read_only: 0, missed: 0 },
    ],
    deploys: [],
    ...over,
  };
}

export function observation(over: Partial<Observation> = {}): Observation {
  return {
    occurrence: "s1:o:1",
    platform: "claude_code",
    session_id: "s1",
    root_session_id: "s1",
    skill: "invoice-export",
    at: "2026-11-24T09:00:00.000Z",
    prompt_id: "s1:p0",
    prompt: "close the ledger of october",
    outcome: "triggered",
    level: "tool",
    route: "skill_tool",
    mode: "inferred",
    requested_by: "model",
    cause: null,
    reason: null,
    confidence: 1,
    tool: "Skill",
    skill_path: null,
    capture: "transcript",
    source: { path: "/home/dev/.claude/projects/-home-dev-books/s1.jsonl", line: 7, offset: 4518 },
    ...over,
  };
}

export function observations(items: Observation[], next: string | null = null): SkillObservations {
  return { items, next_cursor: next };
}

export function misses(over: Partial<SkillMisses["items"][number]> = {}): SkillMisses {
  return {
    items: [
      {
        skill: "invoice-export",
        platform: "claude_code",
        session_id: "s2",
        prompt_id: "s2:p0",
        query: "overdue invoices sorted by age",
        cluster: "0123456789ab",
        at: "2026-11-23T09:00:00.000Z",
        score: 1,
        signals: ["correction"],
        cause: "description",
        label: "should",
        label_reason: "signal",
        reason: "signal",
        competing_skill: null,
        source: { path: "/home/dev/.claude/projects/-home-dev-books/s2.jsonl", line: 1, offset: 0 },
        ...over,
      },
    ],
    next_cursor: null,
  };
}

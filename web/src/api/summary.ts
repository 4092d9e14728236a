// PROVISIONAL until the schema of status.summary is there; then types.gen.ts has it.
import { contract } from "./contract";
export interface StatusSummary {
  verdict: { level: "ok" | "attention" | "critical" | "empty"; text: string };
  evidence: {
    sessions: number; prompts: number; invocations: number; newest: string | null;
    last_sync: string | null; lag_ms: number | null; stale: boolean;
  };
  skills: { total: number; installed: number; used: number; states: Record<string, number> };
  trigger_rate: { k: number; n: number; rate: number | null; interval: number[] };
  attention: {
    skill_id: number; skill: string; kind: string; severity: "critical" | "warning" | "info";
    reason: string; command: string | null; at: string | null;
  }[];
  attention_total: number;
  changes: {
    deploy_id: string; proposal_id: string | null; skill_id: number; skill: string; kind: string;
    state: string; at: string; undo: string | null;
  }[];
  proposals_pending: number; watches_open: number; pending_signals: number;
  system: { healthy: boolean; fail: number; warn: number };
  autonomy: "off" | "propose" | "deploy";
  clock: number;
}
export const statusSummary = contract<StatusSummary>("status.summary", {
  verdict: { level: "s", text: "s" }, attention: [{ skill_id: "i", skill: "s" }], clock: "i",
});

// What the words on the pages mean. One definition each; a page that shows a
// number shows this text with it.

import { table } from "./table";

export interface Term {
  label: string;
  text: string;
}

export const TERMS = {
  trigger_rate: {
    label: "Trigger rate",
    text:
      "Of the prompts somebody judged to need the skill: the share at which the model loaded it by " +
      "itself. Loads by the person's own command do not count. The range is the 95 % Wilson interval.",
  },
  uses: {
    label: "Uses",
    text: "Times the skill was loaded, by the model or by a person's command.",
  },
  missed: {
    label: "Missed",
    text:
      "Prompts at which the skill was needed and did not run. Each one has a reason: a correction " +
      "by the person, a grader, or a label. A prompt without a use is no miss by itself.",
  },
  curable: {
    label: "Curable",
    text:
      "Misses at which the model saw the skill's name and description. Only these can be helped by " +
      "a better description.",
  },
  read_only: {
    label: "Read only",
    text: "The SKILL.md was read while it was being changed. That is editing the skill, not using it.",
  },
  state: {
    label: "State",
    text: "From the sessions of 30 days in which somebody judged the skill; newer ones weigh more.",
  },
} as const satisfies Record<string, Term>;

/** Why a skill did not run although it was needed. */
export const CAUSES = table<Term>({
  description: {
    label: "Description",
    text: "The model saw name and description and did not connect them with the prompt.",
  },
  not_installed: { label: "Not installed", text: "It was not installed for this session." },
  not_listed: { label: "Not listed", text: "The host did not show it to the model." },
  truncated: { label: "Cut off", text: "The host cut the list of skills before its description ended." },
  compacted: { label: "Compacted away", text: "The conversation was compacted and the list was lost." },
  shadowed: { label: "Shadowed", text: "Another skill of the same name took its place." },
  disabled: { label: "Disabled", text: "It was switched off, or the model may not load it by itself." },
  unknown: { label: "Unknown", text: "The transcript does not say what the model was shown." },
});

export const REASONS = table<string>({
  signal: "the person said so",
  grader: "judged by a grader",
  curated: "labelled by hand",
});

export const OUTCOMES = table<Term>({
  triggered: { label: "Triggered", text: "The skill was loaded." },
  missed: { label: "Missed", text: TERMS.missed.text },
  read_only: { label: "Read only", text: TERMS.read_only.text },
  requested: { label: "Requested", text: "A person typed its command and nothing loaded it." },
  refused: { label: "Refused", text: "The call or the read failed." },
});

export const MODES = table<Term>({
  explicit: { label: "Explicit", text: "The person's own command or mention loaded it." },
  implicit: { label: "Implicit", text: "The model loaded it; the prompt names the skill." },
  inferred: { label: "Inferred", text: "The model loaded it; the prompt does not name the skill." },
});

export const PLATFORMS = table<string>({
  claude_code: "Claude Code",
  codex: "Codex",
  opencode: "OpenCode",
  openclaw: "OpenClaw",
  cline: "Cline",
  pi: "Pi",
  gemini: "Gemini CLI",
  copilot: "Copilot CLI",
  qwen: "Qwen Code",
});

export type Level = "bad" | "warn" | "info" | "good" | "none";

export const STATES = table<Term & { level: Level }>({
  CRITICAL: {
    label: "Critical",
    level: "bad",
    text: "Most of its judged sessions go badly, newer ones weighing more, or the watch of a deploy found a regression.",
  },
  WARNING: {
    label: "Warning",
    level: "warn",
    text: "Too many of its judged sessions go badly, newer ones weighing more, or it is drifting.",
  },
  UNCERTAIN: { label: "Uncertain", level: "info", text: "Judged, but too little to tell good from bad." },
  HEALTHY: { label: "Healthy", level: "good", text: "Its judged sessions go well, and there are enough to be sure." },
  UNGRADED: { label: "Ungraded", level: "none", text: "Too few sessions were judged to say anything." },
  UNKNOWN: { label: "Unknown", level: "none", text: "Nothing was recorded about it." },
});

export const FLAGS = table<string>({
  regressed: "The watch of its last deploy found a regression.",
  drifting: "Slowly getting worse since its last deploy was confirmed.",
  disabled: "The settings of the agents switch it off wherever it is installed.",
  settings_unknown: "Settings of the agents are not understood: they may switch it off.",
  silent: "Installed, not used in 30 days.",
  locked: "selftune may not change it.",
  frozen: "Not changed for now, after a rollback.",
});

export const AUTONOMY = table<string>({
  locked: "selftune never changes it",
  propose: "selftune proposes, a person decides",
  auto: "selftune deploys what passes its tests",
});

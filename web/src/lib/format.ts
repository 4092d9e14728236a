// Numbers and times for people. Nothing here computes a figure about skills: the
// server says rates and intervals, these functions only write them down.

const counts = new Intl.NumberFormat("en");

export function count(n: number): string {
  return counts.format(n);
}

/** count(1, "miss", "misses") -> "1 miss" */
export function plural(n: number, one: string, many = one + "s"): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** 0.667 -> "67%"; never "100%" or "0%" for what only rounds to it. */
export function percent(rate: number): string {
  const rounded = Math.round(rate * 100);
  if (rounded === 100 && rate < 1) return ">99%";
  if (rounded === 0 && rate > 0) return "<1%";
  return `${rounded}%`;
}

/** [0.39, 0.86] -> "39–86%"; "" when there is none. */
export function range(interval: readonly number[]): string {
  const [low, high] = interval;
  if (low === undefined || high === undefined) return "";
  return `${Math.round(low * 100)}–${Math.round(high * 100)}%`;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "now", "4 min ago", "3 h ago", "12 d ago", "5 mo ago". */
export function ago(at: string | number, now: number): string {
  const age = now - (typeof at === "number" ? at : Date.parse(at));
  if (Number.isNaN(age)) return "unknown";
  if (age < 45_000) return "now";
  if (age < HOUR) return `${Math.max(1, Math.round(age / MINUTE))} min ago`;
  if (age < DAY) return `${Math.round(age / HOUR)} h ago`;
  if (age < 60 * DAY) return `${Math.round(age / DAY)} d ago`;
  if (age < 730 * DAY) return `${Math.round(age / (30.4 * DAY))} mo ago`;
  return `${Math.round(age / (365 * DAY))} y ago`;
}

/** Local time, to the minute. */
export function local(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  return date.toLocaleString(undefined, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  });
}

/** "2026-11-22 09:55:57 UTC" */
export function utc(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** A UTC day "2026-11-22" as "22 Nov" or "Sun 22 Nov 2026". */
export function day(iso: string, long = false): string {
  const date = new Date(`${iso}T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return iso;
  return date.toLocaleDateString("en-GB", {
    timeZone: "UTC",
    day: "numeric",
    month: "short",
    ...(long ? { weekday: "short", year: "numeric" } : {}),
  });
}

export interface Source {
  path: string | null;
  line: number | null;
  offset: number | null;
}

/** What an editor opens: "/a/b.jsonl:12", or "/a/b.db" without lines. */
export function place(source: Source): string | null {
  if (source.path === null) return null;
  return source.line === null ? source.path : `${source.path}:${source.line}`;
}

export function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1) || path;
}

/** Keeps both ends of a long name: "rollout-2026…c95facf7f1.jsonl". */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const tail = Math.ceil((limit - 1) * 0.6);
  return `${text.slice(0, limit - 1 - tail)}…${text.slice(text.length - tail)}`;
}

/** "read_only" -> "read only" */
export function words(code: string): string {
  return code.replaceAll("_", " ");
}

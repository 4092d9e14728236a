// Keyboard shortcuts: single keys and two-key sequences such as "g o".

import { useEffect, useRef } from "react";

export type Shortcuts = Record<string, (event: KeyboardEvent) => void>;

const SEQUENCE_MS = 1_200;

/** Typing into a field is no shortcut. */
function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** The name of a pressed key as shortcuts spell it: "mod+k", "?", "j", "Escape". */
function keyName(event: KeyboardEvent): string {
  const mod = event.ctrlKey || event.metaKey ? "mod+" : "";
  return mod + (event.key.length === 1 ? event.key.toLowerCase() : event.key);
}

/** Finds the shortcut for a key; remembers the first key of a sequence. */
export class Matcher {
  private first = "";
  private firstAt = 0;

  match(shortcuts: Shortcuts, name: string, now: number): string | null {
    const recent = this.first !== "" && now - this.firstAt < SEQUENCE_MS;
    const sequence = recent ? `${this.first} ${name}` : "";
    this.first = "";
    if (sequence && shortcuts[sequence]) return sequence;
    if (shortcuts[name]) return name;
    if (Object.keys(shortcuts).some((keys) => keys.startsWith(`${name} `))) {
      this.first = name;
      this.firstAt = now;
    }
    return null;
  }
}

export function useShortcuts(shortcuts: Shortcuts): void {
  const current = useRef(shortcuts);
  useEffect(() => {
    current.current = shortcuts;
  });
  useEffect(() => {
    const matcher = new Matcher();
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.altKey || event.isComposing) return;
      const name = keyName(event);
      const inField = isTyping(event.target) || document.querySelector("dialog[open]") !== null;
      if (inField && !name.startsWith("mod+")) return;
      const found = matcher.match(current.current, name, event.timeStamp);
      if (found === null) return;
      event.preventDefault();
      current.current[found]?.(event);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}

/** Moves the focus to the next or previous element with data-row. */
export function moveRow(step: 1 | -1, root: ParentNode = document): void {
  const rows = [...root.querySelectorAll<HTMLElement>("[data-row]")];
  if (rows.length === 0) return;
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = at < 0 ? nearest(rows, step) : rows[at + step];
  next?.focus();
  next?.scrollIntoView?.({ block: "nearest" });
}

// The first row in sight, so that j begins where the reader looks.
function nearest(rows: HTMLElement[], step: 1 | -1): HTMLElement | undefined {
  const seen = rows.filter((row) => {
    const box = row.getBoundingClientRect();
    return box.bottom > 0 && box.top < window.innerHeight;
  });
  return step === 1 ? (seen[0] ?? rows[0]) : (seen.at(-1) ?? rows.at(-1));
}

// Ctrl-K: type a part of a name, press Enter.

import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";

import { useSkills } from "../api/queries";
import { setTheme, THEMES } from "../lib/theme";
import { Dialog } from "./dialog";
import { StateBadge } from "./small";

interface Entry {
  key: string;
  label: string;
  kind: "skill" | "page" | "theme";
  state?: string;
  run: () => void;
}

const MOST = 12;

/** How well a text answers what was typed: 0 not at all, more is better. */
export function score(text: string, typed: string): number {
  const a = text.toLowerCase();
  const b = typed.toLowerCase().trim();
  if (b === "") return 1;
  const at = a.indexOf(b);
  if (at === 0) return 4;
  if (at > 0) return /[\s:_\-/]/.test(a[at - 1] ?? "") ? 3 : 2;
  let from = 0;
  for (const letter of b) {
    from = a.indexOf(letter, from) + 1;
    if (from === 0) return 0;
  }
  return 1;
}

export function Palette({ close, help }: { close: () => void; help: () => void }) {
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const listId = useId();
  const entries = useEntries(close, help);
  const found = useMemo(
    () =>
      entries
        .map((entry) => ({ entry, value: score(entry.label, typed) }))
        .filter(({ value }) => value > 0)
        .sort((a, b) => b.value - a.value)
        .slice(0, MOST)
        .map(({ entry }) => entry),
    [entries, typed],
  );
  const chosen = Math.min(at, found.length - 1);
  useEffect(() => {
    list.current?.children[chosen]?.scrollIntoView?.({ block: "nearest" });
  }, [chosen]);
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown") setAt(Math.min(chosen + 1, found.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(chosen - 1, 0));
    else if (event.key === "Enter") found[chosen]?.run();
    else return;
    event.preventDefault();
  };
  return (
    <Dialog label="Find a skill or a command" close={close} className="palette">
      <input
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls={listId}
        aria-activedescendant={found[chosen] ? `${listId}-${chosen}` : undefined}
        aria-label="Name of a skill or a command"
        placeholder="Name of a skill or a command"
        autoComplete="off"
        spellCheck={false}
        autoFocus
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKey}
      />
      <ul role="listbox" id={listId} ref={list} aria-label="Found">
        {found.map((entry, i) => (
          <li
            key={entry.key}
            id={`${listId}-${i}`}
            role="option"
            aria-selected={i === chosen}
            onClick={entry.run}
            onPointerMove={() => setAt(i)}
          >
            <span>{entry.label}</span>
            <span className="push">{entry.state ? <StateBadge state={entry.state} /> : <span className="quiet">{entry.kind}</span>}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="quiet nothing">Nothing has that name.</p>}
    </Dialog>
  );
}

function useEntries(close: () => void, help: () => void): Entry[] {
  const [, navigate] = useLocation();
  const { rows: skills } = useSkills();
  return useMemo(() => {
    const then = (act: () => void) => (): void => {
      close();
      act();
    };
    const rows = skills ?? [];
    return [
      ...rows.map((row): Entry => ({
        key: `skill:${row.skill_id}`,
        label: row.name,
        kind: "skill",
        state: row.state,
        run: then(() => navigate(`/skills/${row.skill_id}`)),
      })),
      { key: "overview", label: "Overview", kind: "page", run: then(() => navigate("/")) },
      { key: "help", label: "Help: shortcuts and words", kind: "page", run: help },
      ...THEMES.map((name): Entry => ({
        key: `theme:${name}`,
        label: `Theme: ${name}`,
        kind: "theme",
        run: then(() => setTheme(name)),
      })),
    ];
  }, [skills, navigate, close, help]);
}

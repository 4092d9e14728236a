// The colour theme: the system's, or one that the person chose.

import { useSyncExternalStore } from "react";

export const THEMES = ["system", "light", "dark", "contrast"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "selftune-theme";
const listeners = new Set<() => void>();

export function theme(): Theme {
  try {
    const saved = localStorage.getItem(KEY);
    return THEMES.find((name) => name === saved) ?? "system";
  } catch {
    return "system"; // storage is switched off
  }
}

export function applyTheme(name: Theme): void {
  if (name === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = name;
}

export function setTheme(name: Theme): void {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // It holds until the page is closed.
  }
  applyTheme(name);
  for (const listener of listeners) listener();
}

export function nextTheme(name: Theme): Theme {
  return THEMES[(THEMES.indexOf(name) + 1) % THEMES.length] ?? "system";
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, theme);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Calls back when colours may have changed: for what draws on a canvas. */
export function onColoursChange(listener: () => void): () => void {
  listeners.add(listener);
  const queries = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"].map((q) => matchMedia(q));
  for (const query of queries) query.addEventListener("change", listener);
  return () => {
    listeners.delete(listener);
    for (const query of queries) query.removeEventListener("change", listener);
  };
}

// From what changed in the store to the queries that show it.

import type { QueryClient, QueryKey } from "@tanstack/react-query";

import { table } from "../lib/table";

/** A `change` event of /api/v3/events. `skills`: ids, or "many". */
export interface Change {
  clock: number;
  topics: readonly string[];
  skills: "many" | readonly number[];
}

// Which kinds of query a topic can change. A topic that is not listed (from a
// newer server) changes everything.
const CHANGED_BY = table<readonly string[]>({
  evidence: ["summary", "skills", "skill"],
  grading: ["summary", "skills", "skill"],
  evolution: ["summary", "skills", "skill"],
  settings: ["summary", "skills", "skill"],
  jobs: ["summary"],
  upload: [],
});

export function touches(change: Change, key: QueryKey): boolean {
  const [kind, id] = key;
  const byTopic = change.topics.some((topic) => {
    const kinds = CHANGED_BY[topic];
    return kinds === undefined || kinds.includes(String(kind));
  });
  if (!byTopic) return false;
  if (kind !== "skill" || change.skills === "many" || typeof id !== "number") return true;
  return change.skills.includes(id);
}

/** Marks what the change touches as old and fetches again what is on the page. */
export function apply(client: QueryClient, change: Change): void {
  const touched = (query: { queryKey: QueryKey }): boolean => touches(change, query.queryKey);
  for (const query of client.getQueryCache().findAll({ predicate: touched })) {
    // A first answer on its way may be older than the change, and the library
    // does not ask a second time while it has none.
    if (query.state.fetchStatus !== "fetching" || query.state.data !== undefined) continue;
    const again = (): void => void client.invalidateQueries({ queryKey: query.queryKey, exact: true });
    query.promise?.then(again, again);
  }
  void client.invalidateQueries({ predicate: touched, refetchType: "active" });
}

export const EVERYTHING: Change = {
  clock: 0,
  topics: ["evidence", "grading", "evolution", "jobs", "upload", "settings"],
  skills: "many",
};

/** Both changes as one, for a tab that looks away and back. */
export function merge(a: Change | null, b: Change): Change {
  if (a === null) return b;
  return {
    clock: Math.max(a.clock, b.clock),
    topics: [...new Set([...a.topics, ...b.topics])],
    skills:
      a.skills === "many" || b.skills === "many" ? "many" : [...new Set([...a.skills, ...b.skills])],
  };
}

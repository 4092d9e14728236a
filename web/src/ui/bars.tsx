// Counts as horizontal bars. The numbers stand beside them, so that the list is
// its own table.

import { count } from "../lib/format";
import type { Term } from "../lib/terms";

export interface BarRow {
  key: string;
  term: Term;
  n: number;
}

export function Bars({
  rows,
  tone,
  label,
  empty,
  explain = false,
}: {
  rows: readonly BarRow[];
  tone: "use" | "miss" | "neutral";
  label: string;
  empty: string;
  explain?: boolean;
}) {
  const most = Math.max(1, ...rows.map((row) => row.n));
  const total = rows.reduce((sum, row) => sum + row.n, 0);
  if (total === 0) return empty ? <p className="quiet">{empty}</p> : null;
  return (
    <ul className={`bars ${tone}`} aria-label={label}>
      {rows.map((row) => (
        <li key={row.key} title={row.term.text} className={row.n === 0 ? "zero" : undefined}>
          <span className="bar-label">{row.term.label}</span>
          <svg className="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
            <rect className="bar-track" width="100" height="8" />
            <rect className="bar-fill" width={(row.n / most) * 100} height="8" />
          </svg>
          <span className="num">{count(row.n)}</span>
          {explain && <span className="bar-text">{row.term.text}</span>}
        </li>
      ))}
    </ul>
  );
}

// Thirty days in a table cell: uses upwards, misses downwards.

import { useMemo } from "react";

import { plural } from "../lib/format";

export interface SparkDay {
  day: string;
  uses: number;
  misses: number;
}

const DAYS = 30;
const STEP = 4;
const HEIGHT = 24;
const MIDDLE = 15;

function sparkText(uses: number, misses: number): string {
  return `Last ${DAYS} days: ${plural(uses, "use")}, ${plural(misses, "miss", "misses")}`;
}

export function Sparkline({
  days,
  uses,
  misses,
  today,
}: {
  days: readonly SparkDay[];
  uses: number;
  misses: number;
  today: number;
}) {
  const bars = useMemo(() => layout(days, today), [days, today]);
  return (
    <svg className="spark" width={DAYS * STEP} height={HEIGHT} role="img" aria-label={sparkText(uses, misses)}>
      <line x1="0" x2={DAYS * STEP} y1={MIDDLE} y2={MIDDLE} className="axis" />
      {bars.map((bar) => (
        <g key={bar.x}>
          <rect className="use" x={bar.x} width={STEP - 1} y={MIDDLE - bar.up} height={bar.up} />
          <rect className="miss" x={bar.x} width={STEP - 1} y={MIDDLE + 1} height={bar.down} />
        </g>
      ))}
    </svg>
  );
}

function layout(days: readonly SparkDay[], today: number): { x: number; up: number; down: number }[] {
  const most = Math.max(3, ...days.map((d) => d.uses));
  const mostMisses = Math.max(3, ...days.map((d) => d.misses));
  return days.flatMap((d) => {
    const age = Math.round((today - Date.parse(`${d.day}T00:00:00Z`)) / 86_400_000);
    if (!(age >= 0 && age < DAYS)) return [];
    return {
      x: (DAYS - 1 - age) * STEP,
      up: d.uses === 0 ? 0 : Math.max(2, (d.uses / most) * MIDDLE),
      down: d.misses === 0 ? 0 : Math.max(2, (d.misses / mostMisses) * (HEIGHT - MIDDLE - 1)),
    };
  });
}

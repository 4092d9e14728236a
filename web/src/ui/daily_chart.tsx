// Uses, readings and misses by day as stacked bars, with a table and a sentence
// that say the same.

import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import type { Window } from "../api/queries";
import type { SkillDaily } from "../api/types.gen";
import { count, day as dayText, plural, words } from "../lib/format";
import { onColoursChange } from "../lib/theme";
import { Section } from "./small";
import { Empty } from "./states";

type Day = SkillDaily["days"][number];

const DAY_MS = 86_400_000;
const HALF_DAY_S = 43_200;
const HEIGHT = 220;
const PARTS = [
  { key: "triggered", label: "Triggered", colour: "--use" },
  { key: "read_only", label: "Read only", colour: "--read" },
  { key: "missed", label: "Missed", colour: "--miss" },
] as const;

const DAYS_OF: Record<Exclude<Window, "all">, number> = { "7d": 7, "30d": 30, "90d": 90 };

/** Every day of the window, with zeros where nothing happened. */
export function filled(daily: SkillDaily, window: Window, now: number): Day[] {
  const today = Math.floor(now / DAY_MS);
  const known = new Map(daily.days.map((d) => [d.day, d]));
  const first = daily.days[0];
  const from =
    window === "all"
      ? first
        ? Date.parse(`${first.day}T00:00:00Z`) / DAY_MS
        : today
      : today - DAYS_OF[window];
  return Array.from({ length: Math.max(1, today - from + 1) }, (_, i) => {
    const day = new Date((from + i) * DAY_MS).toISOString().slice(0, 10);
    return known.get(day) ?? { day, triggered: 0, refused: 0, requested: 0, read_only: 0, missed: 0 };
  });
}

/** The chart in a sentence. */
export function summary(days: readonly Day[]): string {
  const sum = (key: (typeof PARTS)[number]["key"]): number => days.reduce((n, d) => n + d[key], 0);
  const active = days.filter((d) => d.triggered + d.read_only + d.missed > 0);
  if (active.length === 0) return `No evidence in ${plural(days.length, "day")}.`;
  const busiest = active.reduce((a, b) => (b.triggered > a.triggered ? b : a));
  const most = busiest.triggered > 0 ? ` Most uses on ${dayText(busiest.day, true)}: ${count(busiest.triggered)}.` : "";
  return (
    `${plural(sum("triggered"), "use")}, ${count(sum("read_only"))} read only and ` +
    `${plural(sum("missed"), "miss", "misses")} on ${plural(active.length, "day")} of ${count(days.length)}.${most}`
  );
}

/** Bars of uPlot stand on zero: the widest sum is drawn first, parts over it. */
export function stacked(days: readonly Day[]): uPlot.AlignedData {
  const x = days.map((d) => Date.parse(`${d.day}T00:00:00Z`) / 1000);
  const one = days.map((d) => d.triggered);
  const two = days.map((d) => d.triggered + d.read_only);
  const three = days.map((d) => d.triggered + d.read_only + d.missed);
  return [x, three, two, one];
}

export function DailyChart({ daily, window }: { daily: SkillDaily; window: Window }) {
  const [table, setTable] = useState(false);
  const [at, setAt] = useState<number | null>(null);
  const days = useMemo(() => filled(daily, window, Date.now()), [daily, window]);
  const text = summary(days);
  const nothing = daily.days.length === 0;
  const pointed = at === null ? undefined : days[at];
  return (
    <Section
      title="By day"
      aside={
        <span className="legend">
          {PARTS.map((part) => (
            <span key={part.key} className={`key ${part.key}`}>
              {part.label}
            </span>
          ))}
          <button type="button" className="button small" aria-pressed={table} onClick={() => setTable(!table)}>
            {table ? "Chart" : "Table"}
          </button>
        </span>
      }
    >
      {nothing ? (
        <Empty title="No evidence in this window">Choose a longer one, or use the skill.</Empty>
      ) : table ? (
        <DayTable days={days} deploys={daily.deploys} />
      ) : (
        <Plot days={days} deploys={daily.deploys} text={text} onDay={setAt} />
      )}
      {!nothing && <p className="chart-text">{pointed && !table ? dayLine(pointed) : `${text} Days are UTC.`}</p>}
    </Section>
  );
}

function DayTable({ days, deploys }: { days: readonly Day[]; deploys: SkillDaily["deploys"] }) {
  const rows = days.filter((d) => d.triggered + d.read_only + d.missed + d.refused + d.requested > 0).reverse();
  return (
    <div className="scroll short" tabIndex={0} role="region" aria-label="Days as a table">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col" className="num">Triggered</th>
            <th scope="col" className="num">Read only</th>
            <th scope="col" className="num">Missed</th>
            <th scope="col">Changes</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((d) => (
            <tr key={d.day}>
              <th scope="row">{dayText(d.day, true)}</th>
              <td className="num">{count(d.triggered)}</td>
              <td className="num">{count(d.read_only)}</td>
              <td className="num">{count(d.missed)}</td>
              <td>
                {deploys
                  .filter((deploy) => deploy.at.startsWith(d.day))
                  .map((deploy) => `${words(deploy.kind)} ${words(deploy.state)}`)
                  .join(", ")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function dayLine(day: Day): string {
  const parts = PARTS.map((part) => `${count(day[part.key])} ${part.label.toLowerCase()}`);
  return `${dayText(day.day, true)}: ${parts.join(", ")}`;
}

function Plot({
  days,
  deploys,
  text,
  onDay,
}: {
  days: Day[];
  deploys: SkillDaily["deploys"];
  text: string;
  onDay: (index: number | null) => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    let plot: uPlot | undefined;
    const draw = (): void => {
      plot?.destroy();
      plot = new uPlot(options(element, deploys, onDay), stacked(days), element);
    };
    draw();
    const resize = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: HEIGHT }));
    resize.observe(element);
    const forget = onColoursChange(() => requestAnimationFrame(draw));
    return () => {
      resize.disconnect();
      forget();
      plot?.destroy();
      onDay(null);
    };
  }, [days, deploys, onDay]);
  return <div className="plot" ref={box} role="img" aria-label={text} />;
}

function options(
  element: HTMLElement,
  deploys: SkillDaily["deploys"],
  onCursor: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const bars = uPlot.paths.bars?.({ size: [0.72, 26], align: 0 });
  const series = [...PARTS].reverse().map((part) => ({
    label: part.label,
    fill: colour(part.colour),
    width: 0,
    points: { show: false },
    ...(bars ? { paths: bars } : {}),
  }));
  const axis = {
    stroke: colour("--ink-3"),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth || 600,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: true, range: (_, min, max) => [min - HALF_DAY_S, max + HALF_DAY_S] },
      y: { range: (_, __, max) => [0, Math.max(4, Math.ceil(max * 1.1))] },
    },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    axes: [
      { ...axis, grid: { show: false }, space: 60, size: 30, values: "{D} {MMM}" },
      { ...axis, size: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
    ],
    series: [{}, ...series],
    hooks: {
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
      draw: [(plot) => drawDeploys(plot, deploys, colour("--accent"))],
    },
  };
}

// A line where selftune changed the file; the rollback's is broken.
function drawDeploys(plot: uPlot, deploys: SkillDaily["deploys"], colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  for (const deploy of deploys) {
    const x = Math.round(plot.valToPos(Date.parse(deploy.at) / 1000, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.setLineDash(deploy.kind === "rollback" ? [4 * devicePixelRatio, 3 * devicePixelRatio] : []);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.font = `${10 * devicePixelRatio}px sans-serif`;
    ctx.fillText(deploy.kind === "rollback" ? "rollback" : "deploy", x + 4 * devicePixelRatio, bbox.top + 10 * devicePixelRatio);
  }
  ctx.restore();
}

// The small parts: states, rates, times, commands, places.

import { type ReactNode, useEffect, useId, useRef, useState } from "react";

import { ago, count, fileName, local, percent, place, range, shorten, type Source, utc } from "../lib/format";
import { useNow } from "../lib/now";
import { FLAGS, type Level, PLATFORMS, STATES, type Term } from "../lib/terms";

// Shapes carry the level as well as colours do.
const SHAPES: Record<Level, string> = {
  bad: "M8 1.5 14.5 8 8 14.5 1.5 8Z",
  warn: "M8 2 15 14H1Z",
  info: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Zm0 1.8v8.4a4.2 4.2 0 0 1 0-8.4Z",
  good: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Z",
  none: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Zm0 1.8a4.2 4.2 0 1 1 0 8.4 4.2 4.2 0 0 1 0-8.4Z",
};

export function Glyph({ level, size = 12 }: { level: Level; size?: number }) {
  return (
    <svg className={`glyph ${level}`} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <path d={SHAPES[level]} fillRule="evenodd" />
    </svg>
  );
}

export function StateBadge({ state, title }: { state: string; title?: string }) {
  const known = STATES[state] ?? { label: state, level: "none" as const, text: "" };
  return (
    <span className={`state ${known.level}`} title={title ?? known.text}>
      <Glyph level={known.level} />
      {known.label}
    </span>
  );
}

export function Flags({ flags }: { flags: readonly string[] }) {
  return flags.map((flag) => (
    <span key={flag} className="tag" title={FLAGS[flag]}>
      {flag}
    </span>
  ));
}

export function Platforms({ of }: { of: readonly string[] }) {
  return <span className="quiet">{of.map((id) => PLATFORMS[id] ?? id).join(", ")}</span>;
}

/** A time as an age; local time and UTC on hover. */
export function When({ at, none = "never" }: { at: string | null; none?: string }) {
  const now = useNow();
  if (at === null) return <span className="quiet">{none}</span>;
  return (
    <time dateTime={at} title={`${local(at)} — ${utc(at)}`}>
      {ago(at, now)}
    </time>
  );
}

export interface RateData {
  k: number;
  n: number;
  rate: number | null;
  interval: readonly number[];
}

// Below this many a rate says next to nothing.
const FEW = 5;

/** The sentence behind a rate: what, of what, when, how sure. */
function rateText(rate: RateData, term: Term, window: string): string {
  if (rate.rate === null) return `${term.label}: nothing was judged in ${window}.`;
  const few = rate.n < FEW ? " Too few to rely on." : "";
  return (
    `${term.label}: ${count(rate.k)} of ${count(rate.n)} in ${window}, ${percent(rate.rate)}, ` +
    `95 % interval ${range(rate.interval)}.${few}`
  );
}

/** A rate with its numerator, denominator and interval; grey when n is small. */
export function Rate({ of, term, window, wide = false }: { of: RateData; term: Term; window: string; wide?: boolean }) {
  const text = rateText(of, term, window);
  if (of.rate === null) {
    return (
      <span className={`rate few${wide ? " wide" : ""}`} title={`${text} ${term.text}`}>
        <span className="figure">–</span> <span className="quiet">not judged</span>
      </span>
    );
  }
  return (
    <span className={`rate${of.n < FEW ? " few" : ""}${wide ? " wide" : ""}`} title={`${text} ${term.text}`}>
      <span className="figure">{percent(of.rate)}</span>
      <IntervalBar rate={of.rate} interval={of.interval} />
      <span className="basis">
        {count(of.k)} of {count(of.n)}
        <span className="quiet">
          {wide && ` in ${window}, 95 % interval `}
          <span className="range">{range(of.interval)}</span>
        </span>
      </span>
    </span>
  );
}

function IntervalBar({ rate, interval }: { rate: number; interval: readonly number[] }) {
  const [low = rate, high = rate] = interval;
  return (
    <svg className="interval" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      <rect className="track" x="0" y="4" width="100" height="2" />
      <rect className="span" x={low * 100} y="2.5" width={Math.max(1, (high - low) * 100)} height="5" />
      <rect className="point" x={Math.min(98, Math.max(0, rate * 100 - 1))} y="0" width="2" height="10" />
    </svg>
  );
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [said, setSaid] = useState("");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const onClick = async (): Promise<void> => {
    setSaid((await copyText(text)) ? "Copied" : "Not copied");
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setSaid(""), 1_500);
  };
  return (
    <button type="button" className="copy" onClick={() => void onClick()} aria-label={label} title={label}>
      <svg width="13" height="13" viewBox="0 0 16 16" aria-hidden="true">
        {said === "Copied" ? (
          <path d="M3 8.5 6.5 12 13 4.5" />
        ) : (
          <path d="M5.5 5.5h7v8h-7zM3.5 10.5v-8h7" />
        )}
      </svg>
      <span role="status" className="hidden">{said}</span>
    </button>
  );
}

/** A command line to run in a terminal. */
export function Command({ line }: { line: string }) {
  return (
    <span className="command">
      <code>{line}</code>
      <CopyButton text={line} label={`Copy: ${line}`} />
    </span>
  );
}

/** Where a row was read: file, line and byte. */
export function Origin({ source }: { source: Source }) {
  const where = place(source);
  if (where === null || source.path === null) return <span className="quiet">seen by a hook only</span>;
  return (
    <span className="origin">
      <code title={source.path}>
        {shorten(fileName(source.path), 34)}
        {source.line === null ? "" : `:${source.line}`}
      </code>
      {source.offset !== null && (
        <span className="quiet" title="Byte in the file">
          @{source.offset}
        </span>
      )}
      <CopyButton text={where} label={`Copy the place: ${where}`} />
    </span>
  );
}

/** A word whose definition shows on hover and on focus; Escape puts it away. */
export function Defined({ term, children }: { term: Term; children?: ReactNode }) {
  const id = useId();
  return (
    <span className="defined">
      <button
        type="button"
        aria-describedby={id}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      >
        {children ?? term.label}
      </button>
      <span role="tooltip" id={id}>
        {term.text}
      </span>
    </span>
  );
}

export function Section({
  title,
  aside,
  children,
  id,
  className = "",
}: {
  title: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
  id?: string;
  className?: string;
}) {
  const heading = useId();
  return (
    <section className={`section ${className}`} aria-labelledby={heading} {...(id ? { id } : {})}>
      <div className="section-head">
        <h2 id={heading}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

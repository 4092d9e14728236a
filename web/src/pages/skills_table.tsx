// All skills: filter, sort, open.

import { useMemo, useState } from "react";
import { Link, useLocation } from "wouter";

import type { SkillList } from "../api/types.gen";
import { count, plural } from "../lib/format";
import { useNow } from "../lib/now";
import { STATES, TERMS, type Term } from "../lib/terms";
import { useParam } from "../lib/url_state";
import { Flags, Glyph, Platforms, Rate, StateBadge, When } from "../ui/small";
import { Sparkline } from "../ui/sparkline";
import { Empty } from "../ui/states";

export type SkillRow = SkillList["items"][number];

const AT_ONCE = 100;
const DAY_MS = 86_400_000;
// Worst first, as the library orders them.
const ORDER = ["CRITICAL", "WARNING", "UNCERTAIN", "HEALTHY", "UNGRADED", "UNKNOWN"];

const STATE_NAMES = ["all", "used", ...ORDER];

const COLUMNS = ["state", "name", "rate", "uses", "missed", "last"] as const;
type Column = (typeof COLUMNS)[number];
const SORTS = COLUMNS.flatMap((column) => [column, `-${column}` as const]);
type Sort = (typeof SORTS)[number];

const HEADS: Record<Column, { term: Term | string; first: "" | "-"; number?: boolean }> = {
  state: { term: TERMS.state, first: "" },
  name: { term: "Skill", first: "" },
  rate: { term: TERMS.trigger_rate, first: "" },
  uses: { term: TERMS.uses, first: "-" },
  missed: { term: TERMS.missed, first: "-", number: true },
  last: { term: "Last use", first: "-", number: true },
};

function rank(row: SkillRow): number {
  const place = ORDER.indexOf(row.state);
  return place < 0 ? ORDER.length : place;
}

// What a column sorts by; null always comes last.
const VALUE: Record<Column, (row: SkillRow) => number | string | null> = {
  state: rank,
  name: (row) => row.name.toLowerCase(),
  rate: (row) => row.trigger_rate.rate,
  uses: (row) => row.recent.uses,
  missed: (row) => row.recent.misses,
  last: (row) => row.last_use,
};

export function sorted(rows: readonly SkillRow[], sort: Sort): SkillRow[] {
  const down = sort.startsWith("-");
  const value = VALUE[(down ? sort.slice(1) : sort) as Column];
  const tie = (a: SkillRow, b: SkillRow): number =>
    b.recent.uses - a.recent.uses || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  return [...rows].sort((a, b) => {
    const x = value(a);
    const y = value(b);
    if (x === y) return tie(a, b);
    if (x === null) return 1;
    if (y === null) return -1;
    return (x < y ? -1 : 1) * (down ? -1 : 1);
  });
}

export function matches(row: SkillRow, text: string, state: string): boolean {
  if (state === "used" ? row.recent.uses === 0 : state !== "all" && row.state !== state) return false;
  return row.name.toLowerCase().includes(text.toLowerCase().trim());
}

export function SkillsTable({ rows, total }: { rows: readonly SkillRow[]; total: number }) {
  const [q, setQ] = useParam<string>("q", "");
  const [state, setState] = useParam<string>("state", "all", STATE_NAMES);
  const [sort, setSort] = useParam<Sort>("sort", "state", SORTS);
  const [shown, setShown] = useState(AT_ONCE);
  const found = useMemo(
    () => sorted(rows.filter((row) => matches(row, q, state)), sort),
    [rows, q, state, sort],
  );
  if (rows.length === 0) {
    return (
      <Empty title="No skill is installed or was used" command="selftune sync">
        Put one into <code>~/.claude/skills/</code> or <code>~/.codex/skills/</code>, then read again:
      </Empty>
    );
  }
  return (
    <>
      <div className="filters">
        <input
          type="search"
          id="skill-filter"
          placeholder="Filter by name"
          aria-label="Filter skills by name"
          value={q}
          onChange={(event) => setQ(event.target.value)}
        />
        <StateFilter rows={rows} value={state} onChange={setState} />
        <span role="status" className="quiet push">
          {found.length === total ? plural(total, "skill") : `${count(found.length)} of ${plural(total, "skill")}`}
        </span>
      </div>
      {found.length === 0 ? (
        <Empty title="No skill matches the filter">
          <button
            type="button"
            className="button"
            onClick={() => {
              setQ("");
              setState("all");
            }}
          >
            Show all
          </button>
        </Empty>
      ) : (
        <div className="scroll" tabIndex={0} role="region" aria-label="Table of skills">
          <table className="table skills">
            <thead>
              <tr>
                {COLUMNS.map((column) => (
                  <Head key={column} column={column} sort={sort} onSort={setSort} />
                ))}
              </tr>
            </thead>
            <tbody>
              {found.slice(0, shown).map((row) => (
                <Row key={row.skill_id} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found.length > shown && (
        <button type="button" className="button more" onClick={() => setShown(shown + AT_ONCE)}>
          Show {count(Math.min(AT_ONCE, found.length - shown))} more
        </button>
      )}
    </>
  );
}

function Head({ column, sort, onSort }: { column: Column; sort: Sort; onSort: (sort: Sort) => void }) {
  const { term, first, number } = HEADS[column];
  const up = sort === column;
  const active = up || sort === `-${column}`;
  const next = active ? (up ? (`-${column}` as const) : column) : (`${first}${column}` as Sort);
  const label = typeof term === "string" ? term : term.label;
  return (
    <th
      scope="col"
      className={number ? "num" : undefined}
      aria-sort={active ? (up ? "ascending" : "descending") : undefined}
    >
      <button type="button" className="sort" onClick={() => onSort(next)} title={typeof term === "string" ? undefined : term.text}>
        {label}
        <svg width="8" height="10" viewBox="0 0 8 10" aria-hidden="true" className={active ? "on" : ""}>
          <path d={active && up ? "M4 1 7.5 7H.5Z" : "M4 9 .5 3h7Z"} />
        </svg>
      </button>
    </th>
  );
}

function StateFilter({
  rows,
  value,
  onChange,
}: {
  rows: readonly SkillRow[];
  value: string;
  onChange: (value: string) => void;
}) {
  const states = ORDER.map((state) => ({ state, n: rows.filter((row) => row.state === state).length }));
  const used = rows.filter((row) => row.recent.uses > 0).length;
  const options = [
    { value: "all", label: "All", n: rows.length },
    { value: "used", label: "Used", n: used },
    ...states.filter((s) => s.n > 0).map((s) => ({ value: s.state, label: STATES[s.state]?.label ?? s.state, n: s.n })),
  ];
  return (
    <div className="chips" role="group" aria-label="Filter skills by state">
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          className="chip"
          aria-pressed={value === option.value}
          onClick={() => onChange(option.value)}
        >
          {STATES[option.value] && <Glyph level={STATES[option.value]!.level} size={10} />}
          {option.label} <span className="quiet">{count(option.n)}</span>
        </button>
      ))}
    </div>
  );
}

function Row({ row }: { row: SkillRow }) {
  const [, navigate] = useLocation();
  const today = Math.floor(useNow() / DAY_MS) * DAY_MS;
  const href = `/skills/${row.skill_id}`;
  return (
    <tr
      className={row.recent.uses === 0 && row.recent.misses === 0 ? "idle" : undefined}
      onClick={(event) => {
        // The whole row opens the skill; selecting text and the link itself do not.
        if ((event.target as Element).closest("a,button") || getSelection()?.toString()) return;
        navigate(href);
      }}
    >
      <td>
        <StateBadge state={row.state} />
      </td>
      <th scope="row">
        <Link href={href} data-row="" className="skill-name">
          {row.name}
        </Link>
        <span className="sub">
          {row.installed ? (row.scope ?? "installed") : "not installed"} · <Platforms of={row.platforms} />
          <Flags flags={row.flags} />
        </span>
      </th>
      <td>
        <Rate of={row.trigger_rate} term={TERMS.trigger_rate} window="the last 30 days" />
      </td>
      <td>
        <span className="with-spark">
          <Sparkline days={row.recent.days} uses={row.recent.uses} misses={row.recent.misses} today={today} />
          <span className="num">{count(row.recent.uses)}</span>
        </span>
      </td>
      <td className="num">
        {row.recent.misses > 0 ? (
          <>
            {count(row.recent.misses)}
            <span className="sub" title={TERMS.curable.text}>
              {count(row.trigger_rate.curable)} curable
            </span>
          </>
        ) : (
          <span className="quiet">0</span>
        )}
      </td>
      <td className="num">
        <When at={row.last_use} />
      </td>
    </tr>
  );
}


// Every row behind the figures, down to file, line and byte.

import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Fragment, useState } from "react";

import { evidenceQuery, type Window } from "../api/queries";
import type { SkillObservations } from "../api/types.gen";
import { count, words } from "../lib/format";
import { CAUSES, MODES, OUTCOMES, PLATFORMS } from "../lib/terms";
import { useSettled } from "../lib/settled";
import { useParam } from "../lib/url_state";
import { CopyButton, Origin, Section, When } from "../ui/small";
import { blocking, Empty, Loading, Problem } from "../ui/states";

export type Observation = SkillObservations["items"][number];

const OUTCOME_NAMES = ["", ...Object.keys(OUTCOMES)];
const MODE_NAMES = ["", ...Object.keys(MODES)];

export function Evidence({ id, window, platforms }: { id: number; window: Window; platforms: readonly string[] }) {
  const [outcome, setOutcome] = useParam<string>("outcome", "", OUTCOME_NAMES);
  const [mode, setMode] = useParam<string>("mode", "", MODE_NAMES);
  const [platform, setPlatform] = useParam<string>("platform", "", ["", ...platforms]);
  const [q, setQ] = useParam<string>("q", "");
  const text = useSettled(q);
  const rows = useInfiniteQuery({
    ...evidenceQuery(id, window, { outcome, mode, platform, q: text }),
    placeholderData: keepPreviousData,
  });
  const items = rows.data?.pages.flatMap((page) => page.items) ?? [];
  const clear = (): void => {
    setOutcome("");
    setMode("");
    setPlatform("");
    setQ("");
  };
  return (
    <Section
      id="evidence"
      title="Evidence"
      aside={<span className="quiet">every use and miss, with the line of the transcript it was read from</span>}
    >
      <div className="filters">
        <input
          type="search"
          aria-label="Search in prompts"
          placeholder="Search in prompts"
          value={q}
          onChange={(event) => setQ(event.target.value)}
        />
        <Choice label="Outcome" value={outcome} onChange={setOutcome} options={OUTCOMES} />
        <Choice label="Mode" value={mode} onChange={setMode} options={MODES} />
        {platforms.length > 1 && (
          <Choice
            label="Host"
            value={platform}
            onChange={setPlatform}
            options={Object.fromEntries(platforms.map((p) => [p, { label: PLATFORMS[p] ?? p }]))}
          />
        )}
        <span role="status" className="quiet push">
          {rows.data ? `${count(items.length)}${rows.hasNextPage ? " newest" : ""} rows` : ""}
        </span>
      </div>
      {blocking(rows) ? (
        <Problem error={blocking(rows)} retry={() => void rows.refetch()} />
      ) : !rows.data ? (
        <Loading rows={6} label="Reading the evidence" />
      ) : items.length === 0 ? (
        <Empty title="No row in this window matches">
          <button type="button" className="button" onClick={clear}>
            Clear the filters
          </button>
        </Empty>
      ) : (
        <Table items={items} />
      )}
      {rows.hasNextPage && (
        <button
          type="button"
          className="button more"
          disabled={rows.isFetchingNextPage}
          onClick={() => void rows.fetchNextPage()}
        >
          Older rows
        </button>
      )}
    </Section>
  );
}

function Choice({
  label,
  value,
  onChange,
  options,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  options: Record<string, { label: string }>;
}) {
  return (
    <label className="choice">
      {label}
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">any</option>
        {Object.entries(options).map(([key, option]) => (
          <option key={key} value={key}>
            {option.label}
          </option>
        ))}
      </select>
    </label>
  );
}

function Table({ items }: { items: readonly Observation[] }) {
  const [open, setOpen] = useState<string | null>(null);
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Evidence rows">
      <table className="table evidence">
        <thead>
          <tr>
            <th scope="col">
              <span className="hidden">Details</span>
            </th>
            <th scope="col">Outcome</th>
            <th scope="col">Prompt</th>
            <th scope="col">Mode or cause</th>
            <th scope="col">Host</th>
            <th scope="col">Source</th>
            <th scope="col" className="num">
              When
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <Fragment key={item.occurrence}>
              <Row
                item={item}
                open={open === item.occurrence}
                onToggle={() => setOpen(open === item.occurrence ? null : item.occurrence)}
              />
              {open === item.occurrence && <Details item={item} />}
            </Fragment>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ item, open, onToggle }: { item: Observation; open: boolean; onToggle: () => void }) {
  return (
    <tr className={open ? "open" : undefined}>
      <td>
        <button
          type="button"
          className="disclose"
          data-row=""
          aria-expanded={open}
          aria-label={`Details of the row of ${item.at ?? "unknown time"}`}
          onClick={onToggle}
        >
          <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
            <path d="M3 1.5 7 5 3 8.5" />
          </svg>
        </button>
      </td>
      <td>
        <span className={`outcome ${item.outcome}`} title={OUTCOMES[item.outcome]?.text}>
          {OUTCOMES[item.outcome]?.label ?? words(item.outcome)}
        </span>
      </td>
      <td className="grow">
        <span className="prompt one-line">
          {item.prompt ?? <span className="quiet">{item.prompt_id ? "erased" : "no prompt known"}</span>}
        </span>
      </td>
      <td title={(MODES[item.mode ?? ""] ?? CAUSES[item.cause ?? ""])?.text}>
        {item.mode ? (MODES[item.mode]?.label ?? words(item.mode)) : item.cause ? (CAUSES[item.cause]?.label ?? words(item.cause)) : "–"}
      </td>
      <td>{PLATFORMS[item.platform] ?? item.platform}</td>
      <td>
        <Origin source={item.source} />
      </td>
      <td className="num">
        <When at={item.at} none="no time" />
      </td>
    </tr>
  );
}

function Details({ item }: { item: Observation }) {
  const facts: [string, string | null][] = [
    ["File", item.source.path],
    ["Line", item.source.line === null ? null : count(item.source.line)],
    ["Byte", item.source.offset === null ? null : count(item.source.offset)],
    ["Session", item.session_id],
    ["Root session", item.root_session_id === item.session_id ? null : item.root_session_id],
    ["Prompt id", item.prompt_id],
    ["Told from", [item.level, item.route, item.tool].filter(Boolean).map((w) => words(String(w))).join(" · ") || null],
    ["Requested by", item.requested_by],
    ["Cause", item.cause && words(item.cause)],
    ["Reason", item.reason && words(item.reason)],
    // Of a use it follows from what it was told from; of a miss it is the judge's own.
    ["Judge's confidence", item.level !== null || item.confidence === null ? null : `${item.confidence} of 1`],
    ["SKILL.md", item.skill_path],
    ["Captured by", item.capture],
  ];
  return (
    <tr className="details">
      <td />
      <td colSpan={6}>
        {item.prompt && <p className="prompt">{item.prompt}</p>}
        <dl className="facts">
          {facts.map(([name, value]) =>
            value === null ? null : (
              <div key={name}>
                <dt>{name}</dt>
                <dd>
                  <code>{value}</code>
                  {(name === "File" || name === "Session") && <CopyButton text={value} label={`Copy: ${value}`} />}
                </dd>
              </div>
            ),
          )}
        </dl>
      </td>
    </tr>
  );
}

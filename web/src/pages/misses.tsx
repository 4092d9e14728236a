// Prompts at which the skill was needed and did not run, and why.

import { useInfiniteQuery } from "@tanstack/react-query";

import { missesQuery, type Window } from "../api/queries";
import type { SkillMisses } from "../api/types.gen";
import { count, words } from "../lib/format";
import { CAUSES, REASONS, TERMS } from "../lib/terms";
import { Bars } from "../ui/bars";
import { Defined, Origin, Section, When } from "../ui/small";
import { blocking, Empty, Loading, Problem } from "../ui/states";
import { named } from "../lib/shell";

type Miss = SkillMisses["items"][number];
type Cluster = [Miss, ...Miss[]];

/** Misses that ask the same stand together, at the place of the newest. */
export function clusters(items: readonly Miss[]): Cluster[] {
  const byText = new Map<string, Cluster>();
  const out: Cluster[] = [];
  for (const miss of items) {
    const key = miss.cluster === null ? null : `${miss.cluster} ${miss.skill}`;
    const known = key === null ? undefined : byText.get(key);
    if (known) {
      known.push(miss);
      continue;
    }
    const made: Cluster = [miss];
    out.push(made);
    if (key !== null) byText.set(key, made);
  }
  return out;
}

export function Causes({ causes, window }: { causes: Record<string, number>; window: string }) {
  const rows = Object.entries(causes)
    .sort((a, b) => b[1] - a[1])
    .map(([cause, n]) => ({ key: cause, term: CAUSES[cause] ?? { label: words(cause), text: "" }, n }));
  return (
    <Section title="Why it was missed">
      <Bars rows={rows} tone="miss" label={`Misses by cause in ${window}`} empty={`no miss in ${window}`} explain />
    </Section>
  );
}

export function Misses({ id, window, total, skill }: { id: number; window: Window; total: number; skill: string }) {
  const misses = useInfiniteQuery(missesQuery(id, window));
  const items = misses.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Section id="misses" title={<Defined term={TERMS.missed} />} aside={<span className="badge">{count(total)}</span>}>
      {blocking(misses) ? (
        <Problem error={blocking(misses)} retry={() => void misses.refetch()} />
      ) : !misses.data ? (
        <Loading label="Reading the misses" />
      ) : items.length === 0 ? (
        <Empty title="No miss in this window" command={`selftune why ${named(skill)}`}>
          Nobody said that the skill should have run and did not. What the model is shown of it (with{" "}
          <code>--prompt</code>, for a text of yours):
        </Empty>
      ) : (
        <ul className="list">
          {clusters(items).map(([miss, ...earlier], i) => (
            <MissItem key={`${miss.prompt_id ?? miss.session_id}:${i}`} miss={miss} earlier={earlier} />
          ))}
        </ul>
      )}
      {misses.hasNextPage && (
        <button
          type="button"
          className="button more"
          disabled={misses.isFetchingNextPage}
          onClick={() => void misses.fetchNextPage()}
        >
          Older misses
        </button>
      )}
    </Section>
  );
}

function MissItem({ miss, earlier }: { miss: Miss; earlier: readonly Miss[] }) {
  const cause = miss.cause ?? "unknown";
  const known = CAUSES[cause];
  return (
    <li className="item" data-row="" tabIndex={-1}>
      <div className="item-body">
        <p className="prompt">{miss.query ?? <span className="quiet">the text was erased</span>}</p>
        <p className="item-meta">
          <span className="tag miss" title={known?.text}>
            {known?.label ?? words(cause)}
          </span>
          <span title={miss.signals.map(words).join(", ")}>{REASONS[miss.reason ?? ""] ?? words(miss.reason ?? "")}</span>
          {miss.competing_skill && (
            <span>
              <strong>{miss.competing_skill}</strong> ran instead
            </span>
          )}
          <Origin source={miss.source} />
          <span className="quiet push">
            <When at={miss.at} none="no time" />
          </span>
        </p>
        {earlier.length > 0 && (
          <details className="item-more">
            <summary>asked {count(earlier.length + 1)} times</summary>
            <ul>
              {earlier.map((other, i) => (
                <li key={`${other.prompt_id ?? other.session_id}:${i}`} className="item-meta">
                  <When at={other.at} none="no time" />
                  <Origin source={other.source} />
                </li>
              ))}
            </ul>
          </details>
        )}
      </div>
    </li>
  );
}

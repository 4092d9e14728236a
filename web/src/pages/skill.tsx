// One skill: how often it came when it was needed, when it did not and why, and
// every row of evidence behind the figures.

import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link } from "wouter";

import { chartQuery, dailyQuery, skillQuery, type Window, WINDOWS } from "../api/queries";
import type { SkillReport } from "../api/types.gen";
import { count, plural, words } from "../lib/format";
import { AUTONOMY, MODES, PLATFORMS, TERMS } from "../lib/terms";
import { flag } from "../lib/shell";
import { useParam } from "../lib/url_state";
import { Bars } from "../ui/bars";
import { Command, CopyButton, Defined, Flags, Rate, Section, StateBadge, When } from "../ui/small";
import { blocking, Loading, Problem } from "../ui/states";
import { Evidence } from "./evidence";
import { Causes, Misses } from "./misses";

const WINDOW_NAMES: Record<Window, string> = { "7d": "7 days", "30d": "30 days", "90d": "90 days", all: "All time" };

function windowText(window: Window): string {
  return window === "all" ? "all time" : `the last ${WINDOW_NAMES[window]}`;
}

export function SkillPage({ id }: { id: number }) {
  const [window, setWindow] = useParam<Window>("window", "30d", WINDOWS);
  const report = useQuery(skillQuery(id, window));
  const name = report.data?.name;
  useEffect(() => {
    document.title = name ? `${name} · selftune` : "selftune";
  }, [name]);
  return (
    <>
      <nav aria-label="Breadcrumb" className="crumbs">
        <Link href="/">Overview</Link>
        <span aria-hidden="true">/</span>
        <span aria-current="page">{name ?? `skill ${id}`}</span>
      </nav>
      {blocking(report) ? (
        <Problem page error={blocking(report)} retry={() => void report.refetch()} />
      ) : report.data ? (
        <Body id={id} report={report.data} window={window} setWindow={setWindow} />
      ) : (
        <Loading rows={8} label="Reading the skill" />
      )}
    </>
  );
}

function Body({
  id,
  report,
  window,
  setWindow,
}: {
  id: number;
  report: SkillReport;
  window: Window;
  setWindow: (window: Window) => void;
}) {
  return (
    <>
      <Head report={report} window={window} setWindow={setWindow} />
      <Figures report={report} window={window} />
      <div className="columns wide-left">
        <div className="stack">
          <Daily id={id} window={window} />
          <Misses id={id} window={window} total={report.usage.missed} skill={report.name} />
        </div>
        <aside className="stack" aria-label="About this skill">
          <Causes causes={report.causes} window={windowText(window)} />
          <Modes report={report} />
          <Loop report={report} />
          <Files report={report} />
        </aside>
      </div>
      <Evidence id={id} window={window} platforms={report.platforms.map((p) => p.platform)} />
    </>
  );
}

function Head({ report, window, setWindow }: { report: SkillReport; window: Window; setWindow: (w: Window) => void }) {
  const length = report.description === null ? 0 : [...report.description].length;
  return (
    <header className="skill-head">
      <div className="title-row">
        <h1>{report.name}</h1>
        <StateBadge state={report.state} />
        <Flags flags={report.flags} />
        <span className="push">
          <WindowPicker value={window} onChange={setWindow} />
        </span>
      </div>
      <p className="lead">{report.state_reason}</p>
      {report.description !== null && (
        <figure className="description">
          <blockquote>{report.description}</blockquote>
          <figcaption className="quiet">
            Description: {count(length)} of {count(report.description_limit)} characters
            {report.scope && <> · {report.scope}</>}
            {report.autonomy !== null && <> · {AUTONOMY[report.autonomy] ?? report.autonomy}</>}
          </figcaption>
        </figure>
      )}
    </header>
  );
}

function WindowPicker({ value, onChange }: { value: Window; onChange: (value: Window) => void }) {
  return (
    <span className="segments" role="group" aria-label="Window of time">
      {WINDOWS.map((window) => (
        <button key={window} type="button" aria-pressed={window === value} onClick={() => onChange(window)}>
          {WINDOW_NAMES[window]}
        </button>
      ))}
    </span>
  );
}

function Figures({ report, window }: { report: SkillReport; window: Window }) {
  const { usage, trigger_rate: rate } = report;
  return (
    <dl className="figures">
      <div className="figure-wide">
        <dt>
          <Defined term={TERMS.trigger_rate} />
        </dt>
        <dd>
          <Rate of={rate} term={TERMS.trigger_rate} window={windowText(window)} wide />
          <span className="note">
            {count(rate.by_hand)} more by the person's own command, not counted
          </span>
        </dd>
      </div>
      <div>
        <dt>
          <Defined term={TERMS.uses} />
        </dt>
        <dd>
          <span className="big">{count(usage.triggered)}</span>
          <span className="note">
            in {windowText(window)}; {plural(usage.sessions, "session")} of all time
          </span>
        </dd>
      </div>
      <div>
        <dt>
          <Defined term={TERMS.missed} />
        </dt>
        <dd>
          <span className="big">{count(usage.missed)}</span>
          <span className="note">
            {count(rate.curable)} <Defined term={TERMS.curable}>curable</Defined> by a better description
          </span>
        </dd>
      </div>
      <div>
        <dt>Other</dt>
        <dd>
          <span className="big">{count(usage.read_only + usage.requested + usage.refused)}</span>
          <span className="note">
            {count(usage.read_only)} read only, {count(usage.requested)} requested, {count(usage.refused)} refused
          </span>
        </dd>
      </div>
      <div>
        <dt>Last use</dt>
        <dd>
          <span className="big">
            <When at={usage.last} />
          </span>
          <span className="note">
            first <When at={usage.first} />
          </span>
        </dd>
      </div>
    </dl>
  );
}

function Daily({ id, window }: { id: number; window: Window }) {
  const daily = useQuery(dailyQuery(id, window));
  const chart = useQuery(chartQuery());
  if (daily.data && chart.data) return <chart.data.DailyChart daily={daily.data} window={window} />;
  const failed = blocking(daily) ? daily : blocking(chart) ? chart : null;
  return (
    <Section title="By day">
      {failed ? (
        <Problem error={failed.error} retry={() => void failed.refetch()} />
      ) : (
        <Loading rows={5} label="Reading the days" />
      )}
    </Section>
  );
}

function Modes({ report }: { report: SkillReport }) {
  const { usage } = report;
  const rows = (["explicit", "implicit", "inferred"] as const).map((mode) => ({
    key: mode,
    term: MODES[mode]!,
    n: usage[mode],
  }));
  const hosts = report.platforms.map((p) => ({
    key: p.platform,
    term: { label: PLATFORMS[p.platform] ?? p.platform, text: "Uses on this host" },
    n: p.uses,
  }));
  return (
    <Section title="How it was used">
      <Bars rows={rows} tone="use" label="Uses by mode" empty="not used in this window" />
      {hosts.length > 0 && <Bars rows={hosts} tone="neutral" label="Uses by host" empty="" />}
    </Section>
  );
}

function Loop({ report }: { report: SkillReport }) {
  const open = report.proposals.filter((p) => p.state === "validated" || p.state === "created");
  return (
    <Section title="Changes by selftune">
      {report.deploys.length === 0 && report.proposals.length === 0 ? (
        <p className="quiet">
          None yet. What an improvement would take: <Command line={`selftune evolve ${flag("--skill", report.name)} --plan`} />
        </p>
      ) : (
        <ul className="events">
          {report.deploys.map((deploy) => (
            <li key={deploy.deploy_id}>
              <span className="tag">{words(deploy.kind)}</span> {words(deploy.state)}
              <span className="quiet push">
                <When at={deploy.at} />
              </span>
            </li>
          ))}
          {report.proposals.map((proposal) => (
            <li key={proposal.proposal_id}>
              <span className="tag">proposal</span> {words(proposal.state)}
              {proposal.reason_code && <span className="quiet"> {words(proposal.reason_code)}</span>}
              <span className="quiet push">
                <When at={proposal.created} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {open[0] && <Command line={`selftune proposals show ${open[0].proposal_id}`} />}
      {report.watch && (
        <p className="quiet">
          Watch of the newest deploy: <strong>{words(report.watch.state)}</strong>
        </p>
      )}
    </Section>
  );
}

function Files({ report }: { report: SkillReport }) {
  return (
    <Section title="Files">
      {report.paths.length === 0 ? (
        <p className="quiet">Not installed: only transcripts know it.</p>
      ) : (
        <ul className="events">
          {report.paths.map((path) => (
            <li key={path}>
              <code className="path" title={path}>
                {path}
              </code>
              <CopyButton text={path} label={`Copy: ${path}`} />
            </li>
          ))}
        </ul>
      )}
      {report.versions.length > 0 && (
        <ul className="events">
          {report.versions.map((version) => (
            <li key={version.sha256}>
              <code title={`SHA-256 ${version.sha256}`}>{version.sha256.slice(0, 10)}</code>
              <span className="quiet push">
                seen <When at={version.first} /> to <When at={version.last} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

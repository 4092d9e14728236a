// Is anything wrong, what changed, what should I do; then every skill.

import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";

import { ApiError } from "../api/client";
import { summaryQuery, useSkills } from "../api/queries";
import type { StatusSummary } from "../api/types.gen";
import { count, plural, words } from "../lib/format";
import { table } from "../lib/table";
import { type Level, TERMS } from "../lib/terms";
import { Command, Glyph, Rate, Section, When } from "../ui/small";
import { blocking, Empty, Loading, Problem } from "../ui/states";
import { SkillsTable } from "./skills_table";

const VERDICT = table<Level>({ ok: "good", attention: "warn", critical: "bad", unknown: "none", empty: "none" });
const SEVERITY = table<Level>({ critical: "bad", warning: "warn", info: "info" });
const AUTONOMY = table<string>({
  off: "nothing runs by itself",
  propose: "proposes, a person decides",
  deploy: "deploys what passes its tests",
});

export function Overview() {
  const summary = useQuery(summaryQuery());
  const skills = useSkills();
  const error = blocking(summary);
  if (error instanceof ApiError && error.code === "STORE_MISSING") return <NothingRead page />;
  if (error) return <Problem page error={error} retry={() => void summary.refetch()} />;
  if (!summary.data) return <Loading rows={6} label="Reading the overview" />;
  const nothing = summary.data.verdict.level === "empty";
  return (
    <>
      <Verdict of={summary.data} />
      {nothing ? (
        <NothingRead />
      ) : (
        <>
          <div className="columns">
            <Attention of={summary.data} />
            <Changes of={summary.data} />
          </div>
          <Section
            id="skills"
            title="Skills"
            aside={<span className="quiet">30 days, unless a column says otherwise</span>}
          >
            {blocking(skills.query) ? (
              <Problem error={blocking(skills.query)} retry={() => void skills.query.refetch()} />
            ) : skills.rows ? (
              <SkillsTable rows={skills.rows} total={skills.total} />
            ) : (
              <Loading rows={8} label="Reading the skills" />
            )}
          </Section>
        </>
      )}
    </>
  );
}

function NothingRead({ page = false }: { page?: boolean }) {
  return (
    <Empty title="No sessions were read yet" command="selftune sync" page={page}>
      selftune reads the transcripts that your coding agents keep anyway. Nothing leaves this machine.
    </Empty>
  );
}

function Verdict({ of }: { of: StatusSummary }) {
  const { evidence, skills } = of;
  return (
    <header className="verdict">
      <h1>
        <Glyph level={VERDICT[of.verdict.level] ?? "none"} size={22} />
        {of.verdict.text}
      </h1>
      {of.verdict.hint && <p className="quiet">{of.verdict.hint}</p>}
      <dl className="figures">
        <div className="figure-wide">
          <dt>{TERMS.trigger_rate.label}, all skills</dt>
          <dd>
            <Rate of={of.trigger_rate} term={TERMS.trigger_rate} window="the last 30 days" wide />
          </dd>
        </div>
        <Figure label="Skills" value={skills.total}>
          {count(skills.installed)} installed, {count(skills.used)} used {plural(skills.uses, "time")} in 30 days
        </Figure>
        <Figure label="Evidence" value={evidence.sessions} unit="sessions">
          {plural(evidence.prompts, "prompt")}, {plural(evidence.invocations, "skill use")}
        </Figure>
        <Figure label="Loop" value={of.proposals_pending} unit={of.proposals_pending === 1 ? "proposal" : "proposals"}>
          {plural(of.watches_open, "open watch", "open watches")}, {plural(of.pending_signals, "new signal")};{" "}
          {AUTONOMY[of.autonomy] ?? of.autonomy}
        </Figure>
        <div>
          <dt>Read</dt>
          <dd>
            <span className="big">
              <When at={evidence.last_sync} />
            </span>
            <span className="note">
              {evidence.stale ? <Command line="selftune sync" /> : <>newest evidence <When at={evidence.newest} none="none" /></>}
            </span>
          </dd>
        </div>
      </dl>
      {!of.system.healthy && (
        <p className="notice">
          <Glyph level={of.system.fail > 0 ? "bad" : "warn"} />
          The installation has {plural(of.system.fail, "problem")} and {plural(of.system.warn, "warning")}.
          <Command line="selftune doctor" />
        </p>
      )}
    </header>
  );
}

function Figure({ label, value, unit, children }: { label: string; value: number; unit?: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <span className="big">
          {count(value)} {unit && <span className="unit">{unit}</span>}
        </span>
        <span className="note">{children}</span>
      </dd>
    </div>
  );
}

function Attention({ of }: { of: StatusSummary }) {
  const hidden = of.attention_total - of.attention.length;
  return (
    <Section id="attention" title="Needs attention" aside={<span className="badge">{count(of.attention_total)}</span>}>
      {of.attention.length === 0 ? (
        <Empty title="Nothing needs you">
          A skill appears here when it regresses, drifts, is missed often, or has a proposal to review.
        </Empty>
      ) : (
        <ul className="list">
          {of.attention.map((item) => (
            <Item
              key={`${item.skill_id}:${item.kind}`}
              of={item}
              level={SEVERITY[item.severity] ?? "info"}
              note={<span className="hidden">{item.severity}</span>}
            >
              <p className="item-text">{item.reason}</p>
              {item.command && <Command line={item.command} />}
            </Item>
          ))}
        </ul>
      )}
      {hidden > 0 && <p className="quiet">and {count(hidden)} more; the table below has all skills</p>}
    </Section>
  );
}

interface ItemProps {
  of: { skill_id: number; skill: string; kind: string; at: string | null };
  level: React.ComponentProps<typeof Glyph>["level"];
  note: React.ReactNode;
  children: React.ReactNode;
}

/** What concerns one skill: its name, of what kind, when, and the details below. */
function Item({ of, level, note, children }: ItemProps) {
  return (
    <li className="item">
      <Glyph level={level} size={14} />
      <div className="item-body">
        <p className="item-title">
          <Link href={`/skills/${of.skill_id}`} data-row="">
            {of.skill}
          </Link>
          <span className="tag">{words(of.kind)}</span>
          {note}
          {of.at && (
            <span className="quiet push">
              <When at={of.at} />
            </span>
          )}
        </p>
        {children}
      </div>
    </li>
  );
}

function Changes({ of }: { of: StatusSummary }) {
  return (
    <Section title="Changed this week" aside={<span className="badge">{count(of.changes.length)}</span>}>
      {of.changes.length === 0 ? (
        <Empty title="selftune changed no file in 7 days" command="selftune orchestrate --dry-run">
          What it would do next:
        </Empty>
      ) : (
        <ul className="list">
          {of.changes.map((item) => (
            <Item
              key={item.deploy_id}
              of={item}
              level={item.kind === "rollback" ? "warn" : "good"}
              note={<span className="quiet">{words(item.state)}</span>}
            >
              {item.undo && (
                <p className="item-text">
                  Undo: <Command line={item.undo} />
                </p>
              )}
            </Item>
          ))}
        </ul>
      )}
    </Section>
  );
}

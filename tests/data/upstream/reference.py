#!/usr/bin/env python3
"""Databases and logs as the reference (the TypeScript selftune 0.2.32) writes them.

    reference.py NAME           prints the SQL of one: newest old violations unknown empty big:N
    reference.py logs DIR       writes its JSON lines, broken ones among them

The tables and columns are those that its program reports (data-model.md A3); the rows are made up.
"""

import json
import pathlib
import sqlite3
import sys

TABLES = {
    "sessions": "session_id TEXT PRIMARY KEY, started_at TEXT, ended_at TEXT, platform TEXT, model TEXT, completion_status TEXT, source_session_kind TEXT, agent_cli TEXT, workspace_path TEXT, repo_remote TEXT, branch TEXT, schema_version TEXT, normalized_at TEXT, normalizer_version TEXT, capture_mode TEXT, raw_source_ref TEXT",
    "prompts": "prompt_id TEXT PRIMARY KEY, session_id TEXT NOT NULL REFERENCES sessions, occurred_at TEXT, prompt_kind TEXT, is_actionable INTEGER, prompt_index INTEGER, prompt_text TEXT, schema_version TEXT, platform TEXT, normalized_at TEXT, normalizer_version TEXT, capture_mode TEXT, raw_source_ref TEXT",
    "skill_invocations": "skill_invocation_id TEXT PRIMARY KEY, session_id TEXT NOT NULL REFERENCES sessions, occurred_at TEXT, skill_name TEXT NOT NULL, invocation_mode TEXT, triggered INTEGER, confidence REAL, tool_name TEXT, matched_prompt_id TEXT, agent_type TEXT, query TEXT, skill_path TEXT, skill_scope TEXT, source TEXT, schema_version TEXT, platform TEXT, normalized_at TEXT, normalizer_version TEXT, capture_mode TEXT, raw_source_ref TEXT",
    "execution_facts": "id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL REFERENCES sessions, occurred_at TEXT, prompt_id TEXT, tool_calls_json TEXT, total_tool_calls INTEGER, assistant_turns INTEGER, errors_encountered INTEGER, input_tokens INTEGER, output_tokens INTEGER, duration_ms INTEGER, completion_status TEXT, schema_version TEXT, platform TEXT, normalized_at TEXT, normalizer_version TEXT, capture_mode TEXT, raw_source_ref TEXT, files_changed INTEGER, lines_added INTEGER, lines_removed INTEGER, lines_modified INTEGER, cached_input_tokens INTEGER, reasoning_output_tokens INTEGER, cost_usd REAL, artifact_count INTEGER, session_type TEXT",
    "session_telemetry": "session_id TEXT PRIMARY KEY, timestamp TEXT NOT NULL, cwd TEXT, transcript_path TEXT, tool_calls_json TEXT, total_tool_calls INTEGER, bash_commands_json TEXT, skills_triggered_json TEXT, skills_invoked_json TEXT, assistant_turns INTEGER, errors_encountered INTEGER, transcript_chars INTEGER, last_user_query TEXT, source TEXT, input_tokens INTEGER, output_tokens INTEGER, files_changed INTEGER, lines_added INTEGER, lines_removed INTEGER, lines_modified INTEGER, cached_input_tokens INTEGER, reasoning_output_tokens INTEGER, cost_usd REAL, artifact_count INTEGER, session_type TEXT, agent_summary TEXT",
    "skill_usage": "id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, session_id TEXT NOT NULL, skill_name TEXT NOT NULL, skill_path TEXT, skill_scope TEXT, query TEXT, triggered INTEGER, source TEXT, UNIQUE(session_id,skill_name,query,timestamp,triggered)",
    "queries": "id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, session_id TEXT NOT NULL, query TEXT NOT NULL, source TEXT, UNIQUE(session_id,query,timestamp)",
    "improvement_signals": "id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, session_id TEXT NOT NULL, query TEXT NOT NULL, signal_type TEXT NOT NULL, mentioned_skill TEXT, consumed INTEGER NOT NULL DEFAULT 0, consumed_at TEXT, consumed_by_run TEXT, UNIQUE(session_id,query,signal_type,timestamp)",
    "evolution_audit": "id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, proposal_id TEXT NOT NULL, skill_name TEXT, action TEXT NOT NULL, details TEXT, eval_snapshot_json TEXT, iterations_used INTEGER, validation_mode TEXT, validation_agent TEXT, validation_fixture_id TEXT, validation_evidence_ref TEXT, UNIQUE(proposal_id,action,timestamp)",
    "evolution_evidence": "id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, proposal_id TEXT NOT NULL, skill_name TEXT NOT NULL, skill_path TEXT, target TEXT, stage TEXT, rationale TEXT, confidence REAL, details TEXT, original_text TEXT, proposed_text TEXT, eval_set_json TEXT, validation_json TEXT, UNIQUE(proposal_id,stage,timestamp)",
    "replay_entry_results": "id INTEGER PRIMARY KEY AUTOINCREMENT, proposal_id TEXT NOT NULL, skill_name TEXT NOT NULL, validation_mode TEXT NOT NULL, phase TEXT NOT NULL, query TEXT NOT NULL, should_trigger INTEGER NOT NULL, triggered INTEGER NOT NULL, passed INTEGER NOT NULL, evidence TEXT",
    "orchestrate_runs": "run_id TEXT PRIMARY KEY, timestamp TEXT NOT NULL, elapsed_ms INTEGER NOT NULL, dry_run INTEGER NOT NULL, approval_mode TEXT NOT NULL, total_skills INTEGER NOT NULL, evaluated INTEGER NOT NULL, evolved INTEGER NOT NULL, deployed INTEGER NOT NULL, watched INTEGER NOT NULL, skipped INTEGER NOT NULL, skill_actions_json TEXT NOT NULL",
    "grading_results": "grading_id TEXT PRIMARY KEY, session_id TEXT NOT NULL, skill_name TEXT NOT NULL, transcript_path TEXT, graded_at TEXT NOT NULL, pass_rate REAL, mean_score REAL, score_std_dev REAL, passed_count INTEGER, failed_count INTEGER, total_count INTEGER, expectations_json TEXT, claims_json TEXT, eval_feedback_json TEXT, failure_feedback_json TEXT, execution_metrics_json TEXT, UNIQUE(session_id,skill_name,graded_at)",
    "grading_baselines": "id INTEGER PRIMARY KEY AUTOINCREMENT, skill_name TEXT NOT NULL, proposal_id TEXT, measured_at TEXT NOT NULL, pass_rate REAL NOT NULL, mean_score REAL, sample_size INTEGER NOT NULL, grading_results_json TEXT",
    "canonical_eval_sets": "skill_name TEXT PRIMARY KEY, stored_at TEXT NOT NULL, eval_set_json TEXT NOT NULL",
    "unit_test_files": "skill_name TEXT PRIMARY KEY, stored_at TEXT NOT NULL, tests_json TEXT NOT NULL",
    "unit_test_run_results": "skill_name TEXT PRIMARY KEY, run_at TEXT NOT NULL, total INTEGER NOT NULL, passed INTEGER NOT NULL, failed INTEGER NOT NULL, pass_rate REAL NOT NULL, result_json TEXT NOT NULL",
    "package_evaluation_reports": "skill_name TEXT PRIMARY KEY, stored_at TEXT NOT NULL, summary_json TEXT NOT NULL",
    "package_candidates": "candidate_id TEXT PRIMARY KEY, skill_name TEXT NOT NULL, skill_path TEXT NOT NULL, package_fingerprint TEXT NOT NULL, parent_candidate_id TEXT, candidate_generation INTEGER NOT NULL DEFAULT 0, evaluation_count INTEGER NOT NULL DEFAULT 0, first_evaluated_at TEXT NOT NULL, last_evaluated_at TEXT NOT NULL, latest_status TEXT NOT NULL, latest_evaluation_source TEXT, latest_acceptance_decision TEXT, artifact_path TEXT, summary_json TEXT NOT NULL, UNIQUE(skill_name,package_fingerprint)",
    "package_search_runs": "search_id TEXT PRIMARY KEY, skill_name TEXT NOT NULL, parent_candidate_id TEXT, winner_candidate_id TEXT, winner_rationale TEXT, candidates_evaluated INTEGER NOT NULL, provenance_json TEXT NOT NULL, started_at TEXT NOT NULL, completed_at TEXT NOT NULL",
    "commit_tracking": "id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, commit_sha TEXT NOT NULL, commit_title TEXT, branch TEXT, repo_remote TEXT, timestamp TEXT NOT NULL, created_at TEXT NOT NULL DEFAULT (datetime('now')), UNIQUE(session_id,commit_sha)",
    "cron_runs": "id INTEGER PRIMARY KEY AUTOINCREMENT, job_name TEXT NOT NULL, started_at TEXT NOT NULL, elapsed_ms INTEGER NOT NULL, status TEXT NOT NULL, metrics_json TEXT, error TEXT, UNIQUE(job_name,started_at)",
    "canonical_upload_staging": "local_seq INTEGER PRIMARY KEY AUTOINCREMENT, record_kind TEXT NOT NULL, record_id TEXT NOT NULL, record_json TEXT NOT NULL, session_id TEXT, prompt_id TEXT, normalized_at TEXT, staged_at TEXT NOT NULL, content_sha256 TEXT, UNIQUE(record_kind,record_id)",
    "upload_queue": "id INTEGER PRIMARY KEY AUTOINCREMENT, payload_type TEXT NOT NULL, payload_json TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'pending', attempts INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, last_error TEXT",
    "upload_watermarks": "payload_type TEXT PRIMARY KEY, last_uploaded_id INTEGER NOT NULL, updated_at TEXT NOT NULL",
    "creator_contribution_staging": "id INTEGER PRIMARY KEY AUTOINCREMENT, dedupe_key TEXT NOT NULL UNIQUE, skill_name TEXT NOT NULL, creator_id TEXT NOT NULL, payload_json TEXT NOT NULL, status TEXT NOT NULL, staged_at TEXT NOT NULL, updated_at TEXT NOT NULL, last_error TEXT",
    "_meta": "key TEXT PRIMARY KEY, value TEXT",
}
INDEXES = ["CREATE INDEX idx_prompts_session ON prompts(session_id)",
           "CREATE INDEX idx_skill_inv_session ON skill_invocations(session_id)",
           "CREATE INDEX idx_exec_session ON execution_facts(session_id)"]
# Columns that the ALTER statements of later versions added.
ALTERED = {"execution_facts": {"files_changed", "lines_added", "lines_removed", "lines_modified", "cached_input_tokens", "reasoning_output_tokens", "cost_usd", "artifact_count", "session_type"},
           "session_telemetry": {"input_tokens", "output_tokens", "files_changed", "lines_added", "lines_removed", "lines_modified", "cached_input_tokens", "reasoning_output_tokens", "cost_usd", "artifact_count", "session_type", "agent_summary"},
           "skill_invocations": {"query", "skill_path", "skill_scope", "source", "schema_version", "platform", "normalized_at", "normalizer_version", "capture_mode", "raw_source_ref", "agent_type"},
           "sessions": {"repo_remote", "branch", "schema_version", "normalized_at", "normalizer_version", "capture_mode", "raw_source_ref"},
           "prompts": {"schema_version", "platform", "normalized_at", "normalizer_version", "capture_mode", "raw_source_ref"},
           "evolution_audit": {"skill_name", "iterations_used", "validation_mode", "validation_agent", "validation_fixture_id", "validation_evidence_ref"}}
OLD_TABLES = ("sessions", "prompts", "skill_invocations", "execution_facts", "session_telemetry",
              "skill_usage", "queries", "evolution_audit", "evolution_evidence", "_meta")


def quote(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, bytes):
        return "x'%s'" % value.hex()
    if isinstance(value, (dict, list)):
        value = json.dumps(value)
    return "'%s'" % value.replace("'", "''")


def insert(table, **columns):
    return "INSERT INTO %s(%s) VALUES(%s)" % (
        table, ",".join('"%s"' % name for name in columns), ",".join(map(quote, columns.values())))


def at(minute, second=0, day=1):
    return "2026-03-%02dT10:%02d:%02d.000Z" % (day, minute, second)


def script(statements):
    return "".join(line + ";\n" for line in statements)


def tables(only=None, without=None):
    out = []
    for name, columns in TABLES.items():
        if only is not None and name not in only:
            continue
        if without and name in without:
            kept, depth, part = [], 0, ""
            for char in columns + ",":
                depth += (char == "(") - (char == ")")
                if char == "," and depth == 0:
                    if part.split()[0] not in without[name]:
                        kept.append(part.strip())
                    part = ""
                else:
                    part += char
            columns = ", ".join(kept)
        out.append("CREATE TABLE %s(%s)" % (name, columns))
    return out


COMMON = {"schema_version": "2.0", "normalized_at": at(59), "normalizer_version": "1.0.0"}


def session(sid, platform="claude_code", **more):
    return insert("sessions", session_id=sid, platform=platform, **{**COMMON, **more})


def prompt(sid, index, text, minute, kind="user", actionable=1, mode="hook", platform="claude_code"):
    return insert("prompts", prompt_id="%s:p%d" % (sid, index), session_id=sid, occurred_at=at(minute),
                  prompt_kind=kind, is_actionable=actionable, prompt_index=index, prompt_text=text,
                  platform=platform, capture_mode=mode, **COMMON)


def use(uid, sid, skill, minute, mode="explicit", triggered=1, capture="hook", **more):
    return insert("skill_invocations", skill_invocation_id=uid, session_id=sid, occurred_at=at(minute),
                  skill_name=skill, invocation_mode=mode, triggered=triggered, capture_mode=capture,
                  **{"confidence": 1.0, "platform": "claude_code", **COMMON, **more})


def commit(sid, sha, minute, **more):
    return insert("commit_tracking", session_id=sid, commit_sha=sha, timestamp=at(minute), **{"created_at": "2026-03-01 10:%02d:00" % minute, **more})


def eval_set(skill, minute, *entries, **more):
    return insert("canonical_eval_sets", skill_name=skill, **{"stored_at": at(minute), "eval_set_json": list(entries), **more})


def fact(sid, minute, calls, turns, tokens, errors=0, **more):
    return insert("execution_facts", session_id=sid, occurred_at=at(minute), tool_calls_json=calls,
                  total_tool_calls=sum(calls.values()), assistant_turns=turns, errors_encountered=errors,
                  input_tokens=tokens, output_tokens=tokens // 2, platform="claude_code",
                  capture_mode="hook", **{**COMMON, **more})


def newest_rows():
    """Every table has rows. Sessions: a (hook; three turns, figures three times; a query that has
    no prompt), b (replay: two skills, all given to the last prompt), c (repaired beside its old
    row), d (Codex; queries in the old table only), e (a stub), f (only in the logs of queries)."""
    return [
        session("a", started_at=at(0), ended_at=at(9), model="opus", completion_status="completed",
                source_session_kind="interactive", agent_cli="claude", workspace_path="/home/u/a",
                repo_remote="git@example.org:u/a.git", branch="main", capture_mode="hook",
                raw_source_ref={"path": "/home/u/.claude/projects/a.jsonl"}),
        prompt("a", 1, "fill this form", 1), prompt("a", 2, "fill this form", 3),
        prompt("a", 3, "<command-name>/clear</command-name>", 4, kind="meta", actionable=0),
        prompt("a", 4, "now commit it's work", 5),
        use("a:s:pdf:0", "a", "pdf", 1, tool_name="Skill", matched_prompt_id="a:p1", query="fill this form",
            skill_path="/home/u/.claude/skills/pdf/SKILL.md", skill_scope="global", source="claude_code"),
        use("a:s:pdf:1", "a", "pdf", 3, tool_name="Skill", matched_prompt_id="a:p2", query="fill this form"),
        use("a:s:notes:0", "a", "notes", 5, mode="contextual", triggered=0, confidence=0.5, tool_name="Read",
            matched_prompt_id="a:p4", query="now commit it's work"),
        fact("a", 2, {"Skill": 1, "Bash": 2}, 2, 1000), fact("a", 4, {"Skill": 2, "Bash": 3}, 4, 2000),
        fact("a", 6, {"Skill": 2, "Bash": 5}, 6, 3000, errors=1),
        insert("session_telemetry", session_id="a", timestamp=at(9), cwd="/home/u/a", transcript_path="/x/a.jsonl",
               tool_calls_json={"Bash": 1}, total_tool_calls=1, bash_commands_json=["ls -l"],
               skills_triggered_json=["pdf"], assistant_turns=6, errors_encountered=0, transcript_chars=4321,
               last_user_query="now commit it's work", source="claude_code", cost_usd=0.25, files_changed=3,
               lines_added=10, session_type="dev", agent_summary="did it"),
        insert("queries", timestamp=at(0, 30), session_id="a", query="hello there", source="claude_code"),
        insert("queries", timestamp=at(1), session_id="a", query="fill this form", source="claude_code"),
        insert("queries", timestamp=at(3), session_id="a", query="fill this form", source="claude_code"),
        insert("queries", timestamp=at(5), session_id="a", query="now commit it's work", source="claude_code"),
        insert("improvement_signals", timestamp=at(5), session_id="a", query="now commit it's work",
               signal_type="correction", mentioned_skill="commit", consumed=1, consumed_at=at(30),
               consumed_by_run="run_1772359200000_abc123"),
        insert("improvement_signals", timestamp=at(1), session_id="a", query="fill this form",
               signal_type="explicit_request", mentioned_skill="PDF"),
        session("b", started_at=at(10), ended_at=at(19), schema_version="1.0.0", capture_mode="replay"),
        prompt("b", 0, "read the scan", 11, mode="replay"), prompt("b", 1, "thanks", 14, mode="replay"),
        use("b:s:pdf:0", "b", "pdf", 12, capture="replay", query="thanks", tool_name="Skill"),
        use("b:s:commit:1", "b", "commit", 13, capture="replay", query="thanks", tool_name="Skill"),
        session("c", started_at=at(20), capture_mode="replay"),
        prompt("c", 0, "merge the files", 21, mode="replay"),
        use("c:r:pdf:0", "c", "pdf", 21, mode="repaired", capture="repair", confidence=0.9, query="merge the files",
            raw_source_ref={"event_type": "repair-skill-usage", "metadata": {"source": "claude_code_repair"}}),
        use("c:su:%s:pdf" % at(21), "c", "PDF", 21, mode="inferred", capture="batch_ingest", confidence=0.4,
            query="merge the files"),
        use("c:rmiss:notes:9fae4c1", "c", "notes", 22, mode="repaired", triggered=0, capture="repair", confidence=0.9,
            query="merge the files", raw_source_ref={"metadata": {"miss_type": "contextual_read"}}),
        insert("skill_usage", timestamp=at(21), session_id="c", skill_name="pdf", query="merge the files", triggered=1,
               source="claude_code"),
        session("d", "codex", started_at=at(30), ended_at=at(35), capture_mode="batch_ingest"),
        prompt("d", 0, "deploy it", 31, mode="batch_ingest", platform="codex"),
        use("d:s:deploy:0", "d", "deploy", 31, mode="explicit", capture="batch_ingest", platform="codex"),
        insert("skill_usage", timestamp=at(31), session_id="d", skill_name="deploy", query="deploy it",
               skill_path="/home/u/.codex/skills/deploy/SKILL.md", skill_scope="global", triggered=1, source="codex_rollout"),
        insert("skill_usage", timestamp=at(32), session_id="d", skill_name="lint", query="deploy it", triggered=1,
               source="codex_rollout"),
        insert("execution_facts", session_id="d", occurred_at=at(35), tool_calls_json={"shell": 4}, total_tool_calls=6,
               assistant_turns=3, errors_encountered=0, input_tokens=500, cached_input_tokens=200, output_tokens=100,
               reasoning_output_tokens=40, platform="codex", capture_mode="batch_ingest"),
        insert("sessions", session_id="e", platform="unknown", schema_version="1.0.0", normalized_at=at(59)),
        insert("queries", timestamp=at(40), session_id="f", query="only a query", source="opencode"),
        insert("evolution_audit", timestamp=at(1, day=2), proposal_id="evo-pdf-1772445600000", skill_name="pdf",
               action="created", details="proposed"),
        insert("evolution_audit", timestamp=at(2, day=2), proposal_id="evo-pdf-1772445600000", skill_name="pdf",
               action="validated", eval_snapshot_json={"total": 10, "passed": 9, "failed": 1, "pass_rate": 0.9},
               iterations_used=2, validation_mode="llm_judge", validation_agent="claude", validation_fixture_id="fx1",
               validation_evidence_ref="ev_1"),
        insert("evolution_audit", timestamp=at(3, day=2), proposal_id="evo-pdf-1772445600000", action="deployed"),
        insert("evolution_audit", timestamp=at(4, day=2), proposal_id="evo-body-git-flow-1772445600001", action="created"),
        insert("evolution_evidence", timestamp=at(1, 1, day=2), proposal_id="evo-pdf-1772445600000", skill_name="pdf",
               skill_path="/home/u/.claude/skills/pdf/SKILL.md", target="description", stage="proposed",
               rationale="people say form", confidence=0.8, original_text="Old words.", proposed_text="New words.",
               eval_set_json=[{"query": "fill", "should_trigger": True}]),
        insert("evolution_evidence", timestamp=at(2, 1, day=2), proposal_id="evo-pdf-1772445600000", skill_name="pdf",
               target="description", stage="validated", validation_json={"improved": True, "net_change": 0.2}),
        insert("evolution_evidence", timestamp=at(5, day=2), proposal_id="evo-notes-1772445600002", skill_name="notes",
               target="routing", stage="rejected", details="worse", original_text="a", proposed_text="b"),
        *[insert("replay_entry_results", proposal_id="evo-pdf-1772445600000", skill_name="pdf", validation_mode="host_replay",
                 phase=phase, query=query, should_trigger=1, triggered=hit, passed=hit, evidence="seen")
          for phase, hits in (("before", (1, 0)), ("after", (1, 1))) for query, hit in zip(("fill", "merge"), hits)],
        insert("orchestrate_runs", run_id="run_1772359200000_abc123", timestamp=at(30), elapsed_ms=1200, dry_run=0,
               approval_mode="auto", total_skills=3, evaluated=2, evolved=1, deployed=1, watched=0, skipped=1,
               skill_actions_json=[{"skill": "pdf", "action": "evolve", "reason": "misses", "deployed": True, "elapsed_ms": 900},
                                   {"skill": "notes", "action": "skip", "reason": "no evidence"}]),
        insert("grading_results", grading_id="gr_0123456789abcdef", session_id="a", skill_name="pdf", graded_at=at(50),
               pass_rate=0.5, passed_count=1, failed_count=1, total_count=2, expectations_json=[{"text": "x", "passed": True}]),
        insert("grading_baselines", skill_name="pdf", measured_at=at(51), pass_rate=0.75, sample_size=4),
        eval_set("pdf", 52, {"query": "fill", "should_trigger": True}),
        insert("unit_test_files", skill_name="pdf", stored_at=at(52), tests_json=[]),
        insert("unit_test_run_results", skill_name="pdf", run_at=at(52), total=1, passed=1, failed=0, pass_rate=1.0, result_json={}),
        insert("package_evaluation_reports", skill_name="pdf", stored_at=at(52), summary_json={"ok": True}),
        insert("package_candidates", candidate_id="pkgcand_pdf_00", skill_name="pdf", skill_path="/p", package_fingerprint="pkg_sha256_00",
               first_evaluated_at=at(52), last_evaluated_at=at(53), latest_status="passed", summary_json={}),
        insert("package_search_runs", search_id="ps_1", skill_name="pdf", candidates_evaluated=2, provenance_json={},
               started_at=at(52), completed_at=at(53)),
        commit("a", "abc1234", 8, commit_title="Fix"),
        insert("cron_runs", job_name="sync", started_at=at(55), elapsed_ms=50, status="success", metrics_json={"total_synced": 3}),
        insert("cron_runs", job_name="orchestrate", started_at=at(56), elapsed_ms=70, status="error", error="no agent"),
        insert("canonical_upload_staging", record_kind="session", record_id="a", record_json={"session_id": "a"}, staged_at=at(57)),
        insert("upload_queue", payload_type="push", payload_json={"n": 1}, status="sent", created_at=at(57), updated_at=at(58)),
        insert("upload_queue", payload_type="push", payload_json={"n": 2}, created_at=at(57), updated_at=at(58)),
        insert("upload_watermarks", payload_type="push", last_uploaded_id=1, updated_at=at(58)),
        insert("creator_contribution_staging", dedupe_key="k", skill_name="pdf", creator_id="c", payload_json={}, status="pending",
               staged_at=at(57), updated_at=at(57)),
        insert("_meta", key="last_materialized_at", value=at(59)),
        insert("_meta", key="file_offset:/home/u/.claude/all_queries_log.jsonl", value="123"),
    ]


def newest():
    return script(tables() + INDEXES + newest_rows())


def old():
    """Before the ALTERs, and before most of the tables."""
    return script(tables(OLD_TABLES, ALTERED) + [
        insert("sessions", session_id="o", started_at=at(0), platform="claude_code"),
        insert("prompts", prompt_id="o:p0", session_id="o", occurred_at=at(1), prompt_kind="user", is_actionable=1,
               prompt_index=0, prompt_text="read it"),
        insert("skill_invocations", skill_invocation_id="o:s:pdf:0", session_id="o", occurred_at=at(1), skill_name="pdf",
               invocation_mode="explicit", triggered=1, confidence=1.0, matched_prompt_id="o:p0"),
        insert("execution_facts", session_id="o", occurred_at=at(2), tool_calls_json={"Bash": 1}, total_tool_calls=1,
               assistant_turns=1, errors_encountered=0, input_tokens=10, output_tokens=5),
        insert("session_telemetry", session_id="p", timestamp=at(5), cwd="/home/u/p", tool_calls_json={"Read": 2}, total_tool_calls=2,
               assistant_turns=2, errors_encountered=2, source="claude_code"),
        insert("skill_usage", timestamp=at(5), session_id="p", skill_name="pdf", query="open it", triggered=1, source="claude_code"),
        insert("queries", timestamp=at(5), session_id="p", query="open it", source="claude_code"),
        insert("evolution_audit", timestamp=at(1, day=2), proposal_id="evo-pdf-1", action="deployed"),
    ])


def violations():
    """Rows that break a rule of ours, one kind each, beside good ones. No foreign keys, no NOT NULL."""
    loose = [sql.replace(" NOT NULL", "").replace(" REFERENCES sessions", "") for sql in tables()]
    return script(loose + [
        session("ok"), prompt("ok", 0, "fine", 1),
        session("bad-host", "Bad Host"), prompt("bad-host", 0, "x", 1, platform="Bad Host"),
        insert("sessions", session_id=None, platform="codex"), insert("sessions", session_id="", platform="codex"),
        insert("prompts", prompt_id=None, session_id="ok", prompt_text="without an id", prompt_kind="user", is_actionable=1),
        insert("prompts", prompt_id="n", session_id=None, prompt_text="x"),
        insert("prompts", prompt_id="ok:p9", session_id="ok", prompt_text=None, prompt_index=9),
        insert("prompts", prompt_id="ok:p10", session_id="ok", prompt_text="odd time", occurred_at="yesterday", prompt_index=-4,
               prompt_kind="user", is_actionable=1),
        use("ok:1", "ok", "", 1), use("ok:2", "ok", "pdf", 1, confidence=1.7), use("ok:3", "ok", "pdf", 1, triggered=7),
        use("ok:4", "ok", "pdf", 1, skill_scope="galaxy", mode="psychic"),
        fact("ok", 1, {"Bash": 1}, -3, 10), fact("ok", 1, {"Bash": 1}, 3, 10, errors=5),
        insert("skill_usage", timestamp=at(1), session_id="ok", skill_name=None, query="x", triggered=1),
        insert("queries", timestamp=at(1), session_id="ok", query=None),
        insert("improvement_signals", timestamp=at(1), session_id="ok", query="fine", signal_type="mood"),
        insert("evolution_audit", timestamp=at(1), proposal_id="evo-pdf-1", skill_name="pdf", action="pondered"),
        insert("evolution_audit", timestamp="never", proposal_id="evo-pdf-2", skill_name="pdf", action="created"),
        insert("evolution_audit", timestamp=at(1), proposal_id="mystery", action="created"),
        insert("evolution_audit", timestamp=at(1), proposal_id=None, action="created"),
        insert("replay_entry_results", proposal_id="p", skill_name="pdf", validation_mode="x", phase="during", query="q",
               should_trigger=1, triggered=1, passed=1),
        insert("orchestrate_runs", run_id="r", timestamp="?", elapsed_ms=1, dry_run=0, approval_mode="auto", skill_actions_json="not json"),
        insert("cron_runs", job_name="sync", started_at=at(1), elapsed_ms=1, status="maybe"),
        commit("ok", "HEAD", 1), insert("canonical_eval_sets", skill_name="pdf", stored_at=at(1), eval_set_json='[{"query": "cut o'),
    ])


def unknown():
    """Tables and columns of a version that nobody knows."""
    return script(tables() + [
        "ALTER TABLE sessions ADD COLUMN mood TEXT", "ALTER TABLE prompts ADD COLUMN weight REAL",
        'CREATE TABLE "strange ""table"(a, b BLOB)', "CREATE TABLE keyed(x TEXT, y INTEGER, z TEXT, PRIMARY KEY(x,y)) WITHOUT ROWID",
        "CREATE VIEW all_of_it AS SELECT * FROM sessions",
        "CREATE TRIGGER loud AFTER INSERT ON sessions BEGIN INSERT INTO keyed VALUES('t',1,'fired'); END",
        session("u", mood="fine"),
        insert("prompts", prompt_id="u:p0", session_id="u", occurred_at=at(1), prompt_kind="user", is_actionable=1, prompt_index=0,
               prompt_text="with a weight", weight=0.5),
        'INSERT INTO "strange ""table" VALUES(1, x\'00ff\'), (NULL, \'text\'), (9223372036854775807, 1e300)',
        "INSERT INTO keyed VALUES('k',2,'v')",
        "CREATE TABLE anything(x PRIMARY KEY, y)", "INSERT INTO anything VALUES(1,1),('1',2),(x'31',3),('rowid 1',4),(NULL,5)",
    ])


def empty():
    return script(tables())


def big(n):
    """n prompts in sessions of 50, with a use for each fourth, figures, queries and telemetry."""
    out = tables() + INDEXES + ["BEGIN"]
    for s in range((n + 49) // 50):
        sid = "big-%05d" % s
        out.append(session(sid, started_at=at(0), ended_at=at(59), workspace_path="/home/u/%d" % (s % 40)))
        out.append(insert("session_telemetry", session_id=sid, timestamp=at(59), source="claude_code", tool_calls_json={"Bash": 2},
                          total_tool_calls=2, assistant_turns=50))
        for i in range(min(50, n - s * 50)):
            text = "prompt number %d of %s, about the thing" % (i, sid)
            out.append(prompt(sid, i, text, i))
            out.append(insert("queries", timestamp=at(i), session_id=sid, query=text, source="claude_code"))
            if i % 4 == 0:
                out.append(use("%s:s:sk%d:%d" % (sid, i % 7, i), sid, "sk%d" % (i % 7), i, tool_name="Skill",
                               matched_prompt_id="%s:p%d" % (sid, i), query=text))
            if i % 10 == 9:
                out.append(fact(sid, i, {"Bash": i, "Skill": 1}, i, i * 100))
    return script(out + ["COMMIT"])


def build(path, sql):
    with sqlite3.connect(path) as db:
        db.executescript(sql)
        db.execute("PRAGMA journal_mode=WAL")
    db.close()


def logs():
    """Name -> bytes. In three of them lines that are none, at known places."""
    def lines(*records):
        return b"".join((r if isinstance(r, bytes) else json.dumps(r).encode()) + b"\n" for r in records)
    base = {"schema_version": "2.0", "normalizer_version": "1.0.0", "normalized_at": at(59), "platform": "claude_code",
            "capture_mode": "replay", "raw_source_ref": {"path": "/x.jsonl"}, "source_session_kind": "replayed", "session_id": "l"}
    return {
        "session_telemetry_log.jsonl": lines(
            {"timestamp": at(5), "session_id": "l", "cwd": "/home/u/l", "transcript_path": "/x", "tool_calls": {"Bash": 2},
             "total_tool_calls": 2, "bash_commands": ["ls"], "skills_triggered": ["pdf"], "assistant_turns": 2, "errors_encountered": 0,
             "transcript_chars": 5, "last_user_query": "from the log", "source": "claude_code", "rollout_path": "/r"},
            b'{"timestamp": "2026', b"", b"[1,2]",
            {"timestamp": at(6), "session_id": "l", "tool_calls": {"Bash": 3}, "total_tool_calls": 3, "assistant_turns": 3,
             "errors_encountered": 1, "source": "claude_code", "input_tokens": 30, "output_tokens": 3, "cost_usd": 0.5}),
        "skill_usage_log.jsonl": lines(
            {"timestamp": at(1), "session_id": "l", "skill_name": "pdf", "skill_path": "/p/SKILL.md", "query": "from the log", "triggered": True},
            {"timestamp": at(2), "session_id": "l", "skill_name": "Notes", "query": "wrong query", "triggered": True},
            b"\xff\xfe\x00"),
        "skill_usage_repaired.jsonl": lines(
            {"timestamp": at(2), "session_id": "l", "skill_name": "notes", "query": "from the log", "triggered": True,
             "skill_scope": "global", "source": "claude_code_repair"}),
        "all_queries_log.jsonl": lines({"timestamp": at(1), "session_id": "l", "query": "from the log", "source": "hook"},
                                       {"timestamp": at(1), "session_id": "m", "query": "another"}),
        "canonical_telemetry_log.jsonl": lines(
            {"record_kind": "session", **base, "started_at": at(0), "parent_session_id": "q", "permission_mode": "plan"},
            {"record_kind": "prompt", **base, "prompt_id": "l:p0", "occurred_at": at(1), "prompt_text": "from the log",
             "prompt_kind": "user", "is_actionable": True, "prompt_index": 0, "prompt_hash": "00"},
            {"record_kind": "normalization_run", **base, "run_id": "n", "run_at": at(0), "raw_records_seen": 1,
             "canonical_records_written": 1, "repair_applied": False}),
        "evolution_audit_log.jsonl": lines({"timestamp": at(1, day=3), "proposal_id": "evo-pdf-9", "skill_name": "pdf", "action": "rejected",
                                            "details": "", "eval_snapshot": {"total": 1, "passed": 0, "failed": 1, "pass_rate": 0}}),
        "evolution_evidence_log.jsonl": lines({"timestamp": at(1, day=3), "proposal_id": "evo-pdf-9", "skill_name": "pdf", "target": "description",
                                               "stage": "rejected", "original_text": "x", "proposed_text": "y", "eval_set": [], "validation": {"improved": False}}),
        "orchestrate_runs.jsonl": lines({"run_id": "run_9", "timestamp": at(1, day=3), "elapsed_ms": 5, "dry_run": True, "approval_mode": "review",
                                         "total_skills": 1, "evaluated": 1, "evolved": 0, "deployed": 0, "watched": 0, "skipped": 1,
                                         "skill_actions": [{"skill": "pdf", "action": "skip", "reason": "r"}]}),
        "improvement_signals.jsonl": lines({"timestamp": at(1), "session_id": "l", "query": "from the log", "signal_type": "correction",
                                            "mentioned_skill": "pdf", "consumed": False}) + b'{"cut off',
    }


def write_logs(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in logs().items():
        (folder / name).write_bytes(content)


def main():
    name = sys.argv[1]
    if name == "logs":
        write_logs(sys.argv[2])
    elif name.startswith("big:"):
        sys.stdout.write(big(int(name[4:])))
    else:
        sys.stdout.write({"newest": newest, "old": old, "violations": violations, "unknown": unknown, "empty": empty}[name]())


if __name__ == "__main__":
    main()

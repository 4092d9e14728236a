-- The public views, contract version 1 (docs/sql-views.md). Each is a plain
-- join, so that a condition of the reader reaches the indexes of the tables.
-- Times must be spelled exactly as in the indexes of schema.sql.

CREATE VIEW sessions AS
SELECT s.session_id, s.platform,
  CASE WHEN s.kind='subagent' AND s.root_pk=s.session_pk THEN 'automation' ELSE s.kind END AS kind,
  CASE WHEN s.kind='main' THEN 'interactive' WHEN s.kind='subagent' AND s.root_pk=s.session_pk THEN 'automation' ELSE s.kind END AS source_session_kind,
  pa.session_id AS parent_session_id, r.session_id AS root_session_id, pp.prompt_id AS parent_prompt_id, s.forked_from,
  s.agent_type, s.agent_cli, s.host_version, s.provider, s.model,
  strftime('%Y-%m-%dT%H:%M:%fZ',s.started_ms/1000.0,'unixepoch') AS started_at,
  strftime('%Y-%m-%dT%H:%M:%fZ',s.ended_ms/1000.0,'unixepoch') AS ended_at,
  coalesce(s.completion,'unknown') AS completion_status,
  w.path AS workspace_path, coalesce(s.repo_remote,w.repo_remote) AS repo_remote, s.branch, s.commit_sha,
  s.archived AS is_archived,
  coalesce(s.ended_ms BETWEEN CAST(strftime('%s','now') AS INTEGER)*1000-600000 AND CAST(strftime('%s','now') AS INTEGER)*1000+600000,0) AS is_live,
  f.path AS source_path, '2.0' AS schema_version,
  strftime('%Y-%m-%dT%H:%M:%fZ',s.updated_ms/1000.0,'unixepoch') AS normalized_at,
  f.parser||'@'||f.parser_version AS normalizer_version,
  CASE s.capture WHEN 'transcript' THEN 'replay' WHEN 'batch' THEN 'batch_ingest' WHEN 'legacy' THEN 'batch_ingest' ELSE s.capture END AS capture_mode,
  CASE WHEN f.path IS NOT NULL THEN json_object('path',f.path) END AS raw_source_ref
FROM session s JOIN session r ON r.session_pk=s.root_pk
  LEFT JOIN session pa ON pa.session_pk=s.parent_pk
  LEFT JOIN prompt pp ON pp.prompt_pk=s.parent_prompt_pk
  LEFT JOIN workspace w ON w.workspace_id=s.workspace_id
  LEFT JOIN source_file f ON f.source_id=s.source_id;

CREATE VIEW prompts AS
SELECT p.prompt_id, s.session_id, r.session_id AS root_session_id, s.platform, p.seq AS prompt_index,
  strftime('%Y-%m-%dT%H:%M:%fZ',p.occurred_ms/1000.0,'unixepoch') AS occurred_at,
  p.kind AS prompt_kind, p.actionable AS is_actionable, b.text AS prompt_text, rb.text AS raw_text,
  p.command_name, p.command_args, p.command_kind, p.active AS is_active,
  p.seen_mask&1 AS seen_in_transcript, (p.seen_mask>>1)&1 AS seen_in_hook,
  f.path AS source_path, p.offset AS source_offset, p.source_record, '2.0' AS schema_version,
  strftime('%Y-%m-%dT%H:%M:%fZ',s.updated_ms/1000.0,'unixepoch') AS normalized_at,
  f.parser||'@'||f.parser_version AS normalizer_version,
  CASE p.capture WHEN 'transcript' THEN 'replay' WHEN 'batch' THEN 'batch_ingest' WHEN 'legacy' THEN 'batch_ingest' ELSE p.capture END AS capture_mode,
  CASE WHEN f.path IS NOT NULL THEN json_patch('{}',json_object('path',f.path,'offset',p.offset,'line',p.line_no,'raw_id',p.source_record)) END AS raw_source_ref
FROM prompt p JOIN session s ON s.session_pk=p.session_pk JOIN session r ON r.session_pk=s.root_pk
  JOIN body b ON b.body_id=p.body_id
  LEFT JOIN body rb ON rb.body_id=p.raw_body_id
  LEFT JOIN source_file f ON f.source_id=p.source_id;

CREATE VIEW skill_invocations AS
SELECT s.session_id||':o:'||lower(hex(o.occurrence_key)) AS skill_invocation_id,
  s.session_id, r.session_id AS root_session_id, s.platform, o.skill_text AS skill_name,
  o.outcome, o.outcome='triggered' AS triggered, o.level, o.route, o.requested_by, o.mode AS invocation_mode, o.confidence, o.reason, o.cause,
  strftime('%Y-%m-%dT%H:%M:%fZ',o.occurred_ms/1000.0,'unixepoch') AS occurred_at,
  mp.prompt_id AS matched_prompt_id, b.text AS query, o.tool_name, o.tool_call_id, coalesce(o.agent_type,s.agent_type) AS agent_type,
  o.forked AS is_forked, o.location AS skill_path, o.scope AS skill_scope, o.args AS skill_args,
  nullif(lower(hex(o.body_sha256)),'') AS body_sha256, nullif(lower(hex(o.description_sha256)),'') AS description_sha256,
  f.path AS source_path, o.offset AS source_offset, o.source_record,
  o.capture AS source, '2.0' AS schema_version,
  strftime('%Y-%m-%dT%H:%M:%fZ',s.updated_ms/1000.0,'unixepoch') AS normalized_at,
  f.parser||'@'||f.parser_version AS normalizer_version,
  CASE o.capture WHEN 'transcript' THEN 'replay' WHEN 'batch' THEN 'batch_ingest' WHEN 'legacy' THEN 'batch_ingest' WHEN 'label' THEN NULL ELSE o.capture END AS capture_mode,
  CASE WHEN f.path IS NOT NULL THEN json_patch('{}',json_object('path',f.path,'offset',o.offset,'line',o.line_no,'raw_id',o.source_record)) END AS raw_source_ref
FROM observation o JOIN session s ON s.session_pk=o.session_pk JOIN session r ON r.session_pk=s.root_pk
  LEFT JOIN prompt mp ON mp.prompt_pk=o.prompt_pk
  LEFT JOIN body b ON b.body_id=coalesce(mp.body_id,o.query_body_id)
  LEFT JOIN source_file f ON f.source_id=o.source_id
WHERE o.effective=1;

CREATE VIEW execution_facts AS
SELECT s.session_pk AS id, s.session_id, r.session_id AS root_session_id, s.platform,
  strftime('%Y-%m-%dT%H:%M:%fZ',s.ended_ms/1000.0,'unixepoch') AS occurred_at, NULL AS prompt_id,
  (SELECT coalesce(json_group_object(t.tool,t.calls),'{}') FROM session_tool t WHERE t.session_pk=s.session_pk) AS tool_calls_json,
  coalesce(m.total_tool_calls,0) AS total_tool_calls, m.answers AS assistant_turns,
  coalesce(m.tool_errors,0) AS errors_encountered, coalesce(m.nonzero_exits,0) AS nonzero_exits, coalesce(m.denied,0) AS denied_calls, coalesce(m.unfinished_calls,0) AS unfinished_calls,
  coalesce(m.failed_turns,0) AS failed_turns, coalesce(m.interruptions,0) AS interruptions, coalesce(m.compactions,0) AS compactions,
  m.input_uncached AS input_uncached_tokens, m.cache_read AS cache_read_tokens, m.cache_write AS cache_write_tokens,
  m.output_tokens, m.reasoning_tokens AS reasoning_output_tokens,
  CASE WHEN coalesce(m.input_uncached,m.cache_read,m.cache_write) IS NOT NULL THEN coalesce(m.input_uncached,0)+coalesce(m.cache_read,0)+coalesce(m.cache_write,0) END AS input_tokens,
  m.cache_read AS cached_input_tokens, m.overhead_input AS overhead_input_tokens, m.overhead_output AS overhead_output_tokens,
  m.cost_micro_usd/1000000.0 AS cost_usd, s.ended_ms-s.started_ms AS duration_ms,
  m.files_changed, m.lines_added, m.lines_removed, m.lines_modified, m.artifacts AS artifact_count, m.session_type,
  coalesce(s.completion,'unknown') AS completion_status, '2.0' AS schema_version,
  strftime('%Y-%m-%dT%H:%M:%fZ',s.updated_ms/1000.0,'unixepoch') AS normalized_at,
  f.parser||'@'||f.parser_version AS normalizer_version,
  CASE s.capture WHEN 'transcript' THEN 'replay' WHEN 'batch' THEN 'batch_ingest' WHEN 'legacy' THEN 'batch_ingest' ELSE s.capture END AS capture_mode,
  CASE WHEN f.path IS NOT NULL THEN json_object('path',f.path) END AS raw_source_ref
FROM session s JOIN session r ON r.session_pk=s.root_pk
  LEFT JOIN session_metric m ON m.session_pk=s.session_pk
  LEFT JOIN source_file f ON f.source_id=s.source_id;

CREATE VIEW tool_calls AS
SELECT s.session_id, r.session_id AS root_session_id, s.platform, t.tool AS name, t.calls, t.errors, t.nonzero_exits, t.denied, t.unfinished
FROM session_tool t JOIN session s ON s.session_pk=t.session_pk JOIN session r ON r.session_pk=s.root_pk;

CREATE VIEW queries AS
SELECT p.prompt_pk AS id, strftime('%Y-%m-%dT%H:%M:%fZ',p.occurred_ms/1000.0,'unixepoch') AS timestamp,
  s.session_id, s.platform, p.prompt_id, b.text AS query,
  CASE p.capture WHEN 'transcript' THEN 'replay' WHEN 'batch' THEN 'batch_ingest' WHEN 'legacy' THEN 'batch_ingest' ELSE p.capture END AS source
FROM prompt p JOIN session s ON s.session_pk=p.session_pk JOIN body b ON b.body_id=p.body_id WHERE p.actionable=1;

CREATE VIEW improvement_signals AS
SELECT g.signal_pk AS id, strftime('%Y-%m-%dT%H:%M:%fZ',g.occurred_ms/1000.0,'unixepoch') AS timestamp,
  s.session_id, s.platform, p.prompt_id, b.text AS query, g.kind AS signal_type, coalesce(k.name,nullif(g.mention,'')) AS mentioned_skill,
  g.resolved, g.state, g.state='consumed' AS consumed,
  CASE WHEN g.state='consumed' THEN strftime('%Y-%m-%dT%H:%M:%fZ',g.state_ms/1000.0,'unixepoch') END AS consumed_at,
  CASE WHEN g.state='consumed' THEN g.run_id END AS consumed_by_run
FROM improvement_signal g JOIN session s ON s.session_pk=g.session_pk
  LEFT JOIN prompt p ON p.prompt_pk=g.prompt_pk LEFT JOIN body b ON b.body_id=p.body_id LEFT JOIN skill k ON k.skill_id=g.skill_id;

CREATE VIEW commit_tracking AS
SELECT s.session_id, s.platform, v.sha AS commit_sha, v.title AS commit_title, v.branch, v.repo_remote,
  strftime('%Y-%m-%dT%H:%M:%fZ',v.committed_ms/1000.0,'unixepoch') AS timestamp,
  CASE WHEN EXISTS(SELECT 1 FROM commit_logged l WHERE l.session_pk=v.session_pk AND l.sha=v.sha) THEN 'batch' ELSE 'hook' END AS capture
FROM vcs_commit v JOIN session s ON s.session_pk=v.session_pk;

-- Gradings of the reference, as an import kept them; one that two databases have is shown once.
CREATE VIEW grading_results AS
SELECT json_extract(g.note,'$.row.grading_id') AS grading_id, json_extract(g.note,'$.row.session_id') AS session_id,
  (SELECT s.platform FROM session s WHERE s.session_id=json_extract(g.note,'$.row.session_id') ORDER BY s.session_pk LIMIT 1) AS platform,
  json_extract(g.note,'$.row.skill_name') AS skill_name, NULL AS run_id, CASE WHEN json_extract(g.note,'$.row.pass_rate') IS NULL THEN 'inconclusive' ELSE 'graded' END AS status,
  json_extract(g.note,'$.row.transcript_path') AS transcript_path, coalesce(strftime('%Y-%m-%dT%H:%M:%fZ',json_extract(g.note,'$.row.graded_at')),json_extract(g.note,'$.row.graded_at')) AS graded_at,
  CAST(json_extract(g.note,'$.row.pass_rate') AS REAL) AS pass_rate, CAST(json_extract(g.note,'$.row.mean_score') AS REAL) AS mean_score, CAST(json_extract(g.note,'$.row.score_std_dev') AS REAL) AS score_std_dev,
  CAST(coalesce(json_extract(g.note,'$.row.passed_count'),0) AS INTEGER) AS passed_count, CAST(coalesce(json_extract(g.note,'$.row.failed_count'),0) AS INTEGER) AS failed_count,
  max(CAST(coalesce(json_extract(g.note,'$.row.total_count'),0) AS INTEGER),coalesce(json_extract(g.note,'$.row.passed_count'),0)+coalesce(json_extract(g.note,'$.row.failed_count'),0)) AS total_count,
  max(CAST(coalesce(json_extract(g.note,'$.row.total_count'),0) AS INTEGER)-coalesce(json_extract(g.note,'$.row.passed_count'),0)-coalesce(json_extract(g.note,'$.row.failed_count'),0),0) AS undetermined_count, NULL AS grader,
  json_extract(g.note,'$.row.expectations_json') AS expectations_json, json_extract(g.note,'$.row.claims_json') AS claims_json, json_extract(g.note,'$.row.eval_feedback_json') AS eval_feedback_json,
  json_extract(g.note,'$.row.failure_feedback_json') AS failure_feedback_json, json_extract(g.note,'$.row.execution_metrics_json') AS execution_metrics_json
FROM (SELECT m.note FROM import_map m WHERE m.tbl='grading_results' AND m.verdict='kept' AND m.note IS NOT NULL
  AND NOT EXISTS(SELECT 1 FROM import_map n WHERE n.tbl=m.tbl AND n.src_id=m.src_id AND n.verdict='kept' AND n.origin<m.origin)) g;

CREATE VIEW imported_rows AS
SELECT m.origin, m.tbl AS table_name, m.src_id AS row_id, m.verdict, m.reason, json_extract(m.note,'$.row') AS row_json, json_extract(m.note,'$.left') AS left_json
FROM import_map m;

CREATE VIEW evolution_audit AS
SELECT e.event_pk AS id, strftime('%Y-%m-%dT%H:%M:%fZ',e.occurred_ms/1000.0,'unixepoch') AS timestamp, e.proposal_id, k.name AS skill_name,
  e.location AS skill_path, e.target, e.action, e.details, e.snapshot AS eval_snapshot_json, e.iterations AS iterations_used,
  e.validation_mode, e.validation_agent, e.fixture_id AS validation_fixture_id, e.evidence_ref AS validation_evidence_ref,
  nullif(lower(hex(e.sha256_before)),'') AS content_sha256_before, nullif(lower(hex(e.sha256_after)),'') AS content_sha256_after, e.run_id, e.dry_run,
  nullif(lower(hex(e.prev_hash)),'') AS prev_hash, lower(hex(e.hash)) AS hash
FROM evolution_event e LEFT JOIN skill k ON k.skill_id=e.skill_id;

CREATE VIEW evolution_evidence AS
SELECT e.event_pk AS id, strftime('%Y-%m-%dT%H:%M:%fZ',e.occurred_ms/1000.0,'unixepoch') AS timestamp, e.proposal_id, k.name AS skill_name,
  coalesce(e.location,p.location) AS skill_path, coalesce(e.target,p.target,'description') AS target, e.action AS stage,
  p.rationale, e.details, p.confidence, ob.text AS original_text, pb.text AS proposed_text, e.eval_set AS eval_set_json, e.validation AS validation_json
FROM evolution_event e JOIN skill k ON k.skill_id=e.skill_id
  LEFT JOIN proposal p ON p.proposal_id=e.proposal_id
  LEFT JOIN body ob ON ob.body_id=p.original_body LEFT JOIN body pb ON pb.body_id=p.proposed_body
WHERE e.action IN('proposed','created','validated','deployed','rejected','rolled_back');

CREATE VIEW orchestrate_runs AS
SELECT j.run_id, strftime('%Y-%m-%dT%H:%M:%fZ',j.started_ms/1000.0,'unixepoch') AS timestamp, j.elapsed_ms, j.dry_run, coalesce(j.approval_mode,'auto') AS approval_mode,
  coalesce(json_extract(j.metrics,'$.total_skills'),0) AS total_skills, coalesce(json_extract(j.metrics,'$.evaluated'),0) AS evaluated,
  coalesce(json_extract(j.metrics,'$.evolved'),0) AS evolved, coalesce(json_extract(j.metrics,'$.deployed'),0) AS deployed,
  coalesce(json_extract(j.metrics,'$.watched'),0) AS watched, coalesce(json_extract(j.metrics,'$.skipped'),0) AS skipped,
  json_extract(j.metrics,'$.graded') AS graded, json_extract(j.metrics,'$.rolled_back') AS rolled_back,
  json_extract(j.metrics,'$.signals_consumed') AS signals_consumed, json_extract(j.metrics,'$.llm_calls') AS llm_calls,
  j.trigger AS "trigger", j.status, j.error,
  (SELECT coalesce(json_group_array(json(a.item)),'[]') FROM (
    SELECT json_patch('{}',json_object('skill',coalesce(k.name,''),'action',x.action,'reason',coalesce(x.reason,''),'deployed',CASE x.deployed WHEN 1 THEN json('true') WHEN 0 THEN json('false') END,
      'rolledBack',CASE x.rolled_back WHEN 1 THEN json('true') WHEN 0 THEN json('false') END,'alert',x.alert,'elapsed_ms',x.elapsed_ms,'llm_calls',x.llm_calls)) AS item
    FROM job_action x LEFT JOIN skill k ON k.skill_id=x.skill_id WHERE x.run_id=j.run_id ORDER BY x.ord) a) AS skill_actions_json
FROM job_run j WHERE j.job='orchestrate';

CREATE VIEW exposures AS
SELECT s.session_id, r.session_id AS root_session_id, s.platform, l.name AS skill_name,
  strftime('%Y-%m-%dT%H:%M:%fZ',e.at_ms/1000.0,'unixepoch') AS occurred_at,
  CASE l.state WHEN 'disabled' THEN 'absent' ELSE l.state END AS state,
  CASE l.state WHEN 'truncated' THEN 'budget' WHEN 'name_only' THEN 'budget' WHEN 'explicit_only' THEN 'policy' WHEN 'disabled' THEN 'policy'
    WHEN 'full' THEN CASE e.cause WHEN 'delta' THEN 'delta' ELSE 'listing' END ELSE e.cause END AS cause,
  p.prompt_id, b.text AS description, nullif(lower(hex(b.sha256)),'') AS description_sha256, l.location AS skill_path,
  f.path AS source_path, e.offset AS source_offset, e.source_record
FROM exposure e JOIN listing_entry l ON l.listing_id=e.listing_id
  JOIN session s ON s.session_pk=e.session_pk JOIN session r ON r.session_pk=s.root_pk
  LEFT JOIN prompt p ON p.session_pk=e.session_pk AND p.seq=e.prompt_seq
  LEFT JOIN body b ON b.body_id=l.description_body
  LEFT JOIN source_file f ON f.source_id=e.source_id
WHERE e.prompt_seq IS NULL OR p.prompt_pk IS NOT NULL
  OR NOT EXISTS(SELECT 1 FROM prompt q WHERE q.session_pk=e.session_pk AND q.seq<e.prompt_seq);

CREATE VIEW source_files AS
SELECT f.source_id, f.platform, f.path, f.kind, f.state, f.size,
  strftime('%Y-%m-%dT%H:%M:%fZ',(f.mtime_ns/1000000)/1000.0,'unixepoch') AS mtime, f.offset AS read_offset, f.pending_bytes, f.generation,
  f.parser, f.parser_version, f.host_schema, f.records_seen, f.records_used, f.records_seen-f.records_used AS records_skipped, f.records_unknown,
  f.bad_lines, f.last_error, strftime('%Y-%m-%dT%H:%M:%fZ',f.last_read_ms/1000.0,'unixepoch') AS last_read_at
FROM source_file f;

CREATE VIEW bad_lines AS
SELECT b.source_id, b.generation, f.platform, f.path, b.offset, b.line_no, b.reason, b.excerpt,
  strftime('%Y-%m-%dT%H:%M:%fZ',b.seen_ms/1000.0,'unixepoch') AS seen_at
FROM bad_line b JOIN source_file f ON f.source_id=b.source_id;

CREATE VIEW sql_contract AS
SELECT 1 AS version, CAST((SELECT value FROM meta WHERE key='schema_version') AS INTEGER) AS store_schema,
  (SELECT value FROM meta WHERE key='created_at') AS store_created_at;

-- Compatibility with the reference only.
CREATE VIEW session_telemetry AS
SELECT e.session_id, e.occurred_at AS timestamp, w.path AS cwd, f.path AS transcript_path, e.tool_calls_json, e.total_tool_calls, '[]' AS bash_commands_json,
  (SELECT coalesce(json_group_array(DISTINCT o.skill_text),'[]') FROM observation o WHERE o.session_pk=e.id AND o.effective=1 AND o.outcome='triggered') AS skills_triggered_json,
  NULL AS skills_invoked_json, e.assistant_turns, e.errors_encountered, NULL AS transcript_chars,
  (SELECT b.text FROM prompt p JOIN body b ON b.body_id=p.body_id WHERE p.session_pk=e.id AND p.actionable=1 ORDER BY p.seq DESC LIMIT 1) AS last_user_query,
  e.platform AS source, e.input_tokens, e.output_tokens, e.files_changed, e.lines_added, e.lines_removed, e.lines_modified, e.cached_input_tokens, e.reasoning_output_tokens,
  e.cost_usd, e.artifact_count, e.session_type, NULL AS agent_summary
FROM execution_facts e JOIN session s ON s.session_pk=e.id LEFT JOIN workspace w ON w.workspace_id=s.workspace_id LEFT JOIN source_file f ON f.source_id=s.source_id;

CREATE VIEW skill_usage AS
SELECT o.obs_pk AS id, strftime('%Y-%m-%dT%H:%M:%fZ',o.occurred_ms/1000.0,'unixepoch') AS timestamp, s.session_id, o.skill_text AS skill_name,
  o.location AS skill_path, o.scope AS skill_scope, b.text AS query, o.outcome='triggered' AS triggered, o.capture AS source
FROM observation o JOIN session s ON s.session_pk=o.session_pk LEFT JOIN prompt p ON p.prompt_pk=o.prompt_pk LEFT JOIN body b ON b.body_id=coalesce(p.body_id,o.query_body_id)
WHERE o.effective=1;

-- selftune.db, schema version 1: tables. They are private; the public face is
-- views.sql. Times are Unix milliseconds UTC, days are days since the epoch,
-- money is micro-USD, hashes are raw bytes. Not here on purpose: application_id
-- and user_version (set by the code that runs this). The tables of evidence
-- spell their word lists with OR: for IN with three words and more SQLite fills a
-- temporary table at each statement.

-- ---------- dictionaries ----------
CREATE TABLE host(platform TEXT PRIMARY KEY CHECK(platform GLOB '[a-z]*' AND length(platform)<=32), name TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO host VALUES('claude_code','Claude Code'),('codex','Codex CLI'),('opencode','OpenCode'),('openclaw','OpenClaw'),('cline','Cline'),('pi','Pi'),
  ('gemini','Gemini CLI'),('copilot','GitHub Copilot CLI'),('qwen','Qwen Code'),('unknown','unknown');

CREATE TABLE skill(
  skill_id INTEGER PRIMARY KEY,
  name     TEXT NOT NULL,         -- as first seen, trimmed
  name_key TEXT NOT NULL UNIQUE   -- ASCII-lowercased
) STRICT;
CREATE INDEX skill_name ON skill(name);

CREATE TABLE skill_location(
  skill_id INTEGER NOT NULL REFERENCES skill, path TEXT NOT NULL,
  scope TEXT NOT NULL DEFAULT 'unknown' CHECK(scope='project' OR scope='global' OR scope='admin' OR scope='system' OR scope='unknown'),
  registry_dir TEXT, project_root TEXT, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
  real_path TEXT, dev INTEGER, inode INTEGER, content_sha256 BLOB, description_body INTEGER REFERENCES body,
  implicit_allowed INTEGER, in_git INTEGER,
  size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER,  -- of the file that was hashed
  PRIMARY KEY(skill_id,path)) STRICT, WITHOUT ROWID;

CREATE TABLE skill_version(       -- each SKILL.md content ever seen
  skill_id INTEGER NOT NULL REFERENCES skill, content_sha256 BLOB NOT NULL CHECK(length(content_sha256)=32),
  description_body INTEGER REFERENCES body, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
  PRIMARY KEY(skill_id,content_sha256)) STRICT, WITHOUT ROWID;

CREATE TABLE skill_state(         -- what selftune may do with it; NULL autonomy = the default
  skill_id INTEGER PRIMARY KEY REFERENCES skill, autonomy TEXT CHECK(autonomy IN('locked','propose','auto')),
  cooldown_until_ms INTEGER, frozen_until_ms INTEGER, reason TEXT, updated_ms INTEGER NOT NULL) STRICT;

CREATE TABLE workspace(workspace_id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, repo_remote TEXT) STRICT;

CREATE TABLE body(                -- every long text once; erasable
  body_id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE CHECK(length(sha256)=32),
  bytes INTEGER NOT NULL, text TEXT, erased_ms INTEGER) STRICT;

-- ---------- sources ----------
CREATE TABLE source_file(
  source_id INTEGER PRIMARY KEY,
  platform TEXT NOT NULL REFERENCES host, kind TEXT NOT NULL CHECK(kind='transcript' OR kind='rollout' OR kind='sqlite' OR kind='json' OR kind='spool' OR kind='import'),
  path TEXT NOT NULL, dev INTEGER, inode INTEGER,
  generation INTEGER NOT NULL DEFAULT 1,          -- goes up when the file is read again from its start
  size INTEGER NOT NULL DEFAULT 0, mtime_ns INTEGER NOT NULL DEFAULT 0,
  head_sha256 BLOB,                               -- of the first min(size,1024) bytes
  offset INTEGER NOT NULL DEFAULT 0,              -- just past the last complete line consumed
  line_no INTEGER NOT NULL DEFAULT 0,
  tail_sha256 BLOB,                               -- of the min(offset,1024) bytes before offset; NULL in a file replaced as a whole
  kept INTEGER NOT NULL DEFAULT 0,                -- 1: the file was gone when its sessions were read again; what it gave stays
  foreign_cursor TEXT,                            -- the file's own stamp of its last change (ctime in ns)
  parser TEXT NOT NULL, parser_version INTEGER NOT NULL,
  parser_state BLOB,                              -- JSON, opaque to the store
  state TEXT NOT NULL DEFAULT 'active' CHECK(state='active' OR state='missing' OR state='quarantined'),
  host_schema TEXT, pending_bytes INTEGER NOT NULL DEFAULT 0, records_seen INTEGER NOT NULL DEFAULT 0, records_used INTEGER NOT NULL DEFAULT 0,
  records_unknown INTEGER NOT NULL DEFAULT 0, bad_lines INTEGER NOT NULL DEFAULT 0, last_error TEXT, last_read_ms INTEGER,
  UNIQUE(platform,path)) STRICT;
CREATE INDEX source_kept ON source_file(source_id) WHERE kept=1;
CREATE INDEX source_health ON source_file(platform,kind,state,last_error,size,records_seen,records_used,records_unknown,bad_lines);

CREATE TABLE bad_line(
  source_id INTEGER NOT NULL REFERENCES source_file ON DELETE CASCADE, generation INTEGER NOT NULL,
  offset INTEGER NOT NULL, line_no INTEGER, reason TEXT NOT NULL, excerpt TEXT, seen_ms INTEGER NOT NULL,
  PRIMARY KEY(source_id,generation,offset)) STRICT, WITHOUT ROWID;

-- ---------- evidence ----------
CREATE TABLE session(
  session_pk INTEGER PRIMARY KEY,
  platform TEXT NOT NULL REFERENCES host,
  session_id TEXT NOT NULL,
  kind TEXT NOT NULL DEFAULT 'main' CHECK(kind='main' OR kind='subagent' OR kind='automation'),
  parent_pk INTEGER,                              -- session whose call started it
  root_pk INTEGER NOT NULL,                       -- top of that chain, itself when there is none
  parent_prompt_pk INTEGER,                       -- prompt of the root in whose turn it was started
  forked_from TEXT, fork_end_offset INTEGER,      -- the parent's records before this byte are its past
  born_ms INTEGER,                                -- earliest record, copies included
  -- What link.cc needs to find the above: 1 = to be looked at, 2 = a guess that
  -- a new prompt of the root may improve, 0 = done.
  link_pending INTEGER NOT NULL DEFAULT 0, parent_text TEXT, root_text TEXT, spawn_call_id TEXT, link_prompt_native TEXT,
  inherit_pending INTEGER NOT NULL DEFAULT 0,     -- 1: what the parent showed is not taken over yet
  depth INTEGER, host_version TEXT, archived INTEGER NOT NULL DEFAULT 0, workspace_id INTEGER REFERENCES workspace,
  agent_cli TEXT, agent_type TEXT, provider TEXT, model TEXT, branch TEXT, commit_sha TEXT, repo_remote TEXT,
  started_ms INTEGER, ended_ms INTEGER,
  completion TEXT CHECK(completion='completed' OR completion='failed' OR completion='interrupted' OR completion='cancelled' OR completion='unknown'),
  capture TEXT, capture_rank INTEGER NOT NULL DEFAULT 0,   -- strongest that told about it; 0 = a stub
  source_id INTEGER REFERENCES source_file, generation INTEGER NOT NULL DEFAULT 0,
  rev INTEGER NOT NULL DEFAULT 0, updated_ms INTEGER NOT NULL,
  UNIQUE(session_id,platform)) STRICT;
CREATE INDEX session_started ON session(coalesce(started_ms,0) DESC,session_pk DESC);
CREATE INDEX session_started_iso ON session(strftime('%Y-%m-%dT%H:%M:%fZ',started_ms/1000.0,'unixepoch'));
CREATE INDEX session_ended_iso ON session(strftime('%Y-%m-%dT%H:%M:%fZ',ended_ms/1000.0,'unixepoch'));
CREATE INDEX session_platform ON session(platform);
CREATE INDEX session_root ON session(root_pk);
CREATE INDEX session_place ON session(workspace_id,ended_ms) WHERE workspace_id IS NOT NULL;
CREATE INDEX session_parent ON session(parent_pk) WHERE parent_pk IS NOT NULL;
CREATE INDEX session_source ON session(source_id);
CREATE INDEX session_pending ON session(session_pk) WHERE link_pending=1;
CREATE INDEX session_guess ON session(root_pk) WHERE link_pending=2;
CREATE INDEX session_spawn_call ON session(spawn_call_id) WHERE spawn_call_id IS NOT NULL;
CREATE INDEX session_inherit ON session(session_pk) WHERE inherit_pending=1;

CREATE TABLE session_anchor(      -- records by which copies of a history are found
  key INTEGER NOT NULL, session_pk INTEGER NOT NULL REFERENCES session ON DELETE CASCADE, settled INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(key,session_pk)) STRICT, WITHOUT ROWID;
CREATE INDEX session_anchor_session ON session_anchor(session_pk);
CREATE INDEX session_anchor_open ON session_anchor(session_pk,key) WHERE settled=0;
CREATE TABLE session_part(        -- files of a session whose records lie in several
  session_pk INTEGER NOT NULL REFERENCES session ON DELETE CASCADE, source_id INTEGER NOT NULL REFERENCES source_file ON DELETE CASCADE,
  seq_shift INTEGER NOT NULL DEFAULT 0,           -- added to the reader's numbers of prompts: it began anew behind a file that is gone
  PRIMARY KEY(session_pk,source_id)) STRICT, WITHOUT ROWID;
CREATE INDEX session_part_source ON session_part(source_id);
CREATE TABLE session_keys(        -- 8 bytes a record that made facts, a row a batch
  session_pk INTEGER NOT NULL REFERENCES session ON DELETE CASCADE, seq INTEGER NOT NULL, source_id INTEGER NOT NULL DEFAULT 0, keys BLOB NOT NULL,
  PRIMARY KEY(session_pk,seq)) STRICT, WITHOUT ROWID;

CREATE TABLE spawn(               -- calls that can start subagents
  session_pk INTEGER NOT NULL REFERENCES session ON DELETE CASCADE, call_id TEXT NOT NULL, prompt_seq INTEGER, child_id TEXT,
  PRIMARY KEY(session_pk,call_id)) STRICT, WITHOUT ROWID;
CREATE INDEX spawn_call ON spawn(call_id);
CREATE INDEX spawn_child ON spawn(child_id) WHERE child_id IS NOT NULL;

CREATE TABLE prompt(
  prompt_pk INTEGER PRIMARY KEY, session_pk INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,
  prompt_key BLOB NOT NULL UNIQUE CHECK(length(prompt_key)=16),
  prompt_id TEXT NOT NULL,                        -- public id, <session_id>:p<seq>
  seq INTEGER NOT NULL,                           -- order inside the session, gaps allowed
  occurred_ms INTEGER, kind TEXT NOT NULL, actionable INTEGER NOT NULL CHECK(actionable IN(0,1)),
  active INTEGER NOT NULL DEFAULT 1, native_id TEXT, command_name TEXT, command_args TEXT, command_kind TEXT CHECK(command_kind IN('skill','custom')),
  body_id INTEGER NOT NULL REFERENCES body, raw_body_id INTEGER REFERENCES body,
  source_id INTEGER REFERENCES source_file, generation INTEGER NOT NULL DEFAULT 0, offset INTEGER, line_no INTEGER, source_record TEXT,
  capture TEXT NOT NULL, seen_mask INTEGER NOT NULL DEFAULT 0, rev INTEGER NOT NULL DEFAULT 1) STRICT;
CREATE UNIQUE INDEX prompt_session ON prompt(session_pk,seq);
CREATE INDEX prompt_public ON prompt(prompt_id);
CREATE INDEX prompt_imported ON prompt(session_pk) WHERE source_id IS NULL AND capture IN('repair','legacy');
CREATE INDEX prompt_hook ON prompt(session_pk,seq) WHERE capture='hook' AND source_id IS NULL;   -- not told by a transcript
CREATE INDEX prompt_newest ON prompt(coalesce(occurred_ms,0) DESC,prompt_pk DESC) WHERE actionable=1;
CREATE INDEX prompt_facts ON prompt(prompt_pk,occurred_ms,session_pk);       -- all that is asked of many at once
CREATE INDEX prompt_time ON prompt(strftime('%Y-%m-%dT%H:%M:%fZ',occurred_ms/1000.0,'unixepoch'));

CREATE TABLE observation(         -- one row per capture of one skill decision
  obs_pk INTEGER PRIMARY KEY, session_pk INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,
  skill_id INTEGER NOT NULL REFERENCES skill, prompt_pk INTEGER REFERENCES prompt ON DELETE SET NULL,
  prompt_seq INTEGER,                             -- of this session, as the source says
  occurrence_key BLOB NOT NULL CHECK(length(occurrence_key)=16),
  capture TEXT NOT NULL CHECK(capture='hook' OR capture='transcript' OR capture='wrapper' OR capture='batch' OR capture='label' OR capture='repair' OR capture='legacy'),
  capture_rank INTEGER NOT NULL,
  occurred_ms INTEGER, day INTEGER NOT NULL,      -- UTC days since the epoch of occurred_ms, 0 = unknown
  outcome TEXT NOT NULL CHECK(outcome='triggered' OR outcome='refused' OR outcome='requested' OR outcome='read_only' OR outcome='missed'),
  level TEXT CHECK(level='explicit' OR level='tool' OR level='read' OR level='shell_read'), route TEXT, requested_by TEXT CHECK(requested_by IN('user','model')),
  mode TEXT CHECK(mode='explicit' OR mode='implicit' OR mode='inferred' OR mode='contextual' OR mode='repaired'),
  cause TEXT CHECK(cause='description' OR cause='not_installed' OR cause='not_listed' OR cause='truncated' OR cause='compacted' OR cause='shadowed' OR cause='disabled' OR cause='unknown'),
  reason TEXT CHECK(reason='signal' OR reason='grader' OR reason='curated'),      -- of a missed row; cause and reason only there
  skill_text TEXT NOT NULL,                       -- the host's spelling
  args TEXT, forked INTEGER NOT NULL DEFAULT 0, body_sha256 BLOB, description_sha256 BLOB, source_record TEXT,
  confidence REAL NOT NULL CHECK(confidence BETWEEN 0 AND 1), tool_name TEXT, tool_call_id TEXT, agent_type TEXT,
  query_body_id INTEGER REFERENCES body,          -- only where no prompt row holds the text (imports)
  location TEXT, scope TEXT,
  polluted INTEGER NOT NULL DEFAULT 0, effective INTEGER NOT NULL DEFAULT 0,
  source_id INTEGER REFERENCES source_file, generation INTEGER NOT NULL DEFAULT 0, offset INTEGER, line_no INTEGER, extra TEXT,
  rev INTEGER NOT NULL DEFAULT 1,
  UNIQUE(occurrence_key,capture)) STRICT;
CREATE UNIQUE INDEX obs_effective ON observation(occurrence_key) WHERE effective=1;
CREATE INDEX obs_unlinked ON observation(session_pk,prompt_seq) WHERE prompt_pk IS NULL AND prompt_seq IS NOT NULL;
CREATE INDEX obs_skill_time ON observation(skill_id,coalesce(occurred_ms,0) DESC,obs_pk DESC) WHERE effective=1;
CREATE INDEX obs_time ON observation(coalesce(occurred_ms,0) DESC,obs_pk DESC) WHERE effective=1;
CREATE INDEX obs_time_iso ON observation(strftime('%Y-%m-%dT%H:%M:%fZ',occurred_ms/1000.0,'unixepoch')) WHERE effective=1;
CREATE INDEX obs_name ON observation(skill_text) WHERE effective=1;
CREATE INDEX obs_day ON observation(skill_id,day) WHERE effective=1;
CREATE INDEX obs_polluted ON observation(skill_id,day) WHERE polluted=1;
CREATE INDEX obs_missed ON observation(coalesce(occurred_ms,0) DESC,obs_pk DESC) WHERE effective=1 AND outcome='missed';
CREATE INDEX obs_by_hand ON observation(coalesce(occurred_ms,0)) WHERE effective=1 AND outcome='triggered' AND requested_by='user';
CREATE INDEX obs_weak ON observation(session_pk,skill_id) WHERE capture IN('repair','legacy');
CREATE INDEX obs_label ON observation(prompt_pk,skill_id) WHERE capture='label';
CREATE INDEX obs_session ON observation(session_pk);
CREATE INDEX obs_hook ON observation(session_pk) WHERE capture='hook' AND effective=1;
CREATE INDEX obs_prompt ON observation(prompt_pk,skill_id) WHERE prompt_pk IS NOT NULL;

CREATE TABLE session_metric(      -- sums of the deltas read so far; NULL = the source has none
  session_pk INTEGER PRIMARY KEY REFERENCES session ON DELETE CASCADE,
  total_tool_calls INTEGER NOT NULL DEFAULT 0, answers INTEGER,
  tool_errors INTEGER NOT NULL DEFAULT 0, nonzero_exits INTEGER NOT NULL DEFAULT 0, denied INTEGER NOT NULL DEFAULT 0, unfinished_calls INTEGER NOT NULL DEFAULT 0,
  failed_turns INTEGER NOT NULL DEFAULT 0, interruptions INTEGER NOT NULL DEFAULT 0, compactions INTEGER NOT NULL DEFAULT 0, api_errors INTEGER NOT NULL DEFAULT 0,
  input_uncached INTEGER, cache_read INTEGER, cache_write INTEGER, output_tokens INTEGER, reasoning_tokens INTEGER, overhead_input INTEGER, overhead_output INTEGER,
  cost_micro_usd INTEGER, files_changed INTEGER, lines_added INTEGER, lines_removed INTEGER,
  lines_modified INTEGER, artifacts INTEGER, session_type TEXT, updated_ms INTEGER NOT NULL) STRICT;
CREATE TABLE session_tool(
  session_pk INTEGER NOT NULL REFERENCES session ON DELETE CASCADE, tool TEXT NOT NULL, calls INTEGER NOT NULL, errors INTEGER NOT NULL DEFAULT 0,
  nonzero_exits INTEGER NOT NULL DEFAULT 0, denied INTEGER NOT NULL DEFAULT 0, unfinished INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(session_pk,tool)) STRICT, WITHOUT ROWID;
-- The same for each file of a session whose records lie in several, so that a file that is gone keeps its share.
CREATE TABLE part_metric(
  session_pk INTEGER NOT NULL REFERENCES session ON DELETE CASCADE, source_id INTEGER NOT NULL REFERENCES source_file ON DELETE CASCADE,
  total_tool_calls INTEGER NOT NULL, answers INTEGER, tool_errors INTEGER NOT NULL, nonzero_exits INTEGER NOT NULL, denied INTEGER NOT NULL, unfinished_calls INTEGER NOT NULL,
  failed_turns INTEGER NOT NULL, interruptions INTEGER NOT NULL, compactions INTEGER NOT NULL, api_errors INTEGER NOT NULL,
  input_uncached INTEGER, cache_read INTEGER, cache_write INTEGER, output_tokens INTEGER, reasoning_tokens INTEGER, overhead_input INTEGER, overhead_output INTEGER,
  cost_micro_usd INTEGER, PRIMARY KEY(session_pk,source_id)) STRICT, WITHOUT ROWID;
CREATE TABLE part_tool(
  session_pk INTEGER NOT NULL REFERENCES session ON DELETE CASCADE, source_id INTEGER NOT NULL REFERENCES source_file ON DELETE CASCADE, tool TEXT NOT NULL,
  calls INTEGER NOT NULL, errors INTEGER NOT NULL, nonzero_exits INTEGER NOT NULL, denied INTEGER NOT NULL, unfinished INTEGER NOT NULL,
  PRIMARY KEY(session_pk,source_id,tool)) STRICT, WITHOUT ROWID;
CREATE TABLE session_event(       -- the rows behind the small counters; n tells those of one line apart
  session_pk INTEGER NOT NULL REFERENCES session ON DELETE CASCADE, source_id INTEGER NOT NULL, offset INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK(kind='tool_error' OR kind='nonzero_exit' OR kind='denied' OR kind='failed_turn' OR kind='interruption' OR kind='compaction' OR kind='api_error'), n INTEGER NOT NULL,
  at_ms INTEGER, detail TEXT,
  PRIMARY KEY(session_pk,source_id,offset,kind,n)) STRICT, WITHOUT ROWID;

-- what the model could see
CREATE TABLE listing(listing_id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE CHECK(length(sha256)=32), skills INTEGER NOT NULL, chars INTEGER NOT NULL) STRICT;
CREATE TABLE listing_entry(
  listing_id INTEGER NOT NULL REFERENCES listing, ord INTEGER NOT NULL, skill_id INTEGER NOT NULL REFERENCES skill, name TEXT NOT NULL,  -- as listed
  state TEXT NOT NULL CHECK(state='full' OR state='truncated' OR state='name_only' OR state='explicit_only' OR state='disabled' OR state='absent'), description_body INTEGER REFERENCES body, location TEXT,
  PRIMARY KEY(listing_id,ord)) STRICT, WITHOUT ROWID;
CREATE INDEX listing_entry_name ON listing_entry(name);
CREATE INDEX listing_entry_skill ON listing_entry(skill_id);
CREATE TABLE exposure(            -- from here on the model sees the states of this listing; skills that left it are in it as absent
  exposure_pk INTEGER PRIMARY KEY, session_pk INTEGER NOT NULL REFERENCES session ON DELETE CASCADE, at_ms INTEGER,
  listing_id INTEGER NOT NULL REFERENCES listing, prompt_seq INTEGER,   -- first prompt it holds for, NULL = from the start
  cause TEXT NOT NULL CHECK(cause='listing' OR cause='delta' OR cause='compaction'), inherited INTEGER NOT NULL DEFAULT 0,
  source_id INTEGER, generation INTEGER NOT NULL DEFAULT 0, offset INTEGER, line_no INTEGER, source_record TEXT) STRICT;
CREATE INDEX exposure_session ON exposure(session_pk,exposure_pk);
CREATE INDEX exposure_listing ON exposure(listing_id);
CREATE INDEX exposure_time ON exposure(strftime('%Y-%m-%dT%H:%M:%fZ',at_ms/1000.0,'unixepoch'));

CREATE TABLE improvement_signal(
  signal_pk INTEGER PRIMARY KEY, session_pk INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,
  prompt_pk INTEGER NOT NULL REFERENCES prompt ON DELETE CASCADE, skill_id INTEGER REFERENCES skill, mention TEXT NOT NULL,   -- as written, ASCII-lowercased
  kind TEXT NOT NULL CHECK(kind='correction' OR kind='unwanted' OR kind='explicit_request' OR kind='manual_invocation'), resolved INTEGER NOT NULL CHECK(resolved IN(0,1)),
  occurred_ms INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'pending' CHECK(state='pending' OR state='attached' OR state='consumed' OR state='expired' OR state='dismissed'), run_id TEXT, state_ms INTEGER,
  UNIQUE(prompt_pk,kind,mention)) STRICT;
CREATE INDEX signal_pending ON improvement_signal(skill_id) WHERE state='pending';
CREATE INDEX signal_skill ON improvement_signal(skill_id,occurred_ms DESC,signal_pk DESC);
CREATE INDEX signal_newest ON improvement_signal(occurred_ms DESC,signal_pk DESC);
CREATE INDEX signal_session ON improvement_signal(session_pk);
CREATE INDEX signal_time ON improvement_signal(strftime('%Y-%m-%dT%H:%M:%fZ',occurred_ms/1000.0,'unixepoch'));

CREATE TABLE vcs_commit(          -- commits that the tools of a session made
  session_pk INTEGER NOT NULL REFERENCES session ON DELETE CASCADE, sha TEXT NOT NULL, title TEXT, branch TEXT, repo_remote TEXT,
  committed_ms INTEGER NOT NULL, PRIMARY KEY(session_pk,sha)) STRICT, WITHOUT ROWID;
CREATE INDEX commit_sha ON vcs_commit(sha);
CREATE INDEX commit_time ON vcs_commit(strftime('%Y-%m-%dT%H:%M:%fZ',committed_ms/1000.0,'unixepoch'));
CREATE TABLE commit_logged(       -- those that no hook saw: the repository's log has them in the time of this session alone
  sha TEXT NOT NULL, session_pk INTEGER NOT NULL REFERENCES session ON DELETE CASCADE, PRIMARY KEY(sha,session_pk)) STRICT, WITHOUT ROWID;
CREATE INDEX commit_logged_session ON commit_logged(session_pk);
CREATE TABLE commit_due(          -- sessions that went on since the log of their repository was read
  session_pk INTEGER PRIMARY KEY REFERENCES session ON DELETE CASCADE, rev INTEGER NOT NULL DEFAULT 0,
  problem TEXT) STRICT;                           -- why that log could not be read; asked again when the session goes on

CREATE TABLE label(               -- three-way; absence of a row = unknown
  label_pk INTEGER PRIMARY KEY, prompt_pk INTEGER NOT NULL REFERENCES prompt ON DELETE CASCADE, skill_id INTEGER NOT NULL REFERENCES skill,
  label TEXT NOT NULL CHECK(label='should' OR label='should_not' OR label='unknown'), reason TEXT NOT NULL CHECK(reason='signal' OR reason='grader' OR reason='curated'),
  source TEXT NOT NULL, weight REAL NOT NULL DEFAULT 1 CHECK(weight BETWEEN 0 AND 1), at_ms INTEGER NOT NULL, run_id TEXT, detail TEXT,
  UNIQUE(prompt_pk,skill_id,reason,source)) STRICT;
CREATE INDEX label_facts ON label(skill_id,label,reason,prompt_pk,source);   -- all that is asked of many at once

-- ---------- evaluation and evolution ----------
CREATE TABLE eval_entry(          -- one query of one skill; the canonical set is its active rows
  skill_id INTEGER NOT NULL REFERENCES skill, entry_id TEXT NOT NULL, query_body INTEGER NOT NULL REFERENCES body, should_trigger INTEGER NOT NULL CHECK(should_trigger IN(0,1)),
  invocation_type TEXT NOT NULL CHECK(invocation_type IN('explicit','implicit','contextual','negative')), source TEXT NOT NULL, label_confidence REAL NOT NULL,
  split TEXT NOT NULL CHECK(split IN('train','val','test')), cluster TEXT, active INTEGER NOT NULL DEFAULT 1, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, extra TEXT,
  PRIMARY KEY(skill_id,entry_id)) STRICT, WITHOUT ROWID;
CREATE TABLE holdout_look(        -- alpha spending
  skill_id INTEGER NOT NULL REFERENCES skill, look INTEGER NOT NULL, at_ms INTEGER NOT NULL, proposal_id TEXT NOT NULL, eval_set_sha256 BLOB NOT NULL, entries INTEGER NOT NULL,
  gains INTEGER NOT NULL, losses INTEGER NOT NULL, p REAL NOT NULL, alpha REAL NOT NULL, tier TEXT NOT NULL CHECK(tier IN('promote','canary','hold')),
  PRIMARY KEY(skill_id,at_ms,look)) STRICT, WITHOUT ROWID;
CREATE TABLE proposal(
  proposal_id TEXT PRIMARY KEY, skill_id INTEGER NOT NULL REFERENCES skill, target TEXT NOT NULL, location TEXT,
  state TEXT NOT NULL CHECK(state IN('created','validated','rejected','superseded','approved','deploying','deployed','confirmed','rolled_back','conflicted')),
  original_body INTEGER REFERENCES body, proposed_body INTEGER REFERENCES body,
  original_sha256 BLOB, deployed_sha256 BLOB, confidence REAL, rationale TEXT, reason_code TEXT, tier TEXT CHECK(tier IN('promote','canary','hold')),
  gains INTEGER, losses INTEGER, p REAL, alpha REAL, holdout INTEGER, evidence TEXT, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL) STRICT;
CREATE INDEX proposal_skill ON proposal(skill_id,updated_ms DESC);
CREATE INDEX proposal_time ON proposal(updated_ms DESC);
CREATE INDEX proposal_open ON proposal(updated_ms DESC) WHERE state IN('created','validated','approved');
CREATE TABLE evolution_event(     -- append-only, one hash chain; meta evolution_chain says where it ends
  event_pk INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, proposal_id TEXT NOT NULL, skill_id INTEGER REFERENCES skill,
  action TEXT NOT NULL, occurred_ms INTEGER NOT NULL, details TEXT, validation TEXT, eval_set TEXT, snapshot TEXT,
  target TEXT, location TEXT, sha256_before BLOB, sha256_after BLOB, run_id TEXT, dry_run INTEGER NOT NULL DEFAULT 0,   -- dry_run=1 only in imported rows
  iterations INTEGER, validation_mode TEXT, validation_agent TEXT, fixture_id TEXT, evidence_ref TEXT, prev_hash BLOB, hash BLOB NOT NULL) STRICT;
CREATE INDEX evolution_skill ON evolution_event(skill_id,occurred_ms DESC);
CREATE INDEX evolution_proposal ON evolution_event(proposal_id,event_pk);
CREATE INDEX evolution_time ON evolution_event(strftime('%Y-%m-%dT%H:%M:%fZ',occurred_ms/1000.0,'unixepoch'));
CREATE TRIGGER evolution_no_update BEFORE UPDATE ON evolution_event BEGIN SELECT raise(ABORT,'evolution_event is append-only'); END;
CREATE TRIGGER evolution_no_delete BEFORE DELETE ON evolution_event BEGIN SELECT raise(ABORT,'evolution_event is append-only'); END;
CREATE TRIGGER holdout_look_no_delete BEFORE DELETE ON holdout_look BEGIN SELECT raise(ABORT,'holdout_look is append-only'); END;
CREATE TABLE replay_result(
  proposal_id TEXT NOT NULL, run_id TEXT NOT NULL, phase TEXT NOT NULL, entry_no INTEGER NOT NULL, rep INTEGER NOT NULL DEFAULT 1,
  skill_id INTEGER NOT NULL REFERENCES skill, validation_mode TEXT NOT NULL, control INTEGER NOT NULL DEFAULT 0, query_body INTEGER NOT NULL REFERENCES body,
  should_trigger INTEGER NOT NULL, triggered INTEGER, passed INTEGER, evidence TEXT,          -- triggered NULL = invalid, not a failure
  PRIMARY KEY(proposal_id,run_id,phase,entry_no,rep)) STRICT, WITHOUT ROWID;

-- ---------- deploy and watch ----------
CREATE TABLE deploy(              -- agrees with the journal folder <state>/deploy/<deploy_id>/
  deploy_id TEXT PRIMARY KEY, proposal_id TEXT, skill_id INTEGER NOT NULL REFERENCES skill, kind TEXT NOT NULL CHECK(kind IN('deploy','rollback','publish','restore')),
  undoes TEXT REFERENCES deploy, state TEXT NOT NULL CHECK(state IN('deploying','deployed','rolled_back','aborted','conflicted')), reason TEXT,
  started_ms INTEGER NOT NULL, finished_ms INTEGER) STRICT;
CREATE INDEX deploy_skill ON deploy(skill_id,started_ms DESC);
CREATE INDEX deploy_proposal ON deploy(proposal_id);
CREATE INDEX deploy_undoes ON deploy(undoes) WHERE undoes IS NOT NULL;
CREATE TABLE deploy_target(
  deploy_id TEXT NOT NULL REFERENCES deploy ON DELETE CASCADE, ord INTEGER NOT NULL, path TEXT NOT NULL, platform TEXT, dev INTEGER, inode INTEGER,
  old_sha256 BLOB NOT NULL, new_sha256 BLOB NOT NULL, git TEXT, state TEXT NOT NULL CHECK(state IN('pending','swapped','restored','conflicted')),
  PRIMARY KEY(deploy_id,ord)) STRICT, WITHOUT ROWID;
CREATE TABLE watch(
  deploy_id TEXT PRIMARY KEY REFERENCES deploy, skill_id INTEGER NOT NULL REFERENCES skill, content_sha256 BLOB NOT NULL, q REAL NOT NULL, alpha REAL NOT NULL,
  k0 INTEGER NOT NULL, n0 INTEGER NOT NULL, n INTEGER NOT NULL DEFAULT 0, f INTEGER NOT NULL DEFAULT 0, s INTEGER NOT NULL DEFAULT 0, invalid INTEGER NOT NULL DEFAULT 0,
  excluded INTEGER NOT NULL DEFAULT 0, e_down REAL NOT NULL DEFAULT 1, e_up REAL NOT NULL DEFAULT 1,
  state TEXT NOT NULL CHECK(state IN('watching','confirmed','regressed','inconclusive','superseded','suspended')), reason TEXT,
  started_ms INTEGER NOT NULL, decided_ms INTEGER, last_session_pk INTEGER, cusum REAL NOT NULL DEFAULT 0, drifting INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX watch_open ON watch(skill_id) WHERE state IN('watching','suspended');
CREATE TABLE watch_observation(
  deploy_id TEXT NOT NULL REFERENCES watch ON DELETE CASCADE, session_pk INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,
  x INTEGER CHECK(x IN(0,1)), source TEXT NOT NULL, labelled_ms INTEGER, PRIMARY KEY(deploy_id,session_pk)) STRICT, WITHOUT ROWID;   -- x NULL = excluded or invalid, source says why
CREATE INDEX watch_observation_session ON watch_observation(session_pk);

-- ---------- model calls ----------
CREATE TABLE llm_call(
  call_id TEXT PRIMARY KEY, run_id TEXT, purpose TEXT NOT NULL, skill_id INTEGER, backend TEXT NOT NULL, agent_version TEXT, model TEXT, effort TEXT,
  started_ms INTEGER NOT NULL, duration_ms INTEGER, attempts INTEGER NOT NULL DEFAULT 0, outcome TEXT NOT NULL, input_tokens INTEGER, output_tokens INTEGER, cache_read_tokens INTEGER,
  cache_write_tokens INTEGER, reasoning_tokens INTEGER, cost_micro_usd INTEGER, cost_source TEXT CHECK(cost_source IN('reported','estimated','unknown')),
  prompt_sha256 BLOB, reply_sha256 BLOB) STRICT;
CREATE INDEX llm_call_time ON llm_call(started_ms DESC);
CREATE INDEX llm_call_run ON llm_call(run_id);
CREATE TABLE llm_cache(key BLOB PRIMARY KEY CHECK(length(key)=32), purpose TEXT NOT NULL, model TEXT, created_ms INTEGER NOT NULL, reply TEXT NOT NULL, usage TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE budget(
  scope TEXT NOT NULL, key TEXT NOT NULL, calls INTEGER NOT NULL DEFAULT 0, host_runs INTEGER NOT NULL DEFAULT 0, tokens INTEGER NOT NULL DEFAULT 0,
  cost_micro_usd INTEGER NOT NULL DEFAULT 0, updated_ms INTEGER NOT NULL, PRIMARY KEY(scope,key)) STRICT, WITHOUT ROWID;   -- scope day|run|skill; charged before the call
CREATE TABLE capability(subject TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, checked_ms INTEGER NOT NULL, PRIMARY KEY(subject,name)) STRICT, WITHOUT ROWID;

-- ---------- runs ----------
CREATE TABLE job_run(
  run_id TEXT PRIMARY KEY, job TEXT NOT NULL, queued_ms INTEGER, started_ms INTEGER NOT NULL, elapsed_ms INTEGER,
  status TEXT NOT NULL CHECK(status IN('queued','running','ok','nothing_to_do','partial','cancelled','error')), trigger TEXT, skill_id INTEGER, params TEXT, idempotency_key TEXT UNIQUE,
  pid INTEGER, pid_start INTEGER, log_path TEXT, dry_run INTEGER NOT NULL DEFAULT 0, approval_mode TEXT,
  metrics TEXT,                                   -- JSON: total_skills evaluated evolved deployed watched skipped graded rolled_back signals_consumed llm_calls
  error TEXT) STRICT;
CREATE INDEX job_run_time ON job_run(job,started_ms DESC);
CREATE INDEX job_run_started ON job_run(started_ms DESC);
CREATE INDEX job_run_iso ON job_run(strftime('%Y-%m-%dT%H:%M:%fZ',started_ms/1000.0,'unixepoch'));
CREATE TABLE job_action(
  run_id TEXT NOT NULL REFERENCES job_run ON DELETE CASCADE, ord INTEGER NOT NULL, skill_id INTEGER REFERENCES skill,
  action TEXT NOT NULL, reason TEXT, deployed INTEGER, rolled_back INTEGER, alert TEXT, elapsed_ms INTEGER, llm_calls INTEGER,
  PRIMARY KEY(run_id,ord)) STRICT, WITHOUT ROWID;
CREATE INDEX job_action_skill ON job_action(skill_id,run_id);

CREATE TABLE skill_rest(          -- skills with pending signals that a run could do nothing about
  skill_id INTEGER PRIMARY KEY REFERENCES skill, reason TEXT NOT NULL, until_ms INTEGER NOT NULL,
  depends BLOB NOT NULL CHECK(length(depends)=16),  -- of what the reason depends on
  newest_signal INTEGER,                          -- then; NULL = more of them change nothing
  at_ms INTEGER NOT NULL) STRICT;

-- ---------- rollups: recomputable, kept by write_txn.cc and these triggers ----------
CREATE TABLE rollup_dirty(skill_id INTEGER NOT NULL, day INTEGER NOT NULL, PRIMARY KEY(skill_id,day)) STRICT, WITHOUT ROWID;
CREATE TABLE skill_day(           -- skill_id 0 = all skills of the day
  skill_id INTEGER NOT NULL, day INTEGER NOT NULL, checks INTEGER NOT NULL, triggered INTEGER NOT NULL,
  refused INTEGER NOT NULL, requested INTEGER NOT NULL, read_only INTEGER NOT NULL, missed INTEGER NOT NULL, explicit INTEGER NOT NULL, implicit INTEGER NOT NULL, inferred INTEGER NOT NULL,
  conf_n INTEGER NOT NULL, conf_micro INTEGER NOT NULL, low_conf INTEGER NOT NULL, linked INTEGER NOT NULL, polluted INTEGER NOT NULL,
  repaired INTEGER NOT NULL, last_ms INTEGER, PRIMARY KEY(skill_id,day)) STRICT, WITHOUT ROWID;
CREATE INDEX skill_day_day ON skill_day(day);
CREATE TABLE skill_session(skill_id INTEGER NOT NULL, session_pk INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(skill_id,session_pk)) STRICT, WITHOUT ROWID;
CREATE INDEX skill_session_session ON skill_session(session_pk);
CREATE TABLE skill_total(
  skill_id INTEGER PRIMARY KEY, checks INTEGER NOT NULL DEFAULT 0, triggered INTEGER NOT NULL DEFAULT 0, missed INTEGER NOT NULL DEFAULT 0,
  sessions INTEGER NOT NULL DEFAULT 0, conf_n INTEGER NOT NULL DEFAULT 0, conf_micro INTEGER NOT NULL DEFAULT 0,
  linked INTEGER NOT NULL DEFAULT 0, polluted INTEGER NOT NULL DEFAULT 0, first_ms INTEGER, last_ms INTEGER, last_scope TEXT) STRICT;
CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO counter VALUES('sessions',0),('prompts',0),('observations',0),('evidence',0),('telemetry',0);

CREATE TRIGGER obs_ai AFTER INSERT ON observation BEGIN
  INSERT INTO rollup_dirty VALUES(new.skill_id,new.day) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER obs_ad AFTER DELETE ON observation BEGIN
  INSERT INTO rollup_dirty VALUES(old.skill_id,old.day) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER obs_au AFTER UPDATE ON observation BEGIN
  INSERT INTO rollup_dirty VALUES(old.skill_id,old.day) ON CONFLICT DO NOTHING;
  INSERT INTO rollup_dirty VALUES(new.skill_id,new.day) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER obs_session_ai AFTER INSERT ON observation WHEN new.effective=1 BEGIN
  INSERT INTO skill_session VALUES(new.skill_id,new.session_pk,1) ON CONFLICT DO UPDATE SET n=n+1;
END;
CREATE TRIGGER obs_session_ad AFTER DELETE ON observation WHEN old.effective=1 BEGIN
  UPDATE skill_session SET n=n-1 WHERE skill_id=old.skill_id AND session_pk=old.session_pk;
  DELETE FROM skill_session WHERE skill_id=old.skill_id AND session_pk=old.session_pk AND n=0;
END;
CREATE TRIGGER obs_session_in AFTER UPDATE ON observation
WHEN new.effective=1 AND (old.effective=0 OR new.skill_id<>old.skill_id OR new.session_pk<>old.session_pk) BEGIN
  INSERT INTO skill_session VALUES(new.skill_id,new.session_pk,1) ON CONFLICT DO UPDATE SET n=n+1;
END;
CREATE TRIGGER obs_session_out AFTER UPDATE ON observation
WHEN old.effective=1 AND (new.effective=0 OR new.skill_id<>old.skill_id OR new.session_pk<>old.session_pk) BEGIN
  UPDATE skill_session SET n=n-1 WHERE skill_id=old.skill_id AND session_pk=old.session_pk;
  DELETE FROM skill_session WHERE skill_id=old.skill_id AND session_pk=old.session_pk AND n=0;
END;
CREATE TRIGGER skill_session_ai AFTER INSERT ON skill_session BEGIN
  INSERT INTO skill_total(skill_id,sessions) VALUES(new.skill_id,1) ON CONFLICT DO UPDATE SET sessions=sessions+1;
END;
CREATE TRIGGER skill_session_ad AFTER DELETE ON skill_session BEGIN
  UPDATE skill_total SET sessions=sessions-1 WHERE skill_id=old.skill_id;
END;

-- ---------- taken over from the reference ----------
CREATE TABLE import_map(          -- what became of each row of its database and of its logs
  origin TEXT NOT NULL, tbl TEXT NOT NULL, src_id TEXT NOT NULL,
  verdict TEXT NOT NULL CHECK(verdict IN('imported','merged','kept','rejected')),
  dst_pk INTEGER, digest BLOB NOT NULL CHECK(length(digest)=16),   -- of the row as it was there
  reason TEXT, note TEXT,                         -- JSON: {"row": all of it} or {"left": what has no column here}
  PRIMARY KEY(origin,tbl,src_id)) STRICT, WITHOUT ROWID;
CREATE INDEX import_kept ON import_map(tbl,src_id) WHERE verdict='kept';
CREATE TABLE import_untold(       -- what each import tells of rows that came, as long as it is so
  kind TEXT NOT NULL CHECK(kind IN('partly','unused')), origin TEXT NOT NULL, tbl TEXT NOT NULL, src_id TEXT NOT NULL,
  reason TEXT NOT NULL, PRIMARY KEY(kind,tbl,src_id,origin)) STRICT, WITHOUT ROWID;

-- ---------- housekeeping ----------
CREATE TABLE forgotten(           -- what forget erased stays erased when its source is read again; keys, no words
  session_key BLOB NOT NULL CHECK(length(session_key)=16), text_key BLOB NOT NULL,   -- x'' = whatever the session says;
                                                  -- of the session 0: a moment, everything before it
  at_ms INTEGER NOT NULL, PRIMARY KEY(session_key,text_key)) STRICT, WITHOUT ROWID;
CREATE TABLE install(             -- what selftune put outside its folder: hooks, plugins, skill and agent files, schedules
  path TEXT NOT NULL, kind TEXT NOT NULL CHECK(kind IN('hook','plugin','skill','agent','schedule','other')),
  platform TEXT, ours TEXT,                       -- JSON: what of the file is ours and what was before
  sha256 BLOB CHECK(length(sha256)=32),           -- of the file as it was left
  created_file INTEGER NOT NULL DEFAULT 0, backup_path TEXT, version TEXT NOT NULL, installed_ms INTEGER NOT NULL,
  PRIMARY KEY(path,kind)) STRICT, WITHOUT ROWID;
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE change_clock(id INTEGER PRIMARY KEY CHECK(id=1), version INTEGER NOT NULL, topics INTEGER NOT NULL) STRICT;
INSERT INTO change_clock VALUES(1,0,0);

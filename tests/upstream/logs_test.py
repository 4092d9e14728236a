#!/usr/bin/env python3
"""`import upstream --logs`: log files of the reference become rows, also beside its database.

    logs_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import json
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import import_case  # noqa: E402
from import_case import ImportCase, dump, reference, tree  # noqa: E402


class Logs(ImportCase):
    def setUp(self):
        super().setUp()
        self.logs = self.home / "logs"
        reference.write_logs(self.logs)

    def test_lines_become_rows_and_bad_ones_are_counted_with_their_offset(self):
        before = tree(self.logs)
        doc = self.take("--logs", str(self.logs))
        self.assertEqual(tree(self.logs), before)
        self.assertTrue(doc["data"]["reconciled"])
        for name, content in reference.logs().items():
            lines = [x for x in content.split(b"\n") if x.strip()]
            self.assertEqual(self.counts["log:" + name]["source"], len(lines) - (name == "improvement_signals.jsonl"), name)
        bad = self.q("SELECT path,offset,reason FROM bad_lines ORDER BY 1,2")
        self.assertEqual([(pathlib.Path(p).name, r) for p, _, r in bad],
                         [("session_telemetry_log.jsonl", "not_json"), ("session_telemetry_log.jsonl", "wrong_shape"), ("skill_usage_log.jsonl", "not_utf8")])
        for path, offset, _ in bad:
            data = pathlib.Path(path).read_bytes()
            self.assertTrue(offset == 0 or data[offset - 1:offset] == b"\n")
        self.assertEqual(self.q("SELECT kind,platform,bad_lines,pending_bytes>0 FROM source_file WHERE path LIKE '%improvement%'"), [("import", "unknown", 0, 1)])
        self.assertEqual(self.q("SELECT session_id,platform FROM sessions ORDER BY 1"), [("l", "claude_code"), ("m", "unknown")])
        self.assertEqual(self.q("SELECT total_tool_calls,assistant_turns,input_tokens,cost_usd FROM execution_facts WHERE session_id='l'"), [(3, 3, 30, 0.5)])
        self.assertEqual(self.q("SELECT skill_name,query,skill_scope FROM skill_invocations ORDER BY 1"),
                         [("notes", "from the log", "global"), ("pdf", "from the log", None)])
        self.assertEqual(self.q("SELECT prompt_text FROM prompts ORDER BY 1"), [("another",), ("from the log",)])
        self.assertEqual(self.q("SELECT run_id,dry_run FROM orchestrate_runs"), [("run_9", 1)])
        self.assertEqual(self.q("SELECT signal_type FROM improvement_signals"), [("correction",)])
        self.assertEqual(self.q("SELECT proposal_id,original_text FROM evolution_evidence"), [("evo-pdf-9", "x")])
        note = json.loads(self.q("SELECT note FROM import_map WHERE tbl='log:canonical_telemetry_log.jsonl' AND src_id LIKE '0#%'")[0][0])
        self.assertEqual(json.loads(note["left"]["more"])["permission_mode"], "plan")
        self.assertEqual(self.counts["log:canonical_telemetry_log.jsonl"]["kept"], 1)
        self.assert_sound()

    def test_a_byte_order_mark_and_half_a_pair_are_no_bad_lines(self):
        shutil.rmtree(self.logs)
        self.logs.mkdir()
        lines = ['"\\ud83d\\ude00 whole"', '"cut \\ud83d"', '"\\ude00 lone, \\\\ud83d is no escape"']
        records = ['{"timestamp":"%s","session_id":"l","query":%s}' % (reference.at(i), line) for i, line in enumerate(lines)]
        (self.logs / "all_queries_log.jsonl").write_bytes(b"\xef\xbb\xbf" + "\n".join(records).encode() + b"\n")
        self.take("--logs", str(self.logs))
        self.assertEqual(self.q("SELECT prompt_text FROM prompts ORDER BY prompt_index"),
                         [("\U0001f600 whole",), ("cut \ufffd",), ("\ufffd lone, \\ud83d is no escape",)])
        self.assertEqual(self.q("SELECT count(*) FROM bad_lines"), [(0,)])
        self.assertFalse(self.take("--logs", str(self.logs))["changed"])

    def test_twice_is_once_and_what_was_appended_comes(self):
        self.take("--logs", str(self.logs))
        before = dump(self.store)
        doc = self.take("--logs", str(self.logs))
        self.assertFalse(doc["changed"])
        self.assertEqual(dump(self.store), before)
        with open(self.logs / "all_queries_log.jsonl", "ab") as log:
            log.write(json.dumps({"timestamp": reference.at(9), "session_id": "l", "query": "later"}).encode() + b"\n")
        with open(self.logs / "improvement_signals.jsonl", "ab") as log:
            log.write(b'"}\n')
        self.take("--logs", str(self.logs))
        self.assertEqual(self.q("SELECT count(*) FROM prompts WHERE prompt_text='later'"), [(1,)])
        self.assertEqual(self.counts["log:all_queries_log.jsonl"]["source"], 3)
        self.assertEqual(self.q("SELECT bad_lines FROM source_file WHERE path LIKE '%improvement%'"), [(1,)])

    def test_a_log_that_was_written_anew_is_read_anew(self):
        path = self.logs / "all_queries_log.jsonl"
        self.take("--logs", str(self.logs))
        path.write_bytes(path.read_bytes().replace(b"another", b"changed"))
        self.take("--logs", str(self.logs))
        self.assertEqual(self.q("SELECT prompt_text FROM prompts ORDER BY 1"), [("another",), ("changed",), ("from the log",)])

    def test_a_record_that_was_written_twice_is_one(self):
        for name in ("canonical_telemetry_log.jsonl", "all_queries_log.jsonl", "session_telemetry_log.jsonl", "improvement_signals.jsonl",
                     "evolution_audit_log.jsonl", "evolution_evidence_log.jsonl", "orchestrate_runs.jsonl"):
            path = self.logs / name
            path.write_bytes(path.read_bytes().rsplit(b'{"cut off')[0])
        self.take("--logs", str(self.logs))
        once = {view: self.q("SELECT count(*) FROM " + view) for view in ("prompts", "skill_invocations", "improvement_signals", "evolution_audit", "orchestrate_runs")}
        for repeat in range(2):  # behind what was imported, then all at once
            for path in self.logs.iterdir():
                path.write_bytes(path.read_bytes() * 2)
            if repeat:
                shutil.rmtree(self.state)
            self.take("--logs", str(self.logs))
            self.assertEqual({view: self.q("SELECT count(*) FROM " + view) for view in once}, once)
            self.assert_sound()

    def test_logs_beside_a_database_that_was_made_of_them_add_nothing_twice(self):
        claude = self.home / ".claude"
        claude.mkdir()
        reference.write_logs(claude)
        self.build(reference.script(reference.tables() + [
            reference.session("l"), reference.prompt("l", 0, "from the log", 1),
            reference.use("l:su:%s:pdf" % reference.at(1), "l", "pdf", 1, mode="inferred", query="from the log", capture="batch_ingest"),
            reference.insert("queries", timestamp=reference.at(1), session_id="l", query="from the log", source="hook")]),
            self.store)
        self.take()
        self.assertEqual(self.q("SELECT count(*) FROM prompts WHERE session_id='l'"), [(1,)])
        self.assertEqual(self.q("SELECT skill_name FROM skill_invocations ORDER BY 1"), [("notes",), ("pdf",)])
        self.assertEqual(self.counts["log:all_queries_log.jsonl"]["merged"], 1)
        self.assert_sound()


if __name__ == "__main__":
    import_case.main(sys.argv)

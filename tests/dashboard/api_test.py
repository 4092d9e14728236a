#!/usr/bin/env python3
"""Replies of the dashboard: those of the operations, their schemas, caching, errors.

    api_test.py SELFTUNE SELFTUNE_DASHBOARD [unittest arguments]
"""

import concurrent.futures
import json
import pathlib
import sys
import unittest
import urllib.parse

sys.dont_write_bytecode = True
import harness  # noqa: E402
import schema_check  # noqa: E402
from harness import ROUTES, SCHEMAS, ServerTest  # noqa: E402

# What differs from call to call because the time or this process is in it.
MOVING = {"lag_ms", "pid", "from", "since", "message", "generated_at", "elapsed_ms"}


def still(value):
    """A reply without what moves."""
    if isinstance(value, dict):
        return {k: still(v) for k, v in value.items() if k not in MOVING}
    return [still(v) for v in value] if isinstance(value, list) else value


class Replies(ServerTest):
    def address(self, route):
        return route.replace("{id}", str(self.skill_id()))

    def test_a_reply_is_the_data_of_its_operation(self):
        for route, op, params in ROUTES:
            reply = self.server.get(self.address(route))
            self.assertEqual(reply.status, 200, (route, reply.raw[:400]))
            self.assertEqual(reply.headers["content-type"], "application/json")
            self.assertEqual(still(reply.json()), still(self.home.request(op, **params)), route)

    def test_a_reply_fits_its_schema(self):
        by_op = {s["$id"]: s for s in SCHEMAS.values()}
        for route, op, _ in ROUTES:
            listed = json.loads(self.home.cli("schema", "--list"))["data"]["schemas"]
            ident = next(s["id"] for s in listed if s["op"] == op and s["kind"] == "reply")
            found = schema_check.problems(by_op[ident], self.server.get(self.address(route)).json())
            self.assertEqual(found, [], route)

    def test_parameters_reach_the_operation(self):
        pdf = self.skill_id()
        cases = [
            ("/api/v3/skills?q=SQL", "skill.list", {"q": "SQL"}),
            ("/api/v3/skills?sort=name&limit=1", "skill.list", {"sort": "name", "limit": 1}),
            ("/api/v3/skills?platform=codex", "skill.list", {"platform": "codex"}),
            (f"/api/v3/skills/{pdf}?since=2d", "skill.report", {"skill": "pdf", "since": "2d"}),
            (f"/api/v3/skills/{pdf}/daily?from=3d", "skill.daily", {"skill": "pdf", "from": "3d"}),
            (f"/api/v3/skills/{pdf}/observations?outcome=triggered&raw=true&limit=2",
             "skill.observations",
             {"skill": "pdf", "outcome": "triggered", "raw": True, "limit": 2}),
            ("/api/v3/misses?skill=pdf&limit=3", "skill.misses", {"skill": "pdf", "limit": 3}),
            (f"/api/v3/misses?skill_id={pdf}", "skill.misses", {"skill": "pdf"}),
            ("/api/v3/sessions?kind=main&limit=2", "session.list", {"kind": "main", "limit": 2}),
            ("/api/v3/doctor?only=db.*", "doctor.run", {"only": "db.*"}),
            ("/api/v3/status?window=7d", "status.get", {"window": "7d"}),
        ]
        for target, op, params in cases:
            reply = self.server.get(target)
            self.assertEqual(reply.status, 200, (target, reply.raw[:300]))
            self.assertEqual(still(reply.json()), still(self.home.request(op, **params)), target)

    def test_the_evidence_of_a_figure_leads_to_a_byte(self):
        pdf = self.skill_id()
        usage = self.server.get(f"/api/v3/skills/{pdf}").json()["usage"]
        rows = self.server.get(f"/api/v3/skills/{pdf}/observations?outcome=triggered").json()["items"]
        self.assertEqual(len(rows), usage["triggered"])
        self.assertEqual(len(rows), 5)
        for row in rows:
            source = row["source"]
            data = pathlib.Path(source["path"]).read_bytes()
            line = data[source["offset"]:].split(b"\n", 1)[0]
            self.assertIn(b'"name": "Skill"', line)
            self.assertEqual(data[:source["offset"]].count(b"\n"), source["line"] - 1)
        days = self.server.get(f"/api/v3/skills/{pdf}/daily").json()["days"]
        self.assertEqual(sum(day["triggered"] for day in days), 5)

    def test_pages_follow_each_other(self):
        whole = self.server.get("/api/v3/sessions?limit=500").json()["items"]
        self.assertEqual(len(whole), 6)
        seen, cursor = [], ""
        for _ in range(10):
            page = self.server.get(f"/api/v3/sessions?limit=2{cursor}").json()
            seen += page["items"]
            if page["next_cursor"] is None:
                break
            cursor = "&cursor=" + page["next_cursor"]
        self.assertEqual(seen, whole)
        self.assert_problem(self.server.get("/api/v3/sessions?cursor=nonsense"), 400,
                            "INVALID_REQUEST")

    def test_hostile_text_stays_data(self):
        rows = self.server.get("/api/v3/skills/%d/observations" % self.skill_id("sql-helper"))
        self.assertIn("<b>SELECT</b> & friends", rows.json()["items"][0]["prompt"])
        self.assertEqual(rows.headers["content-type"], "application/json")
        self.assertEqual(rows.headers["x-content-type-options"], "nosniff")

    def test_the_summary_is_small_and_says_what_to_do(self):
        reply = self.server.get("/api/v3/summary")
        self.assertLess(len(reply.body), 20_000)
        body = reply.json()
        self.assertIn(body["verdict"]["level"], ("ok", "attention", "critical", "unknown"))
        self.assertEqual(body["skills"]["total"], 2)
        self.assertEqual(sum(body["skills"]["states"].values()), 2)
        self.assertEqual(body["evidence"]["sessions"], 6)
        self.assertGreater(body["clock"], 0)

    def test_unknown_things(self):
        for target, code in (("/api/v3/skills/99999", "SKILL_NOT_FOUND"),
                             ("/api/v3/skills/99999/daily", "SKILL_NOT_FOUND"),
                             ("/api/v3/sessions/none", "SESSION_NOT_FOUND"),
                             ("/api/v3/proposals/none", "NOT_FOUND"),
                             ("/api/v3/nothing", "NOT_FOUND"), ("/api", "NOT_FOUND"),
                             ("/api/v3/skills/1/2/3", "NOT_FOUND")):
            self.assert_problem(self.server.get(target), 404, code)
        self.assert_problem(self.server.get("/api/v3/skills/abc"), 400, "INVALID_REQUEST")
        self.assert_problem(self.server.get("/api/v3/skills/0"), 400, "INVALID_REQUEST")
        for target in ("/api/v3/skills?sort=odd", "/api/v3/skills?status=zz",
                       "/api/v3/doctor?only=zz", "/api/v3/status?limit=501"):
            self.assert_problem(self.server.get(target), 400, "INVALID_REQUEST")
        for word in ("healthy", "CRITICAL", "silent", "Drifting"):
            self.assertEqual(self.server.get(f"/api/v3/skills?status={word}").status, 200)
        old = self.server.get("/api/v2/skills/no-such-skill")
        self.assert_problem(old, 404, "SKILL_NOT_FOUND")
        self.assertEqual(old.json()["error"], "Skill not found")


class OldInterface(ServerTest):
    """The names that pages and scripts of the reference read."""

    OVERVIEW = {
        "": "overview limits skills version watched_skills autonomy_status attention_queue trust_watchlist "
            "recent_decisions creator_testing",
        "overview": "telemetry skills evolution counts unmatched_queries pending_proposals "
                    "active_sessions recent_activity",
        "overview.telemetry.0": "timestamp session_id skills_triggered errors_encountered "
                                "total_tool_calls",
        "overview.skills.0": "timestamp session_id skill_name skill_path query triggered source",
        "limits": "items skills_total attention_total trust_total many",
        "overview.counts": "telemetry skills evolution evidence sessions prompts",
        "overview.recent_activity.0": "timestamp session_id skill_name query triggered is_live",
        "skills.0": "skill_name skill_scope total_checks triggered_count pass_rate unique_sessions "
                    "last_seen has_evidence routing_confidence confidence_coverage",
        "autonomy_status": "level summary last_run skills_observed pending_reviews "
                           "attention_required",
        "trust_watchlist.0": "skill_name bucket trust_state reason pass_rate checks last_seen",
        "creator_testing": "summary counts priorities",
        "creator_testing.counts": "run_create_check finish_package generate_evals run_unit_tests "
                                  "run_replay_dry_run measure_baseline deploy_candidate "
                                  "watch_deployment",
    }
    REPORT = {
        "": "skill_name usage recent_invocations evidence sessions_with_skill evolution "
            "pending_proposals token_usage canonical_invocations invocations_pagination "
            "duration_stats execution_metrics commit_summary selftune_stats prompt_samples "
            "session_metadata description_quality trust coverage evidence_quality routing_quality "
            "evolution_state data_hygiene examples testing_readiness create_readiness "
            "watch_trust_score frontier_state",
        "usage": "total_checks triggered_count pass_rate",
        "canonical_invocations.0": "timestamp session_id skill_name invocation_mode triggered "
                                   "confidence tool_name agent_type query source skill_path "
                                   "skill_scope observation_kind historical_context",
        "duration_stats": "avg_duration_ms total_duration_ms execution_count missed_triggers",
        "execution_metrics": "avg_files_changed total_lines_added total_lines_removed "
                             "total_cost_usd avg_cost_usd cached_input_tokens_total "
                             "reasoning_output_tokens_total artifact_count "
                             "session_type_distribution",
        "prompt_samples.0": "prompt_text prompt_kind is_actionable occurred_at session_id is_matched",
        "session_metadata.0": "session_id platform model agent_cli branch workspace_path started_at "
                              "ended_at completion_status",
        "description_quality.criteria": "length trigger_context vagueness specificity not_just_name",
        "evidence_quality": "prompt_link_rate inline_query_rate user_prompt_rate meta_prompt_rate "
                            "internal_prompt_rate no_prompt_rate system_like_rate "
                            "invocation_mode_coverage confidence_coverage source_coverage "
                            "scope_coverage",
        "routing_quality": "missed_triggers miss_rate avg_confidence confidence_coverage "
                           "low_confidence_rate",
        "evolution_state": "has_evidence has_pending_proposals latest_action latest_timestamp "
                           "evidence_rows evolution_rows",
        "data_hygiene": "naming_variants source_breakdown prompt_kind_breakdown "
                        "observation_breakdown raw_checks operational_checks internal_prompt_rows "
                        "internal_prompt_rate legacy_rows legacy_rate repaired_rows repaired_rate",
        "examples.good.0": "timestamp session_id query_text triggered confidence invocation_mode "
                           "prompt_kind source platform workspace_path query_origin is_system_like "
                           "observation_kind historical_context",
        "testing_readiness": "skill_name eval_readiness next_step summary recommended_command "
                             "skill_path trusted_trigger_count trusted_session_count "
                             "eval_set_entries latest_eval_at unit_test_cases unit_test_pass_rate "
                             "unit_test_ran_at replay_check_count latest_validation_mode "
                             "baseline_sample_size baseline_pass_rate latest_baseline_at "
                             "deployment_readiness deployment_summary deployment_command "
                             "latest_evolution_action latest_evolution_at",
    }

    def assert_names(self, reply, names):
        for place, keys in names.items():
            at = reply
            for step in filter(None, place.split(".")):
                at = at[int(step)] if step.isdigit() else at[step]
            self.assertEqual(set(keys.split()), set(at), place)

    def test_the_overview_has_the_names_it_had(self):
        body = self.server.get("/api/v2/overview").json()
        self.assert_names(body, self.OVERVIEW)
        counts = body["overview"]["counts"]
        self.assertEqual((counts["sessions"], counts["telemetry"]), (6, 6))
        pdf = next(s for s in body["skills"] if s["skill_name"] == "pdf")
        self.assertEqual((pdf["triggered_count"], pdf["unique_sessions"]), (5, 6))
        self.assertEqual(pdf["total_checks"], len([r for r in body["overview"]["skills"]
                                                   if r["skill_name"] == "pdf"]))

    def test_the_report_has_the_names_it_had(self):
        body = self.server.get("/api/v2/skills/pdf").json()
        self.assert_names(body, self.REPORT)
        self.assertEqual(body["usage"]["triggered_count"], 5)
        self.assertEqual(body["sessions_with_skill"], 6)
        self.assertEqual(len(body["canonical_invocations"]), body["usage"]["total_checks"])

    def pages(self, target, cursor_name, items_of, page_of):
        seen, cursor = [], ""
        for _ in range(20):
            body = self.server.get(target + cursor).json()
            seen += items_of(body)
            page = page_of(body)
            self.assertEqual(page["has_more"], page["next_cursor"] is not None)
            if not page["has_more"]:
                return seen
            cursor = f"&{cursor_name}=" + urllib.parse.quote(json.dumps(page["next_cursor"]))
        self.fail("pages without an end")

    def test_pages_of_the_overview(self):
        whole = self.server.get("/api/v2/overview").json()["overview"]
        for kind in ("telemetry", "skills"):
            seen = self.pages(f"/api/v2/overview?{kind}_limit=2", f"{kind}_cursor",
                              lambda b, k=kind: b["overview"][f"{k}_page"]["items"],
                              lambda b, k=kind: b["overview"][f"{k}_page"])
            self.assertEqual(seen, whole[kind])
        body = self.server.get("/api/v2/overview?telemetry_limit=0&skills_cursor=nonsense").json()
        self.assertEqual(len(body["overview"]["telemetry_page"]["items"]), 1)
        self.assertEqual(body["overview"]["skills_page"]["items"], whole["skills"])
        self.assertNotIn("telemetry", body["overview"])

    def test_limits_are_clamped_and_what_is_no_number_is_ignored(self):
        whole = self.server.get("/api/v2/overview?skills_limit=10000").json()
        for value in ("abc", "1e3", "-", "99999999999999999999"):
            body = self.server.get(f"/api/v2/overview?skills_limit=10000&telemetry_limit={value}")
            self.assertEqual(body.status, 200, value)
            self.assertEqual(body.json()["overview"]["skills_page"],
                             whole["overview"]["skills_page"])
        report = self.server.get("/api/v2/skills/pdf").json()["canonical_invocations"]
        for value, count in (("abc", len(report)), ("-5", 1), ("0", 1), ("2", 2),
                             ("20000", len(report))):
            body = self.server.get(f"/api/v2/skills/pdf?invocations_limit={value}").json()
            self.assertEqual(len(body["canonical_invocations"]), count, value)

    def test_pages_of_invocations_go_on(self):
        whole = self.server.get("/api/v2/skills/pdf").json()["canonical_invocations"]
        seen = self.pages("/api/v2/skills/pdf?invocations_limit=2", "invocations_cursor",
                          lambda b: b["canonical_invocations"],
                          lambda b: b["invocations_pagination"])
        self.assertEqual(seen, whole)


class Caching(ServerTest):
    def tagged(self, target):
        return self.server.get(target).headers["etag"]

    def test_an_unchanged_store_answers_with_304(self):
        for route, _, _ in ROUTES:
            target = route.replace("{id}", str(self.skill_id()))
            first = self.server.get(target)
            if "etag" not in first.headers:
                self.assertIn(target, ("/api/v3/sources", "/api/v3/sync", "/api/v3/doctor",
                                       "/api/v3/status"))
                continue
            # The tag holds the minute, which may have just ended.
            for _ in range(2):
                tag = self.tagged(target)
                again = self.server.get(target, ("If-None-Match", f'"x", {tag}'))
                if again.status == 304:
                    break
            self.assertEqual((again.status, again.body), (304, b""), target)
            self.assertEqual(self.server.get(target, ("If-None-Match", '"x"')).status, 200)
            self.assertEqual(self.server.get(target, ("If-None-Match", "*")).status, 304)
            longer = tag[:-1] + '0"'
            self.assertEqual(self.server.get(target, ("If-None-Match", longer)).status, 200)

    def test_a_change_gives_a_new_tag_and_the_new_figures(self):
        target = f"/api/v3/skills/{self.skill_id()}"
        before = self.server.get(target)
        self.home.grow()
        self.assertTrue(harness.wait_until(
            lambda: self.server.get(target, ("If-None-Match", before.headers["etag"])).status == 200))
        self.assertEqual(self.server.get(target).json()["usage"]["triggered"],
                         before.json()["usage"]["triggered"] + 1)


class ManySkills(unittest.TestCase):
    """More skills than a list holds."""

    USED = 230
    SILENT = 240  # two of every home among them

    def test_lists_are_bounded_and_say_so(self):
        home = harness.Home()
        self.addCleanup(home.clean)
        listing = {}
        for n in range(self.USED + self.SILENT - 2):
            listing[f"skill-{n:04d}"] = "Do the thing number %d." % n
            home.claude.add_skill(f"skill-{n:04d}", listing[f"skill-{n:04d}"])
        session = home.claude.session(home.now, listing)
        for n in range(self.USED):
            session.ask_with_skill(f"Do it {n}", f"skill-{n:04d}")
        home.sync()
        server = harness.Server(home)
        self.addCleanup(server.stop)

        old = server.get("/api/v2/overview")
        self.assertLess(len(old.body), 250_000)
        body = old.json()
        self.assertEqual(body["limits"], {"items": 200, "skills_total": self.USED,
                                          "attention_total": 0, "trust_total": self.USED,
                                          "many": True})
        for name in ("skills", "trust_watchlist"):
            self.assertEqual(len(body[name]), 200, name)
        paged = server.get("/api/v2/overview?skills_limit=10000&telemetry_limit=10000").json()
        self.assertEqual(len(paged["skills"]), 200)

        status = server.get("/api/v3/status")
        self.assertLess(len(status.body), 250_000)
        body = status.json()
        self.assertEqual((body["many"], body["skills_total"], body["silent_total"]),
                         (True, self.USED, self.SILENT))
        self.assertEqual((len(body["skills"]), len(body["silent_skills"])), (200, 200))
        self.assertEqual(body["counts"]["total"], self.USED + self.SILENT)
        few = server.get("/api/v3/status?limit=3").json()
        self.assertEqual((len(few["skills"]), len(few["silent_skills"])), (3, 3))
        self.assertEqual(few["skills"], body["skills"][:3])
        all_of = server.get("/api/v3/status?limit=500").json()
        self.assertFalse(all_of["many"])
        self.assertEqual((len(all_of["skills"]), len(all_of["silent_skills"])),
                         (self.USED, self.SILENT))

        text = home.cli("--text", "status")
        self.assertIn(f"and {self.USED - 200} more", text)
        self.assertIn(f"{self.SILENT}: ", text)

        # Many at once, some the same, some not: each has its answer.
        targets = ["/api/v3/status", "/api/v2/overview", "/api/v3/status?limit=3"] * 8
        with concurrent.futures.ThreadPoolExecutor(len(targets)) as pool:
            replies = list(pool.map(server.get, targets))
        for target, reply in zip(targets, replies):
            self.assertEqual(reply.status, 200)
            self.assertEqual(still(reply.json()), still(server.get(target).json()), target)


class NoStore(ServerTest):
    evidence = False

    def test_a_missing_store_says_what_to_do_until_it_is_there(self):
        for route, op, _ in ROUTES:
            if op in ("doctor.run", "sync.status"):
                continue
            reply = self.server.get(route.replace("{id}", "1"))
            self.assert_problem(reply, 503, "STORE_MISSING")
            self.assertEqual(reply.json()["next_command"], "selftune sync")
            self.assertIn("retry-after", reply.headers)
            if route.startswith("/api/v2/"):
                self.assertEqual(reply.json()["error"], "V2 data unavailable")
        self.assertFalse(self.server.get("/api/health").json()["v2_data_available"])
        self.assertFalse((self.home.state / "selftune.db").exists())
        with_store = harness.Stream(self.server)
        self.assertEqual(with_store.next()["event"], "hello")
        self.home.write_evidence().sync()
        self.assertEqual(with_store.next()["event"], "change")
        with_store.close()
        self.assertEqual(self.server.get("/api/v3/skills").status, 200)


class ForeignStore(unittest.TestCase):
    def test_a_store_that_is_not_ours(self):
        home = harness.Home()
        self.addCleanup(home.clean)
        home.state.mkdir()
        (home.state / "selftune.db").write_bytes(b"no database" * 1000)
        server = harness.Server(home)
        self.addCleanup(server.stop)
        for target in ("/api/v3/runs", "/api/v3/summary", "/api/v2/overview"):
            reply = server.get(target)
            self.assertEqual(reply.status, 503, reply.raw)
            self.assertTrue(reply.json()["code"].startswith("STORE_"))
        self.assertTrue(server.alive())


class Page(ServerTest):
    evidence = False

    def test_the_page_or_how_to_get_it(self):
        reply = self.server.ask("GET", "/")
        instance = self.server.get("/api/v3/instance").json()
        self.assertEqual(reply.headers["content-type"], "text/html; charset=utf-8")
        if instance["web"] == "missing":
            self.assertEqual(reply.status, 503)
            self.assertIn(b"npm", reply.body)
        else:
            self.assertEqual(reply.status, 200)
            self.assertEqual(reply.headers["cache-control"], "no-cache")
            again = self.server.ask("GET", "/", [("If-None-Match", reply.headers["etag"])])
            self.assertEqual((again.status, again.body), (304, b""))


class Folder(unittest.TestCase):
    """--web-dir, for working on the page."""

    def test_files_of_a_folder(self):
        home = harness.Home()
        self.addCleanup(home.clean)
        page = home.path / "page"
        (page / "assets").mkdir(parents=True)
        (page / "index.html").write_text("<!doctype html>hello", encoding="utf-8")
        (page / "assets" / "a.js").write_text("1", encoding="utf-8")
        (home.path / "secret.txt").write_text("secret", encoding="utf-8")
        (page / "link.txt").symlink_to(home.path / "secret.txt")
        (page / "out").symlink_to(home.path)
        server = harness.Server(home, "--web-dir", str(page))
        self.addCleanup(server.stop)
        for target, status, mime in (("/", 200, "text/html"), ("/skills/3", 200, "text/html"),
                                     ("/assets/a.js", 200, "text/javascript"),
                                     ("/assets/b.js", 404, "application/problem"),
                                     ("/assets/x", 404, "application/problem"),
                                     ("/link.txt", 404, "application/problem"),
                                     ("/out/secret.txt", 404, "application/problem"),
                                     ("/assets", 404, "application/problem")):
            reply = server.ask("GET", target)
            self.assertEqual(reply.status, status, target)
            self.assertTrue(reply.headers["content-type"].startswith(mime), target)
            self.assertNotIn(b"secret", reply.body)
        (page / "assets" / "a.js").write_text("2", encoding="utf-8")
        self.assertEqual(server.ask("GET", "/assets/a.js").body, b"2")


if __name__ == "__main__":
    harness.main("cli", "dashboard")

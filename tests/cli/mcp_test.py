#!/usr/bin/env python3
"""selftune mcp as a process: the protocol of each revision, and clients that do not keep to it.

    mcp_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli_case  # noqa: E402
import schema_check  # noqa: E402

STATELESS = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
             "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
             "io.modelcontextprotocol/clientCapabilities": {}}


class Client:
    """Talks to one server; what it says is read in the background."""

    def __init__(self, env, cwd, *flags):
        self.process = subprocess.Popen([cli_case.SELFTUNE, "mcp", *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=env, cwd=cwd)
        self.lines, self.heard, self.last = queue.Queue(), [], 0
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def send(self, text):
        self.process.stdin.write(text if isinstance(text, bytes) else (json.dumps(text) + "\n").encode())
        self.process.stdin.flush()

    def next(self, timeout=60):
        return self.lines.get(timeout=timeout)

    def ask(self, method, params=None, ident=None):
        """Sends a request and returns its whole answer; notifications go to `heard`."""
        self.last += 1
        ident = self.last if ident is None else ident
        message = {"jsonrpc": "2.0", "id": ident, "method": method}
        if params is not None:
            message["params"] = params
        self.send(message)
        while True:
            answer = self.next()
            if answer is None:
                raise AssertionError("the server has gone: %r" % self.process.stderr.read())
            if answer.get("id") == ident:
                return answer
            self.heard.append(answer)

    def initialize(self, version="2025-11-25"):
        answer = self.ask("initialize", {"protocolVersion": version, "capabilities": {},
                                         "clientInfo": {"name": "test", "version": "1"}})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer["result"]

    def call(self, name, **arguments):
        return self.ask("tools/call", {"name": name, "arguments": arguments})

    def close(self):
        """Exit code after the end of the input."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        code = self.process.wait(timeout=60)
        self.reader.join()
        self.process.stdout.close()
        self.said = self.process.stderr.read().decode()
        self.process.stderr.close()
        return code


class McpTest(cli_case.CliTest):
    def client(self, *flags):
        client = Client(self.env(), self.home, *flags)

        def end():
            if client.process.poll() is None:
                client.process.kill()
            if not client.process.stderr.closed:
                client.close()
        self.addCleanup(end)
        return client

    def with_skill(self):
        path = self.home / ".claude" / "skills" / "pdf" / "SKILL.md"
        path.parent.mkdir(parents=True)
        path.write_text("---\nname: pdf\ndescription: Fills forms.\n---\n", encoding="utf-8")
        self.make_store()

    def transcript(self):
        path = self.home / ".claude" / "projects" / "-proj" / "77777777-1111-4111-8111-111111111111.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({
            "type": "user", "uuid": "u1", "parentUuid": None, "sessionId": path.stem, "cwd": str(self.home), "version": "2.1.330",
            "isSidechain": False, "userType": "external", "promptSource": "typed", "timestamp": "2026-01-02T03:04:05.000Z",
            "message": {"role": "user", "content": "good morning"}}) + "\n", encoding="utf-8")

    def code_of(self, answer):
        self.assertNotIn("result", answer)
        self.assertTrue(answer["error"]["message"])
        return answer["error"]["code"]


class Handshake(McpTest):
    def test_a_known_revision_is_kept_and_another_gets_the_newest(self):
        for asked, given in (("2024-11-05", "2024-11-05"), ("2025-03-26", "2025-03-26"), ("2025-06-18", "2025-06-18"),
                             ("2025-11-25", "2025-11-25"), ("1999-01-01", "2025-11-25"), ("", "2025-11-25")):
            with self.subTest(asked=asked):
                client = self.client()
                result = client.initialize(asked)
                self.assertEqual(result["protocolVersion"], given)
                self.assertEqual(result["serverInfo"]["name"], "selftune")
                self.assertEqual(set(result["capabilities"]), {"tools", "resources"})
                self.assertTrue(result["instructions"])
                self.assertEqual((client.close(), client.said), (0, ""))

    def test_what_a_revision_does_not_know_is_left_out(self):
        self.with_skill()
        for version, annotated, structured in (("2024-11-05", False, False), ("2025-03-26", True, False),
                                               ("2025-06-18", True, True)):
            client = self.client()
            client.initialize(version)
            tool = client.ask("tools/list")["result"]["tools"][0]
            self.assertEqual(("annotations" in tool, "outputSchema" in tool), (annotated, structured))
            self.assertEqual("structuredContent" in client.call("status")["result"], structured)

    def test_initialize_comes_first(self):
        client = self.client()
        self.assertEqual(self.code_of(client.ask("tools/list")), -32600)
        self.assertEqual(client.ask("ping")["result"], {})
        self.assertEqual(self.code_of(client.ask("initialize", {})), -32602)
        client.initialize()
        self.assertIn("result", client.ask("tools/list"))

    def test_a_terminal_is_no_client(self):
        import pty
        master, slave = pty.openpty()
        done = subprocess.run([cli_case.SELFTUNE, "mcp"], stdin=slave, capture_output=True, env=self.env(), timeout=60,
                              check=False)
        os.close(master)
        os.close(slave)
        self.assertEqual((done.returncode, json.loads(done.stdout)["error"]["code"]), (64, "INVALID_REQUEST"))


class Stateless(McpTest):
    def test_requests_name_their_revision_and_need_no_handshake(self):
        client = self.client()
        result = client.ask("server/discover", {"_meta": STATELESS})["result"]
        self.assertEqual((result["supportedVersions"], result["resultType"]), (["2026-07-28"], "complete"))
        self.assertEqual(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "selftune")
        result = client.ask("tools/list", {"_meta": STATELESS})["result"]
        self.assertEqual((result["resultType"], result["cacheScope"]), ("complete", "private"))
        result = client.ask("tools/call", {"name": "status", "_meta": STATELESS})["result"]
        self.assertEqual((result["resultType"], result["isError"]), ("complete", True))
        self.assertEqual(self.code_of(client.ask("tools/list")), -32600)

    def test_a_revision_that_is_not_known_is_refused_with_those_that_are(self):
        meta = dict(STATELESS, **{"io.modelcontextprotocol/protocolVersion": "2099-01-01"})
        answer = self.client().ask("tools/list", {"_meta": meta})
        self.assertEqual(self.code_of(answer), -32022)
        self.assertEqual(answer["error"]["data"], {"supported": ["2026-07-28"], "requested": "2099-01-01"})


class Tools(McpTest):
    def tools(self, *flags):
        client = self.client(*flags)
        client.initialize()
        return {t["name"]: t for t in client.ask("tools/list")["result"]["tools"]}

    def test_without_being_allowed_to_write_there_are_few_and_they_only_read(self):
        tools = self.tools()
        self.assertEqual(set(tools), {"status", "skill_report", "last_session", "evidence_search", "doctor", "proposals_list",
                                      "proposal_diff"})
        self.assertLessEqual(len(self.tools("--allow-write")), 12, "each costs every session that has them")
        for name, tool in tools.items():
            self.assertTrue(tool["annotations"]["readOnlyHint"], name)
            self.assertLessEqual(len(tool["description"].split()), 60, name)
            self.assertRegex(name, r"^[a-z0-9_]{1,64}$")
            self.assertEqual((tool["inputSchema"]["type"], tool["outputSchema"]["type"]), ("object", "object"))

    def test_writing_tools_say_what_they_are(self):
        tools = self.tools("--allow-write")
        writing = {n: t["annotations"] for n, t in tools.items() if not t["annotations"]["readOnlyHint"]}
        self.assertEqual(set(writing), {"sync", "evolve_dry_run", "deploy_proposal", "rollback", "watch"})
        self.assertFalse(writing["evolve_dry_run"]["destructiveHint"], "it costs, and changes nothing")
        self.assertTrue(writing["deploy_proposal"]["destructiveHint"] and writing["rollback"]["destructiveHint"])
        self.assertFalse(writing["sync"]["destructiveHint"])
        self.assertTrue(tools["evolve_dry_run"]["annotations"]["openWorldHint"])
        self.assertNotIn("dry_run", tools["evolve_dry_run"]["inputSchema"]["properties"])
        self.assertNotIn("sync_first", tools["evolve_dry_run"]["inputSchema"]["properties"])
        self.assertIn("dry_run", tools["deploy_proposal"]["inputSchema"]["properties"])

    def test_a_reader_cannot_be_made_to_write(self):
        self.with_skill()
        for flags, name in ((["--allow-write"], "status"), (["--allow-write", "--all-tools"], "status_get")):
            client = self.client(*flags)
            client.initialize()
            tools = {t["name"]: t for t in client.ask("tools/list")["result"]["tools"]}
            self.assertNotIn("refresh", tools[name]["inputSchema"]["properties"])
            self.assertEqual(self.code_of(client.ask("tools/call", {"name": name, "arguments": {"refresh": True}})), -32602)

    def test_every_operation_is_a_tool_when_asked_for(self):
        schemas = self.envelope("schema", "--list")["data"]["schemas"]
        ops = {s["op"] for s in schemas if s["kind"] == "reply"}
        self.assertEqual({n.replace(".", "_") for n in ops}, set(self.tools("--all-tools", "--allow-write")))
        reading = set(self.tools("--all-tools"))
        self.assertIn("store_query", reading)
        for name in ("sync_run", "evolve_run", "config_set", "store_export", "deploy_rollback"):
            self.assertNotIn(name, reading)

    def test_the_answer_is_the_data_of_the_operation(self):
        self.with_skill()
        client = self.client()
        client.initialize()
        result = client.call("status")["result"]
        self.assertFalse(result["isError"])
        self.assertEqual(schema_check.problems(cli_case.SCHEMAS["selftune/status@1"], result["structuredContent"]), [])
        self.assertEqual(json.loads(result["content"][0]["text"]), result["structuredContent"])
        every = self.client("--all-tools")
        every.initialize()
        result = every.call("skill_why", skill="pdf", prompt="fill this form")["result"]
        self.assertEqual(schema_check.problems(cli_case.SCHEMAS["selftune/skill.why@1"], result["structuredContent"]), [])
        # A check whose answer is bad is no failure of the tool.
        result = client.call("doctor")["result"]
        self.assertFalse(result["isError"])
        self.assertIn("healthy", result["structuredContent"])

    def test_failures_are_told_to_the_model_and_name_the_next_step(self):
        client = self.client()
        client.initialize()
        result = client.call("status")["result"]
        told = json.loads(result["content"][0]["text"])["error"]
        self.assertTrue(result["isError"])
        self.assertNotIn("structuredContent", result)
        self.assertEqual((told["code"], told["next"]["command"]), ("STORE_MISSING", "selftune sync"))
        self.assertFalse((self.home / ".selftune").exists(), "looking makes nothing")
        for tool, arguments in (("skill_report", {"skill": "x", "no_such": 1}), ("proposal_diff", {}),
                                ("skill_report", {"skill": 7})):
            result = client.call(tool, **arguments)["result"]
            self.assertTrue(result["isError"])
            self.assertIn("INVALID_REQUEST", result["content"][0]["text"])

    def test_what_is_no_tool_is_an_error_of_the_protocol(self):
        client = self.client()
        client.initialize()
        for name, said in (("sync", "--allow-write"), ("statsu", "did you mean status"), ("\x1b[31m", "x1b"), (7, "unknown tool")):
            answer = client.ask("tools/call", {"name": name})
            self.assertEqual(self.code_of(answer), -32602)
            self.assertIn(said, answer["error"]["message"])
        self.assertEqual(self.code_of(client.ask("tools/call", {"name": "status", "arguments": []})), -32602)
        self.assertEqual(self.code_of(client.ask("tools/call")), -32602)

    def test_a_sync_reports_progress_and_writes(self):
        self.transcript()
        client = self.client("--allow-write")
        client.initialize()
        answer = client.ask("tools/call", {"name": "sync", "arguments": {}, "_meta": {"progressToken": "p1"}})
        self.assertFalse(answer["result"]["isError"])
        self.assertTrue((self.home / ".selftune" / "selftune.db").is_file())
        told = [n["params"] for n in client.heard if n.get("method") == "notifications/progress"]
        self.assertGreater(len(told), 0)
        self.assertEqual({n["progressToken"] for n in told}, {"p1"})
        steps = [n["progress"] for n in told]
        self.assertEqual(steps, sorted(set(steps)))
        # Without a token nobody asked.
        client.heard.clear()
        client.call("sync", force=True)
        self.assertEqual(client.heard, [])

    def test_a_rollback_needs_yes(self):
        self.with_skill()
        client = self.client("--allow-write")
        client.initialize()
        result = client.call("rollback", skill="pdf")["result"]
        self.assertTrue(result["isError"])


class Resources(McpTest):
    def test_skills_are_listed_and_read(self):
        self.with_skill()
        client = self.client()
        client.initialize()
        listed = client.ask("resources/list")["result"]["resources"]
        self.assertEqual([r["uri"] for r in listed], ["selftune://skill/pdf"])
        contents = client.ask("resources/read", {"uri": "selftune://skill/pdf"})["result"]["contents"]
        self.assertEqual(contents[0]["mimeType"], "application/json")
        self.assertEqual(json.loads(contents[0]["text"])["name"], "pdf")
        contents = client.ask("resources/read", {"uri": "selftune://schema/selftune%2Fstatus@1"})["result"]["contents"]
        self.assertEqual(json.loads(contents[0]["text"])["$id"], "selftune/status@1")
        templates = client.ask("resources/templates/list")["result"]["resourceTemplates"]
        self.assertEqual(len(templates), 3)
        for uri in ("selftune://skill/none", "selftune://skill/", "selftune://skill/%zz", "selftune://skill/%f", "file:///etc/passwd",
                    "", "selftune://session/none"):
            answer = client.ask("resources/read", {"uri": uri})
            self.assertEqual(self.code_of(answer), -32002, uri)
        self.assertEqual(self.code_of(client.ask("resources/list", {"cursor": "x"})), -32602)

    def test_without_a_store_there_are_none(self):
        client = self.client()
        client.initialize()
        self.assertEqual(client.ask("resources/list")["result"], {"resources": []})


class Robust(McpTest):
    def test_nothing_that_is_sent_ends_it(self):
        client = self.client()
        client.initialize()
        for text, code in ((b"no json\n", -32700), (b"{\"jsonrpc\":\"2.0\"\n", -32700), (b"\xff\xfe\n", -32700),
                           (b"[]\n", -32600), (b"7\n", -32600), (b"null\n", -32600), (b"{}\n", -32600),
                           (b'{"jsonrpc":"1.0","id":1,"method":"ping"}\n', -32600),
                           (b'{"jsonrpc":"2.0","id":null,"method":"ping"}\n', -32600),
                           (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}\n', -32600),
                           (b'{"jsonrpc":"2.0","id":{},"method":"ping"}\n', -32600),
                           (b'{"jsonrpc":"2.0","id":1,"method":7}\n', -32600),
                           (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}\n', -32602),
                           (b'{"jsonrpc":"2.0","id":1,"method":"no/such"}\n', -32601),
                           (b"[" * 100000 + b"\n", -32700),
                           (b"x" * (9 << 20) + b"\n", -32600)):
            with self.subTest(text=text[:60]):
                client.send(text)
                self.assertEqual(self.code_of(client.next()), code)
        # Nothing to answer: empty lines, notifications, answers to nobody.
        client.send(b"\n  \r\n")
        client.send({"jsonrpc": "2.0", "method": "no/such"})
        client.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}})
        client.send({"jsonrpc": "2.0", "method": "notifications/cancelled"})
        client.send({"jsonrpc": "2.0", "id": 5, "result": {}})
        self.assertEqual(client.ask("ping", ident="last"), {"jsonrpc": "2.0", "id": "last", "result": {}})
        self.assertEqual(client.heard, [])
        self.assertEqual((client.close(), client.said), (0, ""))

    def test_messages_may_come_in_pieces_and_in_batches(self):
        client = self.client()
        client.initialize("2025-03-26")
        text = json.dumps([{"jsonrpc": "2.0", "id": i, "method": "ping"} for i in ("a", "b")]).encode() + b"\r\n"
        for at in range(len(text)):
            client.send(text[at:at + 1])
        self.assertEqual([client.next()["id"] for _ in range(2)], ["a", "b"])

    def endless(self, client, ident="long"):
        client.send({"jsonrpc": "2.0", "id": ident, "method": "tools/call",
                     "params": {"name": "store_query", "arguments": {"sql": cli_case.ENDLESS}}})

    def test_a_call_can_be_cancelled_and_is_then_not_answered(self):
        self.make_store()
        client = self.client("--all-tools")
        client.initialize()
        self.endless(client)
        self.endless(client)  # the same id again
        self.assertEqual(self.code_of(client.next()), -32600)
        self.assertEqual(client.ask("ping")["result"], {}, "others are answered meanwhile")
        client.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "long"}})
        for i in range(8):  # more than run at the same time
            self.endless(client, "many %d" % i)
        for i in range(8):
            client.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "many %d" % i}})
        self.assertIn("result", client.ask("tools/call", {"name": "about_version"}))
        self.assertEqual(client.heard, [])

    def test_the_end_of_the_input_ends_it_also_while_something_runs(self):
        self.make_store()
        client = self.client("--all-tools")
        client.initialize()
        self.endless(client)
        self.assertEqual(client.ask("ping")["result"], {})
        self.assertEqual(client.close(), 0)
        self.assertIsNone(client.next())

    def test_what_was_asked_before_the_end_is_answered(self):
        client = self.client()
        client.initialize()
        client.send(b'{"jsonrpc":"2.0","id":"a","method":"tools/list"}\n{"jsonrpc":"2.0","id":"b","method":"ping"}')
        self.assertEqual(client.close(), 0)
        self.assertEqual({client.next()["id"] for _ in range(2)}, {"a", "b"})

    def test_signals_end_it(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            client = self.client()
            client.initialize()
            client.process.send_signal(number)
            self.assertEqual(client.process.wait(timeout=60), 128 + number)

    def test_a_client_that_never_reads_does_not_keep_it(self):
        """Through a pipe, and through a socket, which is what Node.js makes."""
        import socket
        hello = json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}})
        asked = "".join(json.dumps({"jsonrpc": "2.0", "id": i, "method": "tools/list"}) + "\n" for i in range(1, 30))
        for how in ("pipe", "socket"):
            for end in ("signal", "input"):
                with self.subTest(how=how, end=end):
                    ours, theirs = os.pipe() if how == "pipe" else [s.detach() for s in socket.socketpair()]
                    server = subprocess.Popen([cli_case.SELFTUNE, "mcp"], stdin=subprocess.PIPE, stdout=theirs,
                                              stderr=subprocess.DEVNULL, env=self.env(), cwd=self.home)
                    os.close(theirs)
                    self.addCleanup(server.kill)
                    server.stdin.write((hello + "\n" + asked).encode())
                    server.stdin.flush()
                    self.assertTrue(os.read(ours, 10))  # it answers, and then nobody reads
                    if end == "signal":
                        server.send_signal(signal.SIGTERM)
                        self.assertEqual(server.wait(timeout=60), 128 + signal.SIGTERM)
                        server.stdin.close()
                    else:
                        server.stdin.close()
                        self.assertEqual(server.wait(timeout=60), 0)
                    os.close(ours)

    def test_a_client_that_reads_no_more_is_no_crash(self):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([cli_case.SELFTUNE, "mcp"], stdout=write, stderr=subprocess.PIPE, env=self.env(), timeout=60,
                              input=b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n' * 3, check=False)
        os.close(write)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count(b"\n"), 1)

    def test_it_ends_when_nobody_hears_it_although_the_input_stays_open(self):
        read, write = os.pipe()
        server = subprocess.Popen([cli_case.SELFTUNE, "mcp"], stdin=subprocess.PIPE, stdout=write, stderr=subprocess.DEVNULL,
                                  env=self.env())
        self.addCleanup(server.kill)
        self.addCleanup(server.stdin.close)
        os.close(write)
        os.close(read)
        server.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        server.stdin.flush()
        self.assertEqual(server.wait(timeout=60), 1)

    def test_streams_that_are_closed_from_the_start(self):
        for closed, code in (("<&-", 0), (">&-", 1), ("2>&-", 0)):
            done = subprocess.run(["sh", "-c", 'echo \'{"jsonrpc":"2.0","id":1,"method":"ping"}\' | "$0" mcp ' + closed,
                                   cli_case.SELFTUNE], env=self.env(), timeout=60, capture_output=True, check=False)
            self.assertEqual(done.returncode, code, closed)

    def test_a_stdout_that_does_not_block_is_waited_for(self):
        read, write = os.pipe()
        os.set_blocking(write, False)
        server = subprocess.Popen([cli_case.SELFTUNE, "mcp"], stdin=subprocess.PIPE, stdout=write, env=self.env())
        self.addCleanup(server.kill)
        os.close(write)
        lines = "".join('{"jsonrpc":"2.0","id":%d,"method":"tools/list"}\n' % i for i in range(10))
        server.stdin.write(b'{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25"}}\n')
        server.stdin.write(lines.encode())
        server.stdin.flush()
        with open(read, "rb") as out:
            ids = {json.loads(out.readline())["id"] for _ in range(11)}
            self.assertEqual(ids, set(range(10)) | {"i"})
            server.stdin.close()
            self.assertEqual(server.wait(timeout=60), 0)

    def test_a_store_elsewhere(self):
        self.envelope("sync", "--home", str(self.home / "else"))
        client = self.client("--home", str(self.home / "else"))
        client.initialize()
        self.assertFalse(client.call("status")["result"]["isError"])


if __name__ == "__main__":
    cli_case.SELFTUNE = os.path.abspath(sys.argv[1])
    cli_case.load_schemas(sys.argv[2])
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:], verbosity=1)

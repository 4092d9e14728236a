"""selftune mcp with the official client of the protocol, in both of its ways.

    mcp_client.py SELFTUNE

Run by run_standards.py, which has the package.
"""

import json
import os
import sys
import tempfile
import unittest
from pathlib import Path

import anyio
from mcp import ClientSession, StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client

SELFTUNE = os.path.abspath(sys.argv[1])
ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c"


class OfficialClient(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="selftune-mcp-")
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)
        skill = self.home / ".claude" / "skills" / "pdf" / "SKILL.md"
        skill.parent.mkdir(parents=True)
        skill.write_text("---\nname: pdf\ndescription: Fills forms.\n---\n", encoding="utf-8")
        path = self.home / ".claude" / "projects" / "-proj" / "77777777-1111-4111-8111-111111111111.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({
            "type": "user", "uuid": "u1", "parentUuid": None, "sessionId": path.stem, "cwd": str(self.home),
            "version": "2.1.330", "isSidechain": False, "userType": "external", "promptSource": "typed",
            "timestamp": "2026-01-02T03:04:05.000Z", "message": {"role": "user", "content": "good morning"}}) + "\n",
            encoding="utf-8")

    def server(self, *flags):
        env = {"HOME": str(self.home), "PATH": "/usr/bin:/bin"}
        return StdioServerParameters(command=SELFTUNE, args=["mcp", *flags], env=env, cwd=str(self.home))

    def test_the_handshake_way(self):
        async def talk():
            async with stdio_client(self.server("--allow-write", "--all-tools")) as (read, write), \
                    ClientSession(read, write) as session:
                told = await session.initialize()
                self.assertEqual((told.server_info.name, told.protocol_version), ("selftune", "2025-11-25"))
                await session.send_ping()
                await self.use(session)

        anyio.run(talk)

    def test_the_way_without_a_handshake(self):
        async def talk():
            async with Client(self.server("--allow-write", "--all-tools")) as client:
                self.assertEqual(client.protocol_version, "2026-07-28")
                await self.use(client)

        anyio.run(talk)

    async def use(self, session):
        """Every answer is checked by the client against the schemas that the server gave."""
        tools = {t.name: t for t in (await session.list_tools()).tools}
        self.assertGreater(len(tools), 50)
        told = []

        async def heard(progress, total, message):
            told.append((progress, total, message))

        done = await session.call_tool("sync_run", {}, progress_callback=heard)
        self.assertFalse(done.is_error, done)
        self.assertGreater(len(told), 0)
        for name in ("status_get", "skill_list", "doctor_run", "config_list", "store_info", "about_version",
                     "proposal_list", "session_list", "source_list", "store_backup_list", "schema_list"):
            done = await session.call_tool(name, {})
            self.assertFalse(done.is_error, (name, done))
            self.assertEqual(json.loads(done.content[0].text), done.structured_content)
        done = await session.call_tool("skill_report", {"skill": "none"})
        self.assertTrue(done.is_error)
        resources = (await session.list_resources()).resources
        self.assertEqual([str(r.uri) for r in resources], ["selftune://skill/pdf"])
        read = await session.read_resource("selftune://skill/pdf")
        self.assertEqual(json.loads(read.contents[0].text)["name"], "pdf")
        with anyio.move_on_after(0.5) as scope:  # the client tells the server
            await session.call_tool("store_query", {"sql": ENDLESS})
        self.assertTrue(scope.cancelled_caught)
        done = await session.call_tool("about_version", {})
        self.assertFalse(done.is_error)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])

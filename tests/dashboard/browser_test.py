#!/usr/bin/env python3
"""The link goes to a browser, and to nobody else.

    browser_test.py SELFTUNE SELFTUNE_DASHBOARD [unittest arguments]
"""

import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import harness  # noqa: E402
from harness import PROGRAMS, Server  # noqa: E402
from life_case import LifeCase  # noqa: E402


class Browser(LifeCase):
    def opener(self, *lines):
        """A folder with an xdg-open of these lines."""
        tools = self.home.path / "tools"
        tools.mkdir(exist_ok=True)
        program = tools / "xdg-open"
        program.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        program.chmod(0o755)
        return {"PATH": f"{tools}:/usr/bin:/bin"}

    def start_open(self, env, state=None):
        flags = ["--home", str(state)] if state else []
        child = subprocess.Popen([PROGRAMS["dashboard"], "--allow-root", "--json", *flags],
                                 env=dict(harness.environment(self.home.path), **env),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.stderr.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.terminate)
        return child, json.loads(child.stdout.readline())

    def test_the_browser_gets_the_link_by_a_private_file(self):
        """Arguments of processes can be read by everybody; the link is in none."""
        seen = self.home.path / "seen"
        env = self.opener(f'echo "$@" > {seen}.part; mv {seen}.part {seen}')
        # A folder whose name means something in an address.
        state = self.home.path / "a#b ?c%20d\u00fc"
        _, envelope = self.start_open(env, state)
        url = envelope["data"]["url"]
        self.assertTrue(harness.wait_until(seen.exists))
        argument = seen.read_text(encoding="utf-8").strip()
        page, = (state / "run").glob("open*.html")
        self.assertEqual(argument, page.as_uri())
        self.assertNotIn(url.partition("#t=")[2], page.name)
        self.assertEqual(page.stat().st_mode & 0o777, 0o600)
        self.assertIn(url, page.read_text(encoding="utf-8"))

    def test_the_link_does_not_stay_on_disk(self):
        server = self.start()
        urls = [self.open_again(), self.open_again()]
        self.assertEqual(self.shown(), sorted(urls))
        # The code of one browser leaves the file of the other alone.
        self.assertEqual(server.sign_in(urls[0].partition("#t=")[2]).status, 200)
        self.assertEqual(self.shown(), urls[1:])
        self.assertEqual(server.sign_in(urls[0].partition("#t=")[2]).status, 401)
        self.assertEqual(self.shown(), urls[1:])
        self.assertEqual(server.sign_in(urls[1].partition("#t=")[2]).status, 200)
        self.assertEqual(self.shown(), [])
        urls = [self.open_again()]
        self.assertEqual(self.shown(), urls)
        server.stop()
        self.assertEqual(self.shown(), [])

    def open_again(self):
        """The link that another start shows a browser."""
        child, envelope = self.start_open(self.opener("exit 0"))
        self.assertEqual((child.wait(harness.PATIENCE), envelope["warnings"]), (0, []))
        return envelope["data"]["url"]

    def shown(self):
        """The links of all files for browsers."""
        pages = (self.home.state / "run").glob("open*.html")
        return sorted(re.search('href="([^"]+)"', page.read_text(encoding="utf-8"))[1]
                      for page in pages)

    def test_a_browser_that_cannot_be_opened_is_said(self):
        first, envelope = self.start_open(self.opener("exit 3"))
        codes = [warning["code"] for warning in envelope["warnings"]]
        self.assertNotIn("BROWSER_NOT_OPENED", codes)  # it does not wait for that
        line = first.stderr.readline()
        self.assertIn("BROWSER_NOT_OPENED", line)
        self.assertIn("xdg-open ended with 3", line)
        second, envelope = self.start_open(self.opener("exit 4"))
        self.assertEqual(second.wait(harness.PATIENCE), 0)
        warning, = envelope["warnings"]
        self.assertEqual(warning["code"], "BROWSER_NOT_OPENED")
        self.assertIn("xdg-open ended with 4", warning["message"])

    def test_nobody_has_to_read_what_it_prints(self):
        reading, writing = os.pipe()
        os.close(reading)
        child = subprocess.Popen([PROGRAMS["dashboard"], "--no-open", "--allow-root"],
                                 env=harness.environment(self.home.path), stdout=writing,
                                 stdin=subprocess.DEVNULL)
        os.close(writing)
        self.addCleanup(child.wait, harness.PATIENCE)
        self.addCleanup(child.terminate)
        file = self.home.state / "run" / "dashboard.json"
        self.assertTrue(harness.wait_until(file.exists))
        second = Server(self.home)
        second.stop()
        self.assertEqual((second.data["reused"], second.data["pid"]), (True, child.pid))


if __name__ == "__main__":
    harness.main("cli", "dashboard")

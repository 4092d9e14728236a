#!/usr/bin/env python3
"""A damaged store: every command says so, and recover saves what can be read.

    recover_test.py SELFTUNE
"""

import random
import shutil
import sqlite3
import struct
import subprocess
import sys
from pathlib import Path

import scene
from scene import FullStore, StoreTest, dump, tree

StoreTest.program = Path(sys.argv[1]).resolve()
PAGE = 4096
# Read-outs and writers of every kind.
COMMANDS = (["status"], ["last"], ["doctor"], ["skills", "list"], ["evidence"], ["db", "check"],
            ["db", "stats"], ["export", "{scratch}"], ["backup", "create"], ["sync"],
            ["query", "SELECT count(*) FROM prompts"], ["proposals", "list"], ["llm", "usage"],
            ["forget", "--before", "1d", "--yes"], ["watch"])


def pages_of(database, *names):
    """Pages of tables and indices, from the one that dbstat has."""
    db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    rows = db.execute("SELECT name, pageno, pagetype FROM dbstat").fetchall()
    db.close()
    return [(page, kind) for name, page, kind in rows if name in names]


def overwrite(database, pages, content=b"\xa5"):
    with open(database, "r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE)
            file.write(content * PAGE)


class Recover(StoreTest):
    @classmethod
    def tearDownClass(cls):
        FullStore.drop()

    def setUp(self):
        super().setUp()
        self.full = FullStore.get(self.program)

    def damaged(self, name="home"):
        """A copy with everything in the file and nothing in its log, and no transcripts."""
        home = self.copy_of(self.full, name)
        db = home.connect()
        self.assertEqual(db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0], 0)
        db.close()
        return home

    def recover(self, home, *options):
        reply = home.good("recover", "--yes", *options)
        data = reply["data"]
        self.assertTrue(data["swapped"])
        aside = Path(data["moved_aside"])
        self.assertTrue(aside.exists())
        self.assertEqual(oct(home.database.stat().st_mode & 0o777), "0o600")
        return data, {t["name"]: t for t in data["tables"]}

    def assert_sound_but_audit(self, home):
        """Steps of the audit that are lost stay lost, and are told."""
        report = home.run("db", "check", "--deep")[1]["data"]
        self.assertEqual([p for p in report["problems"] if p["check"] != "hash_chain"], [])

    def assert_saved(self, home, tables, lossy=()):
        """Tables that were not hit are as they were; the others hold nothing wrong."""
        before, after = dump(self.full.database), dump(home.database)
        for name, rows in before.items():
            if name in scene.OTHERWISE:
                continue
            if name in lossy:
                self.assertLessEqual(len(after[name]), len(rows), name)
            else:
                self.assertEqual(after[name], rows, name)

    def test_a_healthy_store_comes_out_as_it_was(self):
        home = self.damaged()
        old = home.database.read_bytes()
        data, tables = self.recover(home)
        self.assertEqual((data["damaged"], data["lost"], data["lost_pages"], data["problems"]),
                         (False, 0, 0, []))
        self.assertFalse(data["read_again"])
        before, after = dump(self.full.database), dump(home.database)
        self.assert_same_rows(before, after, ("change_clock", "meta"))
        self.assertEqual(Path(data["moved_aside"]).read_bytes(), old)
        self.assertEqual(data["receipt"]["backup_path"], data["moved_aside"])
        undo = data["receipt"]["undo"]["argv"]
        self.assertEqual(undo[:3], ["selftune", "backup", "restore"])
        back = home.good(*undo[1:])["data"]
        self.assertEqual(home.database.read_bytes(), old)
        # And forth.
        home.good("backup", "restore", Path(back["moved_aside"]).name.split("selftune.db.")[1], "--yes")
        self.assertNotEqual(home.database.read_bytes(), old)
        self.assert_sound(home)

    def test_it_asks_first_and_a_dry_run_changes_nothing(self):
        home = self.damaged()
        overwrite(home.database, [p for p, _ in pages_of(home.database, "prompt")][:2])
        before = tree(home.path)
        code, reply = home.run("recover")
        self.assertEqual((code, reply["error"]["code"]), (2, "CONFIRMATION_REQUIRED"))
        plan = home.good("recover", "--dry-run")
        self.assertFalse(plan["changed"])
        self.assertTrue(plan["data"]["damaged"])
        self.assertEqual(tree(home.path), before)
        data, _ = self.recover(home)
        self.assertEqual((data["saved"], data["lost"]), (plan["data"]["saved"], plan["data"]["lost"]))

    def test_every_command_names_the_way_out(self):
        home = self.damaged()
        overwrite(home.database, [1])
        before = home.database.read_bytes()
        for command in COMMANDS:
            with self.subTest(" ".join(command)):
                argv = [word.format(scratch=self.scratch / "out") for word in command]
                code, reply = home.run(*argv)
                if command[0] == "doctor":
                    text = str(reply)
                    self.assertNotEqual(code, 0)
                    self.assertIn("selftune recover", text)
                    continue
                self.assertFalse(reply["ok"], command)
                self.assertEqual(reply["error"]["code"], "STORE_CORRUPT", reply["error"])
                self.assertEqual(reply["next"]["argv"][:2], ["selftune", "recover"])
                self.assertNotEqual(code, 0)
        self.assertEqual(home.database.read_bytes(), before)
        self.recover(home)
        for command in COMMANDS:
            if command[0] in ("status", "db", "sync", "evidence"):
                home.good(*command)

    def test_the_header_is_gone(self):
        for vacuum in (False, True):
            with self.subTest(vacuum=vacuum):
                home = self.damaged(f"home-{vacuum}")
                if vacuum:
                    home.good("db", "vacuum")
                    db = home.connect()
                    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    db.close()
                overwrite(home.database, [1])
                data, _ = self.recover(home)
                self.assertTrue(data["damaged"])
                self.assert_saved(home, data["tables"])
                self.assertEqual(data["lost"], 0)
                self.assert_sound(home)

    def test_only_the_first_bytes_are_gone(self):
        home = self.damaged()
        with open(home.database, "r+b") as file:
            file.write(b"\0" * 100)
        data, _ = self.recover(home)
        self.assertTrue(data["damaged"])
        self.assert_saved(home, None)
        self.assert_sound(home)

    def with_a_row_in_the_log(self, name, rows=1):
        """A store as a crash leaves it: the newest rows are in the log only."""
        home = self.damaged("open-" + name)
        db = home.connect()
        for n in range(rows):
            db.execute("INSERT INTO llm_call(call_id,purpose,backend,started_ms,outcome) VALUES(?,'p','b',1,'ok')",
                       (f"late-{n}",))
            db.commit()
        crashed = self.home(name)
        shutil.copytree(home.state, crashed.state)
        db.close()
        self.assertGreater(Path(f"{crashed.database}-wal").stat().st_size, 0)
        return crashed

    def late(self, home):
        return home.sql("SELECT count(*) FROM llm_call WHERE call_id LIKE 'late-%'")[0][0]

    def test_a_link_in_the_place_of_the_store(self):
        home = self.with_a_row_in_the_log("linked")
        real = home.state / "real"
        real.mkdir()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{home.database}{suffix}").rename(real / f"x.db{suffix}")
        home.database.symlink_to("real/x.db")
        data, _ = self.recover(home)
        self.assertTrue(home.database.is_symlink())
        self.assertEqual(Path(data["moved_aside"]).parent, real)
        self.assertEqual(self.late(home), 1)
        backup = home.good("backup", "create")["data"]["id"]
        home.good("backup", "restore", backup, "--yes")
        self.assertTrue(home.database.is_symlink())
        self.assertEqual(self.late(home), 1)

    def test_a_log_without_its_file(self):
        for name, spoil in (("empty", lambda p: p.write_bytes(b"")), ("gone", lambda p: p.unlink())):
            with self.subTest(name):
                home = self.with_a_row_in_the_log(name)
                log = Path(f"{home.database}-wal")
                before = log.read_bytes()
                spoil(home.database)
                for command in (["status"], ["sync"], ["db", "vacuum"]):
                    code, reply = home.run(*command)
                    self.assertNotEqual(code, 0)
                    if name == "empty" or command == ["sync"]:
                        self.assertEqual(reply["error"]["code"], "STORE_CORRUPT")
                        self.assertEqual(reply["next"]["argv"][:2], ["selftune", "recover"])
                    self.assertEqual(log.read_bytes(), before)
                data = home.good("recover", "--yes")["data"]
                self.assertTrue(data["damaged"])
                self.assertEqual(self.late(home), 1)
                self.assertEqual(Path(data["moved_aside"] + "-wal").read_bytes(), before)
                self.assert_sound(home)

    def test_a_damaged_log_is_told(self):
        home = self.with_a_row_in_the_log("home", rows=30)
        log = Path(f"{home.database}-wal")
        content = bytearray(log.read_bytes())
        content[32 + 24 + 10 * (PAGE + 24) + 100] ^= 1
        log.write_bytes(content)
        data, _ = self.recover(home)
        self.assertTrue(data["damaged"])
        self.assertGreater(data["lost_log_pages"], 0)
        self.assertLess(self.late(home), 30)
        self.assertGreater(self.late(home), 0)

    def test_forgotten_words_do_not_come_back_when_the_rules_are_lost(self):
        home = self.home("home")
        scene.all_recordings(home.path, {"pi"})
        home.good("sync")
        words = "SELECT count(*) FROM prompts WHERE prompt_text IS NOT NULL"
        for options in (("--before", "2100-01-01"), ("--skill", home.sql("SELECT name FROM skill LIMIT 1")[0][0])):
            with self.subTest(options[0]):
                home.good("forget", *options, "--yes")
                db = home.connect()
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                db.close()
                before = home.sql(words)
                overwrite(home.database, [p for p, _ in pages_of(home.database, "forgotten", "meta")])
                reply = home.good("recover", "--yes")
                self.assertTrue(reply["data"]["forgotten_lost"])
                self.assertFalse(reply["data"]["read_again"])
                self.assertIn("FORGOTTEN_LOST", [w["code"] for w in reply["warnings"]])
                home.good("sync")
                self.assertEqual(home.sql(words), before)
                home.good("sync", "--force")
                self.assertEqual(home.sql(words), before)

    def test_indices_are_gone(self):
        home = self.damaged()
        db = home.connect()
        names = [r[0] for r in db.execute("SELECT name FROM sqlite_schema WHERE type='index'")]
        db.close()
        overwrite(home.database, [p for p, _ in pages_of(home.database, *names)])
        data, _ = self.recover(home)
        self.assertEqual((data["damaged"], data["lost"]), (True, 0))
        self.assert_saved(home, None)
        self.assert_sound(home)

    def test_a_leaf_is_gone_and_the_loss_is_counted(self):
        for table in ("prompt", "observation", "body", "session")[:1 if scene.SANITIZED else 4]:
            with self.subTest(table):
                home = self.damaged(f"home-{table}")
                leaves = [p for p, kind in pages_of(home.database, table) if kind == "leaf"]
                self.assertGreater(len(leaves), 2, table)
                overwrite(home.database, leaves[1:2])
                data, tables = self.recover(home)
                hit = tables[table]
                self.assertEqual(hit["lost_pages"], 1)
                count = self.full.sql(f"SELECT count(*) FROM {table}")[0][0]
                self.assertEqual(hit["rows"] - hit["made"] + hit["missing"], count)
                self.assertGreater(hit["missing"], 0)
                self.assertGreater(data["lost"], 0)
                self.assert_sound(home)

    def test_an_inner_page_is_gone_and_its_leaves_are_found(self):
        home = self.damaged()
        for table in ("prompt", "observation", "body", "session", "listing_entry", "session_tool"):
            inner = [p for p, kind in pages_of(home.database, table) if kind == "internal"]
            if not inner:
                continue
            with self.subTest(table):
                other = self.damaged(f"home-{table}")
                overwrite(other.database, inner)
                data, tables = self.recover(other)
                before = len(dump(self.full.database)[table])
                if tables[table]["adopted"]:
                    self.assertGreater(tables[table]["rows"], before * 0.9, table)
                self.assert_sound(other)

    def test_the_file_was_cut_off(self):
        whole = self.damaged("whole").database.stat().st_size
        for part in (0.9, 0.5, 0.1):
            with self.subTest(part):
                home = self.damaged(f"home-{part}")
                with open(home.database, "r+b") as file:
                    file.truncate(int(whole * part) // 100 * 100)
                data, _ = self.recover(home)
                self.assertTrue(data["damaged"])
                self.assert_sound_but_audit(home)
        home = self.damaged("empty")
        home.database.write_bytes(b"\xff" * 5000)
        data, _ = self.recover(home)
        self.assertEqual(data["saved"] - sum(t["rows"] for t in data["tables"]
                                             if t["name"] in ("host", "meta", "change_clock")), 0)
        self.assert_sound(home)

    def test_what_only_the_log_has_is_saved_and_a_lost_log_is_no_harm(self):
        home = self.damaged()
        db = home.connect()
        db.execute("INSERT INTO llm_call(call_id,purpose,backend,started_ms,outcome)"
                   " VALUES('late','p','b',1,'ok')")
        db.commit()  # and stays in the log while a connection is open
        crashed = self.home("crashed")
        shutil.copytree(home.state, crashed.state)
        db.close()
        self.assertTrue(Path(f"{crashed.database}-wal").stat().st_size > 0)
        with_log = self.copy_of(crashed, "with-log")
        overwrite(with_log.database, [1])
        self.recover(with_log)
        self.assertEqual(with_log.sql("SELECT count(*) FROM llm_call WHERE call_id='late'"), [(1,)])
        Path(f"{crashed.database}-wal").unlink()
        Path(f"{crashed.database}-shm").unlink(missing_ok=True)
        overwrite(crashed.database, [1])
        self.recover(crashed)
        self.assertEqual(crashed.sql("SELECT count(*) FROM llm_call WHERE call_id='late'"), [(0,)])
        self.assert_saved(crashed, None)

    def test_lost_rows_are_read_again(self):
        home = self.home("home")
        scene.all_recordings(home.path, {"claude-code", "codex"})
        home.good("sync")
        scene.add_decisions(home.database)
        db = home.connect()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        digest = scene.programs.evidence_digest(home.database)
        decided = dump(home.database)
        hit = [p for t in ("prompt", "observation", "session", "body", "session_tool")
               for p, kind in pages_of(home.database, t) if kind == "leaf"][::3]
        overwrite(home.database, hit)
        reply = home.good("recover", "--yes")
        data = reply["data"]
        self.assertTrue(data["read_again"] and data["damaged"])
        self.assertEqual(scene.programs.evidence_digest(home.database), digest)
        self.assertGreater(sum(t["read_again"] for t in data["tables"]), 0)
        for table in ("evolution_event", "deploy", "llm_call", "job_run"):
            self.assertEqual(dump(home.database)[table], decided[table], table)
        # Left to the next sync, it is the same.
        overwrite(home.database, [p for p, kind in pages_of(home.database, "prompt") if kind == "leaf"][:1])
        reply = home.good("recover", "--yes", "--no-read-again")
        self.assertFalse(reply["data"]["read_again"])
        self.assertEqual(reply["next"]["argv"], ["selftune", "sync"])
        home.good("sync")
        self.assertEqual(scene.programs.evidence_digest(home.database), digest)

    def test_damage_of_any_kind_at_any_place(self):
        """Whatever was hit: recover ends well, loses no more than pages, and the store is sound."""
        whole = self.damaged("whole")
        content = whole.database.read_bytes()
        pages = len(content) // PAGE
        for seed in range(2 if scene.SANITIZED else 6):
            dice = random.Random(seed)
            home = self.home(f"home-{seed}")
            home.state.mkdir(parents=True)
            damaged = bytearray(content)
            for _ in range(dice.choice((1, 3, 20, pages // 10))):
                page = dice.randrange(pages)
                at = page * PAGE + dice.choice((0, 0, dice.randrange(PAGE)))
                kind = dice.randrange(5)
                if kind == 0:
                    damaged[at:page * PAGE + PAGE] = b"\0" * (page * PAGE + PAGE - at)
                elif kind == 1:
                    damaged[at:page * PAGE + PAGE] = dice.randbytes(page * PAGE + PAGE - at)
                elif kind == 2:
                    damaged[at] ^= 1 << dice.randrange(8)
                elif kind == 3:  # written to the wrong place
                    other = dice.randrange(pages) * PAGE
                    damaged[page * PAGE:page * PAGE + PAGE] = content[other:other + PAGE]
                else:
                    damaged[at:at + 4] = struct.pack(">I", dice.randrange(pages + 5))
            home.database.write_bytes(bytes(damaged))
            with self.subTest(seed=seed):
                code, reply = home.run("recover", "--yes")
                self.assertEqual(code, 0, reply["error"])
                self.assertEqual([p for p in reply["data"]["problems"] if "hash_chain" not in p
                                  and "audit" not in p and "proposal" not in p], [])
                check = home.run("db", "check", "--deep")[1]["data"]
                self.assertTrue(check["quick_check"] and check["foreign_keys"])
                shutil.rmtree(home.path)

    def test_what_was_never_a_store_is_left_alone(self):
        """No application_id, as most programs leave it; the reference's own file is such a one."""
        reference = subprocess.run([sys.executable, "-B", str(scene.TESTS / "data" / "upstream" / "reference.py"), "newest"],
                                   capture_output=True, text=True, check=True).stdout
        someone = "CREATE TABLE notes(x); CREATE TABLE session(y); INSERT INTO notes VALUES(1);"
        half = reference + "".join(f"CREATE TABLE filler{n}(x);" for n in range(300))
        for name, script, text in (("reference", reference, None), ("someone", someone, None),
                                   ("damaged", half, None), ("text", None, "nothing of a database\n" * 900),
                                   ("word", None, "hello\n")):
            with self.subTest(name):
                home = self.home("foreign-" + name)
                home.state.mkdir(parents=True)
                if text is not None:
                    home.database.write_text(text)
                else:
                    db = sqlite3.connect(home.database)
                    db.executescript(script)
                    db.close()
                if name == "damaged":  # the header and a page of the list of tables
                    size = home.database.stat().st_size // PAGE
                    overwrite(home.database, [size])
                    with open(home.database, "r+b") as file:
                        file.write(b"\0" * 100)
                before = tree(home.path)
                code, reply = home.run("recover", "--yes")
                self.assertEqual((code, (reply["error"] or {}).get("code")), (4, "STORE_FOREIGN"))
                self.assertIsNotNone(reply["next"])
                self.assertEqual({k: v for k, v in tree(home.path).items() if "locks" not in k}, before)

    def test_a_store_whose_every_byte_is_gone_is_made_anew(self):
        home = self.damaged()
        home.database.write_bytes(b"\0" * home.database.stat().st_size)
        data, _ = self.recover(home)
        self.assertTrue(data["damaged"])
        self.assert_sound(home)

    def test_another_programs_database_is_left_alone(self):
        home = self.home()
        home.state.mkdir(parents=True)
        db = sqlite3.connect(home.database)
        db.execute("PRAGMA application_id=7")
        db.execute("CREATE TABLE t(x)")
        db.commit()
        db.close()
        before = tree(home.path)
        code, reply = home.run("recover", "--yes")
        self.assertEqual((code, reply["error"]["code"]), (4, "STORE_FOREIGN"))
        self.assertEqual({k: v for k, v in tree(home.path).items() if "locks" not in k},
                         before)
        code, reply = self.home("none").run("recover", "--yes")
        self.assertEqual((code, reply["error"]["code"]), (4, "STORE_MISSING"))


if __name__ == "__main__":
    scene.main(2)

// What happens to an open page when something else happens.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { after, before, describe, test } from "node:test";

import { environment, newHome, newVisitor, openPage, selftune, SELFTUNE, settled, startBrowser, startServer, until } from "./harness.mjs";

const WITHIN_MS = 1_000;
const PATIENCE_MS = 60_000;
const GROW = fileURLToPath(new URL("grow_home.py", import.meta.url));

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser?.close());

async function withServer(kind, use) {
  const home = newHome(kind);
  const server = await startServer(home.home);
  const visitor = await newVisitor(browser, server.origin);
  try {
    await use({ home: home.home, server, visitor });
    await visitor.close();
  } finally {
    await visitor.context.close();
    await server.stop();
    home.remove();
  }
}

/**
 * Begins to watch the text of an element. What it gives tells when that was another one for
 * the first time; who writes after this has resolved cannot be too quick for it.
 */
async function nextChange(page, selector) {
  await page.evaluate(([css, patience]) => {
    const text = () => document.querySelector(css)?.textContent;
    const before = text();
    window.nextChange = new Promise((resolve, reject) => {
      const observer = new MutationObserver(() => {
        if (text() === before) return;
        observer.disconnect();
        resolve({ at: Date.now() });
      });
      observer.observe(document.body, { subtree: true, childList: true, characterData: true });
      setTimeout(() => reject(new Error(`${css} still says ${before}`)), patience);
    });
    window.nextChange.catch(() => {});  // told to whoever asks
  }, [selector, PATIENCE_MS]);
  return () => page.evaluate(() => window.nextChange);
}

/** Runs a process that writes the store; resolves with the time of its end. */
function run(command, args, home, input) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: environment(home), stdio: ["pipe", "ignore", "inherit"] });
    child.stdin.end(input ?? "");
    child.once("exit", (code) => (code === 0 ? resolve(Date.now()) : reject(new Error(`${command}: exit ${code}`))));
  });
}

const grow = (home, ...words) => execFileSync("python3", ["-B", GROW, home, ...words], { env: environment(home) });

describe("live", () => {
  test("what another process writes is on the overview within a second", async () => {
    await withServer("demo", async ({ home, server, visitor }) => {
      const page = await openPage(visitor, server.link);
      await settled(page);
      await page.evaluate(() => {
        const row = [...document.querySelectorAll(".skills tr")].find((r) => r.querySelector("a")?.textContent === "release-notes");
        row.querySelector(".with-spark .num").id = "watched";
      });
      for (let round = 0; round < 3; ++round) {
        grow(home, "use", "release-notes");
        const changed = await nextChange(page, "#watched");
        const written = await run(SELFTUNE, ["sync", "--json"], home);
        const { at } = await changed();
        assert.ok(at - written <= WITHIN_MS, `${at - written} ms after the write`);
      }
    });
  });

  test("a new miss shows on the page of its skill, with its prompt as text", async () => {
    await withServer("demo", async ({ home, server, visitor }) => {
      const skill = selftune(home, "skills", "list").items.find((s) => s.name === "sql-tuning");
      const page = await openPage(visitor, server.link);
      await settled(page);
      await page.goto(`${server.origin}/skills/${skill.skill_id}`);
      await settled(page);
      const hostile = `slow <img src=x onerror="window.pwned=1"> query`;
      grow(home, "miss", "sql-tuning", hostile);
      const changed = await nextChange(page, "#misses .badge");
      const written = await run(SELFTUNE, ["sync", "--json"], home);
      const { at } = await changed();
      assert.ok(at - written <= WITHIN_MS, `${at - written} ms after the write`);
      await page.waitForFunction((text) => [...document.querySelectorAll("#misses .prompt")].some((p) => p.textContent === text), hostile);
      assert.equal(await page.evaluate(() => window.pwned), undefined);
      assert.equal(await page.locator("main img").count(), 0);
    });
  });

  test("a hook write shows within a second", { skip: !process.env.SELFTUNE_HOOK && "no SELFTUNE_HOOK" }, async () => {
    await withServer("demo", async ({ home, server, visitor }) => {
      const page = await openPage(visitor, server.link);
      await settled(page);
      await page.evaluate(() => {
        [...document.querySelectorAll(".figures > div")].find((d) => d.textContent.startsWith("Evidence")).id = "watched";
      });
      const changed = await nextChange(page, "#watched");
      const payload = JSON.stringify({
        session_id: "e2e00000-0000-4000-8000-00000000beef", hook_event_name: "UserPromptSubmit",
        transcript_path: `${home}/.claude/projects/-x/none.jsonl`, cwd: "/home/dev/work/books", prompt: "from a hook",
      });
      const written = await run(process.env.SELFTUNE_HOOK, ["claude-code", "prompt-log"], home, payload);
      const { at } = await changed();
      assert.ok(at - written <= WITHIN_MS, `${at - written} ms after the write`);
    });
  });

  test("tabs share one stream, and one goes on when the other is closed", async () => {
    await withServer("demo", async ({ home, server, visitor }) => {
      const streams = [];
      visitor.context.on("request", (request) => {
        if (request.url().includes("/api/v3/events")) streams.push(request.url());
      });
      const first = await openPage(visitor, server.link);
      await settled(first);
      const second = await openPage(visitor, `${server.origin}/`);
      await settled(second);
      assert.equal(streams.length, 1);
      await first.close();
      await until(() => streams.length === 2, "a stream of the second tab");
      grow(home, "use", "release-notes");
      const changed = await nextChange(second, ".figures");
      await run(SELFTUNE, ["sync", "--json"], home);
      await changed();
    });
  });

  test("a store that was never filled says so, and fills while one looks", async () => {
    await withServer("empty", async ({ home, server, visitor }) => {
      const page = await openPage(visitor, server.link);
      await page.waitForFunction(() => document.querySelector("main")?.textContent.includes("selftune sync"));
      visitor.complaints.length = 0; // 503 of a store that is not there is said on the console
      grow(home, "use", "release-notes");
      await run(SELFTUNE, ["sync", "--json"], home);
      await page.waitForFunction(() => document.querySelector(".skills")?.textContent.includes("release-notes"), null, { timeout: PATIENCE_MS });
      visitor.complaints.length = 0;
    });
  });

  test("after a restart of the server the page asks to be opened again", async () => {
    await withServer("demo", async ({ home, server, visitor }) => {
      const page = await openPage(visitor, server.link);
      await settled(page);
      await server.stop();
      const next = await startServer(home, "--port", new URL(server.origin).port);
      await page.waitForSelector('main [role="alert"]:has-text("Not signed in")');
      await page.close();
      await next.stop();
      visitor.complaints.length = 0; // of the time without a server
    });
  });

  test("a server that is stopped is said, and figures stay readable", async () => {
    const home = newHome();
    const server = await startServer(home.home);
    const visitor = await newVisitor(browser, server.origin);
    const page = await openPage(visitor, server.link);
    await settled(page);
    await server.stop();
    await page.waitForSelector('.live[data-link="stopped"], .live[data-link="down"]');
    assert.ok(await page.isVisible(".skills"));
    await visitor.context.close(); // its errors are the stopped server's
    home.remove();
  });
});

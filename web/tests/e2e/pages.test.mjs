// What a person, a screen reader and a hostile page meet.

import assert from "node:assert/strict";
import { closeSync, openSync, readSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";

import axe from "axe-core";

import { newHome, newVisitor, openPage, selftune, settled, startBrowser, startServer, until } from "./harness.mjs";

let home;
let server;
let browser;
let visitor; // signed in
let skills;

before(async () => {
  home = newHome();
  [server, browser] = await Promise.all([startServer(home.home), startBrowser()]);
  skills = selftune(home.home, "skills", "list").items;
  visitor = await newVisitor(browser, server.origin);
  const page = await openPage(visitor, server.link);
  await settled(page);
  await page.close();
});

after(async () => {
  await visitor?.close();
  await browser?.close();
  await server?.stop();
  home?.remove();
});

const idOf = (name) => skills.find((skill) => skill.name === name).skill_id;
const at = (path) => server.origin + path;

async function visit(path, use, options) {
  const page = await openPage(visitor, at(path));
  try {
    if (options?.media) await page.emulateMedia(options.media);
    if (options?.width) await page.setViewportSize({ width: options.width, height: 900 });
    await settled(page);
    return await use(page);
  } finally {
    await page.close();
  }
}

describe("signing in", () => {
  test("the link works once, leaves no code behind, and the session is this address's alone", async () => {
    const another = await newVisitor(browser, server.origin);
    const page = await openPage(another, server.link);
    // The code was used before: another browser gets no further with it.
    await page.waitForSelector('main [role="alert"]');
    assert.match(await page.textContent("main"), /Not signed in[^]*selftune dashboard/);
    assert.equal(page.url(), at("/"));
    await another.close();

    assert.deepEqual(await visitor.context.cookies(), []);
    await visit("/", async (signedIn) => {
      await signedIn.reload();
      await settled(signedIn);
    });
    // Another name of the same server is another origin: nothing is known there.
    const elsewhere = await visitor.context.newPage();
    await elsewhere.goto(at("/").replace("127.0.0.1", "localhost"));
    assert.equal(await elsewhere.evaluate(() => localStorage.length), 0);
    await elsewhere.close();
    visitor.complaints.length = 0; // asked another name
  });

  test("a page on another port gets nothing of the session, and cannot end it", async () => {
    const heard = [];
    const stranger = createServer((request, response) => {
      heard.push(JSON.stringify(request.headers));
      response.setHeader("Set-Cookie", [`selftune_${new URL(server.origin).port}=junk; Path=/`, "selftune-key=junk; Path=/api"]);
      response.setHeader("Content-Type", "text/html");
      response.end("<!doctype html><title>stranger</title>");
    });
    await new Promise((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    try {
      const key = await visit("/", (page) => page.evaluate(() => localStorage.getItem("selftune-key")));
      assert.match(key, /^[0-9a-f]{64}$/);
      const other = await visitor.context.newPage();
      for (let i = 0; i < 2; ++i) await other.goto(`http://127.0.0.1:${stranger.address().port}/`);
      assert.equal(await other.evaluate(() => localStorage.length), 0);
      await other.close();
      assert.ok(heard.length >= 2);
      assert.ok(!heard.join("").includes(key));
      visitor.complaints.length = 0; // asked the stranger
      await visit("/", (page) => page.reload().then(() => settled(page)));
    } finally {
      stranger.close();
    }
  });

  test("the policy of the server holds in the page: no markup from strings, no inline script", async () => {
    const probe = await newVisitor(browser, server.origin);
    const page = await openPage(probe, at("/"));
    await page.waitForSelector("main");
    const outcome = await page.evaluate(() => {
      try {
        document.createElement("div").innerHTML = "<b>x</b>";
        return "allowed";
      } catch (error) {
        return error.name;
      }
    });
    assert.equal(outcome, "TypeError");
    await page.evaluate(() => {
      const script = document.createElement("script");
      document.head.append(script);
      const style = document.createElement("style");
      style.textContent = "main { display: none }";
      document.head.append(style);
    });
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.querySelector("main")).display), "none");
    await until(() => probe.complaints.some((text) => text.startsWith("policy: style-src")), "the browser's word on the style");
    await probe.context.close();
  });
});

describe("accessible", () => {
  const pages = () => [
    ["overview", "/"],
    ["overview, filtered to nothing", "/?q=no-such-skill"],
    ["skill", `/skills/${idOf("invoice-export")}?q=ledger`],
    ["skill without evidence", `/skills/${idOf("i18n-strings")}`],
    ["a skill that is not there", "/skills/999999"],
    ["a page that is not there", "/nowhere"],
  ];

  for (const theme of ["light", "dark", "contrast"]) {
    test(`axe finds nothing, ${theme}`, async () => {
      const page = await openPage(visitor, at("/"));
      await page.evaluate((name) => localStorage.setItem("selftune-theme", name), theme);
      const found = [];
      // Colours are all that the third theme changes.
      for (const [name, path] of theme === "contrast" ? pages().slice(0, 3) : pages()) {
        await page.goto(at(path));
        await page.waitForSelector("main h1, main .empty-title");
        await page.waitForFunction(() => !document.querySelector(".loading"));
        found.push(...(await problems(page, name)));
      }
      await page.goto(at(`/skills/${idOf("invoice-export")}?q=ledger`));
      await settled(page);
      await page.click("button:text('Table')");
      await page.click(".disclose");
      found.push(...(await problems(page, "days as a table, a row opened")));
      await page.keyboard.press("Control+k");
      found.push(...(await problems(page, "palette")));
      await page.keyboard.press("Escape");
      await page.keyboard.press("?");
      found.push(...(await problems(page, "help")));
      await page.evaluate(() => localStorage.removeItem("selftune-theme"));
      await page.close();
      assert.deepEqual(found, []);
    });
  }

  test("nothing moves for who asked for that", async () => {
    await visit("/", async (page) => {
      assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
    }, { media: { reducedMotion: "reduce" } });
  });

  test("a narrow window scrolls one way only", async () => {
    for (const path of ["/", `/skills/${idOf("invoice-export")}`]) {
      await visit(path, async (page) => {
        const [content, window_] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        assert.ok(content <= window_, `${path}: ${content} wider than ${window_}`);
      }, { width: 400 });
    }
  });

  async function problems(page, name) {
    await page.evaluate(axe.source);
    const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    return result.violations.map((v) => `${name}: ${v.id}: ${v.nodes.map((n) => `${n.html.slice(0, 120)} ${n.failureSummary}`).join(" | ")}`);
  }
});

describe("by keyboard alone", () => {
  test("from the overview to the evidence of the worst skill and back", async () => {
    await visit("/", async (page) => {
      await page.keyboard.press("g");
      await page.keyboard.press("s");
      await page.waitForFunction(() => document.activeElement?.matches("#skills [data-row]"));
      assert.equal(await page.evaluate(() => document.activeElement.textContent), "invoice-export");
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/skills\/\d+$/);
      await settled(page);
      await page.keyboard.press("g");
      await page.keyboard.press("e");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".evidence .details .facts");
      const first = await page.evaluate(() => document.activeElement.getAttribute("aria-label"));
      await page.keyboard.press("j");
      assert.notEqual(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), first);
      await page.keyboard.press("g");
      await page.keyboard.press("o");
      await page.waitForURL(at("/"));
    });
  });

  test("Control-K, a part of a name, Enter", async () => {
    await visit("/", async (page) => {
      await page.keyboard.press("Control+k");
      await page.keyboard.type("sql");
      await page.keyboard.press("Enter");
      await page.waitForURL(at(`/skills/${idOf("sql-tuning")}`));
      await page.waitForSelector("h1:text('sql-tuning')");
    });
  });

  test("the dialog keeps the focus, Escape gives it back", async () => {
    await visit("/", async (page) => {
      await page.focus(".searchbox");
      await page.keyboard.press("Enter");
      await page.waitForSelector("dialog[open] input:focus");
      for (let i = 0; i < 5; ++i) await page.keyboard.press("Tab");
      assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest("dialog") !== null));
      await page.keyboard.press("Escape");
      await page.waitForFunction(() => document.activeElement?.matches(".searchbox"));
    });
  });
});

describe("figures", () => {
  test("the overview says what the command says", async () => {
    const rows = await visit("/", (page) => page.$$eval(".skills tbody tr", (all) => all.map((row) => ({
      name: row.querySelector("th a").textContent,
      state: row.querySelector(".state").textContent.toUpperCase(),
      basis: row.querySelector(".basis")?.firstChild.textContent + "",
      text: row.textContent,
    }))));
    assert.equal(rows.length, skills.length);
    for (const skill of skills) {
      const row = rows.find((r) => r.name === skill.name);
      assert.equal(row.state, skill.state);
      if (skill.trigger_rate.n > 0) {
        assert.match(row.text, new RegExp(`${skill.trigger_rate.k} of ${skill.trigger_rate.n}`));
      }
    }
  });

  test("an evidence row names the byte where its record stands", async () => {
    const [file, offset, session] = await visit(`/skills/${idOf("invoice-export")}?outcome=triggered`, async (page) => {
      await page.click(".evidence tbody .disclose >> nth=2");
      const facts = await page.$$eval(".facts > div", (all) =>
        Object.fromEntries(all.map((d) => [d.querySelector("dt").textContent, d.querySelector("code").textContent])));
      return [facts["File"], Number(facts["Byte"].replaceAll(",", "")), facts["Session"]];
    });
    const record = JSON.parse(lineAt(file, offset));
    assert.equal(record.sessionId, session);
  });

  test("every command on the pages exists, with its flags", async () => {
    const known = new Map(selftune(home.home, "help", "--all").commands.map((c) => [c.path, c.flags.map((f) => `--${f.name}`)]));
    const lines = new Set();
    for (const path of ["/", `/skills/${idOf("invoice-export")}`, `/skills/${idOf("i18n-strings")}?window=7d`]) {
      await visit(path, async (page) => {
        for (const line of await page.$$eval(".command code", (all) => all.map((c) => c.textContent))) lines.add(line);
      });
    }
    assert.ok(lines.size >= 3, [...lines].join("\n"));
    for (const line of lines) {
      const [program, ...words] = line.split(" ");
      assert.equal(program, "selftune");
      const path = [words.slice(0, 2).join(" "), words[0]].find((candidate) => known.has(candidate));
      assert.ok(path, `no command: ${line}`);
      for (const flag of words.filter((word) => word.startsWith("--"))) assert.ok(known.get(path).includes(flag), `no ${flag}: ${line}`);
    }
  });

  test("a filter is in the address, and the address alone brings it back", async () => {
    const path = await visit(`/skills/${idOf("invoice-export")}`, async (page) => {
      await page.selectOption("label:has-text('Outcome') select", "missed");
      await page.click("button:text('90 days')");
      await page.waitForFunction(() => [...document.querySelectorAll(".outcome")].every((o) => o.textContent === "Missed"));
      return new URL(page.url()).pathname + new URL(page.url()).search;
    });
    assert.match(path, /outcome=missed&window=90d/);
    await visit(path, async (page) => {
      const outcomes = await page.$$eval(".outcome", (all) => all.map((o) => o.textContent));
      assert.ok(outcomes.length > 0 && outcomes.every((o) => o === "Missed"));
    });
  });

  test("what real agents wrote: the same figures, and every skill has a page", async () => {
    const recorded = newHome("recorded");
    const its = await startServer(recorded.home);
    const reader = await newVisitor(browser, its.origin);
    try {
      const page = await openPage(reader, its.link);
      await settled(page);
      const all = selftune(recorded.home, "skills", "list").items;
      assert.ok(all.length > 5);
      assert.equal(await page.locator(".skills tbody tr").count(), all.length);
      for (const skill of all) {
        await page.goto(`${its.origin}/skills/${skill.skill_id}?window=all`);
        await settled(page);
        assert.equal(await page.textContent("h1"), skill.name);
        const uses = await page.textContent(".figures > div:nth-child(2) .big");
        assert.equal(Number(uses), skill.uses, skill.name);
      }
      await reader.close();
    } finally {
      await its.stop();
      recorded.remove();
    }
  });

  function lineAt(file, offset) {
    const fd = openSync(file, "r");
    const bytes = Buffer.alloc(1 << 16);
    const got = readSync(fd, bytes, 0, bytes.length, offset);
    closeSync(fd);
    return bytes.subarray(0, got).toString("utf8").split("\n")[0];
  }
});

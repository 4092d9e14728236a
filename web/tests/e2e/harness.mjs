// A home with made-up sessions, the real server on it, and Debian's Chromium.
//
// Environment: SELFTUNE (the command), SELFTUNE_DASHBOARD (the server),
// CHROMIUM (the browser; found by name when left out), SELFTUNE_WEB_DIR (serve
// this page instead of the embedded one).

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

export const SELFTUNE = needed("SELFTUNE");
const DASHBOARD = needed("SELFTUNE_DASHBOARD");
const HERE = fileURLToPath(new URL(".", import.meta.url));
const START_MS = 60_000;
// A loaded machine is slow; what must be quick is measured where it matters.
const PATIENCE_MS = 60_000;

function needed(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** A home of its own: `demo` has three months of made-up sessions, `recorded` what
 *  real agents wrote, `empty` nothing. All but the last are read already. */
export function newHome(kind = "demo") {
  const root = mkdtempSync(join(tmpdir(), "selftune-web-"));
  const home = join(root, "home");
  mkdirSync(home);
  if (kind === "demo") execFileSync("python3", ["-B", join(HERE, "demo_home.py"), home], { env: environment(home) });
  if (kind === "recorded") layRecordings(home);
  if (kind !== "empty") selftune(home, "sync");
  return { home, remove: () => rmSync(root, { recursive: true, force: true }) };
}

function layRecordings(home) {
  for (const recording of ["claude-code/home", "codex/home"]) {
    cpSync(join(HERE, "../../../tests/data/hosts", recording), home, { recursive: true, verbatimSymlinks: true });
  }
}

/** Nothing of the caller's home leaks in. */
export function environment(home) {
  return { PATH: process.env.PATH, HOME: home, LANG: "C.UTF-8", TZ: "UTC" };
}

/** Runs the command; returns the data of its reply. */
export function selftune(home, ...words) {
  const text = execFileSync(SELFTUNE, [...words, "--json"], {
    env: environment(home), encoding: "utf8", maxBuffer: 64 << 20, stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(text).data;
}

/** Starts the server; `link` has the one-time code. */
export async function startServer(home, ...flags) {
  const web = process.env.SELFTUNE_WEB_DIR ? ["--web-dir", process.env.SELFTUNE_WEB_DIR] : [];
  const child = spawn(DASHBOARD, ["--no-open", "--allow-root", "--json", ...web, ...flags], {
    env: environment(home), stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  let complaint = "";
  child.stderr.on("data", (bytes) => (complaint += bytes));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const link = await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the server printed no link: ${printed}${complaint}`)), START_MS);
    child.stdout.on("data", (bytes) => {
      printed += bytes;
      const found = /http:\/\/127\.0\.0\.1:\d+\/[^"\s\\]*#t=[\w-]+/.exec(printed);
      if (found) resolve((clearTimeout(late), found[0]));
    });
    ended.then((code) => reject(new Error(`the server ended with ${code}: ${printed}${complaint}`)));
  });
  return {
    link,
    origin: new URL(link).origin,
    code: new URL(link).hash,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

export async function startBrowser() {
  const path = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
    .find((candidate) => candidate && existsSync(candidate));
  if (!path) throw new Error("no Chromium; install Debian's package chromium");
  return chromium.launch({ executablePath: path, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** A browser of its own (storage) that is watched: it may ask nobody but
 *  the server, break no rule of its policy, and write no error. */
export async function newVisitor(browser, origin, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const complaints = [];
  await context.exposeBinding("reportViolation", (_, text) => complaints.push(`policy: ${text}`));
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) =>
      window.reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  });
  context.on("request", (request) => {
    if (!request.url().startsWith(`${origin}/`)) complaints.push(`asked ${request.url()}`);
  });
  context.on("weberror", (error) => complaints.push(`error: ${error.error()}`));
  context.on("console", (message) => {
    // The browser itself writes a line for each reply that is no success.
    if (message.type() === "error" && !/status of (401|404)/.test(message.text())) {
      complaints.push(`console: ${message.text()}`);
    }
  });
  return {
    context,
    complaints,
    close: async () => {
      await context.close();
      assert.deepEqual(complaints, []);
    },
  };
}

export async function openPage(visitor, url) {
  const page = await visitor.context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(url);
  return page;
}

/** Waits until the page has data and hears of changes. */
export async function settled(page) {
  await page.waitForSelector("main h1");
  await page.waitForSelector('.live[data-link="live"]');
  await page.waitForFunction(() => !document.querySelector(".loading"));
}

/** Waits until `ready()` is true. */
export async function until(ready, what) {
  const end = Date.now() + PATIENCE_MS;
  while (!ready()) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

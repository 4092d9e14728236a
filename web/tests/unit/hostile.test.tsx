// Prompts, names and files are written by others. Whatever they hold is shown as
// text: no element, no script, no link comes out of it.

import { screen } from "@testing-library/react";
import { describe, expect, test, vi } from "vitest";

import * as data from "./data";
import { open, serve } from "./render";

vi.mock("uplot", () => ({
  default: class {
    static paths = {};
    destroy(): void {}
    setSize(): void {}
  },
}));

const TEXTS = [
  `<img src=x onerror="window.pwned=1">`,
  `<script>window.pwned=1</script>`,
  `"><svg onload=window.pwned=1>`,
  `javascript:window.pwned=1`,
  `[click](javascript:window.pwned=1) ![x](http://evil.example/x.png)`,
  `{{constructor.constructor("window.pwned=1")()}}`,
  `\u202Etxt.exe\u202C\u0000\uFFFD\uD83D`,
  `__proto__`,
  `constructor`,
  "a".repeat(20_000),
];

describe("hostile text", () => {
  test.each(TEXTS)("%.40s", async (text) => {
    serve({
      "/api/v3/summary": data.summary({
        verdict: { level: text as "ok", text, hint: text },
        attention: [{ skill_id: 2, skill: text, kind: text as "critical", severity: text as "info", reason: text, command: text, at: text }],
        changes: [{ deploy_id: text, proposal_id: text, skill_id: 2, skill: text, kind: text, state: text, at: text, undo: text }],
        autonomy: text as "off",
      }),
      "/api/v3/skills": data.skillList([
        data.skillRow({ name: text, scope: text, platforms: [text], flags: [text], state: text as "UNKNOWN", last_use: text,
          recent: { uses: 1, misses: 1, days: [{ day: text, uses: 1, misses: 1 }] } }),
      ]),
    });
    open("/");
    const name = await screen.findAllByText((_, element) => element?.tagName === "A" && element.textContent === text);
    expect(name.length).toBeGreaterThan(0);
    expectOnlyOurs();
  });

  test.each(TEXTS)("on the page of a skill: %.40s", async (text) => {
    serve({
      "/api/v3/skills/2": data.report({
        name: text, description: text, paths: [text], scope: text, state: text as "UNKNOWN", state_reason: text,
        causes: { [text]: 3 }, platforms: [{ platform: text, uses: 1 }], flags: [text],
        proposals: [{ proposal_id: text, state: text, created: text, reason_code: text }],
        deploys: [{ deploy_id: text, proposal_id: null, kind: text, state: text, at: text }],
        versions: [{ sha256: text, first: text, last: text }],
      }),
      "/api/v3/skills/2/daily": data.daily({ days: [{ ...data.daily().days[0]!, day: text }] }),
      "/api/v3/skills/2/misses": data.misses({ query: text, cause: text, reason: text, competing_skill: text, signals: [text],
        source: { path: text, line: 1, offset: 0 } }),
      "/api/v3/skills/2/observations": data.observations([
        data.observation({ prompt: text, outcome: text, mode: text, platform: text, source: { path: text, line: 2, offset: 1 } }),
      ]),
    });
    open("/skills/2");
    expect((await screen.findByRole("heading", { level: 1 })).textContent).toBe(text);
    expect((await screen.findAllByText((_, e) => e?.className === "prompt" && e.textContent === text)).length).toBe(1);
    expectOnlyOurs();
  });
});

function expectOnlyOurs(): void {
  expect((window as { pwned?: number }).pwned).toBeUndefined();
  expect(document.querySelectorAll("img, script, iframe, object, embed, style")).toHaveLength(0);
  for (const link of document.querySelectorAll("a")) expect(link.getAttribute("href")).toMatch(/^(\/|#main$)/);
  for (const element of document.querySelectorAll("*")) {
    for (const { name } of element.attributes) expect(name).not.toMatch(/^on/);
  }
}

describe("the sources of the page", () => {
  test("never turn text into markup or code, and name no other host", () => {
    const sources = import.meta.glob<string>("../../src/**/*.{ts,tsx,css}", { query: "?raw", import: "default", eager: true });
    const bad = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|https?:\/\/|@import|url\(/i;
    expect(Object.keys(sources).length).toBeGreaterThan(25);
    expect(Object.entries(sources).filter(([, text]) => bad.test(text)).map(([file]) => file)).toEqual([]);
  });
});

import { cleanup, screen, within as inside } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, test } from "vitest";

import { matches, sorted } from "../../src/pages/skills_table";
import * as data from "./data";
import { eventually, open, Refuse, serve } from "./render";

const rows = [
  data.skillRow({ skill_id: 1, name: "sql-helper" }),
  data.skillRow({
    skill_id: 2,
    name: "invoice-export",
    state: "CRITICAL",
    recent: { uses: 3, misses: 17, days: [] },
    trigger_rate: { k: 7, n: 24, rate: 0.2917, interval: [0.149, 0.492], curable: 15 },
    last_use: "2026-11-24T09:00:00.000Z",
  }),
  data.skillRow({
    skill_id: 3,
    name: "changelog-writer",
    state: "UNGRADED",
    installed: false,
    scope: null,
    recent: { uses: 0, misses: 0, days: [] },
    trigger_rate: { k: 1, n: 2, rate: 0.5, interval: [0.09, 0.91], curable: 0 },
    last_use: null,
    flags: ["silent"],
  }),
];
const SERVED = { "/api/v3/summary": data.summary(), "/api/v3/skills": data.skillList(rows) };
const names = () => [...document.querySelectorAll(".skills tbody th a")].map((link) => link.textContent);

describe("the overview", () => {
  test("says first whether anything is wrong, then what, with one command", async () => {
    serve(SERVED);
    open("/");
    expect(await screen.findByRole("heading", { level: 1, name: /3 skills in use, 1 needing attention/ })).toBeTruthy();
    const attention = screen.getByRole("region", { name: "Needs attention" });
    expect(inside(attention).getByRole("link", { name: "invoice-export" }).getAttribute("href")).toBe("/skills/2");
    expect(attention.textContent).toContain("6 good of 23 judged sessions");
    expect(attention.textContent).toContain("selftune evolve --skill invoice-export --dry-run");
    expect(document.title).toBe("selftune");
  });

  test("a rate never stands without numerator, denominator, window and interval", async () => {
    serve(SERVED);
    open("/");
    const total = (await screen.findByText("56%")).closest(".rate");
    expect(total?.textContent).toBe("56%34 of 61 in the last 30 days, 95 % interval 43–68%");
    expect(total?.getAttribute("title")).toContain("34 of 61 in the last 30 days, 56%, 95 % interval 43–68%.");
  });

  test("a rate of few is grey, a rate of none is no rate", async () => {
    serve({ ...SERVED, "/api/v3/summary": data.summary({ trigger_rate: { k: 0, n: 0, rate: null, interval: [] } }) });
    open("/");
    const few = (await screen.findByText("50%")).closest(".rate");
    expect(few?.className).toContain("few");
    expect(few?.getAttribute("title")).toContain("Too few to rely on.");
    expect((await screen.findByText("80%")).closest(".rate")?.className).not.toContain("few");
    expect(screen.getByText("not judged").closest(".rate")?.textContent).not.toMatch(/%/);
  });

  test("a store without sessions names the command that fills it", async () => {
    serve({ ...SERVED, "/api/v3/summary": data.summary({ verdict: { level: "empty", text: "Nothing was read yet", hint: null } }) });
    open("/");
    expect(await screen.findByText("No sessions were read yet")).toBeTruthy();
    expect(screen.getByText("selftune sync")).toBeTruthy();
    expect(screen.queryByRole("table")).toBeNull();
  });

  test("skills beyond the first page are found too", async () => {
    const first = Array.from({ length: 3 }, (_, i) => data.skillRow({ skill_id: 10 + i, name: `skill-${i}` }));
    const last = data.skillRow({ skill_id: 99, name: "zz-last-of-all" });
    const asked = serve({
      ...SERVED,
      "/api/v3/skills": (url: URL) =>
        url.searchParams.get("cursor") === "next"
          ? { ...data.skillList([last]), total: 4 }
          : { ...data.skillList(first), total: 4, next_cursor: "next" },
    });
    open("/?q=zz-last");
    await eventually(() => expect(names()).toEqual(["zz-last-of-all"]));
    expect(asked.filter((url) => url.startsWith("/api/v3/skills"))).toHaveLength(2);
  });

  test("nothing to do is said, not left blank", async () => {
    serve({ ...SERVED, "/api/v3/summary": data.summary({ attention: [], attention_total: 0 }) });
    open("/");
    expect(await screen.findByText("Nothing needs you")).toBeTruthy();
    expect(screen.getByText("selftune changed no file in 7 days")).toBeTruthy();
  });

  test("what selftune changed comes with its undo", async () => {
    serve({
      ...SERVED,
      "/api/v3/summary": data.summary({
        changes: [{
          deploy_id: "d1", proposal_id: "p1", skill_id: 2, skill: "invoice-export", kind: "deploy",
          state: "watching", at: "2026-11-25T09:00:00.000Z", undo: "selftune evolve rollback --skill invoice-export",
        }],
      }),
    });
    open("/");
    const changed = await screen.findByRole("region", { name: "Changed this week" });
    expect(changed.textContent).toContain("selftune evolve rollback --skill invoice-export");
  });

  test("a signed-out page says how to get in", async () => {
    const no = new Refuse(401, { title: "Not signed in", code: "NOT_SIGNED_IN" });
    serve({ "/api/v3/summary": no, "/api/v3/skills": no });
    open("/");
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("Not signed in");
    expect(alert.textContent).toContain("selftune dashboard");
  });

  test("a store that is not there yet is no failure", async () => {
    const missing = new Refuse(503, { title: "Unavailable", detail: "no file", code: "STORE_MISSING", next_command: "selftune sync" });
    serve({ "/api/v3/summary": missing, "/api/v3/skills": missing });
    open("/");
    expect(await screen.findByRole("heading", { level: 1, name: "No sessions were read yet" })).toBeTruthy();
    expect(screen.getByText("selftune sync")).toBeTruthy();
    expect(screen.queryByRole("alert")).toBeNull();
  });

  test("a busy store shows the server's words and its next command", async () => {
    const busy = new Refuse(503, { title: "Unavailable", detail: "another process migrates it", code: "STORE_BUSY", next_command: "selftune doctor" });
    serve({ ...SERVED, "/api/v3/summary": busy });
    open("/");
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("another process migrates it");
    expect(alert.textContent).toContain("selftune doctor");
    expect(inside(alert).getByRole("button", { name: "Try again" })).toBeTruthy();
  });

  test("figures stay when asking again fails, and go when the session has ended", async () => {
    let answer: unknown = data.summary();
    serve({ ...SERVED, "/api/v3/summary": () => answer });
    const client = open("/");
    await screen.findByRole("table");
    answer = new Refuse(503, { title: "Unavailable", code: "STORE_BUSY" });
    await client.invalidateQueries({ queryKey: ["summary"] });
    expect(screen.getByRole("heading", { level: 1, name: /3 skills in use/ })).toBeTruthy();
    expect(screen.queryByRole("alert")).toBeNull();
    answer = new Refuse(401, { title: "Unauthorized", code: "NOT_SIGNED_IN" });
    await client.invalidateQueries({ queryKey: ["summary"] });
    expect((await screen.findByRole("alert")).textContent).toContain("selftune dashboard");
  });

  test("a reply of another version is not half shown", async () => {
    serve({ ...SERVED, "/api/v3/skills": { items: [{ skill_id: "one" }], next_cursor: null, total: 1 } });
    open("/");
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("skill.list: .items[0].skill_id should be a whole number");
  });

  test("an unknown address says so", async () => {
    serve({});
    open("/nowhere");
    expect(await screen.findByText("There is no such page")).toBeTruthy();
    open("/skills/abc");
    expect(await screen.findAllByText("There is no such page")).toHaveLength(2);
  });
});

describe("the table of skills", () => {
  test("comes worst first, and sorts by a click and back", async () => {
    serve(SERVED);
    open("/");
    await screen.findByRole("table");
    expect(names()).toEqual(["invoice-export", "sql-helper", "changelog-writer"]);
    await userEvent.click(screen.getByRole("button", { name: /Uses/ }));
    expect(names()).toEqual(["sql-helper", "invoice-export", "changelog-writer"]);
    expect(location.search).toBe("?sort=-uses");
    expect(screen.getByRole("columnheader", { name: /Uses/ }).getAttribute("aria-sort")).toBe("descending");
    await userEvent.click(screen.getByRole("button", { name: /Uses/ }));
    expect(names()).toEqual(["changelog-writer", "invoice-export", "sql-helper"]);
  });

  test("filters by name and state, in the address", async () => {
    serve(SERVED);
    open("/?state=CRITICAL");
    await screen.findByRole("table");
    expect(names()).toEqual(["invoice-export"]);
    await userEvent.click(screen.getByRole("button", { name: "All 3" }));
    expect(location.search).toBe("");
    await userEvent.type(screen.getByLabelText("Filter skills by name"), "SQL");
    expect(names()).toEqual(["sql-helper"]);
    expect(location.search).toBe("?q=SQL");
    expect(screen.getByText("1 of 3 skills")).toBeTruthy();
    await userEvent.type(screen.getByLabelText("Filter skills by name"), "x");
    await userEvent.click(screen.getByRole("button", { name: "Show all" }));
    expect(names()).toHaveLength(3);
  });

  test("an address that nobody wrote by hand is survived", async () => {
    serve(SERVED);
    open("/?sort=__proto__&state=NOPE&q=");
    expect(await screen.findByRole("table")).toBeTruthy();
    expect(screen.getByRole("button", { name: /^All/ }).getAttribute("aria-pressed")).toBe("true");
    cleanup();
    open("/?sort=-");
    expect(await screen.findByRole("table")).toBeTruthy();
  });

  test("skills without a rate come last in both directions", () => {
    const none = data.skillRow({ skill_id: 9, name: "z", trigger_rate: { k: 0, n: 0, rate: null, interval: [], curable: 0 } });
    const all = [none, ...rows];
    expect(sorted(all, "rate").at(-1)?.name).toBe("z");
    expect(sorted(all, "-rate").at(-1)?.name).toBe("z");
    expect(sorted(all, "rate")[0]?.name).toBe("invoice-export");
    expect(sorted(all, "last").at(-1)?.name).toBe("changelog-writer");
  });

  test("used means used in 30 days", () => {
    expect(rows.filter((row) => matches(row, "", "used")).map((row) => row.skill_id)).toEqual([1, 2]);
  });

  test("hundreds of skills are shown a hundred at a time", async () => {
    const many = Array.from({ length: 250 }, (_, i) => data.skillRow({ skill_id: i + 1, name: `skill-${String(i).padStart(3, "0")}` }));
    serve({ ...SERVED, "/api/v3/skills": data.skillList(many) });
    open("/");
    await screen.findByRole("table");
    expect(names()).toHaveLength(100);
    await userEvent.click(screen.getByText("Show 100 more"));
    expect(names()).toHaveLength(200);
    await userEvent.click(screen.getByText("Show 50 more"));
    expect(names()).toHaveLength(250);
  });

  test("no skills at all: what to do", async () => {
    serve({ ...SERVED, "/api/v3/skills": data.skillList([]) });
    open("/");
    expect(await screen.findByText("No skill is installed or was used")).toBeTruthy();
  });
});

describe("the keyboard", () => {
  test("j and Enter open the first row, g o goes back", async () => {
    serve({ ...SERVED, "/api/v3/skills/2": data.report() });
    open("/");
    await screen.findByRole("table");
    await userEvent.keyboard("j");
    expect(document.activeElement?.textContent).toBe("invoice-export");
    await userEvent.keyboard("{Enter}");
    expect(location.pathname).toBe("/skills/2");
    await userEvent.keyboard("go");
    expect(location.pathname).toBe("/");
  });

  test("/ goes to the filter", async () => {
    serve(SERVED);
    open("/");
    await screen.findByRole("table");
    await userEvent.keyboard("/");
    expect(document.activeElement).toBe(screen.getByLabelText("Filter skills by name"));
  });

  test("Control-K finds a skill by a part of its name", async () => {
    serve({ ...SERVED, "/api/v3/skills/3": data.report() });
    open("/");
    await screen.findByRole("table");
    await userEvent.keyboard("{Control>}k{/Control}");
    const box = await screen.findByRole("combobox");
    await userEvent.type(box, "wri");
    expect(screen.getAllByRole("option").map((o) => o.firstChild?.textContent)).toEqual(["changelog-writer"]);
    await userEvent.keyboard("{Enter}");
    expect(location.pathname).toBe("/skills/3");
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  test("? shows the help, t changes the theme and keeps it", async () => {
    serve(SERVED);
    open("/");
    await screen.findByRole("table");
    await userEvent.keyboard("?");
    expect(screen.getByRole("dialog", { name: "Help" }).textContent).toContain("next and previous row");
    await userEvent.click(screen.getByRole("button", { name: "Close" }));
    await userEvent.keyboard("t");
    expect(document.documentElement.dataset["theme"]).toBe("light");
    expect(localStorage.getItem("selftune-theme")).toBe("light");
  });
});

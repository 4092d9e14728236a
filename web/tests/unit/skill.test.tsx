import { screen, waitFor, within as inside } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test, vi } from "vitest";

import { filled, stacked, summary } from "../../src/ui/daily_chart";
import * as data from "./data";
import { open, serve } from "./render";

// jsdom has no canvas.
vi.mock("uplot", () => {
  class Plot {
    static paths = { bars: () => () => null };
    static tzDate = (date: Date) => date;
    destroy(): void {}
    setSize(): void {}
  }
  return { default: Plot };
});

const SERVED = {
  "/api/v3/skills": data.skillList([data.skillRow()]),
  "/api/v3/skills/2": data.report(),
  "/api/v3/skills/2/daily": data.daily(),
  "/api/v3/skills/2/misses": data.misses(),
  "/api/v3/skills/2/observations": data.observations([
    data.observation(),
    data.observation({
      occurrence: "s2:m:1", outcome: "missed", mode: null, level: null, route: null, cause: "not_listed", reason: "signal",
      prompt: "overdue invoices sorted by age", at: null, source: { path: null, line: null, offset: null },
    }),
  ]),
};

beforeEach(() => {
  vi.spyOn(Date, "now").mockReturnValue(data.NOW);
});

describe("the page of a skill", () => {
  test("shows state, rate with its basis, and what was missed and why", async () => {
    serve(SERVED);
    open("/skills/2");
    expect(await screen.findByRole("heading", { level: 1, name: "invoice-export" })).toBeTruthy();
    expect(document.title).toBe("invoice-export · selftune");
    expect(screen.getByText("29%").closest(".rate")?.textContent).toBe(
      "29%7 of 24 in the last 30 days, 95 % interval 15–49%",
    );
    const causes = screen.getByRole("region", { name: "Why it was missed" });
    expect(inside(causes).getAllByRole("listitem").map((li) => li.textContent)).toEqual([
      "Description15The model saw name and description and did not connect them with the prompt.",
      "Not listed2The host did not show it to the model.",
    ]);
    const miss = (await screen.findByText("overdue invoices sorted by age", { selector: ".item .prompt" })).closest("li");
    expect(miss?.textContent).toContain("Description");
    expect(miss?.textContent).toContain("the person said so");
    expect(miss?.textContent).toContain("s2.jsonl:1@0");
  });

  test("each figure has its definition at hand, for mouse and keyboard", async () => {
    serve(SERVED);
    open("/skills/2");
    const word = await screen.findByRole("button", { name: "Trigger rate" });
    const tip = document.getElementById(word.getAttribute("aria-describedby") ?? "");
    expect(tip?.textContent).toContain("the share at which the model loaded it by itself");
  });

  test("an evidence row leads to file, line and byte", async () => {
    serve(SERVED);
    open("/skills/2");
    const table = await screen.findByRole("table");
    const row = inside(table).getAllByRole("row")[1]!;
    expect(row.textContent).toContain("s1.jsonl:7@4518");
    await userEvent.click(inside(row).getByRole("button", { name: /Details/ }));
    const facts = Object.fromEntries(
      [...table.querySelectorAll(".facts > div")].map((d) => [d.querySelector("dt")?.textContent, d.querySelector("code")?.textContent]),
    );
    expect(facts).toMatchObject({
      File: "/home/dev/.claude/projects/-home-dev-books/s1.jsonl",
      Line: "7",
      Byte: "4,518",
      Session: "s1",
    });
    expect(screen.getByText("seen by a hook only")).toBeTruthy();
  });

  test("filters of the evidence are in the address and in the question", async () => {
    const asked = serve(SERVED);
    open("/skills/2?outcome=missed");
    await screen.findByRole("table");
    expect(asked.some((a) => a === "/api/v3/skills/2/observations?outcome=missed&since=30d&limit=50")).toBe(true);
    await userEvent.selectOptions(screen.getByLabelText("Mode"), "explicit");
    await userEvent.type(screen.getByLabelText("Search in prompts"), "a b");
    await waitFor(() =>
      expect(asked).toContain("/api/v3/skills/2/observations?outcome=missed&mode=explicit&q=a+b&since=30d&limit=50"),
    );
    expect(new URLSearchParams(location.search).get("q")).toBe("a b");
  });

  test("a filter that finds nothing can be cleared at once", async () => {
    serve({ ...SERVED, "/api/v3/skills/2/observations": (url: URL) =>
      data.observations(url.searchParams.get("outcome") ? [] : [data.observation()]) });
    open("/skills/2?outcome=missed&mode=explicit&q=x&platform=codex&window=90d");
    await userEvent.click(await screen.findByRole("button", { name: "Clear the filters" }));
    expect(location.search).toBe("?window=90d");
    expect(await screen.findByRole("table")).toBeTruthy();
  });

  test("the window is in the address and in every question", async () => {
    const asked = serve(SERVED);
    open("/skills/2");
    await screen.findByRole("table");
    await userEvent.click(screen.getByRole("button", { name: "7 days" }));
    expect(location.search).toBe("?window=7d");
    await waitFor(() => expect(asked).toContain("/api/v3/skills/2/daily?from=7d"));
    expect(asked).toContain("/api/v3/skills/2?since=7d");
    await userEvent.click(screen.getByRole("button", { name: "All time" }));
    await waitFor(() => expect(asked).toContain("/api/v3/skills/2"));
  });

  test("more rows are fetched with the cursor of the page before", async () => {
    const asked = serve({
      ...SERVED,
      "/api/v3/skills/2/observations": (url: URL) =>
        url.searchParams.get("cursor")
          ? data.observations([data.observation({ occurrence: "old", prompt: "an older one" })])
          : data.observations([data.observation()], "17:4"),
    });
    open("/skills/2");
    await userEvent.click(await screen.findByRole("button", { name: "Older rows" }));
    expect(await screen.findByText("an older one")).toBeTruthy();
    expect(asked).toContain("/api/v3/skills/2/observations?since=30d&limit=50&cursor=17%3A4");
    expect(screen.queryByRole("button", { name: "Older rows" })).toBeNull();
  });

  test("misses that ask the same stand together, the newest in front", async () => {
    const [first] = data.misses().items;
    const same = { ...first, prompt_id: "s3:p0", query: "Overdue invoices sorted by age", at: "2026-11-20T09:00:00.000Z" };
    const other = { ...first, prompt_id: "s4:p0", query: "who owes us money", cluster: "ba9876543210" };
    const erased = { ...first, prompt_id: null, query: null, cluster: null };
    serve({ ...SERVED, "/api/v3/skills/2/misses": { items: [first, other, same, erased, erased], next_cursor: null } });
    open("/skills/2");
    const more = await screen.findByText("asked 2 times");
    const list = more.closest("ul");
    expect(list?.querySelectorAll(":scope > li").length).toBe(4);
    expect(more.closest("li")?.textContent).toContain("overdue invoices sorted by age");
    expect(more.closest("details")?.querySelectorAll("li").length).toBe(1);
  });

  test("no misses: what that means, and the command to ask about a prompt", async () => {
    serve({ ...SERVED, "/api/v3/skills/2/misses": { items: [], next_cursor: null } });
    open("/skills/2");
    expect(await screen.findByText("No miss in this window")).toBeTruthy();
    expect(screen.getByText("selftune why invoice-export")).toBeTruthy();
  });

  test("a skill that is not there is an error with the server's words", async () => {
    serve({});
    open("/skills/99");
    expect((await screen.findByRole("alert")).textContent).toContain("Not found");
  });

  test("deploys and proposals are listed with the command that shows the open one", async () => {
    serve({
      ...SERVED,
      "/api/v3/skills/2": data.report({
        proposals: [{ proposal_id: "p-7", state: "validated", created: "2026-11-25T09:00:00.000Z", reason_code: null }],
        deploys: [{ deploy_id: "d-1", proposal_id: "p-1", kind: "deploy", state: "confirmed", at: "2026-11-20T09:00:00.000Z" }],
        watch: { deploy_id: "d-1", state: "watching" },
      }),
    });
    open("/skills/2");
    const loop = await screen.findByRole("region", { name: "Changes by selftune" });
    expect(loop.textContent).toContain("deploy confirmed");
    expect(loop.textContent).toContain("selftune proposals show p-7");
    expect(loop.textContent).toContain("Watch of the newest deploy: watching");
  });
});

describe("the chart by day", () => {
  test("has a sentence and a table that say the same", async () => {
    serve(SERVED);
    open("/skills/2");
    const text = "8 uses, 1 read only and 2 misses on 2 days of 31. Most uses on Wed, 25 Nov 2026: 5.";
    expect((await screen.findByRole("img", { name: text })).className).toBe("plot");
    await userEvent.click(screen.getByRole("button", { name: "Table" }));
    const table = inside(screen.getByRole("region", { name: "Days as a table" }));
    expect(table.getAllByRole("row").map((row) => row.textContent)).toEqual([
      "DayTriggeredRead onlyMissedChanges", "Wed, 25 Nov 2026500", "Tue, 24 Nov 2026312",
    ]);
    await userEvent.click(screen.getByRole("button", { name: "Chart" }));
    expect(await screen.findByRole("img", { name: text })).toBeTruthy();
  });

  test("days without evidence are zeros, and the window decides how many", () => {
    expect(filled(data.daily(), "7d", data.NOW).map((d) => d.triggered)).toEqual([0, 0, 0, 0, 0, 3, 5, 0]);
    expect(filled(data.daily(), "all", data.NOW)).toHaveLength(3);
    expect(filled(data.daily({ days: [] }), "all", data.NOW)).toHaveLength(1);
  });

  test("stacked sums never hide a part", () => {
    const [x, three, two, one] = stacked(data.daily().days);
    expect([x?.[0], three, two, one]).toEqual([1795478400, [6, 5], [4, 5], [3, 5]]);
  });

  test("a window without evidence says so", () => {
    expect(summary(filled(data.daily({ days: [] }), "7d", data.NOW))).toBe("No evidence in 8 days.");
  });
});

import { QueryObserver } from "@tanstack/react-query";
import { describe, expect, test, vi } from "vitest";

import { apply, type Change, EVERYTHING, merge, touches } from "../../src/live/topics";
import { eventually, newClient } from "./render";

const change = (over: Partial<Change>): Change => ({ clock: 1, topics: ["evidence"], skills: "many", ...over });

describe("which queries a change touches", () => {
  test.each([
    ["evidence", ["summary"], true],
    ["evidence", ["skills"], true],
    ["evidence", ["skill", 4, "report", "30d"], true],
    ["grading", ["skill", 4, "daily", "30d"], true],
    ["evolution", ["summary"], true],
    ["settings", ["skills"], true],
    ["jobs", ["summary"], true],
    ["jobs", ["skills"], false],
    ["upload", ["summary"], false],
    ["a_topic_of_the_future", ["skills"], true],
  ])("%s, %j: %s", (topic, key, yes) => {
    expect(touches(change({ topics: [topic] }), key)).toBe(yes);
  });

  test("a change that names its skills leaves the pages of others alone", () => {
    const some = change({ skills: [4, 5] });
    expect(touches(some, ["skill", 4, "report", "30d"])).toBe(true);
    expect(touches(some, ["skill", 6, "report", "30d"])).toBe(false);
    expect(touches(some, ["skills"])).toBe(true);
  });

  test("a change without topics touches nothing", () => {
    expect(touches(change({ topics: [] }), ["summary"])).toBe(false);
  });
});

describe("what is fetched again", () => {
  test("only what is on the page; the rest when it is shown", async () => {
    const client = newClient();
    const shown = vi.fn(async () => 1);
    const hidden = vi.fn(async () => 2);
    await client.fetchQuery({ queryKey: ["skills"], queryFn: hidden });
    const observer = new QueryObserver(client, { queryKey: ["summary"], queryFn: shown });
    const leave = observer.subscribe(() => {});
    await eventually(() => expect(client.getQueryData(["summary"])).toBe(1));

    apply(client, change({}));
    await eventually(() => expect(shown).toHaveBeenCalledTimes(2));
    expect(hidden).toHaveBeenCalledTimes(1);
    expect(client.getQueryState(["skills"])?.isInvalidated).toBe(true);
    leave();
  });

  test("a change that comes while the first answer is on its way is not lost", async () => {
    const client = newClient();
    let store = "old";
    const read = vi.fn(async () => {
      const value = store;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return value;
    });
    const leave = new QueryObserver(client, { queryKey: ["summary"], queryFn: read }).subscribe(() => {});
    store = "new";
    apply(client, change({}));
    await eventually(() => expect(client.getQueryData(["summary"])).toBe("new"));
    leave();
  });

  test("a topic of no concern fetches nothing", async () => {
    const client = newClient();
    const shown = vi.fn(async () => 1);
    const leave = new QueryObserver(client, { queryKey: ["summary"], queryFn: shown }).subscribe(() => {});
    await eventually(() => expect(client.getQueryData(["summary"])).toBe(1));
    apply(client, change({ topics: ["upload"] }));
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(shown).toHaveBeenCalledTimes(1);
    leave();
  });
});

describe("changes that were saved up", () => {
  test("have the topics and skills of all", () => {
    const both = merge(change({ clock: 3, skills: [1] }), change({ clock: 2, topics: ["jobs"], skills: [2, 1] }));
    expect(both).toEqual({ clock: 3, topics: ["evidence", "jobs"], skills: [1, 2] });
    expect(merge(both, EVERYTHING).skills).toBe("many");
    expect(merge(null, both)).toBe(both);
  });
});

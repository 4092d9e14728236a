import { beforeEach, describe, expect, test, vi } from "vitest";

import { Follower } from "../../src/live/live";
import { listen, type Message, type StreamParts } from "../../src/live/stream";
import * as topics from "../../src/live/topics";
import { eventually, newClient } from "./render";

// An EventSource that the test speaks through.
class Source extends EventTarget {
  static all: Source[] = [];
  readyState = 0;
  closed = false;
  constructor(readonly url: string) {
    super();
    Source.all.push(this);
  }
  close(): void {
    this.closed = true;
    this.readyState = 2;
  }
  say(type: string, data: unknown, id = ""): void {
    this.dispatchEvent(new MessageEvent(type, { data: typeof data === "string" ? data : JSON.stringify(data), lastEventId: id }));
  }
  fail(closed: boolean): void {
    this.readyState = closed ? 2 : 0;
    this.dispatchEvent(new Event("error"));
  }
}

// One lock and one channel for the tabs of a test.
class Browser {
  private holder: Promise<unknown> = Promise.resolve();
  private channels: { onmessage: ((event: MessageEvent) => void) | null }[] = [];

  tab(): { heard: Message[]; parts: StreamParts; close: () => void } {
    const heard: Message[] = [];
    const channel = {
      onmessage: null as ((event: MessageEvent) => void) | null,
      postMessage: (data: Message) => {
        for (const other of this.channels) if (other !== channel) other.onmessage?.(new MessageEvent("message", { data }));
      },
      close: () => {
        this.channels = this.channels.filter((other) => other !== channel);
      },
    };
    this.channels.push(channel);
    const locks = {
      request: (_: string, options: { signal: AbortSignal }, run: () => Promise<void>) => {
        this.holder = this.holder.then(() => (options.signal.aborted ? undefined : run()));
        return this.holder;
      },
    };
    const parts = {
      url: "/api/v3/events",
      name: "test",
      open: (url: string) => new Source(url),
      locks,
      channel,
    } as unknown as StreamParts;
    const close = listen(parts, (message) => heard.push(message));
    return { heard, parts, close };
  }
}

const HELLO = { instance: "i", version: "0.1.0", build: "b1", clock: 7 };
const CHANGE = { clock: 8, topics: ["evidence"], skills: "many" };
const soon = () => eventually(() => expect(Source.all.length).toBeGreaterThan(0));

beforeEach(() => {
  Source.all = [];
});

describe("one stream for all tabs", () => {
  test("the first tab reads, both hear", async () => {
    const browser = new Browser();
    const first = browser.tab();
    await soon();
    const second = browser.tab();
    Source.all[0]?.say("hello", HELLO, "e-1");
    Source.all[0]?.say("change", CHANGE, "e-2");
    expect(Source.all).toHaveLength(1);
    for (const tab of [first, second]) {
      expect(tab.heard).toContainEqual({ kind: "change", id: "e-2", change: CHANGE });
      expect(tab.heard).toContainEqual({ kind: "link", link: "live" });
    }
  });

  test("a tab that comes later learns that the stream is live", async () => {
    const browser = new Browser();
    browser.tab();
    await soon();
    Source.all[0]?.say("hello", HELLO, "e-1");
    const late = browser.tab();
    expect(late.heard).toContainEqual({ kind: "link", link: "live" });
  });

  test("when the reading tab is closed, the next goes on after the last event", async () => {
    const browser = new Browser();
    const first = browser.tab();
    await soon();
    const second = browser.tab();
    Source.all[0]?.say("hello", HELLO, "e-1");
    Source.all[0]?.say("change", CHANGE, "e-2");
    first.close();
    expect(Source.all[0]?.closed).toBe(true);
    await eventually(() => expect(Source.all).toHaveLength(2));
    expect(Source.all[1]?.url).toBe("/api/v3/events?last_event_id=e-2");
    Source.all[1]?.say("change", { ...CHANGE, clock: 9 }, "e-3");
    expect(second.heard.at(-1)).toMatchObject({ kind: "change", id: "e-3" });
    expect(first.heard.at(-1)).toMatchObject({ id: "e-2" });
  });

  test("without locks and channels each tab reads for itself", () => {
    const parts = { url: "/e", name: "n", open: (url: string) => new Source(url), locks: undefined, channel: undefined } as unknown as StreamParts;
    const close = listen(parts, () => {});
    listen(parts, () => {});
    expect(Source.all).toHaveLength(2);
    close();
    expect(Source.all.map((s) => s.closed)).toEqual([true, false]);
  });
});

describe("a stream that breaks", () => {
  test("is left to the browser while it tries again, and opened anew after a refusal", async () => {
    vi.useFakeTimers();
    const heard: Message[] = [];
    const parts = { url: "/e", name: "n", open: (url: string) => new Source(url), locks: undefined, channel: undefined } as unknown as StreamParts;
    const close = listen(parts, (message) => heard.push(message));
    Source.all[0]?.say("hello", HELLO, "e-1");
    Source.all[0]?.fail(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(Source.all).toHaveLength(1);
    expect(heard.at(-1)).toEqual({ kind: "link", link: "down" });

    Source.all[0]?.fail(true);
    expect(heard.at(-1)).toEqual({ kind: "reset", id: "" });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(Source.all).toHaveLength(2);
    Source.all[1]?.fail(true);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(Source.all).toHaveLength(2); // waits longer the second time
    await vi.advanceTimersByTimeAsync(1_000);
    expect(Source.all).toHaveLength(3);
    Source.all[2]?.say("hello", HELLO, "e-5");
    expect(heard).toContainEqual({ kind: "link", link: "live" });
    close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(Source.all).toHaveLength(3);
  });

  test("bye says that the server was stopped", () => {
    const heard: Message[] = [];
    const parts = { url: "/e", name: "n", open: (url: string) => new Source(url), locks: undefined, channel: undefined } as unknown as StreamParts;
    listen(parts, (message) => heard.push(message));
    Source.all[0]?.say("bye", { reason: "shutdown" });
    Source.all[0]?.fail(false);
    expect(heard.at(-1)).toEqual({ kind: "link", link: "stopped" });
  });

  test("an event that cannot be read still counts as a change of everything", () => {
    const heard: Message[] = [];
    const parts = { url: "/e", name: "n", open: (url: string) => new Source(url), locks: undefined, channel: undefined } as unknown as StreamParts;
    listen(parts, (message) => heard.push(message));
    Source.all[0]?.say("change", "{not json", "e-9");
    expect(heard).toEqual([{ kind: "change", id: "e-9", change: { clock: 0, topics: ["unknown"], skills: "many" } }]);
  });
});

describe("a tab that follows", () => {
  const hello = (clock: number, build = "b1"): Message => ({ kind: "hello", id: "e-1", instance: "i", build, clock });
  const follower = () => {
    const apply = vi.spyOn(topics, "apply").mockImplementation(() => {});
    const show = vi.fn();
    return { apply, show, tab: new Follower(newClient(), show) };
  };

  test("refetches at the first hello, and at a later one only when the clock has moved", () => {
    const { apply, tab } = follower();
    tab.hear(hello(7), false);
    expect(apply).toHaveBeenCalledTimes(1);
    tab.hear(hello(7), false);
    expect(apply).toHaveBeenCalledTimes(1);
    tab.hear(hello(9), false);
    expect(apply).toHaveBeenCalledTimes(2);
  });

  test("saves changes up while it is hidden, and applies them once", () => {
    const { apply, tab } = follower();
    tab.hear({ kind: "change", id: "1", change: { clock: 8, topics: ["evidence"], skills: [1] } }, true);
    tab.hear({ kind: "change", id: "2", change: { clock: 9, topics: ["jobs"], skills: [2] } }, true);
    expect(apply).not.toHaveBeenCalled();
    tab.onVisibility(false);
    expect(apply).toHaveBeenCalledTimes(1);
    expect(apply.mock.calls[0]?.[1]).toEqual({ clock: 9, topics: ["evidence", "jobs"], skills: [1, 2] });
    tab.onVisibility(false);
    expect(apply).toHaveBeenCalledTimes(1);
  });

  test("fetches everything after a reset", () => {
    const { apply, tab } = follower();
    tab.hear({ kind: "reset", id: "3" }, false);
    expect(apply.mock.calls[0]?.[1]).toEqual(topics.EVERYTHING);
  });

  test("says that another build serves now", () => {
    const { show, tab } = follower();
    tab.hear(hello(7, "b1"), false);
    expect(show).not.toHaveBeenCalledWith({ outdated: true });
    tab.hear(hello(7, "b2"), false);
    expect(show).toHaveBeenCalledWith({ outdated: true });
  });
});

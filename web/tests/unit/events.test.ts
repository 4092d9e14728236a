import { beforeEach, describe, expect, test, vi } from "vitest";

import { EventParser, FetchEvents, type ParsedEvent } from "../../src/live/events";
import { eventually } from "./render";

function parsed(...pieces: string[]): ParsedEvent[] {
  const out: ParsedEvent[] = [];
  const parser = new EventParser((event) => out.push(event));
  for (const piece of pieces) parser.add(piece);
  return out;
}

describe("the text of a stream", () => {
  const WHOLE = 'retry: 2000\n\nid: e-1\nevent: hello\ndata: {"a":\ndata: 1}\n\n: still here\n\nevent: bye\n';

  test("becomes events, however it is cut", () => {
    const all = parsed(WHOLE);
    expect(all).toEqual([
      { type: "message", data: null, id: null, retry: 2000 },
      { type: "hello", data: '{"a":\n1}', id: "e-1", retry: null },
      { type: "message", data: null, id: null, retry: null },
    ]);
    for (let cut = 1; cut < WHOLE.length; ++cut) expect(parsed(WHOLE.slice(0, cut), WHOLE.slice(cut))).toEqual(all);
    expect(parsed(...WHOLE)).toEqual(all);
    const crlf = WHOLE.replaceAll("\n", "\r\n");
    for (let cut = 1; cut < crlf.length; ++cut) expect(parsed(crlf.slice(0, cut), crlf.slice(cut))).toEqual(all);
  });

  test("fields without a colon, with more than one, and unknown ones", () => {
    expect(parsed("event\ndata:a: b\nretry: 1x\nid: a\0b\nother: 1\n\n")).toEqual([
      { type: "", data: "a: b", id: null, retry: null },
    ]);
  });
});

// A server whose streams the test writes.
class Server {
  asked: { url: string; headers: Headers; signal: AbortSignal }[] = [];
  streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  answers: (() => Response | Promise<Response>)[] = [];
  constructor() {
    vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
      this.asked.push({ url, headers: new Headers(init.headers), signal: init.signal as AbortSignal });
      const answer = this.answers.shift();
      return answer ? answer() : this.stream(init.signal as AbortSignal);
    });
  }
  private stream(signal: AbortSignal): Response {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.streams.push(controller);
        signal.addEventListener("abort", () => controller.error(new DOMException("gone", "AbortError")));
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  }
  say(text: string): void {
    this.streams.at(-1)?.enqueue(new TextEncoder().encode(text));
  }
}

describe("a stream by fetch", () => {
  let server: Server;
  let errors: number;
  const open = () => {
    const source = new FetchEvents("/e?x=1");
    source.addEventListener("error", () => ++errors);
    return source;
  };
  beforeEach(() => {
    server = new Server();
    errors = 0;
    localStorage.setItem("selftune-key", "k-9");
  });

  test("sends the session's key, and tells events with their ids", async () => {
    const source = open();
    const heard: [string, string][] = [];
    source.addEventListener("change", (event) => heard.push([event.data, event.lastEventId]));
    await eventually(() => expect(source.readyState).toBe(1));
    expect(server.asked[0]?.url).toBe("/e?x=1");
    expect(server.asked[0]?.headers.get("X-Selftune-Key")).toBe("k-9");
    expect(server.asked[0]?.headers.has("Last-Event-ID")).toBe(false);
    server.say("id: e-4\nevent: change\nda");
    server.say("ta: 1\n\nevent: other\ndata: 2\n\n");
    await eventually(() => expect(heard).toEqual([["1", "e-4"]]));
    source.close();
  });

  test("comes back behind the last event, after the pause the server told", async () => {
    const source = open();
    await eventually(() => expect(source.readyState).toBe(1));
    server.say("retry: 1\n\nid: e-4\nevent: change\ndata: 1\n\n");
    server.streams[0]?.close();
    await eventually(() => expect(server.asked).toHaveLength(2));
    expect(errors).toBe(1);
    expect(server.asked[1]?.headers.get("Last-Event-ID")).toBe("e-4");
    await eventually(() => expect(source.readyState).toBe(1));
    source.close();
  });

  test("a server that is away is no refusal", async () => {
    server.answers = [() => Promise.reject(new TypeError("Failed to fetch"))];
    vi.useFakeTimers();
    const source = open();
    await vi.advanceTimersByTimeAsync(1);
    expect([source.readyState, errors]).toEqual([0, 1]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(server.asked).toHaveLength(2);
    source.close();
  });

  test("gives up when the server refuses", async () => {
    server.answers = [() => new Response("{}", { status: 401 })];
    vi.useFakeTimers();
    const source = open();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([source.readyState, errors, server.asked.length]).toEqual([2, 1, 1]);
  });

  test("closed, it asks and tells nothing more", async () => {
    const source = open();
    await eventually(() => expect(source.readyState).toBe(1));
    source.close();
    expect(server.asked[0]?.signal.aborted).toBe(true);
    vi.useFakeTimers();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([source.readyState, errors, server.asked.length]).toEqual([2, 0, 1]);
  });
});

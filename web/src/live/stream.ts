// One event stream for all tabs of the browser.
//
// The tab that holds the Web Lock reads /api/v3/events and hands every event to
// the others over a BroadcastChannel; when it is closed, the lock passes on and
// the next tab goes on after the last event anybody saw. Without those APIs each
// tab reads for itself.

import { type EventStream, FetchEvents } from "./events";
import type { Change } from "./topics";

export type Link = "connecting" | "live" | "down" | "stopped";

export type Message =
  | { kind: "hello"; id: string; instance: string; build: string; clock: number }
  | { kind: "change"; id: string; change: Change }
  | { kind: "reset"; id: string }
  | { kind: "link"; link: Link }
  | { kind: "who" };

export interface StreamParts {
  url: string;
  name: string;
  open: (url: string) => EventStream;
  locks: Pick<LockManager, "request"> | undefined;
  channel: BroadcastChannel | undefined;
}

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 20_000;
const CLOSED = 2;

export function browserParts(): StreamParts {
  const shared = "locks" in navigator && typeof BroadcastChannel === "function";
  return {
    url: "/api/v3/events",
    name: "selftune-live",
    open: (url) => new FetchEvents(url),
    locks: shared ? navigator.locks : undefined,
    channel: shared ? new BroadcastChannel("selftune-live") : undefined,
  };
}

/** Reads until the returned function is called. `hear` gets what every tab gets. */
export function listen(parts: StreamParts, hear: (message: Message) => void): () => void {
  const stop = new AbortController();
  const reader = new Reader(parts, hear, stop.signal);
  if (parts.channel) {
    parts.channel.onmessage = (event: MessageEvent<Message>) => reader.onPeer(event.data);
    parts.channel.postMessage({ kind: "who" } satisfies Message);
  }
  if (parts.locks) {
    parts.locks
      .request(parts.name, { signal: stop.signal }, () => reader.read())
      .catch((error: unknown) => {
        if (!stop.signal.aborted) throw error;
      });
  } else {
    void reader.read();
  }
  return () => {
    stop.abort();
    parts.channel?.close();
  };
}

class Reader {
  private lastId = "";
  private link: Link = "connecting";
  private source: EventStream | null = null;
  private reading = false;
  private wait = FIRST_RETRY_MS;

  constructor(
    private readonly parts: StreamParts,
    private readonly hear: (message: Message) => void,
    private readonly stop: AbortSignal,
  ) {}

  /** What another tab said. */
  onPeer(message: Message): void {
    if (message.kind === "who") {
      if (this.reading) this.post({ kind: "link", link: this.link });
      return;
    }
    if ("id" in message) this.lastId = message.id;
    if (message.kind === "link") this.link = message.link;
    this.hear(message);
  }

  /** Reads the stream itself; ends with `stop`. */
  read(): Promise<void> {
    this.reading = true;
    this.connect();
    return new Promise((resolve) => {
      const end = (): void => {
        this.source?.close();
        resolve();
      };
      if (this.stop.aborted) end();
      else this.stop.addEventListener("abort", end, { once: true });
    });
  }

  private connect(): void {
    if (this.stop.aborted) return;
    const after = this.lastId ? `?last_event_id=${encodeURIComponent(this.lastId)}` : "";
    const source = this.parts.open(this.parts.url + after);
    this.source = source;
    source.addEventListener("hello", (event) => this.onHello(event));
    source.addEventListener("change", (event) => this.onChange(event));
    source.addEventListener("reset", (event) => this.tell({ kind: "reset", id: event.lastEventId }));
    source.addEventListener("bye", () => this.setLink("stopped"));
    source.addEventListener("error", () => this.onError(source));
  }

  private onHello(event: MessageEvent<string>): void {
    const data = parse(event.data);
    this.wait = FIRST_RETRY_MS;
    this.setLink("live");
    this.tell({
      kind: "hello",
      id: event.lastEventId,
      instance: String(data["instance"] ?? ""),
      build: String(data["build"] ?? ""),
      clock: Number(data["clock"] ?? 0),
    });
  }

  private onChange(event: MessageEvent<string>): void {
    const data = parse(event.data);
    const topics = Array.isArray(data["topics"]) ? data["topics"].map(String) : ["unknown"];
    const skills = Array.isArray(data["skills"]) ? data["skills"].map(Number) : "many";
    this.tell({
      kind: "change",
      id: event.lastEventId,
      change: { clock: Number(data["clock"] ?? 0), topics, skills },
    });
  }

  // The stream comes back by itself after a broken connection, not after a refusal:
  // the pages then ask for themselves, and learn whether they are still signed in.
  private onError(source: EventStream): void {
    if (this.link !== "stopped") this.setLink("down");
    if (source.readyState !== CLOSED) return;
    source.close();
    this.tell({ kind: "reset", id: "" });
    setTimeout(() => this.connect(), this.wait);
    this.wait = Math.min(this.wait * 2, LAST_RETRY_MS);
  }

  private setLink(link: Link): void {
    if (this.link === link) return;
    this.link = link;
    this.tell({ kind: "link", link });
  }

  private tell(message: Message): void {
    if ("id" in message && message.id) this.lastId = message.id;
    this.hear(message);
    this.post(message);
  }

  private post(message: Message): void {
    if (!this.stop.aborted) this.parts.channel?.postMessage(message);
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Falls through: an event without readable data still says that something changed.
  }
  return {};
}

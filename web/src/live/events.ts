// A stream of server-sent events, read by fetch: EventSource cannot send the
// header that holds the session's key. It has the part of EventSource's
// interface that is used here, and the same rules: it comes back by itself when
// the connection breaks, after the pause the server told and behind the last
// event it saw, and gives up when the server refuses.

import { sessionHeaders } from "../api/session";

export type EventListener = (event: MessageEvent<string>) => void;

/** What a reader of events needs; EventSource has it too. */
export interface EventStream {
  readonly readyState: number;
  addEventListener(type: string, hear: EventListener): void;
  close(): void;
}

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 2;
const FIRST_PAUSE_MS = 2_000;

export class FetchEvents implements EventStream {
  readyState = CONNECTING;
  private readonly listeners = new Map<string, EventListener[]>();
  private readonly stop = new AbortController();
  private pause = FIRST_PAUSE_MS;
  private lastId = "";

  constructor(private readonly url: string) {
    void this.run();
  }

  addEventListener(type: string, hear: EventListener): void {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), hear]);
  }

  close(): void {
    this.readyState = CLOSED;
    this.stop.abort();
  }

  private async run(): Promise<void> {
    while (!this.stop.signal.aborted) {
      const refused = await this.read();
      if (this.stop.signal.aborted) return;
      this.readyState = refused ? CLOSED : CONNECTING;
      this.tell("error", "");
      if (refused) return;
      await new Promise((resolve) => setTimeout(resolve, this.pause));
    }
  }

  /** One connection, to its end; true when the server refused it. */
  private async read(): Promise<boolean> {
    try {
      const response = await fetch(this.url, {
        headers: {
          Accept: "text/event-stream",
          ...sessionHeaders(),
          ...(this.lastId ? { "Last-Event-ID": this.lastId } : {}),
        },
        cache: "no-store",
        credentials: "omit",
        signal: this.stop.signal,
      });
      if (!response.ok || !response.body) return true;
      this.readyState = OPEN;
      const parser = new EventParser((event) => this.onEvent(event));
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return false;
        parser.add(value);
      }
    } catch {
      return false; // broken, or not there: not a refusal
    }
  }

  private onEvent(event: ParsedEvent): void {
    if (event.retry !== null) this.pause = event.retry;
    if (event.id !== null) this.lastId = event.id;
    if (event.data !== null && !this.stop.signal.aborted) this.tell(event.type, event.data);
  }

  private tell(type: string, data: string): void {
    const event = new MessageEvent(type, { data, lastEventId: this.lastId });
    for (const hear of this.listeners.get(type) ?? []) hear(event);
  }
}

export interface ParsedEvent {
  type: string;
  data: string | null;
  id: string | null;
  retry: number | null;
}

/** The text of a stream, as it comes in pieces, to events (HTML standard, 9.2.6). */
export class EventParser {
  private pending = "";

  constructor(private readonly onEvent: (event: ParsedEvent) => void) {}

  add(text: string): void {
    this.pending += text;
    // A CR at the end may be half of a CRLF.
    const whole = this.pending.endsWith("\r") ? this.pending.slice(0, -1) : this.pending;
    const rest = this.pending.slice(whole.length);
    const blocks = whole.replace(/\r\n?/g, "\n").split("\n\n");
    this.pending = (blocks.pop() ?? "") + rest;
    for (const block of blocks) this.parse(block);
  }

  private parse(block: string): void {
    const event: ParsedEvent = { type: "message", data: null, id: null, retry: null };
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      if (colon === 0) continue; // a comment
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "event") event.type = value;
      else if (name === "data") event.data = event.data === null ? value : `${event.data}\n${value}`;
      else if (name === "id" && !value.includes("\0")) event.id = value;
      else if (name === "retry" && /^\d+$/.test(value)) event.retry = Number(value);
    }
    this.onEvent(event);
  }
}

// Keeps the queries of this tab up to date with the store.

import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";

import { browserParts, type Link, listen, type Message, type StreamParts } from "./stream";
import { apply, type Change, EVERYTHING, merge } from "./topics";

export interface Live {
  link: Link;
  /** When this tab last heard of a change, ms; null before the first. */
  changedAt: number | null;
  /** Another build of selftune serves now: the page should be loaded again. */
  outdated: boolean;
}

const INITIAL: Live = { link: "connecting", changedAt: null, outdated: false };
const LiveContext = createContext<Live>(INITIAL);
export const useLive = (): Live => useContext(LiveContext);

export function LiveProvider({ children, parts }: { children: ReactNode; parts?: () => StreamParts }) {
  const client = useQueryClient();
  const [live, setLive] = useState(INITIAL);
  useEffect(() => {
    const follower = new Follower(client, (change) => setLive((old) => ({ ...old, ...change })));
    const onShow = (): void => follower.onVisibility(document.hidden);
    document.addEventListener("visibilitychange", onShow);
    const end = listen((parts ?? browserParts)(), (message) => follower.hear(message, document.hidden));
    return () => {
      document.removeEventListener("visibilitychange", onShow);
      end();
    };
  }, [client, parts]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

/** Turns messages into refetches; a hidden tab saves them up. */
export class Follower {
  private pending: Change | null = null;
  private clock: number | null = null;
  private build: string | null = null;

  constructor(
    private readonly client: QueryClient,
    private readonly show: (change: Partial<Live>) => void,
  ) {}

  hear(message: Message, hidden: boolean): void {
    switch (message.kind) {
      case "link":
        this.show({ link: message.link });
        return;
      case "hello":
        this.onHello(message, hidden);
        return;
      case "change":
        this.clock = message.change.clock;
        this.change(message.change, hidden);
        return;
      case "reset":
        this.change(EVERYTHING, hidden);
        return;
      case "who":
        return;
    }
  }

  onVisibility(hidden: boolean): void {
    if (hidden || this.pending === null) return;
    const change = this.pending;
    this.pending = null;
    apply(this.client, change);
  }

  // A stream that begins again may have missed something, and does not know it
  // when the server was restarted: the clock of the store tells.
  private onHello(message: Extract<Message, { kind: "hello" }>, hidden: boolean): void {
    this.show({ link: "live" });
    if (this.build !== null && message.build !== this.build) this.show({ outdated: true });
    this.build = message.build;
    // At the first one, what the page asked may be older than the stream.
    if (this.clock === null) this.refetch(EVERYTHING, hidden);
    else if (message.clock !== this.clock) this.change(EVERYTHING, hidden);
    this.clock = message.clock;
  }

  private change(change: Change, hidden: boolean): void {
    this.show({ changedAt: Date.now() });
    this.refetch(change, hidden);
  }

  private refetch(change: Change, hidden: boolean): void {
    if (hidden) {
      this.pending = merge(this.pending, change);
      return;
    }
    apply(this.client, change);
  }
}

// A page on a made-up server.

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";

import { App } from "../../src/app";

export type Answer = unknown | ((url: URL) => unknown);

/** A refusal of the made-up server. */
export class Refuse {
  constructor(
    readonly status: number,
    readonly problem: Record<string, unknown>,
  ) {}
}

/** Answers by path; what is not listed is refused, as the server does. */
export function serve(answers: Record<string, Answer>): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (input: string) => {
    const url = new URL(input, "http://127.0.0.1:3141");
    asked.push(url.pathname + url.search);
    const given = answers[url.pathname];
    const answer = typeof given === "function" ? (given as (url: URL) => unknown)(url) : given;
    if (answer instanceof Refuse) {
      return new Response(JSON.stringify(answer.problem), {
        status: answer.status,
        headers: { "Content-Type": "application/problem+json" },
      });
    }
    if (answer === undefined) {
      return new Response(JSON.stringify({ title: "Not found", code: "NOT_FOUND" }), { status: 404 });
    }
    return new Response(JSON.stringify(answer), { headers: { "Content-Type": "application/json" } });
  });
  return asked;
}

export function newClient(): QueryClient {
  return new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 5_000 } } });
}

export function within(client: QueryClient, children: ReactNode) {
  return <QueryClientProvider client={client}>{children}</QueryClientProvider>;
}

export function open(path: string, client = newClient()): QueryClient {
  history.replaceState(null, "", path);
  render(within(client, <App />));
  return client;
}

/** Waits until `check` throws no more. */
export function eventually(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 15_000 });
}

// Talks to the server that delivered this page, and to nothing else.

import { check, type Contract, ContractError } from "./contract";
import { keepSessionKey, sessionHeaders } from "./session";

const LASTING = new Set([
  "STORE_MISSING", "STORE_FOREIGN", "STORE_CORRUPT", "SCHEMA_NEWER", "INVALID_CONFIG",
]);

/** Problem JSON (RFC 9457) of the server, or what took its place. */
export class ApiError extends Error {
  override name = "ApiError";
  constructor(
    /** HTTP status; 0 when no answer came. */
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    /** What the user can run to get on. */
    readonly nextCommand: string | null,
  ) {
    super(detail || title);
  }

  /** Waiting can help; a store that is missing, foreign or broken does not come by itself. */
  get retryable(): boolean {
    if (LASTING.has(this.code)) return false;
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export function offline(): ApiError {
  return new ApiError(0, "OFFLINE", "The dashboard server does not answer",
    "It was stopped, or is being restarted.", "selftune dashboard");
}

export type Query = Record<string, string | number | boolean | null | undefined>;

/** `/api/v3/skills` + {q: "a b"} -> `/api/v3/skills?q=a+b`; empty values are left out. */
export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(key, String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

interface Kept {
  etag: string;
  value: unknown;
}

// Replies by address, so that asking again costs a 304 when nothing changed.
const kept = new Map<string, Kept>();
const MOST_KEPT = 64;

function keep(url: string, entry: Kept): void {
  kept.delete(url);
  kept.set(url, entry);
  for (const oldest of kept.keys()) {
    if (kept.size <= MOST_KEPT) break;
    kept.delete(oldest);
  }
}

export async function get<T>(
  what: Contract<T>,
  path: string,
  query: Query = {},
  signal?: AbortSignal,
): Promise<T> {
  const url = address(path, query);
  const before = kept.get(url);
  const response = await send(url, {
    headers: { Accept: "application/json", ...(before ? { "If-None-Match": before.etag } : {}) },
    ...(signal ? { signal } : {}),
  });
  if (response.status === 304 && before) return before.value as T;
  const value = check(what, await body(response, path));
  const etag = response.headers.get("ETag");
  if (etag) keep(url, { etag, value });
  return value;
}

/** Exchanges the one-time code of the address for the key of a session. */
export async function openSession(code: string): Promise<void> {
  const path = "/api/v2/session";
  const response = await send(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Selftune": "1" },
    body: JSON.stringify({ code }),
  });
  const said = await body(response, path);
  const key = typeof said === "object" && said !== null && "key" in said ? said.key : null;
  if (typeof key !== "string") throw new ContractError(`${path}: the reply has no key`);
  keepSessionKey(key);
}

interface Init extends Omit<RequestInit, "headers"> {
  headers: Record<string, string>;
}

async function send(url: string, init: Init): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, {
      cache: "no-store",
      credentials: "omit",
      ...init,
      headers: { ...sessionHeaders(), ...init.headers },
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw offline();
  }
  if (!response.ok && response.status !== 304) throw await problem(response);
  return response;
}

async function body(response: Response, path: string): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    throw new ContractError(`${path}: the reply is not JSON`);
  }
}

async function problem(response: Response): Promise<ApiError> {
  let said: Record<string, unknown> = {};
  try {
    const value: unknown = await response.json();
    if (typeof value === "object" && value !== null) said = value as Record<string, unknown>;
  } catch {
    // Not JSON: the status has to do.
  }
  const text = (key: string): string | null => (typeof said[key] === "string" ? said[key] : null);
  return new ApiError(
    response.status,
    text("code") ?? `HTTP_${response.status}`,
    text("title") ?? `The server answered ${response.status}`,
    text("detail") ?? "",
    text("next_command"),
  );
}

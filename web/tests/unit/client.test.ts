import { describe, expect, test, vi } from "vitest";

import { address, ApiError, get, openSession } from "../../src/api/client";
import { contract } from "../../src/api/contract";

const op = contract<{ n: number }>("some.op", { n: "i" });

function answer(make: (url: string, init: RequestInit) => Response | Promise<Response>) {
  const fetch = vi.fn(make);
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

describe("requests", () => {
  test("empty parameters are left out, others are encoded", () => {
    expect(address("/a", { q: "x y&z=ü", limit: 5, cursor: null, mode: "", raw: false })).toBe(
      "/a?q=x+y%26z%3D%C3%BC&limit=5&raw=false",
    );
    expect(address("/a")).toBe("/a");
  });

  test("an unchanged reply costs a 304 and is the same object", async () => {
    let changed = true;
    const fetch = answer((_, init) => {
      const known = new Headers(init.headers).get("If-None-Match");
      if (!changed && known === 'W/"1"') return new Response(null, { status: 304 });
      return new Response('{"n":1}', { headers: { ETag: 'W/"1"' } });
    });
    const first = await get(op, "/etag");
    changed = false;
    expect(await get(op, "/etag")).toBe(first);
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  test("the code of the address is exchanged with what the server asks for", async () => {
    const fetch = answer(() => new Response('{"ok":true,"key":"k1"}'));
    await openSession("abc-123");
    const [url, init] = fetch.mock.calls[0] ?? [];
    expect(url).toBe("/api/v2/session");
    expect(init).toMatchObject({ method: "POST", credentials: "omit", body: '{"code":"abc-123"}' });
    expect(new Headers(init?.headers).get("X-Selftune")).toBe("1");
    expect(new Headers(init?.headers).get("Content-Type")).toBe("application/json");
  });

  test("the session's key goes with every request, none before there is one", async () => {
    const fetch = answer((url) => new Response(url.endsWith("/session") ? '{"ok":true,"key":"k-2"}' : '{"n":1}'));
    await get(op, "/before");
    await openSession("abc");
    await get(op, "/after");
    const keys = fetch.mock.calls.map(([, init]) => new Headers(init.headers).get("X-Selftune-Key"));
    expect(keys[0]).toBe(null);
    expect(keys[2]).toBe("k-2");
    expect(fetch.mock.calls.map(([, init]) => init.credentials)).toEqual(["omit", "omit", "omit"]);
    localStorage.setItem("selftune-key", "of another tab");
    await get(op, "/later");
    expect(new Headers(fetch.mock.calls[3]?.[1].headers).get("X-Selftune-Key")).toBe("of another tab");
  });

  test("a browser without storage is signed in for this tab", async () => {
    const fetch = answer(() => new Response('{"ok":true,"key":"k-3","n":1}'));
    vi.stubGlobal("localStorage", {
      getItem: () => { throw new DOMException("no", "SecurityError"); },
      setItem: () => { throw new DOMException("no", "SecurityError"); },
    });
    await openSession("abc");
    await get(op, "/alone");
    expect(new Headers(fetch.mock.calls[1]?.[1].headers).get("X-Selftune-Key")).toBe("k-3");
  });

  test("a session without a key is none", async () => {
    answer(() => new Response('{"ok":true}'));
    await expect(openSession("abc")).rejects.toMatchObject({ name: "ContractError" });
  });
});

describe("failures", () => {
  test("problem JSON becomes an error with the next command", async () => {
    answer(() => new Response(
      JSON.stringify({ title: "No store", detail: "nothing was read yet", code: "STORE_MISSING", status: 503, next_command: "selftune sync" }),
      { status: 503 },
    ));
    const error = await get(op, "/x").catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 503, code: "STORE_MISSING", detail: "nothing was read yet", nextCommand: "selftune sync", retryable: false });
  });

  test.each(["STORE_FOREIGN", "STORE_CORRUPT", "SCHEMA_NEWER", "INVALID_CONFIG"])("waiting does not cure %s", async (code) => {
    answer(() => new Response(JSON.stringify({ title: "t", code, status: 503 }), { status: 503 }));
    await expect(get(op, "/x")).rejects.toMatchObject({ code, retryable: false });
  });

  test("an error that is no JSON still has its status", async () => {
    answer(() => new Response("<html>", { status: 421 }));
    await expect(get(op, "/x")).rejects.toMatchObject({ status: 421, code: "HTTP_421", retryable: false });
  });

  test("no answer at all is its own kind", async () => {
    answer(() => Promise.reject(new TypeError("Failed to fetch")));
    await expect(get(op, "/x")).rejects.toMatchObject({ status: 0, code: "OFFLINE", nextCommand: "selftune dashboard", retryable: true });
  });

  test("a cancelled request stays a cancelled request", async () => {
    answer(() => Promise.reject(new DOMException("gone", "AbortError")));
    await expect(get(op, "/x")).rejects.toMatchObject({ name: "AbortError" });
  });

  test.each([["not JSON", "<html>"], ["of another shape", '{"n":"1"}']])("a reply that is %s is refused", async (_, text) => {
    answer(() => new Response(text));
    await expect(get(op, "/x")).rejects.toMatchObject({ name: "ContractError" });
  });
});

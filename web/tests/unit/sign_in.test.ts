import { describe, expect, test, vi } from "vitest";

import { signIn } from "../../src/sign_in";

function answer(status: number) {
  const fetch = vi.fn(async () => new Response(JSON.stringify({ ok: status === 200, key: "k", code: "CODE_INVALID" }), { status }));
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

describe("the one-time code of the address", () => {
  test("is exchanged once and taken off the address, before any answer", async () => {
    const fetch = answer(200);
    history.replaceState(null, "", "/skills/2?window=7d#t=AbC-1_2");
    const done = signIn();
    expect(location.href.endsWith("/skills/2?window=7d")).toBe(true);
    await done;
    await signIn();
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  test("a used code does not stop the page: an older session may hold", async () => {
    answer(401);
    history.replaceState(null, "", "/#t=used");
    await expect(signIn()).resolves.toBeUndefined();
  });

  test.each(["/", "/#main", "/#t=", "/#t=a b<script>"])("%s has no code", async (path) => {
    const fetch = answer(200);
    history.replaceState(null, "", path);
    await signIn();
    expect(fetch).not.toHaveBeenCalled();
  });
});

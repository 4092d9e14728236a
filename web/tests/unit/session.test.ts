import { afterEach, expect, test, vi } from "vitest";

import { keepSessionKey, sessionHeaders, sessionKey } from "../../src/api/session";

afterEach(() => {
  vi.restoreAllMocks();
  keepSessionKey("end");
  localStorage.clear();
});

function full() {
  return vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new DOMException("full", "QuotaExceededError");
  });
}

test("the key is the origin's: all tabs find it", () => {
  keepSessionKey("a");
  expect(sessionHeaders()).toEqual({ "X-Selftune-Key": "a" });
  expect(Object.values(localStorage)).toEqual(["a"]);
});

test("a new key counts, and the old one is forgotten, when it cannot be stored", () => {
  keepSessionKey("old");
  full();
  keepSessionKey("new");
  expect(sessionKey()).toBe("new");
  expect(localStorage.length).toBe(0);
});

test("a key that is stored later replaces the one of this tab", () => {
  const failing = full();
  keepSessionKey("here");
  failing.mockRestore();
  keepSessionKey("stored");
  expect(sessionKey()).toBe("stored");
  localStorage.clear();
  expect(sessionHeaders()).toEqual({});
});

test("where no storage is allowed the key lives as long as the tab", () => {
  const refuse = () => {
    throw new DOMException("no", "SecurityError");
  };
  for (const name of ["getItem", "setItem", "removeItem"] as const) {
    vi.spyOn(Storage.prototype, name).mockImplementation(refuse);
  }
  keepSessionKey("k");
  expect(sessionKey()).toBe("k");
});

import { describe, expect, test } from "vitest";

import { ago, count, day, percent, place, plural, range, shorten, utc, words } from "../../src/lib/format";
import { flag, named, quoted } from "../../src/lib/shell";

describe("figures", () => {
  test("a rate that only rounds to all or nothing does not say so", () => {
    expect([0, 0.004, 0.5, 0.667, 0.996, 1].map(percent)).toEqual(["0%", "<1%", "50%", "67%", ">99%", "100%"]);
  });

  test("an interval has both ends or is not written at all", () => {
    expect(range([0.149, 0.492])).toBe("15–49%");
    expect(range([])).toBe("");
  });

  test("counts are grouped and have the right number of the noun", () => {
    expect(count(1234567)).toBe("1,234,567");
    expect(plural(1, "miss", "misses")).toBe("1 miss");
    expect(plural(0, "session")).toBe("0 sessions");
  });
});

describe("times", () => {
  const now = Date.parse("2026-11-26T12:00:00Z");
  test.each([
    [0, "now"],
    [50_000, "1 min ago"],
    [59 * 60_000, "59 min ago"],
    [3 * 3_600_000, "3 h ago"],
    [3 * 86_400_000, "3 d ago"],
    [90 * 86_400_000, "3 mo ago"],
    [900 * 86_400_000, "2 y ago"],
  ])("an age of %d ms is %s", (age, text) => {
    expect(ago(now - age, now)).toBe(text);
  });

  test("a time in the future is now, a broken one is unknown", () => {
    expect(ago(now + 60_000, now)).toBe("now");
    expect(ago("yesterday-ish", now)).toBe("unknown");
    expect(utc("yesterday-ish")).toBe("yesterday-ish");
  });

  test("days are UTC whatever the time zone of the browser", () => {
    expect(day("2026-01-01")).toBe("1 Jan");
    expect(day("2026-11-26", true)).toBe("Thu, 26 Nov 2026");
    expect(utc("2026-11-22T09:55:57.665Z")).toBe("2026-11-22 09:55:57 UTC");
  });
});

describe("texts", () => {
  test("a place is what an editor opens", () => {
    expect(place({ path: "/a/b.jsonl", line: 12, offset: 400 })).toBe("/a/b.jsonl:12");
    expect(place({ path: "/a/b.db", line: null, offset: null })).toBe("/a/b.db");
    expect(place({ path: null, line: 3, offset: 9 })).toBeNull();
  });

  test("a long name keeps both ends", () => {
    const short = shorten("rollout-2026-11-22T09-55-53-01a202af-003d-74f2.jsonl", 24);
    expect(short).toHaveLength(24);
    expect(short.startsWith("rollout-2")).toBe(true);
    expect(short.endsWith("74f2.jsonl")).toBe(true);
    expect(shorten("short", 24)).toBe("short");
  });

  test("codes become words", () => {
    expect(words("read_only_twice")).toBe("read only twice");
  });

  test("a skill's name is quoted for a shell when it must be", () => {
    expect(quoted("plugin:sql-helper")).toBe("plugin:sql-helper");
    expect(quoted("x'; rm -rf ~")).toBe(`'x'\\''; rm -rf ~'`);
    expect(quoted("")).toBe("''");
    expect(quoted("a\u001b[31m\u202ecba'\\")).toBe(String.raw`$'a\x1b[31m\xe2\x80\xaecba\'\\'`);
  });

  test("a skill's name is never taken for a flag", () => {
    expect(flag("--skill", "pdf")).toBe("--skill pdf");
    expect(flag("--skill", "--help")).toBe("--skill=--help");
    expect(flag("--skill", "-x; y")).toBe("'--skill=-x; y'");
    expect(named("pdf")).toBe("pdf");
    expect(named("-x")).toBe("--skill=-x");
  });
});

import { describe, expect, test } from "vitest";

import { check, contract, ContractError } from "../../src/api/contract";
import { skillDaily, skillList, skillMisses, skillObservations, skillReport, statusSummary } from "../../src/api/types.gen";
import * as data from "./data";

const some = contract<unknown>("some.op", {
  name: "s",
  at: "?s",
  n: "i",
  rate: "?n",
  tags: ["s"],
  rows: [{ ok: "b" }],
  watch: [null, { state: "s" }],
  causes: { "*": "i" },
  detail: "*",
  "maybe?": "i",
});
const good = {
  name: "a", at: null, n: 1, rate: 0.5, tags: [], rows: [{ ok: true }], watch: null,
  causes: { description: 2 }, detail: { any: 1 },
};

describe("a reply is checked against its schema", () => {
  test("a right one comes back as it is", () => {
    expect(check(some, good)).toBe(good);
    expect(check(some, { ...good, at: "x", watch: { state: "open" }, maybe: 3, newer_field: [] })).toBeTruthy();
  });

  test.each([
    ["no object", null, ". should be an object, is null"],
    ["a missing key", { ...good, name: undefined }, ".name should be a string, is undefined"],
    ["a wrong type", { ...good, n: 1.5 }, ".n should be a whole number, is number"],
    ["a number that is none", { ...good, rate: NaN }, ".rate should be a number, is number"],
    ["null where there must be a value", { ...good, n: null }, ".n should be a whole number, is null"],
    ["a list that is none", { ...good, tags: {} }, ".tags should be a list, is object"],
    ["a row deep inside", { ...good, rows: [{ ok: true }, { ok: "yes" }] }, ".rows[1].ok should be true or false, is string"],
    ["a nullable object", { ...good, watch: { state: 1 } }, ".watch.state should be a string, is number"],
    ["a dictionary value", { ...good, causes: { description: "2" } }, ".causes.description should be a whole number, is string"],
    ["an optional key of the wrong type", { ...good, maybe: "3" }, ".maybe should be a whole number, is string"],
    ["a list instead of an object", [], ". should be an object, is a list"],
  ])("%s is named with its place", (_, value, text) => {
    expect(() => check(some, value)).toThrowError(new ContractError(`some.op: ${text}`));
  });

  test("a key that is not there at all", () => {
    const { tags: _, ...without } = good;
    expect(() => check(some, without)).toThrow("some.op: .tags is missing");
  });

  test("the data of these tests has the shapes of the library's schemas", () => {
    check(skillList, data.skillList([data.skillRow()]));
    check(statusSummary, data.summary());
    check(skillReport, data.report());
    check(skillDaily, data.daily());
    check(skillMisses, data.misses());
    check(skillObservations, data.observations([data.observation()]));
  });
});

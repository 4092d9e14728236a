// Checks that a reply has the shape its type promises, so that a page never
// renders half of a reply it does not understand. Shapes are generated from the
// JSON Schemas of the library (types.gen.ts).

/** "s" string, "i" whole number, "n" number, "b" boolean, "*" anything; "?s" or
 *  [null, shape] may be null; [shape] is a list; {"*": shape} has free keys;
 *  {"key?": shape} may lack the key. Keys that are not named are let through. */
export type Shape = string | ShapeList | { readonly [key: string]: Shape };
type ShapeList = readonly (Shape | null)[];

export interface Contract<T> {
  readonly operation: string;
  readonly shape: Shape;
  /** Never set; carries the type. */
  readonly _type?: T;
}

export function contract<T>(operation: string, shape: Shape): Contract<T> {
  return { operation, shape };
}

export class ContractError extends Error {
  override name = "ContractError";
}

/** Returns `value` as T, or throws with the path of the first difference. */
export function check<T>(what: Contract<T>, value: unknown): T {
  const problem = mismatch(what.shape, value, "");
  if (problem !== null) {
    throw new ContractError(`${what.operation}: ${problem}`);
  }
  return value as T;
}

function mismatch(shape: Shape, value: unknown, path: string): string | null {
  if (typeof shape === "string") return mismatchPlain(shape, value, path);
  if (isList(shape)) {
    if (shape.length === 2) return value === null ? null : mismatch(shape[1] as Shape, value, path);
    return mismatchList(shape[0] as Shape, value, path);
  }
  return mismatchObject(shape, value, path);
}

function isList(shape: Shape): shape is ShapeList {
  return Array.isArray(shape);
}

function mismatchPlain(shape: string, value: unknown, path: string): string | null {
  if (shape === "*") return null;
  if (shape.startsWith("?")) {
    return value === null ? null : mismatchPlain(shape.slice(1), value, path);
  }
  const fits =
    shape === "s"
      ? typeof value === "string"
      : shape === "b"
        ? typeof value === "boolean"
        : shape === "i"
          ? Number.isInteger(value)
          : typeof value === "number" && Number.isFinite(value);
  return fits ? null : `${path || "."} should be ${NAMES[shape] ?? shape}, is ${kindOf(value)}`;
}

const NAMES: Record<string, string> = {
  s: "a string",
  i: "a whole number",
  n: "a number",
  b: "true or false",
};

function mismatchList(item: Shape, value: unknown, path: string): string | null {
  if (!Array.isArray(value)) return `${path || "."} should be a list, is ${kindOf(value)}`;
  for (let i = 0; i < value.length; ++i) {
    const problem = mismatch(item, value[i], `${path}[${i}]`);
    if (problem !== null) return problem;
  }
  return null;
}

function mismatchObject(
  shape: { readonly [key: string]: Shape },
  value: unknown,
  path: string,
): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return `${path || "."} should be an object, is ${kindOf(value)}`;
  }
  const fields = value as Record<string, unknown>;
  for (const [key, inner] of Object.entries(shape)) {
    if (key === "*") {
      for (const name of Object.keys(fields)) {
        const problem = mismatch(inner, fields[name], `${path}.${name}`);
        if (problem !== null) return problem;
      }
      continue;
    }
    const optional = key.endsWith("?");
    const name = optional ? key.slice(0, -1) : key;
    if (!Object.hasOwn(fields, name)) {
      if (optional) continue;
      return `${path}.${name} is missing`;
    }
    const problem = mismatch(inner, fields[name], `${path}.${name}`);
    if (problem !== null) return problem;
  }
  return null;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : typeof value;
}

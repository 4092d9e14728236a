/** A look-up table for keys that others write: "constructor" is not in it. */
export function table<T>(rows: Record<string, T>): Record<string, T> {
  return Object.assign(Object.create(null) as Record<string, T>, rows);
}

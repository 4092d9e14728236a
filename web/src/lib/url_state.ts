// State that lives in the address, so that a page can be reloaded and shared.

import { useCallback } from "react";
import { useSearch } from "wouter";
import { navigate } from "wouter/use-browser-location";

/** One search parameter; setting the default removes it. Values outside of
 *  `allowed` read as the default. */
export function useParam<T extends string>(
  name: string,
  byDefault: T,
  allowed?: readonly T[],
): [T, (value: T) => void] {
  const raw = new URLSearchParams(useSearch()).get(name);
  const value = raw === null || (allowed && !allowed.includes(raw as T)) ? byDefault : (raw as T);
  const set = useCallback((next: T) => put(name, next === byDefault ? null : next), [name, byDefault]);
  return [value, set];
}

// From the address as it is now: several may be set before the next render.
function put(name: string, value: string | null): void {
  const search = new URLSearchParams(location.search);
  if (value === null) search.delete(name);
  else search.set(name, value);
  const text = search.toString();
  navigate(location.pathname + (text ? `?${text}` : ""), { replace: true });
}

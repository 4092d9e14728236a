// What is typed asks the server once, not at every key.

import { useEffect, useState } from "react";

const PAUSE_MS = 200;

/** The value, as soon as it has not changed for a moment. */
export function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

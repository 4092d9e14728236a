// The key of this browser's session. It belongs to the origin, port included:
// cookies do not, a browser sends them to every port of a host. All tabs share it.

const NAME = "selftune-key";
export const KEY_HEADER = "X-Selftune-Key";

// For browsers that allow no storage: this tab only.
let here: string | null = null;

export function sessionKey(): string | null {
  try {
    return here ?? localStorage.getItem(NAME);
  } catch {
    return here;
  }
}

export function keepSessionKey(key: string): void {
  try {
    localStorage.setItem(NAME, key);
    here = null;
  } catch {
    here = key;
    forgetStoredKey();
  }
}

// An older key that stays would be what the next load of the page finds.
function forgetStoredKey(): void {
  try {
    localStorage.removeItem(NAME);
  } catch {
    // Nothing is stored where nothing may be.
  }
}

export function sessionHeaders(): Record<string, string> {
  const key = sessionKey();
  return key === null ? {} : { [KEY_HEADER]: key };
}

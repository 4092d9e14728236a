// How a browser becomes signed in: `selftune dashboard` opens it with a code.

import { ApiError, openSession } from "./api/client";

/** The one-time code of an address such as /#t=abc; it is used at once and taken off. */
export async function signIn(): Promise<void> {
  const code = /^#t=([\w-]+)$/.exec(location.hash)?.[1];
  if (code === undefined) return;
  history.replaceState(null, "", location.pathname + location.search);
  try {
    await openSession(code);
  } catch (error) {
    // Used or too old. An earlier session may still hold: the first query tells.
    if (!(error instanceof ApiError)) throw error;
  }
}

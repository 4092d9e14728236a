// What a page shows instead of data: loading, nothing there, an error.

import type { ReactNode } from "react";

import { ApiError } from "../api/client";
import { Command, Glyph } from "./small";

export function Loading({ rows = 3, label }: { rows?: number; label: string }) {
  return (
    <div className="loading" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, i) => (
        <span key={i} className="skeleton" />
      ))}
    </div>
  );
}

/** `page`: it is all that the page has to say. */
export function Empty({
  title,
  children,
  command,
  page = false,
}: {
  title: string;
  children?: ReactNode;
  command?: string;
  page?: boolean;
}) {
  return (
    <div className="empty">
      <Title page={page}>{title}</Title>
      {children && <p>{children}</p>}
      {command && <Command line={command} />}
    </div>
  );
}

function Title({ page, children }: { page: boolean; children: ReactNode }) {
  return page ? <h1 className="empty-title">{children}</h1> : <p className="empty-title">{children}</p>;
}

/** The error that a page must show instead of its data: any without data; with
 *  data only one that says that they are no longer to be seen. */
export function blocking(query: { error: unknown; data: unknown }): unknown {
  if (query.error === null || query.data === undefined) return query.error;
  const status = query.error instanceof ApiError ? query.error.status : 0;
  return status === 401 || status === 404 ? query.error : null;
}

/** Says what went wrong and what to run. */
export function Problem({ error, retry, page = false }: { error: unknown; retry?: () => void; page?: boolean }) {
  const api = error instanceof ApiError ? error : null;
  const signedOut = api?.status === 401;
  const title = signedOut ? "Not signed in" : (api?.title ?? "This page does not understand the server");
  const detail = signedOut
    ? "The dashboard opens with a one-time code. Start it again to get a new one."
    : api?.detail || (error instanceof Error ? error.message : String(error));
  const command = signedOut ? "selftune dashboard" : api?.nextCommand;
  return (
    <div className="problem" role="alert">
      <Glyph level={signedOut ? "info" : "bad"} size={16} />
      <div>
        <Title page={page}>{title}</Title>
        <p>{detail}</p>
        {command && <Command line={command} />}
        {!signedOut && retry && (
          <button type="button" className="button" onClick={retry}>
            Try again
          </button>
        )}
      </div>
    </div>
  );
}

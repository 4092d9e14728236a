import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/tables.css";
import "./styles/skill.css";
import "./styles/overlays.css";

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { ApiError } from "./api/client";
import { App } from "./app";
import { LiveProvider } from "./live/live";
import { applyTheme, theme } from "./lib/theme";
import { signIn } from "./sign_in";

const RETRIES = 2;

function start(root: HTMLElement): void {
  const client = new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (failures, error) =>
          error instanceof ApiError && error.retryable && failures < RETRIES,
        retryDelay: (attempt) => 400 * 2 ** attempt,
      },
    },
  });
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <LiveProvider>
          <App />
        </LiveProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
}

applyTheme(theme());
const root = document.getElementById("root");
if (root) void signIn().finally(() => start(root));

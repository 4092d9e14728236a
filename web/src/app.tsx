// The frame around the pages: navigation, search, theme, keyboard, live state.

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link, Route, Switch, useLocation } from "wouter";

import { chartQuery } from "./api/queries";
import { moveRow, useShortcuts } from "./lib/keys";
import { nextTheme, setTheme, type Theme, useTheme } from "./lib/theme";
import { useLive } from "./live/live";
import { Overview } from "./pages/overview";
import { SkillPage } from "./pages/skill";
import { Boundary } from "./ui/boundary";
import { Help } from "./ui/help";
import { Palette } from "./ui/palette";
import { When } from "./ui/small";
import { Empty } from "./ui/states";

type Dialog = "none" | "palette" | "help";

export function App() {
  const [dialog, setDialog] = useState<Dialog>("none");
  const [location, navigate] = useLocation();
  const client = useQueryClient();
  useEffect(() => {
    // While the server is there.
    void client.prefetchQuery(chartQuery());
  }, [client]);
  useShortcuts({
    "mod+k": () => setDialog("palette"),
    "?": () => setDialog("help"),
    "/": () => searchHere(() => setDialog("palette")),
    j: () => moveRow(1),
    k: () => moveRow(-1),
    "g o": () => navigate("/"),
    "g s": () => goTo("skills", location, navigate),
    "g a": () => goTo("attention", location, navigate),
    "g m": () => jump("misses"),
    "g e": () => jump("evidence"),
    t: () => setTheme(nextTheme(currentTheme())),
  });
  const close = (): void => setDialog("none");
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <TopBar openPalette={() => setDialog("palette")} openHelp={() => setDialog("help")} />
      <Outdated />
      <main id="main" tabIndex={-1}>
        <Boundary page={location}>
          <Switch>
            <Route path="/">
              <Titled title="selftune">
                <Overview />
              </Titled>
            </Route>
            <Route path="/skills/:id">
              {({ id }) => (/^\d{1,15}$/.test(id) ? <SkillPage key={id} id={Number(id)} /> : <NotFound />)}
            </Route>
            <Route>
              <NotFound />
            </Route>
          </Switch>
        </Boundary>
      </main>
      {dialog === "palette" && <Palette close={close} help={() => setDialog("help")} />}
      {dialog === "help" && <Help close={close} />}
    </>
  );
}

function Titled({ title, children }: { title: string; children: React.ReactNode }) {
  useEffect(() => {
    document.title = title;
  }, [title]);
  return children;
}

function NotFound() {
  return (
    <Empty title="There is no such page" page>
      <Link href="/">Go to the overview</Link>
    </Empty>
  );
}

function currentTheme(): Theme {
  return (document.documentElement.dataset["theme"] as Theme | undefined) ?? "system";
}

// "/" goes to the page's own field when it has one.
function searchHere(otherwise: () => void): void {
  const field = document.querySelector<HTMLInputElement>("main input[type=search]");
  if (!field) {
    otherwise();
    return;
  }
  field.focus();
  field.select();
}

function jump(id: string): void {
  const section = document.getElementById(id);
  section?.scrollIntoView?.({ block: "start" });
  section?.querySelector<HTMLElement>("[data-row]")?.focus({ preventScroll: true });
}

function goTo(id: string, location: string, navigate: (to: string) => void): void {
  if (location !== "/") navigate("/");
  requestAnimationFrame(() => requestAnimationFrame(() => jump(id)));
}

function TopBar({ openPalette, openHelp }: { openPalette: () => void; openHelp: () => void }) {
  const [location] = useLocation();
  const name = useTheme();
  return (
    <header className="topbar">
      <Link href="/" className="brand" aria-label="selftune, overview">
        <svg width="20" height="20" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="8" className="mark" />
          <path d="M5 17c3.2 0 3.2-7 6.4-7s3.2 12 6.4 12 3.2-5 9.2-5" className="wave" />
        </svg>
        selftune
      </Link>
      <nav aria-label="Pages">
        <Link href="/" aria-current={location === "/" ? "page" : undefined}>
          Overview
        </Link>
      </nav>
      <button type="button" className="searchbox" onClick={openPalette} aria-keyshortcuts="Control+K Meta+K">
        <svg width="13" height="13" viewBox="0 0 16 16" aria-hidden="true">
          <path d="M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9Zm3.3 7.8 3.4 3.4" />
        </svg>
        Find a skill <kbd>Ctrl K</kbd>
      </button>
      <LiveState />
      <button
        type="button"
        className="icon"
        onClick={() => setTheme(nextTheme(name))}
        aria-label={`Theme: ${name}. Switch to ${nextTheme(name)}`}
        title={`Theme: ${name} (t)`}
      >
        <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
          <path d="M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Z" />
          <path className="fill" d="M8 2a6 6 0 0 1 0 12Z" />
        </svg>
      </button>
      <button type="button" className="icon" onClick={openHelp} aria-label="Keyboard shortcuts and words" title="Help (?)">
        ?
      </button>
    </header>
  );
}

const LINKS = {
  connecting: ["none", "connecting"],
  live: ["good", "live"],
  down: ["warn", "reconnecting"],
  stopped: ["bad", "server stopped"],
} as const;

function LiveState() {
  const { link, changedAt } = useLive();
  const [level, text] = LINKS[link];
  return (
    <span className="live" data-link={link}>
      <span className={`dot ${level}`} aria-hidden="true" />
      <span role="status">{text}</span>
      {changedAt !== null && (
        <span className="quiet wide-only">
          changed <When at={new Date(changedAt).toISOString()} />
        </span>
      )}
    </span>
  );
}

function Outdated() {
  const { outdated } = useLive();
  if (!outdated) return null;
  return (
    <p className="banner" role="status">
      Another version of selftune is running now.
      <button type="button" className="button small" onClick={() => location.reload()}>
        Load the page again
      </button>
    </p>
  );
}

/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** Repeats the dark colours of tokens.css for a system that is dark while nobody chose a theme. */
function systemTheme(): Plugin {
  const dark = /:root\[data-theme="dark"\] (\{[^}]*\})/;
  return {
    name: "system-theme",
    enforce: "pre",
    transform(code, id) {
      if (!id.endsWith("/tokens.css")) return null;
      if (!dark.test(code)) throw new Error("tokens.css has no dark theme");
      return code.replace(dark, "@media (prefers-color-scheme: dark) { :root:not([data-theme]) $1 }\n$&");
    },
  };
}

export default defineConfig({
  plugins: [react(), systemTheme()],
  build: {
    target: ["chrome111", "edge111", "firefox115", "safari16.4"],
    // The policy of the server allows no data: scripts or styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  test: {
    environment: "jsdom",
    include: ["tests/unit/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/unit/setup.ts"],
    restoreMocks: true,
    // A loaded machine is slow; a test that hangs is found all the same.
    testTimeout: 60_000,
  },
});

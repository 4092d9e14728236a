// Builds the page: types, bundle, then what it costs.
//
//   npm run build -- [--outDir DIR]

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { resolve } from "node:path";

import { build } from "vite";

import { checkBudget } from "./budget.mjs";

const { values } = parseArgs({
  options: { outDir: { type: "string", default: "dist" }, emptyOutDir: { type: "boolean" } },
});
const root = fileURLToPath(new URL("..", import.meta.url));
const outDir = resolve(root, values.outDir);

execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "--noEmit"], { cwd: root, stdio: "inherit" });
await build({ root, logLevel: "warn", build: { outDir, emptyOutDir: true } });
console.log(checkBudget(outDir));

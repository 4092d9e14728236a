// Says what the first page costs; throws when it costs too much, or when the
// built page needs something that the server's policy forbids.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const BUDGET_BYTES = 120 * 1024;

export function checkBudget(dist) {
  const html = readFileSync(join(dist, "index.html"), "utf8");
  const remote = html.match(/(?:src|href)="(?:https?:)?\/\/[^"]*"/g);
  if (remote) throw new Error(`index.html asks for something remote: ${remote.join(" ")}`);
  if (/<script(?![^>]*\bsrc=)|<style|\bstyle=|\son\w+=/i.test(html)) {
    throw new Error("index.html has an inline script or style");
  }
  const assets = readdirSync(join(dist, "assets"));
  for (const file of assets.filter((name) => name.endsWith(".css"))) {
    if (/@import|url\(\s*["']?(?:https?:)?\/\//.test(readFileSync(join(dist, "assets", file), "utf8"))) {
      throw new Error(`${file} asks for something remote`);
    }
  }
  const first = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map((match) => readFileSync(join(dist, match[1])));
  const sum = (buffers) => buffers.reduce((total, buffer) => total + buffer.length, 0);
  const gzip = sum(first.map((bytes) => gzipSync(bytes, { level: 9 })));
  if (gzip > BUDGET_BYTES) throw new Error(`the first page loads ${kb(gzip)} of JavaScript, the budget is ${kb(BUDGET_BYTES)}`);
  const brotli = sum(first.map((bytes) => brotliCompressSync(bytes)));
  const all = sum(assets.map((file) => readFileSync(join(dist, "assets", file))));
  return `first page: ${kb(gzip)} of JavaScript with gzip, ${kb(brotli)} with brotli; all assets ${kb(all)} raw`;
}

function kb(bytes) {
  return `${(bytes / 1024).toFixed(1)} KB`;
}

// Takes the pictures of the README: node tests/e2e/shots.mjs OUT_DIR
// (environment as in harness.mjs; with the font Inter installed they look best).

import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { newHome, newVisitor, openPage, selftune, settled, startBrowser, startServer } from "./harness.mjs";

const out = process.argv[2] ?? "../docs/images";
mkdirSync(out, { recursive: true });
const home = newHome();
const server = await startServer(home.home);
const browser = await startBrowser();
const visitor = await newVisitor(browser, server.origin, { viewport: { width: 1240, height: 860 } });
await settled(await openPage(visitor, server.link));
const skill = selftune(home.home, "skills", "list").items.find((s) => s.name === "invoice-export");

for (const [name, path] of [["overview", "/"], ["skill", `/skills/${skill.skill_id}`]]) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await visitor.context.newPage();
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.goto(server.origin + path);
    await settled(page);
    await page.waitForTimeout(300);
    await page.screenshot({ path: join(out, `dashboard-${name}-${colorScheme}.png`) });
    await page.close();
  }
}
await visitor.close();
await browser.close();
await server.stop();
home.remove();

// Opens every page of a folder at three widths, light and dark, with folds closed and open, and expects: no message on
// the console, no request, no sideways scrolling, no text over another, no finding of axe-core. Writes a picture of each
// beside it.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// The package brings Chromium's own libraries along, and unpacks them only where it takes the machine for this one.
process.env.AWS_EXECUTION_ENV ??= "AWS_Lambda_nodejs22.x";
const { default: chromium } = await import("@sparticuz/chromium");
const { default: puppeteer } = await import("puppeteer-core");

const WIDTHS = [360, 768, 1440];
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = process.argv[2];

/** Pairs of texts of which one covers a third of the other, or more; texts out of sight do not count. */
function findOverlaps() {
  const isClipped = (one) => one !== null && (getComputedStyle(one).clipPath !== "none" || isClipped(one.parentElement));
  const rects = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest("title, .skip") || !parent.checkVisibility() || isClipped(parent)) continue;
    const seen = parent.closest(".scroll")?.getBoundingClientRect() ?? { left: -Infinity, right: Infinity };
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const { left, right, top, bottom } of range.getClientRects()) {
      const [from, to] = [Math.max(left, seen.left), Math.min(right, seen.right)];
      if (to - from > 1) rects.push({ node, left: from, right: to, top, bottom });
    }
  }
  rects.sort((one, other) => one.top - other.top);
  const found = new Set();
  rects.forEach((one, index) => {
    for (let next = index + 1; next < rects.length && rects[next].top < one.bottom; next += 1) {
      const other = rects[next];
      const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const down = Math.min(one.bottom, other.bottom) - other.top;
      const least = Math.min(one.bottom - one.top, other.bottom - other.top) / 3;
      if (one.node !== other.node && across > 1 && down > least) found.add(`${one.node.data.trim()} | ${other.node.data.trim()}`);
    }
  });
  return [...found];
}

const browser = await puppeteer.launch({
  args: [...chromium.args, "--no-sandbox"],
  executablePath: await chromium.executablePath(),
  headless: "shell",
});
const found = [];
let views = 0;
for (const name of readdirSync(folder).filter((file) => file.endsWith(".html")).sort()) {
  for (const scheme of ["light", "dark"]) {
    for (const width of WIDTHS) {
      const page = await browser.newPage();
      const say = (what) => found.push(`${name}, ${width} px, ${scheme}: ${what}`);
      page.on("console", (message) => say(`console: ${message.text()}`));
      page.on("pageerror", (error) => say(`error: ${error.message}`));
      page.on("request", (request) => request.url().startsWith("file:") || say(`request: ${request.url()}`));
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await page.setViewport({ width, height: 900 });
      await page.goto(pathToFileURL(join(folder, name)).href);
      for (const open of [false, true]) {
        await page.evaluate((state) => document.querySelectorAll("details").forEach((fold) => (fold.open = state)), open);
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (beyond > 0) say(`${beyond} px wider than the screen, folds ${open ? "open" : "closed"}`);
        const overlaps = await page.evaluate(findOverlaps);
        if (overlaps.length > 0) say(`overlap, folds ${open ? "open" : "closed"}: ${overlaps.length} × ${overlaps[0]}`);
        views += 1;
      }
      await page.screenshot({ path: join(folder, `${name.replace(".html", "")}-${width}-${scheme}.png`), fullPage: true });
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      for (const { id, nodes } of violations) say(`axe ${id}: ${nodes.length} × ${nodes[0].html.slice(0, 200)}`);
      await page.close();
    }
  }
}
await browser.close();
found.forEach((line) => console.error(line));
console.log(`${views} views of the page, ${found.length} findings`);
process.exit(views === 0 || found.length > 0 ? 1 : 0);

// The status page as people meet it: with eyes, without a mouse, on a telephone, in the dark, when the server is gone,
// and when somebody puts markup into a name.
import assert from "node:assert/strict";
import {spawn} from "node:child_process";
import {once} from "node:events";
import {mkdirSync} from "node:fs";
import {after, before, test} from "node:test";
import {chromium} from "playwright-core";

const PATIENCE_MS = 120_000;  // the machine may be busy; a hang is longer
const SHOTS = process.env.KERF_PAGE_SHOTS;
let server, origin, browser, context, page;
const foreign = [], complaints = [];

const act = (word) => fetch(`${origin}/do/${word}`);
const status = async () => (await fetch(`${origin}/status.json`)).json();
const text = (selector) => page.locator(selector).innerText();
async function shot(name) {
  if (SHOTS) await page.screenshot({path: `${SHOTS}/${name}.png`, fullPage: true});
}
async function open(options = {}) {
  await context?.close();
  context = await browser.newContext({viewport: {width: 1280, height: 900}, ...options});
  context.setDefaultTimeout(PATIENCE_MS);
  page = await context.newPage();
  page.on("request", (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith("data:")) foreign.push(request.url());
  });
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => { complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(origin);
  await page.locator(".lane").first().waitFor();
}

before(async () => {
  if (SHOTS) mkdirSync(SHOTS, {recursive: true});
  server = spawn(process.env.PAGE_SERVER, {stdio: ["pipe", "pipe", "ignore"]});
  const [port] = await once(server.stdout, "data");
  origin = `http://127.0.0.1:${Number(port)}`;
  browser = await chromium.launch({executablePath: process.env.CHROMIUM, args: ["--no-sandbox"], timeout: PATIENCE_MS});
});
after(async () => {
  await browser?.close();
  server?.stdin.end();
});

test("shows model, plan, machine and figures, and asks nobody but its server", async () => {
  await open();
  const now = await status();
  assert.equal(await text("#model"), now.model);
  assert.equal(await text("#state"), "ready");
  assert.match(await text("#cut"), /tp 2[^]*pp 2[^]*dp 2/);
  assert.equal(await text("#why"), now.why);
  assert.match(await text("#machine"), /AMD EPYC 9655, 2 cores, avx512 \(measured\)[^]*numa0\.1[^]*shm/);
  assert.match(await text("#tiles"), /TIME|Time to first token[^]*p95 \d+[^]*predicted 84 ms/i);
  assert.match(await text("#tiles"), /predicted 410 tokens\/s/);
  assert.match(await page.title(), /^\d[\d,.]* tokens\/s · kerf-tales-7m · kerf$/);
  assert.deepEqual(foreign, []);
  assert.deepEqual(complaints, []);
  await shot("light");
});

test("draws a row for every rank, in the colours of its legend, on one axis", async () => {
  const seen = await page.evaluate(() => {  // at once: every second the rows are drawn anew
    const colours = (where) => ["compute", "comm", "back"].map((kind) =>
      getComputedStyle(document.querySelector(`${where} .${kind}`)).fill);
    const rows = [...document.querySelector("article").querySelectorAll(".lane svg")];
    return {rows: document.querySelectorAll(".lane svg").length, lanes: colours(".lane"), legend: colours(".legend"),
      names: rows.map((row) => row.previousElementSibling.innerText),
      shares: rows.map((row) => row.nextElementSibling.innerText), spoken: rows.map((row) => row.getAttribute("aria-label")),
      ends: rows.map(({lastElementChild, viewBox}) =>
        (Number(lastElementChild.getAttribute("x")) + Number(lastElementChild.getAttribute("width"))) / viewBox.baseVal.width)};
  });
  assert.equal(seen.rows, 8);
  assert.deepEqual(seen.names, ["stage 0, tp rank 0", "stage 0, tp rank 1", "stage 1, tp rank 0", "stage 1, tp rank 1"]);
  assert.deepEqual(seen.lanes, seen.legend);
  assert.equal(new Set(seen.lanes).size, 3);
  assert.deepEqual(seen.shares, seen.spoken);
  for (const share of seen.shares) {
    const parts = share.match(/compute ([\d.]+) % · comm ([\d.]+) % · idle ([\d.]+) %/).slice(1).map(Number);
    assert.ok(Math.abs(parts[0] + parts[1] + parts[2] - 100) < 2, share);
    assert.ok(parts.every((part) => part > 5), share);
  }
  assert.ok(Math.abs(Math.max(...seen.ends) - 1) < 0.01, String(seen.ends));  // the newest end is where the axis ends
});

test("goes on by itself", async () => {
  const before = await page.locator("article .facts").first().innerText();
  await page.waitForFunction((old) => document.querySelector("article .facts").innerText !== old, before);
});

test("says which replica is down and why, and counts its restart", async () => {
  await act("down");
  await page.getByText("1 of 2 replicas ready").waitFor();
  const lost = page.locator("article").nth(1);
  assert.match(await lost.innerText(), /down[^]*rank 2 \(pid 4713\) was killed by signal 9/);
  await shot("down");
  await act("up");
  await lost.getByText("1 restart ").waitFor();
  assert.equal(await text("#state"), "ready");
});

test("needs no mouse", async () => {
  await page.locator("body").focus();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "pause");
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-pressed")), "true");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "SUMMARY");
  await page.keyboard.press("Enter");
  const article = page.locator("article").first();
  await article.getByText("4711, 4712, 4713, 4714").waitFor();
  const before = await article.locator(".facts").innerText();  // what polls come with closes nothing and moves no focus
  await page.waitForFunction((old) => document.querySelector("article .facts").innerText !== old, before);
  assert.ok(await article.getByText("all_reduce").isVisible());
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "SUMMARY");
});

test("stands still when paused", async () => {
  await page.locator("#pause").press("Enter");
  const shown = await text("main");
  await page.waitForTimeout(2500);  // two polls
  assert.equal(await text("main"), shown);
  await page.locator("#pause").press("Enter");
});

test("can be read, in the light and in the dark", async () => {
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\d.]+/g).map(Number).map((v) => v / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgrounds = [];
  for (const colorScheme of ["light", "dark"]) {
    await open({colorScheme});
    const seen = await page.evaluate(() => {
      const colour = (selector, what) => getComputedStyle(document.querySelector(selector))[what];
      return {page: colour("body", "backgroundColor"), card: colour(".card", "backgroundColor"),
        texts: ["body", ".dim", ".what", ".pill", ".good", ".ready"].map((selector) => [selector, colour(selector, "color")])};
    });
    backgrounds.push(seen.page);
    for (const [selector, colour] of seen.texts) {
      for (const ground of [seen.page, seen.card]) {
        const [dark, light] = [luminance(colour), luminance(ground)].sort((a, b) => a - b);
        const contrast = (light + 0.05) / (dark + 0.05);
        assert.ok(contrast >= 4.5, `${selector} in the ${colorScheme}: contrast ${contrast.toFixed(2)}`);  // WCAG AA
      }
    }
    if (colorScheme === "dark") await shot("dark");
  }
  assert.notEqual(backgrounds[0], backgrounds[1]);
});

test("fits a telephone", async () => {
  await open({viewport: {width: 360, height: 740}});
  await shot("narrow");
  const tooWide = await page.evaluate(() => [...document.querySelectorAll("body *")].filter((node) =>
    !node.closest(".scroll") && node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 0).map((node) => node.outerHTML.slice(0, 80)));
  assert.deepEqual(tooWide, []);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
});

test("shows markup in names as text, and runs nothing that is put into it", async () => {
  await act("evil");
  await open();
  const evil = (await status()).model;
  assert.match(evil, /<img src=x onerror=/);
  assert.equal(await text("#model"), evil);
  assert.equal(await text("#why"), evil);
  assert.equal(await page.locator("img").count(), 0);
  assert.deepEqual(complaints, []);
  await page.evaluate(() => document.body.append(Object.assign(document.createElement("script"), {textContent: "window.ran = 1"})));
  assert.equal(await page.evaluate(() => window.ran), undefined);
  assert.match(complaints.join(), /Content Security Policy/);
  complaints.length = 0;
  await act("plain");
});

test("says so when the server is gone, and keeps what it knew", async () => {
  await open();
  const model = await text("#model");
  server.stdin.end();
  await once(server, "exit");
  await page.getByText("no answer from the server").waitFor();
  assert.equal(await text("#model"), model);
  await shot("gone");
});

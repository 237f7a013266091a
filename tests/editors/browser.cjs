// node browser.cjs CHROMIUM: a browser, which does what each line of JSON on stdin says and answers with
// a line of JSON. It is told what to do and says what is on the screen; what ought to be there is the tests' affair.
const { createInterface } = require("node:readline");
const { chromium } = require("playwright-core");

// What a user sees of VS Code, read from the page.
function screen() {
  const text = (element) => element.textContent.replaceAll("\u00a0", " ").replaceAll("\u200c", "");
  const isSeen = (element) => element.getClientRects().length > 0;
  const all = (selector) => [...document.querySelectorAll(selector)].filter(isSeen);
  const byHeight = (elements) =>
    elements.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top);
  const groups = all(".editor-group-container");
  const inFirst = (selector) => all(selector).filter((each) => groups[0]?.contains(each));
  const GHOST = ".ghost-text, .ghost-text-decoration, .ghost-text-decoration-preview, .suggest-preview-text";
  const rows = byHeight(inFirst(".view-lines > .view-line, .view-zones .view-line"));
  const withoutGhost = (row) => {
    const copy = row.cloneNode(true);
    copy.querySelectorAll(GHOST).forEach((each) => each.remove());
    return text(copy);
  };
  const zones = byHeight(inFirst(".view-zones .view-line, .suggest-preview-text .view-line"));
  const inline = byHeight(inFirst(".view-lines .view-line")).flatMap((row) => {
    const found = [...row.querySelectorAll(GHOST)].filter((each) => !each.parentElement.closest(GHOST));
    return found.length ? [found.map(text).join("")] : [];
  });
  const selected = all(".suggest-widget.visible .monaco-list-row.focused .label-name")[0];
  return {
    has_editor: inFirst(".editor-instance .view-lines > .view-line").length > 0,
    tab: all(".tab.active").map((each) => each.dataset.resourceName)[0] ?? "",
    lines: byHeight(inFirst(".editor-instance .view-lines > .view-line")).map(withoutGhost),
    rows: rows.map(text),
    ghost: [...inline, ...zones.map(text)],
    beside: byHeight([...(groups[1]?.querySelectorAll(".view-lines > .view-line") ?? [])]).map(text),
    status: all(".statusbar-item").map(text).find((each) => each.includes("pylot-ls")) ?? "",
    list: all(".suggest-widget.visible .monaco-list-row .label-name").map(text),
    selected: selected ? text(selected) : null,
    notifications: all(".notification-list-item-message").map(text),
    asks: all(".quick-input-widget .quick-input-box input").length > 0,
    entries: all(".quick-input-list .monaco-list-row .label-name").map(text),
    hover: all(".monaco-hover").map(text),
    actions: all(".action-widget .monaco-list-row.action").map(text),
    n_problems: all(".editor-instance .squiggly-error").length,
  };
}

// Waits until something in the page changes, but no longer than so many milliseconds: what is waited for may be elsewhere.
function change(milliseconds) {
  return new Promise((resolve) => {
    const end = () => {
      observer.disconnect();
      clearTimeout(timer);
      resolve();
    };
    const observer = new MutationObserver(end);
    const timer = setTimeout(end, milliseconds);
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  });
}

async function main() {
  const executablePath = process.argv[2];
  const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update"];
  const browser = await chromium.launch({ executablePath, headless: true, args });
  const context = await browser.newContext({ viewport: { width: 1100, height: 720 }, reducedMotion: "reduce" });
  let page = await context.newPage();
  const does = {
    turn_to: async ({ window }) => {
      while (context.pages().length <= window) {
        await context.newPage();
      }
      page = context.pages()[window];
      await page.bringToFront();
    },
    open: ({ url }) => page.goto(url, { waitUntil: "domcontentloaded" }),
    press: ({ keys }) => page.keyboard.press(keys),
    type: ({ text }) => page.keyboard.type(text, { delay: 30 }),
    paste: ({ text }) => page.keyboard.insertText(text),
    click: ({ selector, text }) => page.locator(selector).filter({ hasText: text }).first().click(),
    look: () => page.evaluate(screen),
    // A page that is left for another one has changed.
    wait: ({ milliseconds }) => page.evaluate(change, milliseconds).catch(() => null),
    html: ({ selector }) => page.locator(selector).first().innerHTML(),
    screenshot: ({ path }) => page.screenshot({ path }),
  };
  process.stdout.write("{}\n");
  for await (const line of createInterface({ input: process.stdin })) {
    const { does: name, ...parameters } = JSON.parse(line);
    let answer;
    try {
      answer = { value: (await does[name](parameters)) ?? null };
    } catch (error) {
      answer = { error: String(error) };
    }
    if (name === "open" || name === "screenshot") {
      delete answer.value;
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  await browser.close();
}

main();

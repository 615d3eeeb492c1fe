// What an audit of accessibility asks of a page, in the page's frame: `view` and `page` are at hand.
// Every fault is a line; an empty list is a pass.
const faults = [];
const all = (selector) => [...page.querySelectorAll(selector)];
const shown = (e) => e.getClientRects().length > 0 && view.getComputedStyle(e).visibility !== "hidden";
const say = (what, e) => faults.push(`${what}: <${e.tagName.toLowerCase()} class="${e.getAttribute("class") ?? ""}"> ${e.textContent.trim().slice(0, 40)}`);

// Structure.
if (!page.documentElement.lang) faults.push("no language");
if (!page.title) faults.push("no title");
const viewport = page.querySelector("meta[name=viewport]")?.content ?? "";
if (!viewport.includes("width=device-width") || /user-scalable=no|maximum-scale/.test(viewport)) faults.push("no viewport that can be zoomed");
if (all("main").length !== 1) faults.push("not one main");
let level = 0;
for (const head of all("h1, h2, h3, h4, h5, h6").filter(shown)) {
  const own = Number(head.tagName[1]);
  if (own > level + 1) say(`a heading after h${level}`, head);
  level = own;
}
if (all("h1").length !== 1) faults.push("not one h1");
const ids = all("[id]").map((e) => e.id);
for (const id of new Set(ids.filter((each, at) => ids.indexOf(each) !== at))) faults.push(`two with the id ${id}`);
for (const link of all('a[href^="#"]')) if (!page.getElementById(link.hash.slice(1))) say("a link to nothing", link);
for (const cell of all("th")) if (!cell.scope && !cell.ariaHidden) say("a head without scope", cell);
for (const table of all("table").filter(shown)) if (!table.querySelector("th")) say("a table without heads", table);

// Names, and the keyboard.
const name = (e) => e.getAttribute("aria-label") || e.getAttribute("title") || e.textContent.trim()
  || (e.id && page.querySelector(`label[for="${e.id}"]`)?.textContent.trim());
for (const e of all("a[href], button, input, summary, [tabindex='0'], [role=img], [role=group], [role=region], nav")) {
  if (!name(e)) say("no name", e);
}
for (const e of all("nav, [role=region], [role=img], [role=group], [data-map]")) {
  if (!e.getAttribute("aria-label")) say("no label", e);
}
for (const e of all("[tabindex]")) if (e.tabIndex > 0) say("an order of its own", e);
for (const e of all("[aria-hidden=true]")) {
  if (e.matches("a, button, input") || e.querySelector("a, button, input, [tabindex='0']")) say("hidden, but reachable", e);
}
const roled = "button, [role=button]";
for (const e of all("[tabindex='0']")) {
  if (!e.matches(roled) && !e.getAttribute("role") && !e.querySelector(roled)) say("reachable without a role", e);
}
for (const e of all("button, input, summary").filter(shown)) {
  const box = e.getBoundingClientRect();
  if (box.width < 24 || box.height < 24) say(`too small to tap, ${Math.round(box.width)}x${Math.round(box.height)}`, e);
}

// Contrast of every text with what it stands on.
const parse = (text) => {
  const found = text.match(/rgba?\(([^)]+)\)/);
  if (!found) return null;
  const [r, g, b, a = 1] = found[1].split(/[ ,/]+/).filter(Boolean).map(Number);
  return { rgb: [r, g, b], a };
};
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const middle = (e) => {
  const box = e.getBoundingClientRect();
  return [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
};
const ground = (e) => {
  const [x, y] = middle(e);
  const shape = [...(e.closest("g")?.querySelectorAll("rect, circle, path") ?? [])].find((part) => {
    const box = part.getBoundingClientRect();
    return box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;
  });
  const style = view.getComputedStyle(e);
  if (e.closest("svg") && shape && style.paintOrder.indexOf("stroke") !== 0) {
    const fill = parse(view.getComputedStyle(shape).fill);
    if (fill && fill.a === 1) return fill.rgb;
  }
  for (let at = e; at; at = at.parentElement) {
    const found = parse(view.getComputedStyle(at).backgroundColor);
    if (found && found.a === 1) return found.rgb;
  }
  return [255, 255, 255];
};
const walker = page.createTreeWalker(page.body, view.NodeFilter.SHOW_TEXT);
const seen = new Set();
for (let text = walker.nextNode(); text; text = walker.nextNode()) {
  const e = text.parentElement;
  if (!text.data.trim() || seen.has(e) || !shown(e) || e.closest("script, style, title, noscript")) continue;
  seen.add(e);
  const style = view.getComputedStyle(e);
  const colour = parse(e.closest("svg") ? style.fill : style.color);
  if (!colour) continue;
  const [dark, light] = [luminance(colour.rgb), luminance(ground(e))].sort((a, b) => a - b);
  const ratio = (light + 0.05) / (dark + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) say(`contrast ${ratio.toFixed(2)}`, e);
}

// Nothing leaves a narrow screen.
if (page.documentElement.scrollWidth > view.innerWidth) faults.push(`wider than the screen: ${page.documentElement.scrollWidth}`);
return { faults, texts: seen.size };

// Where the bytes of the file go: a treemap whose areas add up to the file, to one scale.

import { hierarchy, treemap } from "d3-hierarchy";
import { make, number, onSelect, operators, select, title } from "./data.js";
import { walk } from "./walk.js";

const HEIGHT = 260;
const LEAST_WIDTH = 280;
const LETTER = 6.2;
const COLOURS = 8;

/** Kinds of bytes, those that take most first: the last colour is for all that come after the others. */
export function flashKinds(sides) {
  const sums = new Map();
  const add = (kinds) => {
    for (const [kind, bytes] of Object.entries(kinds)) sums.set(kind, (sums.get(kind) ?? 0) + bytes);
  };
  for (const side of sides) {
    add(side.sharedFlash);
    for (const op of side.operators) add(op.flashKinds);
  }
  return [...sums.keys()].sort((a, b) => sums.get(b) - sums.get(a) || (a < b ? -1 : 1));
}

const colour = (kind, kinds) => Math.min(kinds.indexOf(kind), COLOURS - 1);

function leaves(side) {
  const groups = side.operators
    .filter((op) => op.flash > 0)
    .map((op) => ({
      name: title(op),
      key: op.key,
      children: Object.entries(op.flashKinds).map(([kind, bytes]) => ({ name: kind, bytes, key: op.key })),
    }));
  const shared = Object.entries(side.sharedFlash).map(([kind, bytes]) => ({ name: kind, bytes, key: "" }));
  if (shared.length) groups.push({ name: "the whole model", key: "", children: shared });
  return { name: "file", children: groups };
}

function cell(leaf, kinds) {
  const { name, bytes, key } = leaf.data;
  const owner = operators.get(key);
  const what = `${owner ? title(owner) : "the whole model"}, ${name}: ${number(bytes)} bytes`;
  const width = leaf.x1 - leaf.x0;
  const height = leaf.y1 - leaf.y0;
  const part = make(
    "g",
    { class: `cell kind-${colour(name, kinds)}`, "data-op": key, transform: `translate(${leaf.x0},${leaf.y0})` },
    make("title", {}, what),
    make("rect", { width: Math.max(0, width), height: Math.max(0, height) }),
  );
  const label = owner ? `${owner.place} ${name}` : name;
  if (height > 13 && width > label.length * LETTER + 6) {
    part.append(make("text", { x: 4, y: 12 }, label));
  }
  if (key) part.addEventListener("click", () => select(key, "flash"));
  return part;
}

/** The kinds with a colour of their own, and all others as one. */
function legend(kinds, every) {
  const own = kinds.filter((kind) => every.indexOf(kind) < COLOURS - 1);
  const rest = kinds.filter((kind) => every.indexOf(kind) >= COLOURS - 1);
  const entry = (index, text) => make("li", {}, make("i", { class: `key swatch-${index}` }), text);
  return make("ul", { class: "legend" }, ...own.map((kind) => entry(every.indexOf(kind), kind)),
    ...(rest.length ? [entry(COLOURS - 1, rest.join(", "))] : []));
}

export function drawFlash(box, side, most, kinds) {
  const scale = Math.sqrt(side.fileBytes / Math.max(1, most));
  const tree = hierarchy(leaves(side)).sum((node) => node.bytes ?? 0).sort((a, b) => b.value - a.value);
  // Drawn at the size that it has on the screen, so that its letters have theirs.
  const width = Math.max(LEAST_WIDTH, box.clientWidth);
  treemap().size([width * scale, HEIGHT * scale]).paddingInner(1).paddingOuter(1)(tree);
  const label = `Flash ${side.title}: ${number(side.fileBytes)} bytes; arrow keys go through its parts`;
  const svg = make("svg", { class: "treemap", viewBox: `0 0 ${width} ${Math.max(1, HEIGHT * scale)}`, role: "group", tabindex: "0", "aria-label": label });
  svg.dataset.bytes = String(tree.value);
  for (const leaf of tree.leaves()) svg.append(cell(leaf, kinds));
  const used = new Set(tree.leaves().map((leaf) => leaf.data.name));
  const parts = () => [...svg.querySelectorAll("g.cell")].filter((part) => part.dataset.op);
  walk(svg, parts, (part) => {
    select(part.dataset.op, "flash");
    note.textContent = part.querySelector("title").textContent;
  }, () => select(""));
  const note = make("p", { class: "soft", "aria-live": "polite" });
  box.querySelector(".view-title").append(`: ${number(side.fileBytes)} bytes`);
  box.append(svg, note);
  box.append(legend(kinds.filter((kind) => used.has(kind)), kinds));
  onSelect((op) => {
    const own = [op, operators.get(op?.twin)].find((each) => each && side.operators.includes(each));
    note.textContent = own ? `${title(own)}: ${number(own.flash)} bytes` : "";
  });
}

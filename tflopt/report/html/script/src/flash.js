// Where the bytes of the file go: a treemap whose areas add up to the file, to one scale.

import { hierarchy, treemap } from "d3-hierarchy";
import { make, number, onSelect, operators, select } from "./data.js";
import { walk } from "./walk.js";

const WIDTH = 600;
const HEIGHT = 260;
const LETTER = 6.2;

function leaves(side) {
  const groups = side.operators
    .filter((op) => op.flash > 0)
    .map((op) => ({
      name: `${op.index} ${op.name}`,
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
  const what = `${owner ? `${owner.index} ${owner.name}` : "the whole model"}, ${name}: ${number(bytes)} bytes`;
  const width = leaf.x1 - leaf.x0;
  const height = leaf.y1 - leaf.y0;
  const part = make(
    "g",
    { class: `cell kind-${kinds.indexOf(name) % 8}`, "data-op": key, transform: `translate(${leaf.x0},${leaf.y0})` },
    make("title", {}, what),
    make("rect", { width: Math.max(0, width), height: Math.max(0, height) }),
  );
  const label = owner ? `${owner.index} ${name}` : name;
  if (height > 13 && width > label.length * LETTER + 6) {
    part.append(make("text", { x: 4, y: 12 }, label));
  }
  if (key) part.addEventListener("click", () => select(key, "flash"));
  return part;
}

const legend = (kinds, every) => make("ul", { class: "legend" },
  ...kinds.map((kind) => make("li", {}, make("i", { class: `key swatch-${every.indexOf(kind) % 8}` }), kind)));

export function drawFlash(box, side, most, kinds) {
  const scale = Math.sqrt(side.fileBytes / Math.max(1, most));
  const tree = hierarchy(leaves(side)).sum((node) => node.bytes ?? 0).sort((a, b) => b.value - a.value);
  treemap().size([WIDTH * scale, HEIGHT * scale]).paddingInner(1).paddingOuter(1)(tree);
  const label = `Flash ${side.title}: ${number(side.fileBytes)} bytes; arrow keys go through its parts`;
  const svg = make("svg", { class: "treemap", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group", tabindex: "0", "aria-label": label });
  svg.dataset.bytes = String(tree.value);
  for (const leaf of tree.leaves()) svg.append(cell(leaf, kinds));
  const parts = () => [...svg.querySelectorAll("g.cell")].filter((part) => part.dataset.op);
  walk(svg, parts, (part) => {
    select(part.dataset.op, "flash");
    note.textContent = part.querySelector("title").textContent;
  }, () => select(""));
  const note = make("p", { class: "soft", "aria-live": "polite" });
  box.querySelector(".view-title").append(`: ${number(side.fileBytes)} bytes`);
  box.append(svg, note);
  box.append(legend(kinds.filter((kind) => svg.querySelector(`.kind-${kinds.indexOf(kind) % 8}`)), kinds));
  onSelect((op) => {
    const own = [op, operators.get(op?.twin)].find((each) => each && side.operators.includes(each));
    note.textContent = own ? `${own.index} ${own.name}: ${number(own.flash)} bytes` : "";
  });
}

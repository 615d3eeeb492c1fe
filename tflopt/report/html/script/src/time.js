// Time: one block for each operator, as wide as its share, in the order of execution.

import { make, number, select, told } from "./data.js";
import { walk } from "./walk.js";

const WIDTH = 1000;
const HEIGHT = 34;
const THIN = 4;

function strip(side, taken, most, label) {
  const svg = make("svg", {
    class: "strip",
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    role: "group",
    tabindex: "0",
    "aria-label": `${label}; arrow keys go through the operators`,
  });
  let left = 0;
  for (const op of side.operators) {
    const width = (WIDTH * (taken(op) ?? 0)) / Math.max(1, most);
    if (!width) continue;
    const part = make("g", { "data-op": op.key, class: width < THIN ? "block thin" : "block", transform: `translate(${left},0)` },
      make("title", {}, told(op)),
      make("rect", { width, height: HEIGHT }));
    part.addEventListener("click", () => select(op.key, "time"));
    svg.append(part);
    left += width;
  }
  walk(svg, () => [...svg.querySelectorAll("g.block")], (part) => select(part.dataset.op, "time"), () => select(""));
  return svg;
}

/** `most` holds the longest prediction and, by unit, the longest measurement of both sides. */
export function drawTime(box, side, most) {
  const title = box.querySelector(".view-title");
  title.append(`: ${number(side.instructions)} predicted, of which the interpreter takes ${number(side.interpreter)}`);
  box.append(strip(side, (op) => op.instructions, most.predicted,
    `Time ${side.title}: ${number(side.instructions)} instructions predicted`));
  if (!side.measured) return;
  const { total, unit, board } = side.measured;
  const words = `${number(total)} ${unit} measured${board ? ` on ${board}` : ""}`;
  box.append(make("p", { class: "strip-title" }, words),
    strip(side, (op) => op.measured, most.measured, `Time ${side.title}: ${words}`));
}

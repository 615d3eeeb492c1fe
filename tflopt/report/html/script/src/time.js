// Time: one block for each operator, as wide as its instructions, in the order of execution.

import { make, number, select, told } from "./data.js";

const WIDTH = 1000;
const HEIGHT = 34;
const LETTER = 6.2;

export function drawTime(box, side, most) {
  const svg = make("svg", {
    class: "strip",
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": `Time ${side.title}: ${number(side.instructions)} instructions; the table has them by operator`,
  });
  box.querySelector(".view-title").append(
    `: ${number(side.instructions)}, of which the interpreter takes ${number(side.interpreter)}`);
  let left = 0;
  for (const op of side.operators) {
    const width = (WIDTH * (op.instructions ?? 0)) / Math.max(1, most);
    if (!width) continue;
    const part = make("g", { "data-op": op.key, class: "block", transform: `translate(${left},0)` },
      make("title", {}, told(op)),
      make("rect", { width, height: HEIGHT }));
    part.addEventListener("click", () => select(op.key, "time"));
    svg.append(part);
    left += width;
  }
  box.append(svg);
}

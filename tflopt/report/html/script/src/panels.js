// The panels that are drawn already: rows of channels are operators, points of the frontier are pairs.

import { select } from "./data.js";
import { reveal, walk } from "./walk.js";

function linkChannels(box) {
  const rows = () => [...box.querySelectorAll("tr[data-op]")];
  for (const row of rows()) row.addEventListener("click", () => select(row.dataset.op, "channels"));
  walk(box, rows, (row) => {
    reveal(box, row);
    select(row.dataset.op, "channels");
  }, () => select(""));
}

/** A point of one picture lights up in the other and in the table. */
function linkFrontier(section) {
  const parts = [...section.querySelectorAll("[data-point]")];
  const light = (name) => {
    for (const part of parts) part.classList.toggle("lit", part.dataset.point === name);
  };
  for (const part of parts) part.addEventListener("click", () => light(part.dataset.point));
  const box = section.querySelector("[data-walk]");
  walk(box, () => [...box.querySelectorAll("tr[data-point]")], (row) => {
    reveal(box, row);
    light(row.dataset.point);
  }, () => light(""));
}

export function linkPanels() {
  const channels = document.querySelector("#channels [data-walk]");
  if (channels) linkChannels(channels);
  const frontier = document.getElementById("frontier");
  if (frontier) linkFrontier(frontier);
}

// The drawn memory map: says of each buffer who writes and reads it, and who keeps it alive.

import { markKeeper, onSelect, operators, select, title } from "./data.js";

const name = (key) => title(operators.get(key));

function story(buffer) {
  const parts = [];
  if (buffer.writer) parts.push(`written by ${name(buffer.writer)}`);
  if (buffer.readers.length) parts.push(`read by ${buffer.readers.map(name).join(", ")}`);
  if (buffer.isOutput) parts.push("kept alive to the end: it is an output");
  else if (buffer.keeper) parts.push(`kept alive by ${name(buffer.keeper)}`);
  return parts.join("; ");
}

function choose(buffer) {
  if (!buffer.writer && !buffer.keeper) return;
  select(buffer.writer ?? buffer.keeper, "memory");
  markKeeper(buffer.keeper);
}

export function linkMemory(side) {
  for (const box of document.querySelectorAll(`[data-map="${side.id}"]`)) {
    const buffers = new Map();
    for (const part of box.querySelectorAll(".buffer")) {
      const buffer = side.buffers[Number(part.dataset.buffer)];
      if (!buffer) continue;
      buffers.set(part, buffer);
      part.dataset.op = buffer.writer ?? "";
      const title = part.querySelector("title");
      title.textContent = [title.textContent, story(buffer)].filter(Boolean).join("; ");
      part.addEventListener("click", () => choose(buffer));
    }
    box.addEventListener("keydown", (event) => {
      const part = box.querySelector(".buffer.at");
      if (event.key === "Escape") select("");
      if ((event.key !== "Enter" && event.key !== " ") || !part) return;
      event.preventDefault();
      choose(buffers.get(part));
    });
    onSelect((op) => {
      for (const [part, buffer] of buffers) {
        part.classList.toggle("kept", Boolean(op) && buffer.keeper === op.key);
      }
    });
  }
}

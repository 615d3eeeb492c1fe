// Links the drawn memory map: a buffer to the operator that writes it, and to the last that reads it.

import { onSelect, operators, select } from "./data.js";

export function linkMemory(side) {
  for (const box of document.querySelectorAll(`[data-map="${side.id}"]`)) {
    const parts = [...box.querySelectorAll(".buffer")];
    for (const part of parts) {
      const buffer = side.buffers[Number(part.dataset.buffer)];
      if (!buffer) continue;
      part.dataset.op = buffer.writer ?? "";
      part.addEventListener("click", () => {
        if (!buffer.writer && !buffer.keeper) return;
        select(buffer.writer ?? buffer.keeper, "memory");
        const keeper = operators.get(buffer.keeper);
        const told = document.getElementById("told");
        if (told && keeper) {
          told.textContent += `; kept alive by ${keeper.index} ${keeper.name}`;
        }
      });
    }
    onSelect((op) => {
      for (const part of parts) {
        const buffer = side.buffers[Number(part.dataset.buffer)];
        part.classList.toggle("kept", Boolean(op && buffer && buffer.keeper === op.key));
      }
    });
  }
}

"use strict";
const told = document.getElementById("told");
let at = null;
function tell(buffer) {
  if (at) at.classList.remove("at");
  at = buffer;
  at.classList.add("at");
  told.textContent = at.querySelector("title").textContent;
}
for (const box of document.querySelectorAll("[data-map]")) {
  const buffers = [...box.querySelectorAll(".buffer")];
  const order = (b) => Number(b.querySelector("rect").getAttribute("x"));
  buffers.sort((a, b) => order(a) - order(b));
  for (const kind of ["pointerover", "click"]) {
    box.addEventListener(kind, (event) => {
      const buffer = event.target.closest(".buffer");
      if (buffer) tell(buffer);
    });
  }
  box.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || !buffers.length) return;
    event.preventDefault();
    const next = buffers.indexOf(at) + step;
    tell(buffers[(next + buffers.length) % buffers.length]);
  });
}
window.addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details.rule")) part.open = true;
});

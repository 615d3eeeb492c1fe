// Arrow keys through the parts of a view that has the focus, in the order in which they stand.

const DOWN = { ArrowDown: 1, ArrowUp: -1 };
const STEPS = { ...DOWN, ArrowRight: 1, ArrowLeft: -1 };

/** Scroll a row of a table into its box, below the heads that stay; the page itself stays where it is. */
export function reveal(box, row) {
  const [outer, inner] = [box.getBoundingClientRect(), row.getBoundingClientRect()];
  const head = box.querySelector("thead")?.getBoundingClientRect().height ?? 0;
  if (inner.top < outer.top + head) box.scrollTop -= outer.top + head - inner.top;
  else if (inner.bottom > outer.bottom) box.scrollTop += inner.bottom - outer.bottom;
}

/**
 * `parts` tells which there are now, `choose` is given the next one, `leave` lets go.
 * A table keeps the arrows to the sides for scrolling.
 */
export function walk(box, parts, choose, leave) {
  const steps = box.classList.contains("scroll") ? DOWN : STEPS;
  let last = null;
  const remember = (part) => {
    last = part;
  };
  box.addEventListener("click", (event) => {
    const hit = parts().find((part) => part.contains(event.target));
    if (hit) remember(hit);
  });
  box.addEventListener("keydown", (event) => {
    const found = parts();
    const at = found.indexOf(last);
    const step = steps[event.key];
    if (event.key === "Escape") leave();
    if (!found.length) return;
    let next = -1;
    if (step) next = at < 0 ? (step > 0 ? 0 : found.length - 1) : at + step;
    else if (event.key === "Home") next = 0;
    else if (event.key === "End") next = found.length - 1;
    else return;
    event.preventDefault();
    remember(found[Math.max(0, Math.min(found.length - 1, next))]);
    choose(last);
  });
}

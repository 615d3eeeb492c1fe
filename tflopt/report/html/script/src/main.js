// Puts the views into the page and links them.

import { current, data, isPair, make, number, onSelect, operators, select, told } from "./data.js";
import { drawFlash, flashKinds } from "./flash.js";
import { drawGraph } from "./graph.js";
import { linkMemory } from "./memory.js";
import { linkPanels } from "./panels.js";
import { drawTable, matches } from "./table.js";
import { drawTime } from "./time.js";

const place = (view, side) => document.querySelector(`[data-view="${view}"][data-side="${side.id}"]`);
const most = (read) => Math.max(1, ...data.sides.map((side) => read(side) ?? 0));

/** The chosen operator in words: its numbers, and what each rule did to it. */
function drawDetail(box) {
  onSelect((op) => {
    box.replaceChildren();
    if (!op) {
      box.append("Choose an operator in any view; Escape lets it go.");
      return;
    }
    box.append(make("p", {}, make("b", {}, isPair ? `${op.side}: ${told(op)}` : told(op))));
    const facts = [["output", op.fullName], ["kernel", op.kernel], ["arena in use", number(op.live)]];
    const twin = operators.get(op.twin);
    if (twin) facts.push([twin.side, told(twin)]);
    box.append(make("dl", { class: "facts" },
      ...facts.filter(([, value]) => value).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])));
    for (const rule of op.rules) {
      box.append(make("p", {}, make("b", {}, rule.name), ` ${rule.edits.join("; ")}`));
    }
  });
}

/** The search marks what it finds in the graphs; Enter goes to the next of them. */
function linkSearch(search) {
  const found = () => (search.value.trim()
    ? [...operators.values()].filter((op) => matches(op, search.value.trim())) : []);
  search.addEventListener("input", () => {
    const keys = new Set(found().map((op) => op.key));
    for (const part of document.querySelectorAll("g.op")) {
      part.classList.toggle("hit", keys.has(part.dataset.op));
    }
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") select("");
    if (event.key !== "Enter") return;
    event.preventDefault();
    const keys = found().map((op) => op.key);
    if (keys.length) select(keys[(keys.indexOf(current()) + 1) % keys.length], "search");
  });
}

function start() {
  const search = document.getElementById("search");
  const table = document.querySelector('[data-view="table"]');
  if (!search || !table) return;
  const kinds = flashKinds(data.sides);
  const longest = {
    predicted: most((side) => side.instructions),
    measured: most((side) => side.measured?.total),
  };
  for (const side of data.sides) {
    drawGraph(place("graph", side), side);
    drawTime(place("time", side), side, longest);
    drawFlash(place("flash", side), side, most((each) => each.fileBytes), kinds);
    linkMemory(side);
  }
  drawTable(table, [...operators.values()], search, data.name);
  drawDetail(document.getElementById("chosen"));
  linkSearch(search);
  linkPanels();
  select("");
}

start();

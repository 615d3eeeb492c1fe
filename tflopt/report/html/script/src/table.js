// All operators in a table: sorted by a click on a column, filtered by the search, saved as CSV or JSON.

import { data, isPair, make, number, onSelect, select } from "./data.js";
import { reveal, walk } from "./walk.js";

const COLUMNS = [
  ...(isPair ? [["side", "side", (op) => op.side]] : []),
  ["index", "#", (op) => op.place],
  ["name", "operator", (op) => op.name],
  ["tensor", "output", (op) => op.tensor],
  ["shapes", "shape", (op) => op.shapes.map((shape) => shape.split("{")[0]).join(", ")],
  ["kernel", "kernel", (op) => op.kernel],
  ["instructions", "instructions", (op) => op.instructions],
  ...(data.sides.some((side) => side.measured) ? [["measured", "measured", (op) => op.measured]] : []),
  ["arena", "arena in use", (op) => op.live],
  ["tail", "kept in tail", (op) => op.tail],
  ["flash", "flash", (op) => op.flash],
  ...(isPair ? [
    ["fate", "became", (op) => op.fate],
    ["rules", "rules", (op) => op.rules.map((rule) => rule.name).join(" ")],
  ] : []),
];
const NUMERIC = new Set(["index", "instructions", "measured", "arena", "tail", "flash"]);

const plain = (op) => Object.fromEntries(COLUMNS.map(([id, , read]) => [id, read(op)]));

function compare(id, read, falling) {
  return (a, b) => {
    const [x, y] = [read(a), read(b)];
    const order = NUMERIC.has(id) ? (x ?? -1) - (y ?? -1) : String(x).localeCompare(String(y));
    return falling ? -order : order;
  };
}

function save(name, type, text) {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}

/** A value of CSV: quoted where it must be, and never a formula in a spreadsheet. */
export function csvValue(value) {
  let text = value === null || value === undefined ? "" : String(value);
  if (/^[=+@\t\r-]/.test(text) && Number.isNaN(Number(text))) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csv(rows) {
  const lines = [COLUMNS.map(([id]) => id), ...rows.map((op) => COLUMNS.map(([, , read]) => read(op)))];
  return lines.map((line) => line.map(csvValue).join(",")).join("\r\n") + "\r\n";
}

export const matches = (op, text) =>
  text.toLowerCase().split(/\s+/).every((word) => Object.values(plain(op)).join(" ").toLowerCase().includes(word));

function row(op) {
  const part = make("tr", { "data-op": op.key, tabindex: "-1" });
  for (const [id, , read] of COLUMNS) {
    const value = read(op);
    const text = id === "index" ? value : NUMERIC.has(id) ? (value === null ? "unknown" : number(value)) : value;
    const cell = make("td", { class: NUMERIC.has(id) ? "n" : "name" }, text);
    if (id === "tensor" && op.fullName) cell.title = op.fullName;
    part.append(cell);
  }
  part.addEventListener("click", () => select(op.key, "table"));
  return part;
}

export function drawTable(box, operators, search, name) {
  const state = { id: "", falling: false };
  const heads = COLUMNS.map(([id, title, read]) => {
    const button = make("button", { type: "button" }, title);
    const head = make("th", { scope: "col", class: NUMERIC.has(id) ? "n" : "", "aria-sort": "none" }, button);
    button.addEventListener("click", () => {
      state.falling = state.id === id ? !state.falling : NUMERIC.has(id) && id !== "index";
      state.id = id;
      state.read = read;
      for (const each of heads) each.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", state.falling ? "descending" : "ascending");
      fill();
    });
    return head;
  });
  const body = make("tbody");
  const count = make("p", { class: "soft", "aria-live": "polite" });
  const rows = new Map(operators.map((op) => [op.key, row(op)]));
  const shown = () => {
    const found = operators.filter((op) => matches(op, search.value.trim()));
    return state.id ? [...found].sort(compare(state.id, state.read, state.falling)) : found;
  };
  function fill() {
    const found = shown();
    body.replaceChildren(...found.map((op) => rows.get(op.key)));
    count.textContent = `${number(found.length)} of ${number(operators.length)} rows`;
  }
  const button = (text, action) => {
    const part = make("button", { type: "button" }, text);
    part.addEventListener("click", action);
    return part;
  };
  search.addEventListener("input", fill);
  fill();
  const scroll = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "All operators" },
    make("table", { class: "operators" }, make("thead", {}, make("tr", {}, ...heads)), body));
  walk(scroll, () => [...body.children], (part) => {
    reveal(scroll, part);
    select(part.dataset.op, "table");
  }, () => select(""));
  box.append(
    make("div", { class: "tools" },
      button("Save CSV", () => save(`${name}.csv`, "text/csv", csv(shown()))),
      button("Save JSON", () => save(`${name}.json`, "application/json",
        JSON.stringify({ schema_version: 1, operators: shown().map(plain) }, null, 2)))),
    count,
    scroll,
  );
  onSelect((op, from) => {
    const own = rows.get(op?.key);
    if (own?.isConnected && from !== "table") reveal(scroll, own);
  });
}

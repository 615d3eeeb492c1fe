// The page's data, and the one selection that all views share.

const source = document.getElementById("explorer-data");
export const data = source ? JSON.parse(source.textContent) : { sides: [] };

/** Whether there are a before and an after. */
export const isPair = data.sides.length > 1;

/** Every operator by its key, such as "after:0.7". */
export const operators = new Map(
  data.sides.flatMap((side) => side.operators.map((op) => [op.key, op])),
);

/** The operator itself and what became of it, or what it came from. */
export function family(key) {
  const op = operators.get(key);
  return op ? new Set([key, ...(op.twin ? [op.twin] : [])]) : new Set();
}

export const number = (value) => (value ?? 0).toLocaleString("en-US");

const listeners = [];
let selected = "";

export function onSelect(listener) {
  listeners.push(listener);
}

/** Light an operator up in every view; an empty key puts the light out. */
export function select(key, from = "") {
  selected = operators.has(key) ? key : "";
  const lit = family(selected);
  for (const part of document.querySelectorAll("[data-op]")) {
    part.classList.toggle("lit", lit.has(part.dataset.op));
  }
  markKeeper("");
  for (const listener of listeners) listener(operators.get(selected), from);
}

/** The operator that keeps the chosen buffer alive, in every view; an empty key for none. */
export function markKeeper(key) {
  for (const part of document.querySelectorAll("[data-op]")) {
    part.classList.toggle("keeper", Boolean(key) && part.dataset.op === key);
  }
}

export const current = () => selected;

/** An element of HTML or SVG with attributes and children. */
export function make(name, attributes = {}, ...children) {
  const svg = ["svg", "g", "rect", "path", "text", "title"].includes(name);
  const part = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
  part.append(...children);
  return part;
}

/** What people call an operator: its place, with the subgraph where it isn't the first, and its kind. */
export const title = (op) => `${op.place} ${op.name}`;

/** What a screen reader and a tooltip say of an operator. */
export function told(op) {
  const parts = [title(op), op.shapes.join(", ")];
  if (op.fate !== "kept") parts.push(op.fate);
  if (op.instructions !== null) parts.push(`${number(op.instructions)} instructions`);
  const unit = data.sides.find((side) => side.id === op.side).measured?.unit;
  if (unit && op.measured !== null) parts.push(`${number(op.measured)} ${unit} measured`);
  parts.push(`${number(op.flash)} bytes of flash`);
  if (op.rules.length) parts.push(op.rules.map((rule) => rule.name).join(", "));
  return parts.join("; ");
}

/** A tooltip: the same, and a line for each rule with what it did. */
export const tip = (op) => [
  told(op), ...op.rules.map((rule) => `${rule.name}: ${rule.edits.join("; ")}`)].join("\n");

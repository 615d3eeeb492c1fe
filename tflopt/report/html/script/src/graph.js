// The graph of each side: laid out by dagre, moved and zoomed by d3-zoom.

import dagre from "@dagrejs/dagre";
import { select as pick } from "d3-selection";
import { zoom, zoomIdentity } from "d3-zoom";
import { make, onSelect, select, tip, title, told } from "./data.js";

const WIDTH = 184;
const HEIGHT = 40;
const MOST_OPERATORS = 400;
const LETTERS = 22;
const LEAST_SCALE = 0.6;

const short = (text) => (text.length > LETTERS ? `${text.slice(0, LETTERS - 1)}…` : text);

function layout(side) {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "TB", nodesep: 14, ranksep: 22, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const op of side.operators) graph.setNode(op.key, { width: WIDTH, height: HEIGHT, op });
  for (const op of side.operators) for (const read of op.reads) graph.setEdge(read, op.key);
  dagre.layout(graph);
  return graph;
}

const line = (points) => points.map((p, i) => `${i ? "L" : "M"}${p.x},${p.y}`).join("");

function node(op, place) {
  const at = `translate(${place.x - WIDTH / 2},${place.y - HEIGHT / 2})`;
  const part = make(
    "g",
    {
      class: `op ${op.fate}`,
      transform: at,
      "data-op": op.key,
      tabindex: "-1",
      role: "button",
      "aria-label": told(op),
    },
    make("title", {}, tip(op)),
    make("rect", { width: WIDTH, height: HEIGHT, rx: 5 }),
    make("text", { x: 8, y: 16, class: "title" }, short(title(op))),
    make("text", { x: 8, y: 32, class: "detail" }, short((op.shapes[0] ?? "").split("{")[0])),
  );
  if (op.fate !== "kept") part.append(make("text", { x: WIDTH - 6, y: 32, class: "mark" }, op.fate));
  part.addEventListener("click", () => select(op.key, "graph"));
  return part;
}

/** Arrow keys walk through the operators in the order in which they run. */
function walk(box, side, centre) {
  const parts = new Map([...box.querySelectorAll("g.op")].map((part) => [part.dataset.op, part]));
  let at = 0;
  const focus = (index) => {
    at = (index + side.operators.length) % side.operators.length;
    const key = side.operators[at].key;
    parts.get(key).focus({ preventScroll: true });
    select(key, "graph");
    centre(key);
  };
  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (step) focus(at + step);
    else if (event.key === "Home") focus(0);
    else if (event.key === "End") focus(side.operators.length - 1);
    else if (event.key === "Enter" || event.key === " ") focus(at);
    else if (event.key === "Escape") select("");
    else return;
    event.preventDefault();
  });
  return (key) => {
    const index = side.operators.findIndex((op) => op.key === key);
    if (index >= 0) at = index;
  };
}

export function drawGraph(box, side) {
  if (!side.operators.length) {
    box.append(make("p", { class: "soft" }, "The model has no operators."));
    return;
  }
  if (side.operators.length > MOST_OPERATORS) {
    box.append(make("p", { class: "soft" }, "Too large to draw; the table has every operator."));
    return;
  }
  const graph = layout(side);
  const scene = make("g", {});
  for (const edge of graph.edges()) {
    scene.append(make("path", { class: "edge", d: line(graph.edge(edge).points) }));
  }
  for (const key of graph.nodes()) scene.append(node(graph.node(key).op, graph.node(key)));
  const label = `Graph ${side.title}: arrow keys go through its operators`;
  const svg = make("svg", { class: "graph-view", tabindex: "0", role: "group", "aria-label": label }, scene);
  box.append(svg);
  const view = pick(svg);
  const pan = zoom().scaleExtent([0.05, 3]).on("zoom", (event) => {
    scene.setAttribute("transform", String(event.transform));
  });
  view.call(pan);
  // A short graph takes no more room than it needs.
  const scale = Math.max(LEAST_SCALE, Math.min(1, (svg.clientWidth - 16) / graph.graph().width));
  const needed = scale * graph.graph().height + 20;
  svg.style.height = `min(${Math.max(160, Math.ceil(needed))}px, var(--graph-height))`;
  const size = () => [svg.clientWidth || 400, svg.clientHeight || 480];
  const { width, height } = graph.graph();
  const fit = () => {
    const scale = Math.min(1, (size()[0] - 16) / width);
    view.call(pan.transform, zoomIdentity.translate((size()[0] - width * scale) / 2, 8).scale(scale));
  };
  const whole = () => {
    const scale = Math.min(1, (size()[0] - 16) / width, (size()[1] - 16) / height);
    view.call(pan.transform, zoomIdentity.translate((size()[0] - width * scale) / 2, 8).scale(scale));
  };
  const centre = (key) => {
    const place = graph.node(key);
    if (place) view.call(pan.translateTo, place.x, place.y);
  };
  /** As wide as the view, but never so small that nothing can be read: then the first operator leads. */
  const open = () => {
    fit();
    if (size()[0] - 16 >= LEAST_SCALE * width) return;
    view.call(pan.transform, zoomIdentity.translate(0, 8).scale(LEAST_SCALE));
    view.call(pan.translateTo, graph.node(side.operators[0].key).x, (size()[1] / 2 - 8) / LEAST_SCALE);
  };
  open();
  const start = walk(svg, side, centre);
  onSelect((op, from) => {
    if (!op) return;
    const own = [op.key, op.twin].find((key) => key && graph.hasNode(key));
    if (!own) return;
    start(own);
    if (from !== "graph" || own !== op.key) centre(own);
  });
  const button = (text, action) => {
    const part = make("button", { type: "button" }, text);
    part.addEventListener("click", action);
    return part;
  };
  svg.before(
    make("div", { class: "tools" },
      button("Fit width", fit), button("Whole graph", whole),
      button("Zoom in", () => view.call(pan.scaleBy, 1.4)),
      button("Zoom out", () => view.call(pan.scaleBy, 1 / 1.4))),
  );
}

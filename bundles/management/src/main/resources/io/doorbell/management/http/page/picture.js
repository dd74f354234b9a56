// Which bundle holds which queue pair, and which thread on which core polls it.
import { place } from "./figures.js";

const SVG = "http://www.w3.org/2000/svg";
const ROW = 26;
const TOP = 24;
const COLOURS = 8;
/** What is more stands in the table alone. */
const MOST = 48;

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  if (text !== undefined) {
    made.textContent = text;
  }
  return made;
}

function shortened(text, width) {
  const most = Math.max(6, Math.floor(width / 7));
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function box(svg, x, y, width, text, whole, extra = "") {
  const group = element("g", {});
  group.append(element("title", {}, whole));
  group.append(element("rect", { x, y, width, height: ROW - 6, rx: 4, class: `box ${extra}` }));
  group.append(element("text", { x: x + 6, y: y + 14 }, shortened(text, width - 10)));
  svg.append(group);
}

/** In the middle of those rows of queue pairs that belong to it. */
function middles(leases, key) {
  const rows = new Map();
  leases.forEach((lease, i) => rows.set(key(lease), [...rows.get(key(lease)) ?? [], i]));
  const places = [...rows].map(([name, of]) => [name, of.reduce((a, b) => a + b, 0) / of.length]).sort((a, b) => a[1] - b[1]);
  let least = 0;
  const placed = places.map(([name, at]) => {
    const y = Math.max(least, at);
    least = y + 1;
    return [name, y];
  });
  // Those that were pushed below the last row go up again, together.
  let most = Math.max(leases.length, placed.length) - 1;
  for (let i = placed.length - 1; i >= 0; i--) {
    placed[i][1] = Math.min(placed[i][1], most);
    most = placed[i][1] - 1;
  }
  return new Map(placed);
}

export function draw(into, all, reactors) {
  const leases = all.slice().sort((a, b) => a.holder.localeCompare(b.holder) || a.ownerThread.localeCompare(b.ownerThread))
    .slice(0, MOST);
  if (leases.length === 0) {
    into.replaceChildren();
    return;
  }
  const core = new Map(reactors.map((each) => [each.thread, each.cpu]));
  const thread = (lease) => lease.ownerThread || "no thread";
  const bundles = middles(leases, (lease) => lease.holder);
  const threads = middles(leases, thread);
  const width = Math.max(300, into.clientWidth);
  const height = TOP + ROW * Math.max(leases.length, bundles.size, threads.size) + 4;
  const column = width * .26;
  const left = [0, (width - column) / 2, width - column];
  const y = (row) => TOP + row * ROW;
  const svg = element("svg", {
    class: "picture", viewBox: `0 0 ${width} ${height}`, height, role: "img",
    "aria-label": `${leases.length} queue pairs, held by ${bundles.size} bundles, polled by ${threads.size} threads; the table below has the same`,
  });
  ["Bundle", "Queue pair", "Thread, core"].forEach((title, i) => svg.append(element("text", { x: left[i], y: 14, class: "head" }, title)));
  const names = [...bundles.keys()].sort();
  leases.forEach((lease, i) => {
    const hold = `hold-${names.indexOf(lease.holder) % COLOURS}`;
    const link = (x1, y1, x2, y2) => svg.append(element("path", {
      class: `link ${hold}`, d: `M${x1},${y1 + 10} C${(x1 + x2) / 2},${y1 + 10} ${(x1 + x2) / 2},${y2 + 10} ${x2},${y2 + 10}`,
    }));
    link(left[0] + column, y(bundles.get(lease.holder)), left[1], y(i));
    link(left[1] + column, y(i), left[2], y(threads.get(thread(lease))));
    // The number first: it is what is left of it on a phone.
    const name = `#${lease.queueId} ${place(lease.controller)}`;
    box(svg, left[1], y(i), column, name, `${lease.controller}, queue ${lease.queueId}, lease ${lease.id}: ${lease.label}`, hold);
  });
  bundles.forEach((row, name) => box(svg, left[0], y(row), column, name.replace("io.doorbell.", ""), name, `hold-${names.indexOf(name) % COLOURS}`));
  threads.forEach((row, name) => {
    const cpu = core.get(name);
    const where = cpu === undefined ? "" : cpu < 0 ? ", any core" : `, core ${cpu}`;
    box(svg, left[2], y(row), column, name + where, name + where);
  });
  into.replaceChildren(svg);
}

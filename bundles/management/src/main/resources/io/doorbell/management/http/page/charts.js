// The last hour, as three charts on one time axis.
import { bytes, count, micros } from "./figures.js";

const HOUR_SECONDS = 3600;
/** The least that is shown, of a node that has just started. */
const LEAST_SECONDS = 300;
const HEIGHT = 220;
/** A line over a time that nobody knows of would be made up. */
const GAP_MILLIS = 20000;

const CHARTS = [
  { id: "chart-iops", format: count, series: [["reads", "readIops", "--read"], ["writes", "writeIops", "--write"]] },
  {
    // Ticks at round numbers of their units.
    id: "chart-bytes", format: bytes, incrs: Array.from({ length: 50 }, (none, i) => 2 ** i),
    series: [["read", "readBytesPerSecond", "--read"], ["written", "writtenBytesPerSecond", "--write"]],
  },
  {
    id: "chart-latency", format: micros,
    series: [
      ["reads, p99", "readP99Micros", "--read"], ["writes, p99", "writeP99Micros", "--write"],
      ["reads, mean", "readMeanMicros", "--read", [4, 4]], ["writes, mean", "writeMeanMicros", "--write", [4, 4]],
    ],
  },
];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

let samples = [];
let drawn = [];

/** The last hour, or what is known of it. */
function range() {
  const now = Date.now() / 1000;
  const first = (samples[0]?.timeMillis ?? Date.now()) / 1000;
  return [Math.max(now - HOUR_SECONDS, Math.min(first, now - LEAST_SECONDS)), now];
}

/** As the reader's language has it, with seconds where they tell ticks apart. */
const times = (u, ticks, axis, space, step) => ticks.map((tick) => new Date(tick * 1000).toLocaleTimeString(
  undefined, { hour: "2-digit", minute: "2-digit", second: step < 60 ? "2-digit" : undefined }));

function make(chart) {
  const box = document.getElementById(chart.id);
  box.replaceChildren();
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--grid"), width: 1 }, ticks: { show: false } };
  return new uPlot({
    width: box.clientWidth,
    height: HEIGHT - 30,
    cursor: { sync: { key: "hour" } },
    scales: { x: { time: true, range }, y: { range: (u, low, high) => [0, Math.max(10, high * 1.1)] } },
    axes: [{ ...axis, space: 70, values: times }, { ...axis, size: 70, ...(chart.incrs && { incrs: chart.incrs }), values: (u, ticks) => ticks.map((tick) => tick === 0 ? "0" : chart.format(tick)) }],
    series: [{}, ...chart.series.map(([label, , name, dash]) => ({
      label, stroke: colour(name), width: 1.5, dash, points: { show: false },
      // Where nobody points at a moment, the latest.
      value: (u, value, series, at) => {
        const told = at === null ? u.data[series].at(-1) : value;
        return told === null || told === undefined ? "-" : chart.format(told);
      },
    }))],
  }, data(chart), box);
}

const data = (chart) => [
  samples.map((each) => each.timeMillis / 1000),
  ...chart.series.map(([, field]) => samples.map((each) => each[field] ?? null)),
];

function redraw() {
  drawn.forEach((each) => each.destroy());
  drawn = CHARTS.map(make);
}

/** Samples that are not known yet, oldest first. */
export function add(latest) {
  const last = samples.at(-1)?.timeMillis ?? 0;
  for (const sample of latest.filter((each) => each.timeMillis > last)) {
    const former = samples.at(-1)?.timeMillis;
    if (sample.timeMillis - former > GAP_MILLIS) {
      samples.push({ timeMillis: former + 1 });
    }
    samples.push(sample);
  }
  const begin = Date.now() - HOUR_SECONDS * 1000;
  samples = samples.filter((each) => each.timeMillis >= begin);
  if (drawn.length === 0) {
    redraw();
  } else {
    drawn.forEach((each, i) => each.setData(data(CHARTS[i])));
  }
}

addEventListener("resize", () => drawn.forEach((each, i) => each.setSize({
  width: document.getElementById(CHARTS[i].id).clientWidth, height: HEIGHT - 30,
})));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.length && redraw());

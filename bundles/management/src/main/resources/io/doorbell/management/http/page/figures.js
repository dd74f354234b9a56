// Figures as people read them, with their units.
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

export function bytes(count) {
  let unit = 0;
  while (count >= 1024 && unit < BINARY.length - 1) {
    count /= 1024;
    unit++;
  }
  return `${count >= 100 || unit === 0 ? count.toFixed(0) : count.toFixed(1)} ${BINARY[unit]}`;
}

const field = (trid, name) => new RegExp(`(?:^| )${name}:(\\S+)`).exec(trid)?.[1] ?? "";

/** A transport id as short as it can be told: what it is, and where. */
export function place(trid) {
  const [type, address, port] = ["trtype", "traddr", "trsvcid"].map((name) => field(trid, name));
  return `${type} ${port && address.includes(":") ? `[${address}]` : address}${port && `:${port}`}`.trim() || trid;
}

export const exact = (value) => value.toLocaleString();

export function count(value) {
  for (const [size, sign] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (value >= size * (size === 1e3 ? 10 : 1)) {
      const short = value / size;
      return `${short < 100 ? short.toFixed(1) : short.toFixed(0)}${sign}`;
    }
  }
  return value.toFixed(0);
}

export function micros(value) {
  if (!(value > 0)) {
    return "-";
  }
  const [size, sign] = [[1e6, "s"], [1e3, "ms"], [1, "µs"]].find(([size]) => value >= size) ?? [1, "µs"];
  const short = value / size;
  return `${short < (size > 1 ? 100 : 10) ? short.toFixed(1) : short.toFixed(0)} ${sign}`;
}

export function duration(seconds) {
  const parts = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
  const first = parts.findIndex(([size]) => seconds >= size);
  if (first < 0) {
    return `${Math.round(seconds * 1000)} ms`;
  }
  return parts.slice(first, first + 2)
    .map(([size, sign], i) => `${Math.floor(i === 0 ? seconds / size : seconds % parts[first][0] / size)}${sign}`)
    .join(" ");
}

export const clock = (millis) => new Date(millis).toLocaleString(undefined, { dateStyle: "short", timeStyle: "medium" });

// Asks the node every two seconds while somebody looks, and shows what it said.
import * as charts from "./charts.js";
import { bytes, clock, count, duration, micros } from "./figures.js";
import { execute, read } from "./node.js";
import { draw } from "./picture.js";
import { fill } from "./table.js";

const INTERVAL_MILLIS = 2000;
const MOST_EVENTS = 100;

const element = (id) => document.getElementById(id);
const set = (id, words) => {
  if (element(id).textContent !== words) {
    element(id).textContent = words;
  }
};
const entries = (table) => Object.entries(table ?? {});

const WANTED = {
  node: ["Node"], health: ["Health"], controllers: ["Controller,*"], leases: ["Leases", "Leases"],
  reactors: ["Reactors", "Reactors"], namespaces: ["Namespaces", "Namespaces"], hosts: ["Hosts", "Hosts"],
  listeners: ["Listeners", "Listeners"], bundles: ["Bundles", "Bundles"], events: ["Events", "Events"],
  latest: ["History", "Latest"], maxBytes: ["Deployment", "MaxBytes"],
};

const LATENCY = [
  { name: "Read p50 / p99", kind: "figure", text: (row) => `${micros(row.readLatency?.p50Micros)} / ${micros(row.readLatency?.p99Micros)}` },
  { name: "Write p50 / p99", kind: "figure", text: (row) => `${micros(row.writeLatency?.p50Micros)} / ${micros(row.writeLatency?.p99Micros)}` },
];

const IO = [
  { name: "Reads", kind: "figure", text: (row) => count(row.readCommands) },
  { name: "Writes", kind: "figure", text: (row) => count(row.writeCommands) },
  { name: "Failed", kind: "figure", text: (row) => count(row.failedCommands) },
  { name: "Read", kind: "figure", text: (row) => bytes(row.readBytes) },
  { name: "Written", kind: "figure", text: (row) => bytes(row.writtenBytes) },
  ...LATENCY,
];

const COLUMNS = {
  namespaces: [
    { name: "Subsystem", text: (row) => row.nqn },
    { name: "NSID", kind: "figure", text: (row) => row.nsid },
    { name: "Backend", text: (row) => row.backend },
    { name: "Size", kind: "figure", text: (row) => bytes(row.bytes) },
    ...IO,
    { name: "Limits", text: (row) => row.limits },
  ],
  hosts: [
    { name: "Host", text: (row) => row.nqn },
    { name: "Connections", kind: "figure", text: (row) => row.connections },
    { name: "Subsystems", text: (row) => [].concat(row.subsystems ?? []).join(" ") },
    ...IO,
  ],
  listeners: [
    { name: "Listener", text: (row) => row.name },
    { name: "Transport", text: (row) => row.transport },
    { name: "Address", text: (row) => `${row.address}:${row.port}` },
    { name: "TLS", text: (row) => row.tls },
    { name: "State", text: (row) => row.listening ? "listening" : "down", update: (td, row) => td.classList.toggle("bad", !row.listening) },
    { name: "Connections", kind: "figure", text: (row) => `${row.connections} of ${row.maxConnections}` },
  ],
  controllers: [
    { name: "Controller", text: (row) => row.TransportId },
    { name: "State", text: (row) => row.State, update: (td, row) => td.className = row.State === "READY" ? "ok" : "bad" },
    { name: "Model", text: (row) => row.Model?.trim() },
    { name: "Serial", text: (row) => row.Serial?.trim() },
    { name: "Size", kind: "figure", text: (row) => bytes(entries(row.Namespaces).reduce((sum, [, each]) => sum + each.blockCount * each.blockBytes, 0)) },
    { name: "Temperature", kind: "figure", text: (row) => row.Health?.readAtMillis ? `${row.Health.temperatureCelsius} °C` : "" },
    { name: "Worn", kind: "figure", make: () => document.createElement("span"), update: wear },
    { name: "Spare", kind: "figure", text: (row) => row.Health?.readAtMillis ? `${row.Health.availableSparePercent} %` : "" },
    { name: "Media errors", kind: "figure", text: (row) => row.Health?.readAtMillis ? count(row.Health.mediaErrors) : "" },
    { name: "Powered", kind: "figure", text: (row) => row.Health?.readAtMillis ? duration(row.Health.powerOnHours * 3600) : "" },
  ],
  leases: [
    { name: "Lease", kind: "figure", text: (row) => row.id },
    { name: "Holder", text: (row) => row.holder },
    { name: "Controller or listener", text: (row) => row.controller },
    { name: "Queue", kind: "figure", text: (row) => row.queueId },
    { name: "For", text: (row) => row.label },
    { name: "Owner", text: (row) => row.ownerThread },
    { name: "State", text: (row) => row.state },
    { name: "In flight", kind: "figure", text: (row) => `${row.inFlight} of ${row.depth}` },
    { name: "Polled", kind: "figure", text: (row) => `${duration(row.lastPollNanos / 1e9)} ago` },
    { name: "Done", kind: "figure", text: (row) => count(row.completed) },
    { name: "Failed", kind: "figure", text: (row) => count(row.failed) },
    { name: "", make: revokeButton },
  ],
  reactors: [
    { name: "Reactor", text: (row) => row.name },
    { name: "Core", kind: "figure", text: (row) => row.cpu < 0 ? "any" : row.cpu },
    { name: "Busy", kind: "figure", text: busy },
    { name: "Pollers", kind: "figure", text: (row) => row.pollers },
    { name: "State", text: (row) => row.parked ? "asleep" : "polls" },
  ],
  bundles: [
    { name: "Plug-in", text: (row) => row.name },
    { name: "Version", text: (row) => row.version },
    { name: "State", text: (row) => row.state, update: (td, row) => td.className = row.state === "ACTIVE" ? "ok" : "warn" },
    { name: "Leases", kind: "figure", text: (row) => row.leases },
  ],
  events: [
    { name: "When", text: (row) => clock(row.timeMillis) },
    { name: "What", text: (row) => row.kind },
    { name: "Of", text: (row) => row.subject },
    { name: "", kind: "long", text: (row) => row.message },
  ],
};

function wear(td, row) {
  const used = row.Health?.readAtMillis ? row.Health.percentageUsed : undefined;
  const words = used === undefined ? "-" : `${used} %`;
  if (td.textContent !== words) {
    td.replaceChildren(words);
    if (used !== undefined) {
      const bar = document.createElement("progress");
      bar.max = 100;
      bar.value = Math.min(100, used);
      bar.setAttribute("aria-hidden", "true");
      td.append(" ", bar);
    }
  }
}

let formerCycles = new Map();

function busy(row) {
  const former = formerCycles.get(row.name);
  const cycles = former ? row.cycles - former.cycles : 0;
  return cycles > 0 ? `${Math.round(100 * (row.busyCycles - former.busyCycles) / cycles)} %` : "-";
}

function confirmed(question) {
  const dialog = element("ask");
  set("question", question);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((answered) => dialog.addEventListener("close", () => answered(dialog.returnValue === "yes"), { once: true }));
}

function revokeButton(lease) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Take back";
  button.setAttribute("aria-label", `Take lease ${lease.id} back from ${lease.holder}`);
  button.addEventListener("click", async () => {
    if (await confirmed(`Take lease ${lease.id} back from ${lease.holder}? What is in flight ends as aborted where it does not drain.`)) {
      button.disabled = true;
      try {
        await execute("Leases", "revoke", lease.id);
      } catch (e) {
        button.textContent = e.message;
      }
      refresh();
    }
  });
  return button;
}

function showState(health) {
  const alarms = health?.Alarms ?? [];
  const rows = Array.isArray(alarms) ? alarms : Object.values(alarms);
  const critical = !health || !health.Live || !health.Ready || rows.some((each) => each.status !== "WARN");
  const kind = !health ? "unknown" : critical ? "bad" : rows.length > 0 ? "warn" : "ok";
  element("state").className = `pill ${kind}`;
  set("state", { unknown: "health unknown", bad: "not well", warn: "well, with warnings", ok: "well" }[kind]);
  element("alarms").replaceChildren(...rows.map((alarm) => {
    const item = document.createElement("li");
    item.className = alarm.status === "WARN" ? "warn" : "bad";
    item.textContent = `${alarm.name}: ${alarm.message} (since ${clock(alarm.sinceMillis)})`;
    return item;
  }));
}

function showNow(latest, hosts) {
  if (latest) {
    set("now-read", `${count(latest.readIops)}/s, ${bytes(latest.readBytesPerSecond)}/s`);
    set("now-write", `${count(latest.writeIops)}/s, ${bytes(latest.writtenBytesPerSecond)}/s`);
    set("now-latency", `${micros(latest.readP99Micros)} / ${micros(latest.writeP99Micros)}`);
  }
  const rows = Object.values(hosts ?? {});
  set("now-hosts", `${rows.filter((each) => each.connections > 0).length}, ${rows.reduce((sum, each) => sum + each.connections, 0)} connections`);
}

function show(now) {
  showState(now.health);
  if (now.node) {
    const { Version, Home, UptimeMillis } = now.node;
    set("about", `${Version} in ${Home}, up ${duration(UptimeMillis / 1000)}`);
  }
  showNow(now.latest, now.hosts);
  if (now.latest) {
    charts.add([now.latest]);
  }
  const table = (id, columns, rows, nothing) => fill(element(id), columns, rows, nothing);
  table("namespaces", COLUMNS.namespaces, entries(now.namespaces), "no namespaces");
  table("hosts", COLUMNS.hosts, entries(now.hosts), "no hosts");
  table("listeners", COLUMNS.listeners, entries(now.listeners), "no listeners: hosts on a network cannot connect");
  table("controller-table", COLUMNS.controllers, entries(now.controllers), "no controllers");
  table("lease-table", COLUMNS.leases, entries(now.leases), "no leases");
  table("reactors", COLUMNS.reactors, entries(now.reactors), "no reactors");
  formerCycles = new Map(entries(now.reactors));
  table("bundles", COLUMNS.bundles, entries(now.bundles).filter(([, each]) => each.plugIn), "no plug-ins");
  const events = Object.values(now.events ?? {}).reverse().slice(0, MOST_EVENTS);
  table("event-table", COLUMNS.events, events.map((each) => [each.id, each]), "nothing happened yet");
  draw(element("picture"), Object.values(now.leases ?? {}), Object.values(now.reactors ?? {}));
  mostBytes = now.maxBytes ?? mostBytes;
}

let mostBytes = 16 * 1024 * 1024;
let asking = false;

async function refresh() {
  if (asking) {
    return;
  }
  asking = true;
  try {
    show(await read(WANTED));
  } catch (e) {
    element("state").className = "pill bad";
    set("state", `no answer: ${e.message}`);
  } finally {
    asking = false;
  }
}

async function base64(file) {
  const url = await new Promise((done, failed) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => done(reader.result));
    reader.addEventListener("error", () => failed(reader.error));
    reader.readAsDataURL(file);
  });
  return url.slice(url.indexOf(",") + 1);
}

async function deploy(file) {
  try {
    if (file.size > mostBytes) {
      throw new Error(`it has ${bytes(file.size)}; at most ${bytes(mostBytes)} are taken`);
    }
    set("deployed", `${file.name} is sent`);
    const taken = await execute("Deployment", "deploy", file.name, await base64(file));
    set("deployed", `${taken.name} ${taken.version} is in deploy/; the table shows when it runs`);
  } catch (e) {
    set("deployed", `${file.name} was not taken: ${e.message}`);
  }
  refresh();
}

element("jar").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) {
    deploy(file).finally(() => event.target.value = "");
  }
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  element("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    element("drop").classList.toggle("over", kind === "dragover");
    const [file] = event.dataTransfer?.files ?? [];
    if (kind === "drop" && file) {
      deploy(file);
    }
  });
}

async function begin() {
  try {
    charts.add((await read({ samples: ["History", "Samples"] })).samples ?? []);
  } catch (e) {
    set("state", `no answer: ${e.message}`);
  }
  await refresh();
  setInterval(() => document.hidden || refresh(), INTERVAL_MILLIS);
  document.addEventListener("visibilitychange", () => document.hidden || begun());
}

/** Somebody looks again: what happened meanwhile is in the node's history. */
async function begun() {
  try {
    charts.add((await read({ samples: ["History", "Samples"] })).samples ?? []);
  } catch {
    // The next refresh says so.
  }
  refresh();
}

begin();

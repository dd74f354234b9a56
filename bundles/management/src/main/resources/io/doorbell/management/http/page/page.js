// Asks the node every two seconds while somebody looks, and shows what it said.
import * as charts from "./charts.js";
import { bytes, clock, count, duration, exact, micros, place } from "./figures.js";
import { execute, LoginNeeded, mayOperate, read } from "./node.js";
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

const rate = (value, words) => value === undefined ? undefined : words(value);

/** What is counted, short, and in full for who points at it. */
const counted = (name, field, words) => ({
  name, kind: "figure", text: (row) => words(row[field]), title: (row) => exact(row[field]),
});

const LATENCY = [
  { name: "Read p50 / p99", kind: "figure", text: (row) => `${micros(row.readLatency?.p50Micros)} / ${micros(row.readLatency?.p99Micros)}` },
  { name: "Write p50 / p99", kind: "figure", text: (row) => `${micros(row.writeLatency?.p50Micros)} / ${micros(row.writeLatency?.p99Micros)}` },
];

const IO = [
  { name: "IOPS now", kind: "figure", text: (row) => rate(row.now?.commands, count) },
  { name: "Bytes now", kind: "figure", text: (row) => rate(row.now?.bytes, (each) => `${bytes(each)}/s`) },
  counted("Reads", "readCommands", count),
  counted("Writes", "writeCommands", count),
  counted("Failed", "failedCommands", count),
  counted("Read", "readBytes", bytes),
  counted("Written", "writtenBytes", bytes),
  ...LATENCY,
];

/** Rows that stand for more than one host, or for one that did not say who it is. */
const HOSTS_BY_KIND = {
  "pci": "pci: hosts of emulated devices",
  "unnamed": "unnamed: hosts on a network that gave no name",
  "*": "*: hosts beyond those that have a row",
};

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
    { name: "Host", text: (row) => HOSTS_BY_KIND[row.nqn] ?? row.nqn },
    { name: "Connections", kind: "figure", text: (row) => row.connections },
    { name: "Subsystems", text: (row) => [].concat(row.subsystems ?? []).join(" ") },
    ...IO,
  ],
  listeners: [
    { name: "Listener", text: (row) => row.name },
    { name: "Transport", text: (row) => row.transport },
    { name: "Address", text: (row) => `${row.address}:${row.port}` },
    { name: "TLS", text: (row) => row.tls ? "on" : "off" },
    { name: "State", text: (row) => row.listening ? "listening" : "down", title: (row) => row.problem, update: (td, row) => td.classList.toggle("bad", !row.listening) },
    { name: "Connections", kind: "figure", text: (row) => `${row.connections} of ${row.maxConnections}` },
  ],
  controllers: [
    { name: "Controller", text: (row) => place(row.TransportId), title: (row) => row.TransportId },
    { name: "State", text: (row) => row.State, update: (td, row) => td.className = row.State === "READY" ? "ok" : "bad" },
    { name: "Model", text: (row) => row.Model?.trim() },
    { name: "Serial", text: (row) => row.Serial?.trim() },
    { name: "Size", kind: "figure", text: (row) => bytes(entries(row.Namespaces).reduce((sum, [, each]) => sum + each.blockCount * each.blockBytes, 0)) },
    { name: "Temperature", kind: "figure", text: (row) => row.Health?.readAtMillis ? `${row.Health.temperatureCelsius} °C` : "" },
    { name: "Worn", kind: "figure", make: () => document.createElement("span"), update: wear },
    { name: "Spare", kind: "figure", text: (row) => row.Health?.readAtMillis ? `${row.Health.availableSparePercent} %` : "" },
    { name: "Media errors", kind: "figure", text: (row) => row.Health?.readAtMillis ? count(row.Health.mediaErrors) : "" },
    { name: "Powered", kind: "figure", text: (row) => row.Health?.readAtMillis ? row.Health.powerOnHours < 1 ? "less than 1h" : duration(row.Health.powerOnHours * 3600) : "" },
  ],
  leases: [
    { name: "Lease", kind: "figure", text: (row) => row.id },
    { name: "Holder", text: (row) => row.holder },
    { name: "Controller or listener", text: (row) => place(row.controller), title: (row) => row.controller },
    { name: "Queue", kind: "figure", text: (row) => row.queueId },
    { name: "Owner", text: (row) => row.ownerThread },
    { name: "State", text: (row) => row.state },
    { name: "In flight", kind: "figure", text: (row) => `${row.inFlight} of ${row.depth}` },
    { name: "Polled", kind: "figure", text: (row) => `${duration(row.lastPollNanos / 1e9)} ago` },
    counted("Done", "completed", count),
    counted("Failed", "failed", count),
    { name: "", make: revokeButton },
    { name: "For", kind: "long", text: (row) => row.label },
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

/** What each row had done when it was asked before, by table and key. */
let former = new Map();

/** What each row does now, from what it has done since it was asked before. */
function addRates(tables, nowMillis) {
  const next = new Map();
  for (const [table, rows] of Object.entries(tables)) {
    for (const [key, row] of entries(rows)) {
      const name = `${table} ${key}`;
      const done = { commands: row.readCommands + row.writeCommands, bytes: row.readBytes + row.writtenBytes, nowMillis };
      const before = former.get(name);
      const seconds = (nowMillis - before?.nowMillis) / 1000;
      if (seconds > 0 && done.commands >= before.commands) {
        row.now = { commands: (done.commands - before.commands) / seconds, bytes: (done.bytes - before.bytes) / seconds };
      }
      next.set(name, done);
    }
  }
  former = next;
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
  button.dataset.operates = "";
  button.setAttribute("aria-label", `Take lease ${lease.id} back from ${lease.holder}`);
  button.addEventListener("click", async () => {
    if (await confirmed(`Take lease ${lease.id} back from ${lease.holder}? What is in flight ends as aborted where it does not drain.`)) {
      // The row, and the button with it, may be gone by then.
      set("taken", `Lease ${lease.id} is taken back ...`);
      try {
        await execute("Leases", "revoke", lease.id);
        set("taken", `Lease ${lease.id} was taken back.`);
      } catch (e) {
        set("taken", `Lease ${lease.id} was not taken back: ${e.message}`);
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
  const words = { unknown: "health unknown", bad: "not well", warn: "well, with warnings", ok: "well" }[kind];
  set("state", words);
  document.title = kind === "ok" ? "Doorbell" : `${words}: Doorbell`;
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
    if (version !== undefined && version !== Version) {
      // Another node than the one that this page came from.
      location.reload();
    }
    version = Version;
    addRates({ namespaces: now.namespaces, hosts: now.hosts }, UptimeMillis);
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
let version;
let asking = false;
let operator;
/** Since when there is no answer, or 0. */
let lostMillis = 0;
/** Whoever goes on with a wrong password is soon let in no more, and with him everybody else on this machine. */
let ended = false;

function permit() {
  const why = lostMillis ? "the node does not answer" : operator === false ? "this user may only look" : "";
  document.querySelectorAll("[data-operates]").forEach((each) => {
    each.disabled = why !== "";
    each.title = why;
  });
  set("may", operator === false ? "This user may only look: user admin may change things." : "");
}

function answered() {
  lostMillis = 0;
  document.body.classList.remove("stale");
  element("lost").hidden = true;
}

function unanswered(error) {
  lostMillis ||= Date.now();
  ended = error instanceof LoginNeeded;
  const why = error.name === "TimeoutError" ? "it takes too long"
    : error instanceof TypeError ? "the node cannot be reached" : error.message;
  document.body.classList.add("stale");
  document.title = "no answer: Doorbell";
  element("state").className = "pill bad";
  set("state", "no answer");
  set("lost-words", `No answer since ${clock(lostMillis)}: ${why}. What stands below is older than that.${ended ? "" : " This page goes on asking."}`);
  element("again").hidden = !ended;
  element("lost").hidden = false;
}

/** With the samples that there were meanwhile, if nobody asked for a while. */
async function refresh(samples = false) {
  if (asking || ended) {
    return;
  }
  asking = true;
  try {
    operator ??= await mayOperate();
    if (samples || lostMillis) {
      charts.add((await read({ samples: ["History", "Samples"] })).samples ?? []);
    }
    show(await read(WANTED));
    answered();
  } catch (e) {
    unanswered(e);
  } finally {
    permit();
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

async function deployAll(files) {
  const said = [];
  for (const file of files) {
    said.push("");
    await deploy(file, (words) => {
      said[said.length - 1] = words;
      set("deployed", said.join("\n"));
    });
  }
  refresh();
}

async function deploy(file, say) {
  try {
    if (file.size > mostBytes) {
      throw new Error(`it has ${bytes(file.size)}; at most ${bytes(mostBytes)} are taken`);
    }
    say(`${file.name} is sent`);
    const taken = await execute("Deployment", "deploy", file.name, await base64(file));
    say(`${taken.name} ${taken.version} is in deploy/; the table shows when it runs`);
  } catch (e) {
    say(`${file.name} was not taken: ${e.message}`);
  }
}

element("jar").addEventListener("change", (event) => {
  deployAll([...event.target.files]).finally(() => event.target.value = "");
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  element("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    const allowed = !element("jar").disabled;
    element("drop").classList.toggle("over", allowed && kind === "dragover");
    if (allowed && kind === "drop") {
      deployAll([...event.dataTransfer?.files ?? []]);
    }
  });
}
// Or the browser would leave the page for a file that is dropped beside.
for (const kind of ["dragover", "drop"]) {
  addEventListener(kind, (event) => event.preventDefault());
}

element("again").addEventListener("click", () => location.reload());
setInterval(() => document.hidden || refresh(), INTERVAL_MILLIS);
// Somebody looks again: what happened meanwhile is in the node's history.
document.addEventListener("visibilitychange", () => document.hidden || refresh(true));
refresh(true);

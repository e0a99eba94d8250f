"use strict";

// Asks the node for its figures every two seconds and shows them. Nothing is built, nothing is
// loaded from elsewhere, and whatever comes from the service is written as text, never as HTML.

const EVERY = 2000;
const KEPT = 150; // points of a curve: five minutes
const curves = { lag: [], word: [] };
const WORDS = { waits: "player waits", speaks: "character speaks", quiet: "quiet", away: "player away" };

// Not relative to the page: its address may hold the key, and such a one is never asked.
const here = (path) => `${location.origin}${location.pathname}${path}`;

const at = (id) => document.getElementById(id);

function make(tag, text, kind) {
  const it = document.createElement(tag);
  if (text !== undefined) it.textContent = text;
  if (kind) it.className = kind;
  return it;
}

function drawn(tag, attributes) {
  const it = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) it.setAttribute(name, value);
  return it;
}

function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 0.9995) return `${value < 0.01 ? (value * 1000).toFixed(1) : Math.round(value * 1000)} ms`;
  if (value < 60) return `${value.toFixed(value < 10 ? 1 : 0)} s`;
  if (value < 3600) return `${Math.round(value / 60)} min`;
  if (value < 172800) return `${(value / 3600).toFixed(1)} h`;
  return `${Math.round(value / 86400)} days`;
}

const total = (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);
const whole = (count) => count.toLocaleString("en");
const few = (count, one, many) => `${whole(count)} ${count === 1 ? one : many}`;

function tile(figure, about, kind) {
  const it = make("div", undefined, `tile ${kind || ""}`);
  it.append(make("b", figure), make("small", about));
  return it;
}

function showTiles(it) {
  const { counts, states } = it;
  const refused = Object.entries(counts.connects)
    .filter(([outcome]) => /^\d/.test(outcome))
    .reduce((sum, [, count]) => sum + count, 0);
  const failed = (counts.turns.failed || 0) + (counts.saves.failed || 0);
  at("tiles").replaceChildren(
    tile(whole(states.waits + states.speaks + states.quiet), `talking, ${whole(states.away)} away`),
    tile(whole(states.waits), "wait for a first word", states.waits > 20 ? "warn" : ""),
    tile(whole(total(counts.turns)), `turns, ${whole(counts.turns.interrupted || 0)} interrupted`),
    tile(whole(total(counts.connects)), `connects, ${whole(refused)} refused`, refused ? "warn" : ""),
    tile(whole(failed), "turns and saves failed", failed ? "bad" : ""),
    tile(whole(total(counts.dropped)), "frames and clients dropped", total(counts.dropped) ? "warn" : ""),
  );
}

function showCurve(name, value, limit) {
  const points = curves[name];
  points.push(value === null ? 0 : value);
  while (points.length > KEPT) points.shift();
  const top = Math.max(limit, ...points) * 1.1;
  const place = (point, index) =>
    `${((600 * (index + KEPT - points.length)) / (KEPT - 1)).toFixed(1)},${(88 - (86 * point) / top).toFixed(1)}`;
  const line = points.map(place).join(" ");
  const first = (600 * (KEPT - points.length)) / (KEPT - 1);
  const bar = 88 - (86 * limit) / top;
  at(`${name}-chart`).replaceChildren(
    drawn("line", { x1: 0, x2: 600, y1: bar, y2: bar, class: "limit" }),
    drawn("polygon", { points: `${first.toFixed(1)},90 ${line} 600,90`, class: "area" }),
    drawn("polyline", { points: line, class: "curve" }),
  );
}

function showLatency(it) {
  const { latency } = it;
  at("lag-text").textContent = `${seconds(latency.lag_p50)} · p99 ${seconds(latency.lag_p99)}`;
  at("word-text").textContent = `${seconds(latency.word_p50)} · p95 ${seconds(latency.word_p95)}`;
  showCurve("lag", latency.lag_p95, 0.02);
  showCurve("word", latency.word_p50, 0.5);
}

function showRooms(it) {
  const count = total(it.states);
  const bar = drawn("svg", { viewBox: `0 0 ${Math.max(count, 1)} 8`, preserveAspectRatio: "none" });
  let from = 0;
  for (const [state, width] of Object.entries(it.states)) {
    bar.append(drawn("rect", { x: from, y: 0, width, height: 8, class: `fill-${state}` }));
    from += width;
  }
  at("states").replaceChildren(bar);
  const note = count > it.rooms.length ? `, the first ${it.rooms.length} of them` : "";
  at("rooms-note").textContent = `${few(count, "room", "rooms")}${note}; ${few(it.sessions, "conversation is", "conversations are")} kept`;
  const rows = it.rooms.map((room) => {
    const row = make("tr");
    const state = make("td", undefined);
    state.append(make("span", "", `dot ${room.state}`), WORDS[room.state]);
    row.append(
      make("td", room.room), make("td", room.character), state,
      make("td", room.waited ? seconds(room.waited) : "", "n"),
      make("td", whole(room.turns), "n"), make("td", room.heard < 2 ? "now" : `${seconds(room.heard)} ago`, "n"),
    );
    return row;
  });
  if (!rows.length) {
    const row = make("tr"), cell = make("td", "Nobody is here.", "none");
    cell.colSpan = 6;
    row.append(cell);
    rows.push(row);
  }
  at("rooms").replaceChildren(...rows);
}

function showProblems(it) {
  const parts = Object.entries(it.counts.problems).map(([part, count]) => `${part} ${whole(count)}`);
  at("problems-note").textContent = parts.join(", ");
  const lines = it.problems.map((problem) => {
    const line = make("li");
    const time = new Date(problem.at * 1000).toLocaleTimeString("en-GB");
    line.append(make("span", time, "none"), make("span", problem.part, problem.level), make("span", problem.text));
    return line;
  });
  if (!lines.length) lines.push(make("li", "None since the start.", "none"));
  at("problems").replaceChildren(...lines);
}

function showHealth(it) {
  const badge = at("health");
  badge.className = `badge ${it.draining ? "warn" : it.ills.length ? "bad" : "good"}`;
  badge.textContent = it.ills.length ? it.ills.join(", ") : "ready";
  at("node").textContent = it.node;
  at("uptime").textContent = `up ${seconds(it.uptime)}`;
  document.title = `${it.ills.length ? "! " : ""}Troupe, ${it.node}`;
}

function showActs(it) {
  for (const id of ["drain", "forget", "player"]) at(id).disabled = !it.may_act;
  at("acts-note").textContent = it.may_act ? "" : "This page only looks. Started with --admin-acts, the service lets it act.";
  at("drain").textContent = it.draining ? "Let clients in again" : "Send everybody away";
  at("drain").dataset.on = it.draining ? "" : "on";
  at("drain-note").textContent = it.draining
    ? "New clients are refused; those inside are being sent away."
    : `${it.drain_seconds ? `Goodbyes over ${seconds(it.drain_seconds)}` : "All at once"}; conversations are kept, and new clients refused until you let them in.`;
}

async function order(path, body) {
  const answer = await fetch(here(path), { method: "POST", body: JSON.stringify(body) });
  const said = await answer.json();
  if (!answer.ok) throw new Error(typeof said.detail === "string" ? said.detail : `refused: ${answer.status}`);
  return said;
}

async function drain() {
  const on = at("drain").dataset.on === "on";
  if (on && !window.confirm("Send everybody away from this node?")) return;
  try {
    await order("drain", { on });
    await look();
  } catch (error) {
    at("drain-note").textContent = error.message;
  }
}

async function forget() {
  const player = at("player").value.trim();
  if (!player || !window.confirm(`Delete everything that is kept of ${player}, for good?`)) return;
  try {
    const said = await order("forget", { end_user_id: player });
    at("forget-note").textContent = `${few(said.forgotten, "conversation", "conversations")} forgotten.`;
    at("player").value = "";
  } catch (error) {
    at("forget-note").textContent = error.message;
  }
}

async function look() {
  try {
    const answer = await fetch(here("status.json"));
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    const it = await answer.json();
    for (const show of [showHealth, showTiles, showLatency, showRooms, showProblems, showActs]) show(it);
    at("updated").textContent = `· ${new Date().toLocaleTimeString("en-GB")}`;
    at("stale").hidden = true;
    document.body.dataset.shown = "yes";
  } catch (error) {
    at("stale").textContent = `The node does not tell its figures: ${error.message}. They are asked for again.`;
    at("stale").hidden = false;
    at("health").className = "badge bad";
    at("health").textContent = "not heard";
  }
}

async function watch() {
  await look();
  window.setTimeout(watch, EVERY);
}

at("drain").addEventListener("click", drain);
at("forget").addEventListener("click", forget);
watch();

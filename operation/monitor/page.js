/** After so long without news, in ms, the program is held up. */
const LATE = 2500;
/** An event loop that is so late, in ms, was held up by something. */
const HELD_UP = 100;
/** How high the lines are drawn: a little is left for their width. */
const HEIGHT = 24;

const TONES = {
  serving: "good",
  ready: "good",
  open: "good",
  completed: "good",
  got: "good",
  done: "good",
  suspended: "warn",
  stopping: "warn",
  starting: "warn",
  timed_out: "warn",
  failed: "bad",
  dropped: "bad",
  ended: "bad",
};

const counted = new Intl.NumberFormat("en");
const rounded = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });
const clock = new Intl.DateTimeFormat("en", { timeStyle: "medium", hourCycle: "h23" });

const body = document.body;
const find = (selector, parent = document) => parent.querySelector(selector);

/** What is shown, and since when. */
let news;
let shown_at = 0;
/** When something was told last. */
let told_at = 0;
let stream_state = "connecting";
let is_paused = false;

/** What is said of how things are; the next state, by what is known. */
const STATES = {
  connecting: "Connecting",
  live: "Live",
  late: "Held up",
  paused: "Paused",
  lost: "No answer",
  over: "Stopped",
};

// Numbers as people read them.

function count_text(count) {
  return count === null || count === undefined ? "–" : counted.format(count);
}

function rate_text(rate) {
  return rate < 10 ? rounded.format(rate) : counted.format(Math.round(rate));
}

function ms_text(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1) return "< 1 ms";
  if (ms < 1000) return `${rounded.format(ms)} ms`;
  return ms < 60_000 ? `${rounded.format(ms / 1000)} s` : age_text(ms);
}

function age_text(ms) {
  const seconds = Math.max(Math.round(ms / 1000), 0);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function bytes_text(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000;
    unit++;
  }
  return `${bytes < 100 ? rounded.format(bytes) : Math.round(bytes)} ${units[unit]}`;
}

function words(name) {
  return name.replaceAll("_", " ");
}

// The document is changed only where something is new: what a reader selects stays selected.

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function tone(element, state) {
  const wanted = TONES[state] ?? "none";
  if (element.dataset.tone !== wanted) element.dataset.tone = wanted;
}

/** Makes as many children as there are items, and fills each. */
function fill(parent, items, template, draw) {
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  while (parent.children.length < items.length) {
    parent.append(find(template).content.cloneNode(true));
  }
  items.forEach((item, index) => draw(parent.children[index], item));
}

/** A line through points, those of `null` left out. */
function path(points, highest) {
  let drawn = "";
  points.forEach((point, x) => {
    if (point === null) return;
    const y = HEIGHT - 1 - (point / (highest || 1)) * (HEIGHT - 2);
    const begins = drawn === "" || points[x - 1] === null;
    drawn += `${begins ? "M" : "L"}${x} ${y.toFixed(1)}`;
    // One that is alone is a dot.
    if (begins && (points[x + 1] ?? null) === null) drawn += `L${x + 0.01} ${y.toFixed(1)}`;
  });
  return drawn;
}

function draw_gauge(tile, { name, now, most, limit, is_full }) {
  put(find("h3", tile), name);
  put(find(".now dd", tile), count_text(now));
  put(find(".most dd", tile), count_text(most));
  put(find(".limit dd", tile), limit === null ? "none" : count_text(limit));
  find(".most", tile).hidden = most === undefined;
  const bar = find(".bar", tile);
  // Without a limit there is nothing that it could be a part of.
  bar.style.visibility = limit === null ? "hidden" : "visible";
  bar.style.setProperty("--now", Math.min(now / limit, 1));
  bar.style.setProperty("--most", Math.min((most ?? 0) / limit, 1));
  if (is_full) bar.dataset.tone = "warn";
  else delete bar.dataset.tone;
}

function draw_rate(tile, { lines, figures }) {
  const peak = Math.max(...lines.rate);
  put(find(".value", tile), rate_text(figures.per_second));
  put(find(".peak", tile), count_text(peak));
  const line = path(lines.rate, peak);
  find(".line", tile).setAttribute("d", line);
  find(".area", tile).setAttribute("d", `${line}V${HEIGHT}H0Z`);
}

function draw_latency(tile, { lines, figures }) {
  const peak = Math.max(...lines.p95.map((ms) => ms ?? 0));
  put(find(".value", tile), ms_text(figures.p50));
  put(find(".p95", tile), ms_text(figures.p95));
  put(find(".p99", tile), ms_text(figures.p99));
  find(".line", tile).setAttribute("d", path(lines.p50, peak));
  find(".second", tile).setAttribute("d", path(lines.p95, peak));
}

function draw_outcomes(part, { outcomes, refused_by = {}, bytes, counts }) {
  const known = Object.entries(outcomes);
  const share = find(".share", part);
  const drawn = known.filter(([, count]) => count > 0);
  while (share.children.length > drawn.length) share.lastElementChild.remove();
  while (share.children.length < drawn.length) share.append(document.createElement("i"));
  drawn.forEach(([name, count], index) => {
    share.children[index].style.setProperty("--part", count);
    tone(share.children[index], name);
  });
  share.hidden = known.length === 0;
  const reasons = Object.entries(refused_by).filter(([, count]) => count > 0)
    .map(([reason, count]) => `${words(reason)} ${count_text(count)}`);
  const entries = [
    ...known.map(([name, count]) => [
      name,
      count_text(count) +
      (name === "refused" && reasons.length > 0 ? ` (${reasons.join(", ")})` : ""),
      true,
    ]),
    ...Object.entries(counts).map(([name, count]) => [name, count_text(count)]),
    ...Object.entries(bytes ?? {}).map(([way, count]) => [way, bytes_text(count)]),
  ];
  fill(find(".legend", part), entries, "#count", (entry, [name, text, is_outcome]) => {
    put(find("dt", entry), words(name));
    put(find("dd", entry), text);
    if (is_outcome) tone(entry, name);
    else delete entry.dataset.tone;
  });
}

function draw_worker(row, { id, pid, state, active, limit, completed, age, memory, restarts }) {
  const [name, badge_cell, load, ...numbers] = row.children;
  const text = pid === undefined ? `${id}` : `${id} pid ${pid}`;
  if (name.textContent !== text) {
    name.textContent = id;
    if (pid !== undefined) {
      const small = document.createElement("small");
      small.textContent = `pid ${pid}`;
      name.append(" ", small);
    }
  }
  const badge = find(".badge", badge_cell);
  put(badge, state);
  tone(badge, state);
  put(find(".value", load), limit === null ? count_text(active) : `${active} / ${limit}`);
  const bar = find(".bar", load);
  bar.style.setProperty("--now", Math.min(active / (limit ?? Math.max(active, 8)), 1));
  [count_text(completed), age_text(age), bytes_text(memory), count_text(restarts)]
    .forEach((text, index) => put(numbers[index], text));
}

function draw_workers(part, { workers, kind }) {
  part.hidden = workers === undefined;
  if (!workers) return;
  const ready = workers.filter(({ state }) => state === "ready").length;
  put(find("summary", part), `Workers: ${ready} of ${workers.length} ready`);
  const none = find(".empty", part);
  put(none, kind === "server" ? "They start when it serves." : "They start with the first tasks.");
  none.hidden = workers.length > 0;
  const table = find("table", part);
  table.hidden = workers.length === 0;
  fill(find("tbody", part), workers, "#worker", draw_worker);
}

function draw_thing(card, thing) {
  const { kind, name, address, state, since, gauges, lines } = thing;
  card.className = `card ${kind}`;
  const title = find(".name", card);
  put(title, name);
  card.setAttribute("aria-label", address ? `${name}, ${address}` : name);
  const place = find(".address", card);
  put(place, address ?? "");
  place.hidden = !address;
  const badge = find(".badge", card);
  put(badge, state);
  tone(badge, state);
  const age = find(".since", card);
  put(age, since === undefined ? "" : `up ${age_text(news.time - since)}`);
  age.hidden = since === undefined;
  fill(find(".gauges", card), gauges, "#gauge", draw_gauge);
  for (const chart of card.querySelectorAll(".chart")) chart.hidden = !lines;
  if (lines) {
    draw_rate(find(".rate", card), thing);
    draw_latency(find(".latency", card), thing);
  }
  draw_outcomes(find(".outcomes", card), thing);
  draw_workers(find(".workers", card), thing);
}

function draw_error(row, { time, count, where, what, error, whom }) {
  const [when, ...cells] = row.children;
  const at = find("time", when);
  at.dateTime = new Date(time).toISOString();
  put(at, clock.format(time));
  [where, count > 1 ? `${what} × ${counted.format(count)}` : what, error, whom]
    .forEach((text, index) => put(cells[index], text));
}

function draw() {
  const { things, errors } = news;
  fill(find("#things"), things, "#thing", draw_thing);
  fill(find("#errors"), errors, "#error", draw_error);
  find("#no-errors").hidden = errors.length > 0;
  find(".errors table").hidden = errors.length === 0;
  // A queue has items, and nothing that is active.
  const active = things.reduce(
    (sum, { kind, gauges }) => kind === "queue" ? sum : sum + gauges[0].now,
    0,
  );
  document.title = `${counted.format(active)} active · Monitor`;
}

/** Says how new the numbers are. Only a change of state is read out. */
function draw_state() {
  const now = Date.now();
  const is_late = stream_state === "live" && now - told_at > LATE;
  const state = is_paused ? "paused" : is_late ? "late" : stream_state;
  if (body.dataset.state !== state) body.dataset.state = state;
  put(find("#status"), STATES[state]);
  const is_held_up = state === "live" && news.late > HELD_UP;
  const is_old = shown_at > 0 && state !== "live";
  const age = is_old ? `last update ${age_text(now - shown_at)} ago` : "";
  put(find("#age"), is_held_up ? `held up for ${ms_text(news.late)}` : age);
}

const events = new EventSource("events");
events.onmessage = ({ data }) => {
  stream_state = "live";
  told_at = Date.now();
  if (!is_paused) {
    shown_at = told_at;
    news = JSON.parse(data);
    draw();
  }
  draw_state();
};
events.addEventListener("bye", () => {
  stream_state = "over";
  draw_state();
});
events.onerror = () => {
  if (stream_state !== "over") stream_state = "lost";
  draw_state();
};

find("#pause").addEventListener("click", ({ currentTarget: button }) => {
  is_paused = !is_paused;
  button.setAttribute("aria-pressed", `${is_paused}`);
  draw_state();
});
setInterval(draw_state, 1000);
put(find("#place"), location.host);

// The page: asks for a key, reads the API with it, and shows what it says.

import { Chart, swatch } from "./chart.js";
import { DASH, counted, element, fixed, percent } from "./words.js";

const STORED = "parakeet.key";
const KEY = /^pk_[A-Za-z0-9_-]+$/;
const NEW_AFTER = 5 * 60 * 1000; // who comes back to the tab later than this sees what is new
const LONGEST_WAIT = 60;
const LISTED = 12; // so many rows of a portfolio or of orders at once

/** The columns of the comparison. */
const FIGURES = [
  ["CAGR", (row) => percent(row.cagr)],
  ["Sharpe", (row) => fixed(row.sharpe_ratio, 2)],
  ["Max drawdown", (row) => percent(row.maximum_drawdown)],
  ["CAGR after tax", (row) => percent(row.cagr_after_tax)],
  ["Costs a year", (row) => percent(row.costs_a_year, 2)],
  ["From", (row) => row.from],
  ["To", (row) => row.to],
];

const at = (id) => document.getElementById(id);
const chart = new Chart(at("chart"), at("legend"), at("day"));

let reading = null; // the AbortController of what is being read
let readAt = 0;
let retry = null;
let failures = 0;

/** What the API, or the way to it, answered instead of what was asked for. */
class Problem extends Error {
  constructor(status, detail, wait = null) {
    super(detail);
    this.status = status;
    this.wait = wait;
  }

  get mayPass() {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }
}

// ---- the key

function takeFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (location.hash) {
    history.replaceState(null, "", location.pathname + location.search);
  }
  if (given) {
    sessionStorage.setItem(STORED, given.trim());
  }
  return Boolean(given);
}

function ask(why) {
  stop();
  sessionStorage.removeItem(STORED);
  at("results").hidden = true;
  at("forget").hidden = true;
  at("session").replaceChildren();
  document.querySelectorAll("#results .content").forEach((one) => one.replaceChildren());
  chart.clear();
  at("ask").hidden = false;
  say(why);
  at("key").value = "";
  at("key").focus();
}

function say(message) {
  at("message").hidden = !message;
  at("message").textContent = message ?? "";
}

// ---- reading

async function get(path, signal) {
  let answer;
  try {
    answer = await fetch(path, {
      headers: { Authorization: `Bearer ${sessionStorage.getItem(STORED)}`, Accept: "application/json" },
      cache: "no-store", // nothing of it is to be left on the disk of whose computer this is
      credentials: "omit",
      signal,
    });
  } catch (error) {
    if (signal.aborted) {
      throw error;
    }
    throw new Problem(0, "The server does not answer.");
  }
  const told = await answer.json().catch(() => null);
  signal.throwIfAborted();
  if (answer.ok && told !== null) {
    return told;
  }
  const wait = Number.parseInt(answer.headers.get("Retry-After") ?? "", 10);
  const detail = typeof told?.detail === "string" ? told.detail : `The server answered with ${answer.status}.`;
  const id = answer.status === 500 && told?.request_id ? ` (${told.request_id})` : "";
  throw new Problem(answer.status || 502, detail + id, Number.isNaN(wait) ? null : wait);
}

/** All pages of a table. */
async function rows(path, signal, asked = { limit: 10000 }) {
  const all = [];
  let cursor = null;
  do {
    const query = new URLSearchParams({ ...asked, ...(cursor === null ? {} : { cursor }) });
    const page = await get(query.size ? `${path}?${query}` : path, signal);
    all.push(...page.data);
    cursor = page.next_cursor ?? null;
  } while (cursor !== null);
  return all;
}

function stop() {
  reading?.abort();
  reading = null;
  clearTimeout(retry);
  retry = null;
}

async function read() {
  const key = sessionStorage.getItem(STORED);
  if (!key) {
    ask(null);
    return;
  }
  if (!KEY.test(key)) {
    ask("This is not an API key: one begins with pk_. Look at what was printed when it was made.");
    return;
  }
  stop();
  reading = new AbortController();
  const { signal } = reading;
  at("ask").hidden = true;
  at("forget").hidden = false;
  document.body.setAttribute("aria-busy", "true");
  if (at("results").hidden) {
    at("session").textContent = "Loading…";
  }
  const status = get("v1/status", signal);
  const newest = status.then((told) => told.strategies, () => null);
  const parts = [
    part(status, showStatus),
    part(rows("v1/allocations", signal), showAllocations, "allocations"),
    part(performance(signal), showPerformance, "comparison"),
    part(Promise.all([rows("v1/orders", signal), newest]), showOrders, "orders"),
  ];
  const problems = (await Promise.all(parts)).filter((one) => one !== null);
  if (signal.aborted) {
    return;
  }
  document.body.removeAttribute("aria-busy");
  readAt = Date.now();
  settle(problems);
}

/** Show a part of the page as soon as it is there; its problem, where there was one. */
async function part(wanted, show, section = null) {
  try {
    const found = await wanted;
    at("results").hidden = false;
    show(found);
    return null;
  } catch (error) {
    if (error.name === "AbortError") {
      return null;
    }
    if (!(error instanceof Problem)) {
      console.error(error);
      return new Problem(500, "This page could not show what the API answered.");
    }
    if (section !== null && error.status === 404) {
      nothing(section, `${error.message}`);
      return null;
    }
    return error;
  }
}

function settle(problems) {
  const refused = problems.find(({ status }) => status === 401);
  if (refused) {
    ask("This key is not valid. It may have been revoked; parakeet keys lists those that are in use.");
    return;
  }
  const passing = problems.filter((one) => one.mayPass);
  if (problems.length === 0) {
    failures = 0;
    say(null);
    return;
  }
  if (at("results").hidden) {
    at("session").replaceChildren();
  }
  if (passing.length === 0) {
    say(problems[0].message);
    return;
  }
  failures += 1;
  const asked = Math.max(...passing.map(({ wait }) => wait ?? 0), 5);
  wait(passing[0], Math.min(asked * 2 ** Math.min(failures - 1, 5), Math.max(asked, LONGEST_WAIT)));
}

/** Count down, and read again. */
function wait(problem, seconds) {
  const what = problem.status === 429 ? "Too many requests within a minute." : sentence(problem.message);
  say(`${what} Trying again in ${counted(seconds, "second")}.`);
  retry = setTimeout(read, seconds * 1000);
}

function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1).split(";")[0];
  return begun.endsWith(".") ? begun : `${begun}.`;
}

async function performance(signal) {
  const compared = await rows("v1/performance", signal, {});
  const curves = await Promise.all(
    compared.map(({ strategy }) => rows(`v1/performance/${encodeURIComponent(strategy)}/curves`, signal)),
  );
  return { compared, curves };
}

// ---- showing

function nothing(section, why) {
  at(section).hidden = false;
  at(section).querySelector(".content").replaceChildren(element("p", { class: "nothing" }, why));
}

function content(section, ...children) {
  at(section).hidden = false;
  at(section).querySelector(".content").replaceChildren(...children);
}

function table(caption, heads, body) {
  const cells = heads.map(([text, kind]) => element("th", { scope: "col", class: kind }, text));
  return element(
    "div",
    { class: "wide", tabindex: 0, role: "region", "aria-label": caption },
    element("table", {}, element("thead", {}, element("tr", {}, ...cells)), ...body),
  );
}

function showStatus(status) {
  const newest = status.strategies.map(({ allocations }) => allocations).filter(Boolean).sort().at(-1);
  const open = [
    [status.failed, "failed ticker"],
    [status.quarantined, "quarantined row"],
    [status.open_corrections, "open correction"],
  ].filter(([count]) => count > 0);
  const parts = [newest ? `Session ${newest}` : "No session is stored yet: run parakeet backfill FROM TO"];
  if (newest && status.behind !== null) {
    parts.push(
      status.behind === 0
        ? element("span", { class: "fresh" }, "up to date")
        : element("strong", { class: "stale" }, `${counted(status.behind, "session")} behind`),
    );
  }
  if (open.length > 0) {
    parts.push(element("span", { class: "open" }, open.map(([count, what]) => counted(count, what)).join(", ")));
  }
  at("session").replaceChildren(...parts.map((one) => (typeof one === "string" ? element("span", {}, one) : one)));
}

function showPerformance({ compared, curves }) {
  at("equity").hidden = compared.length === 0;
  if (compared.length === 0) {
    nothing("comparison", "No report yet: run parakeet backfill FROM TO over more sessions than the strategies look back on.");
    chart.clear();
    return;
  }
  const heads = [["Strategy", "text"], ...FIGURES.map(([head]) => [head, "number"])];
  const body = compared.map((row, index) =>
    element(
      "tr",
      {},
      element("th", { scope: "row", class: "text" }, swatch(index), element("span", {}, row.strategy)),
      ...FIGURES.map(([, read]) => element("td", { class: "number" }, read(row) ?? DASH)),
    ),
  );
  content("comparison", table("Comparison of the strategies", heads, [element("tbody", {}, ...body)]));
  chart.show(
    compared.map(({ strategy }, index) => ({
      name: strategy,
      index,
      days: curves[index].map(({ date }) => date),
      values: curves[index].map((row) => row.strategy),
    })),
  );
  showScales();
}

function showScales() {
  at("scales").hidden = !chart.mayBeLogarithmic;
  for (const button of at("scales").children) {
    button.setAttribute("aria-pressed", String(button.dataset.scale === chart.scale));
  }
}

/** The rows of each strategy, in the order in which they came. */
function byStrategy(all) {
  const found = new Map();
  for (const row of all) {
    found.set(row.strategy, [...(found.get(row.strategy) ?? []), row]);
  }
  return found;
}

function showAllocations(all) {
  if (all.length === 0) {
    nothing("allocations", "No allocation yet: run parakeet backfill FROM TO.");
    return;
  }
  const most = Math.max(...all.map(({ weight }) => weight), 0.01); // one scale, so that they compare
  const cards = [...byStrategy(all)].map(([strategy, held]) => {
    const cash = held.filter(({ ticker }) => ticker === "CASH");
    const tickers = held.filter(({ ticker }) => ticker !== "CASH").sort((one, other) => other.weight - one.weight);
    const [first] = held;
    const rest = tickers.slice(LISTED);
    return element(
      "article",
      { class: "card", "aria-label": `Allocation of ${strategy}` },
      element("h3", {}, strategy),
      element("p", { class: "about" }, `${first.session}, ${first.rebalance ? "rebalanced" : "held as before"}`),
      weights([...tickers.slice(0, LISTED), ...(rest.length ? [] : cash)], most, strategy),
      ...(rest.length ? [more(rest.length, "ticker", weights(rest, most, strategy)), weights(cash, most, strategy)] : []),
    );
  });
  content("allocations", element("div", { class: "cards" }, ...cards));
}

function weights(held, most, strategy) {
  const lines = held.map(({ ticker, weight }) => {
    const bar = element("span", { class: ticker === "CASH" ? "bar cash" : "bar" });
    bar.style.width = `${Math.max(0, (100 * weight) / most).toFixed(2)}%`;
    bar.hidden = !(weight > 0);
    return element(
      "tr",
      {},
      element("th", { scope: "row", class: "text" }, ticker),
      element("td", { class: "bars", "aria-hidden": "true" }, bar),
      element("td", { class: "number" }, percent(weight, 2)),
    );
  });
  return element("table", { class: "weights", "aria-label": `Weights of ${strategy}` }, element("tbody", {}, ...lines));
}

function more(count, what, inside) {
  return element("details", {}, element("summary", {}, counted(count, `more ${what}`)), inside);
}

/** `newest`: what the status tells of each strategy; null where it could not be had. */
function showOrders([all, newest]) {
  const found = byStrategy(all);
  const idle = (newest ?? []).filter(({ strategy, orders }) => orders && !found.has(strategy));
  if (all.length + idle.length === 0) {
    nothing("orders", newest ? "No orders are stored yet." : "Nothing to trade, or no orders are stored yet.");
    return;
  }
  const heads = [
    ["Side", "text"],
    ["Ticker", "text"],
    ["Quantity", "number"],
    ["Price A$", "number"],
    ["Value A$", "number"],
    ["Costs A$", "number"],
    ["Reason", "text"],
  ];
  const groups = [...found].map(([strategy, wanted]) => {
    const ordered = [...wanted].sort(
      (one, other) => other.side.localeCompare(one.side) || one.ticker.localeCompare(other.ticker),
    );
    const told = (some) => table(`Orders of ${strategy}`, heads, [element("tbody", {}, ...some.map(order))]);
    return element(
      "article",
      { class: "group", "aria-label": `Orders of ${strategy}` },
      element("h3", {}, strategy, element("span", { class: "about" }, ` ${wanted[0].session}`)),
      told(ordered.slice(0, LISTED)),
      ...(ordered.length > LISTED ? [more(ordered.length - LISTED, "order", told(ordered.slice(LISTED)))] : []),
    );
  });
  const names = idle.map(({ strategy, orders }) => `${strategy} on ${orders}`).join(", ");
  content("orders", ...groups, ...(names ? [element("p", { class: "nothing" }, `Nothing to trade: ${names}.`)] : []));
}

function order({ side, ticker, quantity, price_estimate_aud: price, cost_estimate_aud: costs, reason }) {
  const cells = [
    [side, side === "sell" ? "text sell" : "text buy"],
    [ticker, "text"],
    [fixed(quantity, Number.isInteger(quantity) ? 0 : 4), "number"],
    [fixed(price, 2), "number"],
    [fixed(quantity * price, 2), "number"],
    [fixed(costs, 2), "number"],
    [reason, "text"],
  ];
  return element("tr", {}, ...cells.map(([text, kind]) => element("td", { class: kind }, text)));
}

// ---- what a person does

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(STORED, at("key").value.trim());
  at("key").value = "";
  say(null);
  read();
});
at("forget").addEventListener("click", () => ask("The key is forgotten."));
at("scales").addEventListener("click", ({ target }) => {
  if (target.dataset.scale) {
    chart.setScale(target.dataset.scale);
    showScales();
  }
});
addEventListener("hashchange", () => {
  if (takeFromAddress()) {
    say(null);
    read();
  }
});
document.addEventListener("visibilitychange", () => {
  const isOld = Date.now() - readAt > NEW_AFTER;
  if (!document.hidden && isOld && reading !== null && retry === null) {
    read();
  }
});

takeFromAddress();
read();

// The curves of all strategies over time, as SVG, with a cursor that mouse, finger and keyboard move.

import { DASH, breakable, element, money, moneyMark, shape } from "./words.js";

const DAY = 24 * 3600 * 1000;
const LOGARITHMIC = 3; // from this ratio of highest to lowest on, equal growth is to look equal
const STYLES = 15; // so many lines look different: five colours, each whole, dashed and dotted
const NARROW = 480;
const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -21, PageUp: 21 };

/** Round marks between two values: 1, 2 or 5 times a power of ten apart. */
export function marksOfValues(low, high, most) {
  const power = 10 ** Math.floor(Math.log10((high - low) / most));
  const count = (step) => Math.floor(high / step + 1e-9) - Math.ceil(low / step - 1e-9) + 1;
  const step = [1, 2, 5, 10, 20].map((part) => part * power).find((one) => count(one) <= most);
  const first = Math.ceil(low / step - 1e-9);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return Array.from({ length: count(step) }, (_, at) => Number(((first + at) * step).toFixed(decimals)));
}

/** Round marks of a logarithmic axis; where its range has too few of them, evenly spaced ones. */
export function marksOfGrowth(low, high, most) {
  const powers = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    powers.push(10 ** power);
  }
  const within = [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 7]].map((parts) =>
    powers.flatMap((power) => parts.map((part) => part * power)).filter((one) => one >= low && one <= high),
  );
  const fitting = within.filter((marks) => marks.length <= most).at(-1) ?? [];
  return fitting.length >= 3 ? fitting : marksOfValues(low, high, most);
}

/** The finest marks that are not too many: days, months or years. */
export function marksOfDates(first, last, most) {
  const day = (time) => new Date(time).toISOString().slice(0, 10);
  const days = (step) => {
    const count = Math.floor((last - first) / (step * DAY)) + 1;
    return Array.from({ length: count }, (_, at) => first + at * step * DAY);
  };
  const months = (step) => {
    const found = [];
    const begin = new Date(first);
    for (let at = begin.getUTCMonth(); ; at += 1) {
      const time = Date.UTC(begin.getUTCFullYear(), at, 1);
      if (time > last) {
        return found;
      }
      const month = new Date(time).getUTCMonth() + 12 * new Date(time).getUTCFullYear();
      if (time >= first && month % step === 0) {
        found.push(time);
      }
    }
  };
  const span = (last - first) / DAY;
  const choices = [
    ...(span < 100 ? [1, 2, 7, 14, 28].map((step) => [() => days(step), 10]) : []),
    ...[1, 2, 3, 6].map((step) => [() => months(step), 7]),
    ...[1, 2, 5, 10, 20, 50].map((years) => [() => months(12 * years), 4]),
  ];
  for (const [marks, length] of choices) {
    const times = marks();
    if (times.length > 0 && times.length <= (length === 10 ? Math.max(2, most / 1.4) : most)) {
      return times.map((time) => ({ time, label: day(time).slice(0, length) }));
    }
  }
  return [{ time: first, label: day(first) }];
}

/** Of more points than can be seen, per pixel the first, lowest, highest and last. */
export function thinned(points, width) {
  if (points.length <= 4 * width) {
    return points;
  }
  const size = points.length / width;
  const kept = new Set();
  for (let column = 0; column < width; column += 1) {
    const [from, until] = [Math.floor(column * size), Math.floor((column + 1) * size)];
    let [lowest, highest] = [from, from];
    for (let at = from; at < until; at += 1) {
      lowest = points[at].y > points[lowest].y ? at : lowest;
      highest = points[at].y < points[highest].y ? at : highest;
    }
    [from, lowest, highest, until - 1].forEach((at) => kept.add(at));
  }
  return [...kept].sort((one, other) => one - other).map((at) => points[at]);
}

/** The class that gives a strategy its colour and dashes, in lines, legend and tables. */
export function lineClass(index) {
  return `line-${(index % STYLES) % 5} dash-${Math.floor((index % STYLES) / 5)}`;
}

/** A short piece of a strategy's line. */
export function swatch(index) {
  const line = shape("line", { x1: 0, x2: 22, y1: 5, y2: 5, class: `curve ${lineClass(index)}` });
  return shape("svg", { class: "swatch", width: 22, height: 10, "aria-hidden": "true" }, line);
}

/**
 * The chart, its legend and its cursor.
 *
 * `curves`: `{ name, index, days: ["2022-12-28", …], values: [aud, …] }`, days ascending.
 */
export class Chart {
  constructor(place, legend, day) {
    this.place = place;
    this.legend = legend;
    this.day = day;
    this.curves = [];
    this.hidden = new Set();
    this.scale = null;
    this.at = null;
    new ResizeObserver(() => this.draw()).observe(place);
    place.addEventListener("pointermove", (event) => this.pointed(event));
    place.addEventListener("pointerdown", (event) => this.pointed(event));
    place.addEventListener("pointerleave", () => this.moveTo(null));
    place.addEventListener("keydown", (event) => this.pressed(event));
    place.addEventListener("blur", () => this.moveTo(null));
  }

  show(curves) {
    this.curves = curves.map((curve) => ({
      ...curve,
      valueOn: new Map(curve.days.map((day, at) => [day, curve.values[at]])),
    }));
    this.days = [...new Set(curves.flatMap((curve) => curve.days))].sort();
    this.times = this.days.map((day) => Date.parse(day));
    this.at = null;
    const values = curves.flatMap((curve) => curve.values).filter((value) => value !== null);
    const [low, high] = extent(values);
    this.mayBeLogarithmic = low > 0;
    this.scale = this.mayBeLogarithmic && high / low > LOGARITHMIC ? "log" : "linear";
    this.makeLegend();
    this.draw();
  }

  /** Forget everything. */
  clear() {
    this.curves = [];
    this.hidden.clear();
    this.place.replaceChildren();
    this.legend.replaceChildren();
    this.day.textContent = "";
    [...this.place.attributes]
      .filter(({ name }) => name.startsWith("aria-") || name === "role" || name === "tabindex")
      .forEach(({ name }) => this.place.removeAttribute(name));
  }

  setScale(scale) {
    this.scale = scale;
    this.draw();
  }

  get shown() {
    return this.curves.filter((curve) => !this.hidden.has(curve.name));
  }

  draw() {
    const width = Math.round(this.place.clientWidth);
    if (!this.curves.length || width < 50) {
      return;
    }
    const height = Math.round(width < NARROW ? Math.max(230, width * 0.72) : Math.min(430, width * 0.58));
    this.frame(width, height);
    const svg = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    svg.append(...this.axes(), ...this.lines());
    this.cursor = shape("g", { class: "cursor" });
    svg.append(this.cursor);
    this.place.replaceChildren(svg);
    this.describe();
    this.moveTo(this.at);
  }

  /** The scales, from dates and values to pixels. */
  frame(width, height) {
    const values = (this.shown.length ? this.shown : this.curves).flatMap((curve) => curve.values);
    const [low, high] = extent(values.filter((value) => value !== null));
    const isLog = this.scale === "log";
    const pad = isLog ? 1.03 : Math.max((high - low) * 0.04, Math.abs(high) * 0.0005, 1);
    this.low = isLog ? low / pad : low - pad;
    this.high = isLog ? high * pad : high + pad;
    const measure = isLog ? Math.log : Number;
    const most = Math.max(3, Math.round(height / 50));
    this.marks = (isLog ? marksOfGrowth : marksOfValues)(this.low, this.high, most);
    const longest = Math.max(...this.marks.map((mark) => moneyMark(mark).length));
    this.box = { left: 10 + 7 * longest, right: width - 10, top: 28, bottom: height - 28 };
    const { left, right, top, bottom } = this.box;
    const [first, last] = [this.times[0], Math.max(this.times.at(-1), this.times[0] + DAY)];
    this.x = (time) => left + ((time - first) / (last - first)) * (right - left);
    const [from, until] = [measure(this.low), measure(this.high)];
    this.y = (value) => bottom - ((measure(value) - from) / (until - from)) * (bottom - top);
    this.dates = marksOfDates(first, last, Math.max(2, Math.floor((right - left) / 72)));
  }

  axes() {
    const { left, right, top, bottom } = this.box;
    const made = [
      shape("text", { class: "axis-title", x: 0, y: 12 }, this.scale === "log" ? "AUD, logarithmic" : "AUD"),
    ];
    for (const mark of this.marks) {
      const y = this.y(mark).toFixed(1);
      made.push(shape("line", { class: "grid", x1: left, x2: right, y1: y, y2: y }));
      made.push(shape("text", { class: "tick value", x: left - 8, y, dy: "0.35em" }, moneyMark(mark)));
    }
    made.push(shape("line", { class: "base", x1: left, x2: right, y1: bottom, y2: bottom }));
    for (const { time, label } of this.dates) {
      const x = this.x(time);
      const half = label.length * 3.6;
      const at = Math.min(Math.max(x, left + (label.length > 7 ? half - 20 : 0)), right + 10 - half);
      made.push(shape("line", { class: "base", x1: x, x2: x, y1: bottom, y2: bottom + 5 }));
      made.push(shape("text", { class: "tick date", x: at.toFixed(1), y: bottom + 20 }, label));
    }
    return made;
  }

  lines() {
    return this.shown.map((curve) => {
      const points = curve.days
        .map((day, at) => ({ x: this.x(Date.parse(day)), value: curve.values[at] }))
        .filter(({ value }) => value !== null && (this.scale === "linear" || value > 0))
        .map(({ x, value }) => ({ x, y: this.y(value) }));
      const { left, right } = this.box;
      const path = thinned(points, Math.round(right - left)).map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`);
      const line = shape("polyline", { class: `curve ${lineClass(curve.index)}`, points: path.join(" ") });
      line.dataset.strategy = curve.name;
      return line;
    });
  }

  makeLegend() {
    const newest = (curve) => curve.values.at(-1) ?? 0;
    const ordered = [...this.curves].sort((one, other) => newest(other) - newest(one));
    this.entries = ordered.map((curve) => {
      const value = element("span", { class: "number" });
      const button = element(
        "button",
        { type: "button", "aria-pressed": "true", title: "Show or hide this curve" },
        swatch(curve.index),
        element("span", { class: "name" }, ...breakable(curve.name)),
        value,
      );
      button.addEventListener("click", () => this.toggle(curve.name, button));
      for (const [event, is] of [["pointerenter", true], ["pointerleave", false], ["focus", true], ["blur", false]]) {
        button.addEventListener(event, () => this.emphasise(curve.name, is));
      }
      button.setAttribute("aria-pressed", String(!this.hidden.has(curve.name)));
      return { curve, value, item: element("li", {}, button) };
    });
    this.legend.replaceChildren(...this.entries.map(({ item }) => item));
  }

  toggle(name, button) {
    const isShown = this.hidden.delete(name);
    if (!isShown) {
      this.hidden.add(name);
    }
    button.setAttribute("aria-pressed", String(isShown));
    this.draw();
  }

  emphasise(name, is) {
    for (const line of this.place.querySelectorAll("polyline")) {
      line.classList.toggle("faint", is && !this.hidden.has(name) && line.dataset.strategy !== name);
    }
  }

  describe() {
    const names = this.shown.map((curve) => curve.name).join(", ") || "none is shown";
    const told = {
      role: "slider",
      tabindex: 0,
      "aria-label": `Equity curves from ${this.days[0]} to ${this.days.at(-1)}: ${names}. Arrow keys move between sessions.`,
      "aria-valuemin": 0,
      "aria-valuemax": this.days.length - 1,
    };
    Object.entries(told).forEach(([name, value]) => this.place.setAttribute(name, value));
  }

  pointed(event) {
    if (!this.curves.length) {
      return;
    }
    const { left, right } = this.box;
    const part = (event.clientX - this.place.getBoundingClientRect().left - left) / (right - left);
    const [first, last] = [this.times[0], this.times.at(-1)];
    this.moveTo(nearest(this.times, first + part * (last - first)));
  }

  pressed(event) {
    const newest = this.days.length - 1;
    const places = { Home: 0, End: newest, Escape: null };
    if (!(event.key in KEYS) && !(event.key in places)) {
      return;
    }
    event.preventDefault();
    const moved = Math.min(Math.max((this.at ?? newest) + (KEYS[event.key] ?? 0), 0), newest);
    this.moveTo(event.key in places ? places[event.key] : moved);
  }

  /** Put the cursor on a session and read it out; null: away, and read out the newest. */
  moveTo(at) {
    if (!this.curves.length) {
      return;
    }
    this.at = at;
    const index = at ?? this.days.length - 1;
    const day = this.days[index];
    for (const { curve, value } of this.entries) {
      value.textContent = money(curve.valueOn.get(day) ?? NaN);
    }
    this.day.textContent = day;
    const values = this.entries
      .filter(({ curve }) => !this.hidden.has(curve.name))
      .map(({ curve, value }) => `${curve.name} ${value.textContent === DASH ? "nothing" : value.textContent}`);
    this.place.setAttribute("aria-valuenow", index);
    this.place.setAttribute("aria-valuetext", `${day}: ${values.join(", ")}`);
    this.cursor?.replaceChildren(...(at === null ? [] : this.cross(index)));
  }

  cross(index) {
    const x = this.x(this.times[index]).toFixed(1);
    const made = [shape("line", { class: "cross", x1: x, x2: x, y1: this.box.top, y2: this.box.bottom })];
    for (const curve of this.shown) {
      const value = curve.valueOn.get(this.days[index]);
      if (typeof value === "number" && (this.scale === "linear" || value > 0)) {
        const y = this.y(value).toFixed(1);
        made.push(shape("circle", { class: `dot ${lineClass(curve.index)}`, cx: x, cy: y, r: 3.5 }));
      }
    }
    return made;
  }
}

function extent(values) {
  return values.reduce(([low, high], one) => [Math.min(low, one), Math.max(high, one)], [Infinity, -Infinity]);
}

function nearest(times, wanted) {
  let [low, high] = [0, times.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    [low, high] = times[middle] < wanted ? [middle, high] : [low, middle];
  }
  return wanted - times[low] < times[high] - wanted ? low : high;
}

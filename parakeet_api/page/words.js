// Elements and figures as text. Text only ever becomes a text node: nothing stored can be markup.

const MINUS = "\u2212";
export const DASH = "\u2013";

/** An element with attributes and children; a string among them is a text. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** As `element`, of a drawing. */
export function shape(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** A number with thousands separators; never a minus before a zero. */
export function fixed(value, decimals) {
  if (typeof value !== "number" || !Number.isFinite(value)) {
    return DASH;
  }
  const text = Math.abs(value).toLocaleString("en-AU", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

/** A part of 1. */
export function percent(part, decimals = 1) {
  const text = fixed(part === null ? NaN : part * 100, decimals);
  return text === DASH ? DASH : `${text}%`;
}

/** AUD; the minus comes first. */
export function money(value, decimals = 0) {
  const text = fixed(value, decimals);
  if (text === DASH) {
    return DASH;
  }
  return text.startsWith(MINUS) ? `${MINUS}A$${text.slice(1)}` : `A$${text}`;
}

/** AUD beside an axis: millions as "A$1.5m". */
export function moneyMark(value) {
  const decimals = Number.isInteger(value) ? 0 : 2;
  return Math.abs(value) < 1e6 ? money(value, decimals) : `${value < 0 ? MINUS : ""}A$${Math.abs(value) / 1e6}m`;
}

/** "1 session", "2 sessions". */
export function counted(count, what) {
  return `${count.toLocaleString("en-AU")} ${what}${count === 1 ? "" : "s"}`;
}

/** A name that may be broken after an underscore, as children of an element. */
export function breakable(name) {
  return name.split(/(?<=_)/).flatMap((part, at) => (at ? [element("wbr"), part] : [part]));
}

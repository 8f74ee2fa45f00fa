// Build elements, and merge a freshly built tree into what is on the page without touching focus, scroll or open details.

const SVG = 'http://www.w3.org/2000/svg';

/** Build an HTML element. `on` holds listeners; `style` holds custom properties; null and false leave an attribute out. */
export const h = (tag, properties, ...children) => build(document.createElement(tag), properties, children);

/** Build an SVG element. */
export const svg = (tag, properties, ...children) => build(document.createElementNS(SVG, tag), properties, children);

function build(element, properties, children) {
  if (element.nodeName === 'BUTTON') element.type = 'button'; // nothing here is a form
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name === 'on') listen(element, value);
    else if (name === 'style') for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else if (name === 'value') element.value = value;
    else if (value === true) element.setAttribute(name, '');
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const handlers = new WeakMap();

/** Listeners are kept beside the element, so that merging can exchange them. */
function listen(element, on) {
  handlers.set(element, on);
  for (const type of Object.keys(on)) element.addEventListener(type, (event) => handlers.get(element)?.[type]?.(event));
}

/** Make `host` hold these children, reusing what is there. */
export function paint(host, ...children) {
  const holder = document.createElement('div');
  holder.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  mergeChildren(host, holder);
}

function mergeChildren(host, fresh) {
  const keyed = new Map([...host.childNodes].filter(keyOf).map((node) => [keyOf(node), node]));
  let at = host.firstChild;
  for (const node of [...fresh.childNodes]) {
    const match = keyOf(node) ? keyed.get(keyOf(node)) : at && !keyOf(at) ? at : null;
    if (match?.nodeName !== node.nodeName) {
      host.insertBefore(node, at);
      continue;
    }
    if (match === at) at = at.nextSibling;
    else host.insertBefore(match, at);
    merge(match, node);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

const keyOf = (node) => node.dataset?.key;

function merge(have, fresh) {
  if (have.nodeType === Node.TEXT_NODE) {
    if (have.data !== fresh.data) have.data = fresh.data;
    return;
  }
  // Which details are open the learner decides; a style attribute is what the page's policy forbids, a style is not.
  const kept = (name) => name === 'style' || (name === 'open' && have.nodeName === 'DETAILS');
  if (have.style.cssText !== fresh.style.cssText) have.style.cssText = fresh.style.cssText;
  for (const { name } of [...have.attributes]) if (!fresh.hasAttribute(name) && !kept(name)) have.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (have.getAttribute(name) !== value && !kept(name)) have.setAttribute(name, value);
  }
  const on = handlers.get(fresh);
  if (on) {
    const known = handlers.get(have);
    handlers.set(have, on);
    if (!known) listen(have, on);
  }
  if (['INPUT', 'TEXTAREA', 'SELECT'].includes(have.nodeName)) {
    if (have.nodeName === 'SELECT') mergeChildren(have, fresh);
    if (have.value !== fresh.value) have.value = fresh.value;
    if (have.checked !== fresh.checked) have.checked = fresh.checked;
    return;
  }
  mergeChildren(have, fresh);
}

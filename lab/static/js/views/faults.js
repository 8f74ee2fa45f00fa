// What is broken on purpose: a banner that names it, and the panel that breaks and heals.

import { restart, setFault } from '../act.js';
import { h } from '../dom.js';
import { clock } from '../format.js';
import { world } from '../world.js';
import { copyBlock } from './message.js';

const WORDS = {
  off: 'is switched off',
  hung: 'hangs: it takes connections and says nothing',
  slow: 'is slow',
  skewed: 'has a wrong clock',
};
export const KINDS = { off: 'Off', hung: 'Hung', slow: 'Slow', emptied: 'Empty it', none: 'Heal' };
const SLOW_MS = 120;
const SKEW_S = 3600;

const describe = (fault) => {
  const more = fault.kind === 'slow' ? ` by ${Math.round(fault.delay_ms * 10) / 10} ms a round trip` : fault.kind === 'skewed' ? ` by ${Math.round(fault.offset_s / 60)} min` : '';
  return `${fault.target} ${WORDS[fault.kind]}${more}`;
};

/** Name every active fault and when it heals. */
export function banner(healAll) {
  if (!world.faults.length) return null;
  return h(
    'div',
    { class: 'banner', 'data-key': 'faults' },
    h('ul', null, world.faults.map((fault) => h('li', { 'data-key': fault.target + fault.kind }, h('strong', null, describe(fault)), fault.heals_at ? `; heals by itself in ${clock((fault.heals_at - world.now()) / 1000)}` : ''))),
    h('button', { on: { click: healAll } }, 'Heal everything'),
  );
}

/** Heal whatever is broken, whoever broke it. */
export async function healAll() {
  await Promise.all([...new Set(world.faults.map((one) => one.target))].map((target) => (world.canBreak.includes(target) ? setFault(target, 'none') : restart(target))));
}

/** The panel: one row for each thing that can be broken. */
export function faultPanel(state, repaint) {
  const rows = world.canBreak.map((target) => {
    const kinds = Object.keys(KINDS).filter((kind) => kind !== 'emptied' || world.canEmpty.includes(target)).filter((kind) => kind !== 'slow' || target !== 'auth');
    const active = world.faults.filter((one) => one.target === target).map((one) => one.kind);
    return h(
      'fieldset',
      { class: 'fault-row', 'data-key': target },
      h('legend', null, target),
      kinds.map((kind) =>
        h('button', { 'aria-pressed': kind in WORDS ? String(active.includes(kind)) : null, on: { click: () => attempt(state, repaint, `${target}: ${KINDS[kind].toLowerCase()}`, () => setFault(target, kind, kind === 'slow' ? { delay_ms: SLOW_MS } : {})) } }, KINDS[kind]),
      ),
    );
  });
  return h('div', { class: 'fault-panel', 'data-key': 'fault-panel' }, rows, processes(state, repaint), h('p', { class: 'status', role: 'status' }, state.said ?? ''));
}

function processes(state, repaint) {
  const names = world.servers.filter((one) => one.promise).map((one) => one.name);
  state.server ??= names[0];
  const choose = h('select', { on: { change: (event) => repaint((state.server = event.target.value)) } }, names.map((name) => h('option', { value: name }, name)));
  choose.value = state.server ?? '';
  const picked = h('label', { class: 'field' }, 'Server', choose);
  if (!world.supervised) {
    return h('fieldset', { 'data-key': 'processes' }, h('legend', null, 'A server’s process'), picked, h('p', null, 'These servers run in containers. To restart this one, copy this into a terminal:'), copyBlock(`docker compose restart ${state.server ?? ''}`));
  }
  return h(
    'fieldset',
    { class: 'fault-row', 'data-key': 'processes' },
    h('legend', null, 'A server’s process'),
    picked,
    h('button', { on: { click: () => attempt(state, repaint, `${state.server} restarted`, () => restart(state.server)) } }, 'Restart it'),
    h('button', { on: { click: () => attempt(state, repaint, `${state.server} restarted, its clock an hour ahead`, () => restart(state.server, SKEW_S)) } }, 'Move its clock an hour ahead'),
  );
}

async function attempt(state, repaint, words, what) {
  state.said = `${words} …`;
  repaint();
  try {
    await what();
    state.said = `Done: ${words}`;
  } catch (error) {
    state.said = error.message;
  }
  repaint();
}

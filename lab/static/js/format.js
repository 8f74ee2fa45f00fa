// Numbers and words, always the same way.

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

export function ms(value) {
  if (value === null || value === undefined) return '–';
  if (value >= 1000) return `${(value / 1000).toFixed(value >= 10000 ? 0 : 1)} s`;
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ms`;
}

export const us = (value) => (value === null || value === undefined ? '–' : `${value.toFixed(value >= 100 ? 0 : 1)} µs`);

export const bytes = (value) => (value === null || value === undefined ? '–' : `${value} B`);

/** 83 s as 01:23. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${String(Math.floor(whole / 60)).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
}

export const timeOfDay = (epochMs) => new Date(epochMs).toLocaleTimeString([], { hour12: false });

export const list = (words) => (words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`);

export const shortened = (text, ends = 8) => (text.length <= 2 * ends + 1 ? text : `${text.slice(0, ends)}…${text.slice(-ends)}`);

export const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);

/** The commands that stores executed, over all stores. */
export const commandsIn = (stores) => sum(Object.values(stores ?? {}).flatMap((one) => Object.values(one)));

export const storeCommands = (count) => plural(count, 'store command');

const GLYPHS = { ok: '✓', bad: '✕', off: '◌', none: '–' };

/** How an answer is shown: never by colour alone. */
export function verdict(status) {
  if (status === null || status === undefined || status === 0) return { tone: 'off', glyph: GLYPHS.off, word: 'no answer' };
  if (status < 400) return { tone: 'ok', glyph: GLYPHS.ok, word: 'accepted' };
  if (status === 503 || status === 502) return { tone: 'off', glyph: GLYPHS.off, word: 'unavailable' };
  if (status === 403) return { tone: 'bad', glyph: GLYPHS.bad, word: 'not allowed' };
  return { tone: 'bad', glyph: GLYPHS.bad, word: status === 401 ? 'refused' : `refused (${status})` };
}

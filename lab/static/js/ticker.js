// Everything that updates by itself does so here: four times a second at most, and not while paused.

const EVERY_MS = 250;
const tasks = new Set();
let paused = false;

/** Call `task` at every tick. */
export const everyTick = (task) => tasks.add(task);

export const isPaused = () => paused;

export function pause(wanted) {
  paused = wanted;
  if (!paused) tick();
}

function tick() {
  if (!paused && !document.hidden) for (const task of tasks) task();
}

setInterval(tick, EVERY_MS);

/** Whether things may move on this screen. */
export const mayMove = () => !paused && !matchMedia('(prefers-reduced-motion: reduce)').matches;

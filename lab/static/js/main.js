// The page itself: where the learner is, what is painted, and what runs by itself.

import { reset } from './act.js';
import { bench } from './bench.js';
import { h, paint } from './dom.js';
import { LESSONS } from './lessons/index.js';
import { LessonPage, forgetGuesses, numbersOf } from './lesson.js';
import { follow } from './stream.js';
import { everyTick, isPaused, pause } from './ticker.js';
import { banner, healAll } from './views/faults.js';
import { map, travel } from './views/map.js';
import { world } from './world.js';

const $ = (id) => document.getElementById(id);
const LINK_WORDS = { connecting: '○ connecting', live: '● live', disconnected: '✕ disconnected, trying again', restarted: '✕ the lab was restarted' };

const LEAST_PX = 260;

let dirty = false;
let frame = 0;
let fresh = [];
const pages = new Map();

/** Paint soon: at the next frame. For what the learner did. */
function repaint() {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    draw();
  });
}

function place() {
  const [, name = '1', step = '0'] = location.hash.split('/');
  if (name === 'bench') return { page: bench(repaint), at: 0, name };
  const lesson = LESSONS.find((one) => String(one.number) === name) ?? LESSONS[0];
  if (!pages.has(lesson)) pages.set(lesson, new LessonPage(lesson, repaint));
  const page = pages.get(lesson);
  return { page, at: Math.min(Math.max(0, Number.parseInt(step, 10) || 0), page.last), name: String(lesson.number) };
}

function draw() {
  dirty = false;
  const { page, at, name } = place();
  const main = $('main');
  paint(main, page.draw(at, Math.max(LEAST_PX, Math.floor(main.clientWidth) - 2)));
  const all = page.seen.step(at);
  const shown = page.shown?.(at) ?? all;
  paint($('map'), map(Math.max(LEAST_PX, Math.floor($('map').clientWidth)), shown, numbersOf(all)));
  for (const one of fresh.splice(0).slice(-4)) travel(one);
  drawAround(name);
  document.title = `${page.lesson ? `${page.lesson.number} ${page.lesson.title}` : 'Free bench'} · Auth Lab`;
}

function drawAround(name) {
  paint($('banners'), linkBanner(), banner(() => healAll().catch(() => {})));
  const link = $('link');
  if (link.textContent !== LINK_WORDS[world.link]) link.textContent = LINK_WORDS[world.link];
  link.className = `link ${world.link}`;
  for (const one of document.querySelectorAll('#lessons a')) {
    const here = one.dataset.lesson === name;
    if (here) one.setAttribute('aria-current', 'page');
    else one.removeAttribute('aria-current');
  }
}

function linkBanner() {
  if (world.link === 'restarted') {
    return h('div', { class: 'banner', 'data-key': 'link' }, h('p', null, h('strong', null, 'The lab was restarted.'), ' What was captured before is gone.'), h('button', { on: { click: () => location.reload() } }, 'Reload the page'));
  }
  if (world.link === 'disconnected') {
    return h('div', { class: 'banner', 'data-key': 'link' }, h('p', null, h('strong', null, 'Disconnected from the lab.'), ' What you see may be out of date. Trying again …'));
  }
  return world.lost ? h('div', { class: 'banner', 'data-key': 'lost' }, h('p', null, 'Some older messages are not kept any more.')) : null;
}

function listLessons() {
  const entry = (href, number, title) => h('li', null, h('a', { href, 'data-lesson': number === '∞' ? 'bench' : String(number) }, h('span', { class: 'lesson-number', 'aria-hidden': 'true' }, String(number)), title));
  paint($('lessons'), LESSONS.map((one) => entry(`#/${one.number}/0`, one.number, one.title)), entry('#/bench', '∞', 'Free bench'));
  $('lessons').addEventListener('click', () => {
    if (matchMedia('(max-width: 55rem)').matches) $('lesson-list').open = false;
  });
}

function went() {
  for (const page of pages.values()) page.left();
  scrollTo({ top: 0 });
  draw();
  // The learner asked to go there, so reading starts there.
  (document.querySelector('.step-title') ?? $('main')).focus({ preventScroll: true });
}

async function resetAll() {
  const button = $('reset');
  button.setAttribute('aria-disabled', 'true');
  try {
    await reset();
    forgetGuesses();
    pages.clear();
    const [, name = '1'] = location.hash.split('/');
    history.replaceState(null, '', name === 'bench' ? '#/bench' : `#/${name}/0`);
    $('said').textContent = 'Everything is reset.';
  } catch (error) {
    $('said').textContent = error.message;
  }
  button.removeAttribute('aria-disabled');
  repaint();
}

function setUpBar() {
  const theme = $('theme');
  theme.value = document.documentElement.dataset.theme ?? 'system';
  theme.addEventListener('change', () => {
    if (theme.value === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
    try {
      localStorage.setItem('authlab-theme', theme.value);
    } catch { /* storage is switched off: the choice lasts as long as the page */ }
  });
  $('pause').addEventListener('click', () => {
    pause(!isPaused());
    $('pause').setAttribute('aria-pressed', String(isPaused()));
    $('said').textContent = isPaused() ? 'Paused: nothing updates by itself.' : 'Going on.';
  });
  $('reset').addEventListener('click', resetAll);
  $('skip').addEventListener('click', (event) => {
    event.preventDefault(); // an address of its own would lead away from the lesson
    $('main').focus();
  });
}

function start() {
  $('lesson-list').open = !matchMedia('(max-width: 55rem)').matches;
  listLessons();
  setUpBar();
  addEventListener('hashchange', went);
  addEventListener('resize', repaint);
  everyTick(() => {
    // Countdowns change without an event; everything else waits for one.
    if (dirty || world.faults.length || document.querySelector('[data-ticks]') || [...world.watches.values()].some((one) => !one.over)) draw();
  });
  world.listen((kind, one) => {
    dirty = true;
    if (kind === 'exchange' && !one.restored && one.by === 'browser') fresh.push(one);
    if (kind === 'link' || kind === 'hello' || kind === 'reset') repaint();
  });
  draw();
  follow({ take: (kind, data) => world.take(kind, data), changed: (state) => world.setLink(state) });
}

start();

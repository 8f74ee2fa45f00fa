// A lesson on the page: predict, run, watch, one sentence of explanation, what to try next. The learner owns time.

import { Act } from './act.js';
import { h } from './dom.js';
import { timeOfDay } from './format.js';
import { Seen, world } from './world.js';
import { copyBlock } from './views/message.js';
import { lanes } from './views/lanes.js';

const guesses = {
  get: (lesson) => JSON.parse(sessionStorage.getItem(`authlab-guess-${lesson}`) ?? 'null'),
  set: (lesson, value) => sessionStorage.setItem(`authlab-guess-${lesson}`, JSON.stringify(value)),
  clear: () => Object.keys(sessionStorage).filter((key) => key.startsWith('authlab-guess-')).forEach((key) => sessionStorage.removeItem(key)),
};
export const forgetGuesses = guesses.clear;

const REPLAY_EVERY_MS = 600;

export class LessonPage {
  constructor(lesson, repaint) {
    this.lesson = lesson;
    this.repaint = repaint;
    this.seen = new Seen(lesson.number);
    this.states = lesson.steps.map(() => ({}));
    this.busy = null;
    this.error = null;
    this.replaying = null;
  }

  /** Steps are numbered from 1; 0 is the prediction, the last is what it all shows. */
  get last() {
    return this.lesson.steps.length + 1;
  }

  /** The messages that this step shows now. */
  shown(at) {
    const some = this.seen.step(at);
    return this.replaying ? some.slice(0, this.replaying.count) : some;
  }

  draw(at, width) {
    const { lesson } = this;
    return h(
      'article',
      { class: 'lesson', 'data-key': `lesson-${lesson.number}` },
      h('header', null, h('p', { class: 'kicker' }, `Lesson ${lesson.number} of 15`), h('h1', null, lesson.title), h('p', { class: 'question' }, lesson.question)),
      this.#drawSteps(at),
      at === 0 ? this.#drawPrediction() : at >= this.last ? this.#drawPoint() : this.#drawStep(at, width),
      this.#drawWay(at),
    );
  }

  #drawSteps(at) {
    const names = ['Predict', ...this.lesson.steps.map((one) => one.title), 'The point'];
    return h(
      'nav',
      { class: 'steps', 'aria-label': 'Steps of this lesson' },
      h('ol', null, names.map((name, step) => h('li', null, h('a', { href: `#/${this.lesson.number}/${step}`, 'aria-current': step === at ? 'step' : null }, step > 0 && step < this.last ? h('span', { class: 'step-number', 'aria-hidden': 'true' }, String(step)) : null, name)))),
    );
  }

  #drawPrediction() {
    const { number, predict } = this.lesson;
    const guess = guesses.get(number);
    return h(
      'section',
      { class: 'panel', 'data-key': 'predict' },
      h('h2', { tabindex: '-1', class: 'step-title' }, 'Predict'),
      h(
        'fieldset',
        { class: 'choices' },
        h('legend', null, predict.ask),
        predict.options.map((option, at) => {
          const input = h('input', { type: 'radio', name: `predict-${number}`, value: String(at), on: { change: () => this.repaint(guesses.set(number, at)) } });
          input.checked = guess === at;
          return h('label', { class: 'choice' }, input, option);
        }),
      ),
      h('p', { class: 'note' }, 'Choose one and go on, or go on without. Nothing is graded; guessing first makes what you see stick.'),
      this.#missing(this.lesson.needs),
    );
  }

  #drawStep(at, width) {
    const step = this.lesson.steps[at - 1];
    const exchanges = this.shown(at);
    const page = { width, state: this.states[at - 1], repaint: this.repaint, at, lesson: this.lesson.number };
    const numbers = numbersOf(this.seen.step(at));
    const missing = this.#missing(step.needs);
    const explained = exchanges.length || step.alwaysExplain ? step.explain?.(this.seen, page) : null;
    return h(
      'section',
      { class: 'panel', 'data-key': `step-${at}` },
      h('h2', { tabindex: '-1', class: 'step-title' }, step.title),
      step.say && h('p', null, step.say),
      missing ?? [
        h('ol', { class: 'todo' }, step.do.map((line) => h('li', null, line))),
        step.before?.(this.seen, page),
        h('p', { class: 'buttons' }, Object.entries(step.buttons ?? {}).map((button, index) => this.#drawButton(button, index, at))),
        this.error && h('p', { class: 'error', role: 'alert' }, this.error),
        this.replaying && h('p', { class: 'tag replay' }, `Replay of what was captured at ${timeOfDay(this.seen.step(at)[0]?.at ?? 0)}`),
        h('div', { class: 'seen', 'data-key': 'seen' }, step.view?.(this.seen, page), step.lanes === false ? null : lanes(exchanges, { numbers })),
        explained && h('p', { class: 'explain', 'data-key': 'explain' }, explained),
        exchanges.length || this.replaying ? this.#drawReplay(at) : null,
      ],
    );
  }

  #drawButton([label, run], index, at) {
    const busy = this.busy === `${at}/${index}`;
    return h(
      'button',
      { class: index ? '' : 'primary', 'aria-disabled': this.busy ? 'true' : null, 'data-key': label, on: { click: () => this.run(run, index, at) } },
      label,
      busy && h('span', { class: 'busy', 'aria-hidden': 'true' }, ' …'),
    );
  }

  #drawReplay(at) {
    return h('p', { class: 'buttons', 'data-key': 'replay' }, h('button', { class: 'quiet', on: { click: () => this.replay(at) } }, 'Replay'));
  }

  #drawPoint() {
    const { lesson } = this;
    const guess = guesses.get(lesson.number);
    const right = lesson.predict.options[lesson.predict.right];
    return h(
      'section',
      { class: 'panel', 'data-key': 'point' },
      h('h2', { tabindex: '-1', class: 'step-title' }, 'The point'),
      h('p', { class: 'explain' }, lesson.point),
      guess === null ? h('p', { class: 'note' }, `You made no prediction. What happens: ${right}.`) : h('p', null, guess === lesson.predict.right ? h('strong', null, '✓ You predicted it: ') : h('strong', null, '✕ Not what you predicted: '), `${right}.`),
      h('h3', null, 'Try next'),
      h('ul', null, lesson.next.map((one) => h('li', null, one))),
      lesson.aside?.(),
    );
  }

  #drawWay(at) {
    const { number } = this.lesson;
    const next = at < this.last ? `#/${number}/${at + 1}` : number < 15 ? `#/${number + 1}/0` : '#/bench';
    const back = at > 0 ? `#/${number}/${at - 1}` : number > 1 ? `#/${number - 1}/0` : null;
    return h(
      'p',
      { class: 'way', 'data-key': 'way' },
      back && h('a', { class: 'button', href: back }, at > 0 ? 'Back' : 'Lesson before'),
      h('a', { class: 'button primary', href: next }, at < this.last ? 'Next' : number < 15 ? 'Next lesson' : 'To the free bench'),
    );
  }

  /** Say what is not running and how to start it; null when all is there. */
  #missing(needs = []) {
    const absent = needs.filter((name) => !world.servers.some((one) => one.name === name));
    if (!absent.length || !world.servers.length) return null;
    return h(
      'div',
      { class: 'note-box', 'data-key': 'missing' },
      h('p', null, `This needs ${absent.join(', ')}, which ${absent.length === 1 ? 'is' : 'are'} not running here. To start everything:`),
      copyBlock(world.supervised ? 'authlab down && authlab up --all --detach' : 'docker compose --profile strategies up --wait'),
    );
  }

  async run(run, index, at) {
    if (this.busy) return;
    this.#stopReplay();
    this.busy = `${at}/${index}`;
    this.error = null;
    this.repaint();
    try {
      await run(new Act(this.lesson.number, at, this.repaint), this.seen, this.states[at - 1]);
    } catch (error) {
      this.error = error.message;
    }
    this.busy = null;
    this.repaint();
  }

  /** Show the captured messages of a step again, one by one. Nothing is sent. */
  replay(at) {
    this.#stopReplay();
    const total = this.seen.step(at).length;
    this.replaying = { count: 0 };
    this.replaying.timer = setInterval(() => {
      if (!this.replaying || ++this.replaying.count > total) this.#stopReplay();
      this.repaint();
    }, REPLAY_EVERY_MS);
    this.repaint();
  }

  #stopReplay() {
    clearInterval(this.replaying?.timer);
    this.replaying = null;
  }

  /** The learner went to another step. */
  left() {
    this.#stopReplay();
    this.error = null;
  }
}

export const numbersOf = (exchanges) => new Map(exchanges.map((one, at) => [one.id, at + 1]));

import { lastResult } from '../act.js';
import { advice, questions } from '../views/advice.js';
import { frontier } from '../views/frontier.js';

let result = null;
let asked = false;

/** Ask for the last benchmark result once; null until it is here. */
export function benchmark(repaint) {
  if (!asked) {
    asked = true;
    lastResult().then((found) => repaint((result = found)), () => (asked = false));
  }
  return result;
}

export default {
  title: 'So which one?',
  question: 'What does each way cost, and how long does it believe what is no longer true?',
  predict: {
    ask: 'Of all strategies, which is the cheapest per request and hears of a logout within a second?',
    options: ['A session in Redis', 'A plain JWT', 'A JWT whose revocations are pushed'],
    right: 2,
  },
  steps: [{
    title: 'The frontier',
    say: 'Cost to the right, staleness upwards: down and to the left is better, and the dotted line joins what no other beats. From the last benchmark that was run here, at full load; nothing on it is measured by this page.',
    do: ['You see “benchmark”.'],
    lanes: false,
    alwaysExplain: true,
    view: (_seen, { width, repaint }) => frontier(Math.min(width - 50, 760), benchmark(repaint)),
    explain: () => 'There is no best one. There is a frontier, and on it you choose what you pay: CPU, waiting, or staleness.',
  }, {
    title: 'Advice',
    say: 'Answer for a system of your own. The ranking follows from the measured costs and from what each strategy promises.',
    do: ['Choose “within a second” under “A logout must be heard”.', 'You see “Advice: pushed-jwt”.', 'Choose “within the life of a token” under “A logout must be heard”.', 'You see “Advice: plain-jwt”.'],
    lanes: false,
    view: (_seen, { state, repaint }) => advice((state.answers ??= questions()), benchmark(repaint), repaint),
  }],
  point: 'Sessions are simple and current, and cost a lookup. Tokens are cheap and independent, and stale. Push makes either cheap and nearly current, for a feed that must be kept alive.',
  next: ['Run “make bench” and look at your own machine’s frontier.', 'Go to the free bench, where every control of all lessons is.'],
};

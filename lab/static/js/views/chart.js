// Axes and scales for the charts, drawn by hand as SVG.

import { svg } from '../dom.js';

export const MARGIN = { left: 68, right: 16, top: 14, bottom: 40 };

/** A linear scale from [0, most] to pixels. */
export const linear = (most, from, to) => (value) => from + (value / most) * (to - from);

/** A logarithmic scale. */
export const logarithmic = (least, most, from, to) => (value) =>
  from + ((Math.log10(Math.max(value, least)) - Math.log10(least)) / (Math.log10(most) - Math.log10(least))) * (to - from);

/** Round numbers from 0 up to `most`. */
export function ticksUpTo(most, count = 5) {
  const raw = most / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= raw);
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, at) => Number((at * step).toPrecision(6)));
}

/** The frame of a chart: grid lines with their values, and what the axes mean. */
export function frame({ width, height, x, y, xTicks, yTicks, xLabel, yLabel, format = String, formatY = format }) {
  const bottom = height - MARGIN.bottom;
  return [
    yTicks.map((tick) => [
      svg('line', { class: 'grid', x1: MARGIN.left, x2: width - MARGIN.right, y1: y(tick), y2: y(tick) }),
      svg('text', { class: 'tick', x: MARGIN.left - 8, y: y(tick) + 4, 'text-anchor': 'end' }, formatY(tick)),
    ]),
    xTicks.map((tick) => [
      svg('line', { class: 'tick-mark', x1: x(tick), x2: x(tick), y1: bottom, y2: bottom + 4 }),
      svg('text', { class: 'tick', x: x(tick), y: bottom + 17, 'text-anchor': 'middle' }, format(tick)),
    ]),
    svg('line', { class: 'axis-line', x1: MARGIN.left, x2: width - MARGIN.right, y1: bottom, y2: bottom }),
    svg('text', { class: 'axis-label', x: width / 2, y: height - 4, 'text-anchor': 'middle' }, xLabel),
    svg('text', { class: 'axis-label', x: 0, y: 0, 'text-anchor': 'middle', transform: `translate(12 ${(MARGIN.top + bottom) / 2}) rotate(-90)` }, yLabel),
  ];
}

/** A drawing of this size, which assistive technology reads as one sentence. */
export const drawing = (width, height, sentence, ...children) =>
  svg('svg', { class: 'chart', viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': sentence }, children);

// Runs in a page, in the browser: what sticks out of it, and texts whose contrast against what is behind them is too low.
/* global document, getComputedStyle, NodeFilter, SVGElement */

const colour = (css) => {
  const [r = 0, g = 0, b = 0, a = 1] = (css.match(/[\d.]+/g) ?? []).map(Number);
  return [r, g, b, a];
};

/** One colour upon another, which is opaque. */
const over = (top, below, more = 1) => {
  const a = top[3] * more;
  return [...[0, 1, 2].map((i) => top[i] * a + below[i] * (1 - a)), 1];
};

/** Relative luminance as WCAG 2 counts it. */
const light = ([r, g, b]) => {
  const part = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
};

const contrast = (one, other) => {
  const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
};

const behind = (element) => {
  if (element === null) return [255, 255, 255, 1];
  const own = colour(getComputedStyle(element).backgroundColor);
  return own[3] === 1 ? own : over(own, behind(element.parentElement));
};

const named = (element) =>
  `${element.tagName}.${element.getAttribute('class')} ${element.textContent?.slice(0, 30)}`;

/** What is folded away is opened first. A box that scrolls by itself may hold what is wider. */
export function lookAround() {
  for (const details of document.querySelectorAll('details')) details.open = true;
  const room = document.documentElement.clientWidth;
  const whole = document.documentElement.scrollWidth;
  const wide = whole > room ? [`the page: ${whole} of ${room}`] : [];
  for (const element of document.body.querySelectorAll('*')) {
    const box = element.getBoundingClientRect();
    const scrolls = element.closest('.minutes') !== null && !element.matches('.minutes');
    if (!scrolls && box.width > 0 && (box.right > room + 1 || box.left < -1)) wide.push(named(element));
  }
  const bands = [...document.querySelectorAll('.gapband')].map((band) => ({
    box: band.getBoundingClientRect(),
    fill: colour(getComputedStyle(band).fill),
    opacity: Number(getComputedStyle(band).opacity),
  }));
  const faint = [];
  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (walker.currentNode.textContent.trim() === '' || element.matches('title,desc,style,script')) continue;
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const box = range.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    texts++;
    const ground = bands
      .filter((band) => band.box.left < box.right && band.box.right > box.left)
      .filter((band) => band.box.top < box.bottom && band.box.bottom > box.top)
      .reduce((below, { fill, opacity }) => over(fill, below, opacity), behind(element));
    const style = getComputedStyle(element);
    const ink = over(colour(element instanceof SVGElement ? style.fill : style.color), ground);
    const ratio = contrast(ink, ground);
    if (ratio < 4.5) faint.push(`${named(element)}: ${ratio.toFixed(2)}`);
  }
  return { wide, faint, texts };
}

// What a person sees of a watch while it goes on: a screenful on a terminal, lines elsewhere.
import type { Incident, WatchStart } from '../monitor/records.ts';
import type { Now } from '../monitor/sampler.ts';
import type { Screen } from '../show/screen.ts';
import { minuteLines } from '../show/watch.ts';
import { frameLines, incidentLine } from '../show/watchScreen.ts';

/** Takes what there is after every sample. The size is asked for each time: terminals change it. */
export function viewOf(
  screen: Screen,
  start: WatchStart,
  zone: string | undefined,
): (now: Now, news: readonly Incident[]) => void {
  const told = new Map<number, string>();
  let minute = 0;
  return (now, news) => {
    const size = screen.size();
    if (size !== 'none') {
      screen.frame(frameLines({ start, now, ...size, theme: screen.err, zone }));
      return;
    }
    for (const one of news) {
      // Said when it is new and when it becomes a violation; that it is over, once.
      const state = `${one.level} ${one.until === undefined || one.until === one.t ? 'open' : 'over'}`;
      if (told.get(one.number) === state) continue;
      told.set(one.number, state);
      screen.say(incidentLine(one, start, screen.err, zone));
    }
    if (now.t < (minute + 1) * 60_000) return;
    minute = Math.floor(now.t / 60_000);
    screen.say(...minuteLines({ start }, now, zone));
  };
}

// Were two servers at work at once? Judged by what the workers wrote down themselves, on one machine's monotonic clock.

interface Worker {
  readonly pid: string;
  readonly server: string;
  /** From the moment it was let in to its last sign of life, or to the first kill of a connection in between. */
  readonly from: number;
  until: number;
  left: boolean;
  robbed: boolean;
  readonly jobs: { asked: number; began: number; ended: number }[];
}

/** A moment that is known to lie between two others. */
export type Between = readonly [before: number, after: number];

/**
 * An overlap is a worker that was let in, or put the question before a job and was told to go on, while another one
 * certainly held the lock. A shadow is no overlap: a job that another server's worker began beside one whose connection had
 * been killed while it was at work. No lock can call that one back.
 */
export function judge(log: string, kills: readonly Between[], shots: ReadonlyMap<number, number>) {
  const open = new Map<string, Worker>();
  const workers: Worker[] = [];
  let told = 0;
  for (const line of log.split('\n')) {
    const [what = '', pid = '', first, second = ''] = line.split(' ');
    const time = Number(first);
    if (what === 'in') {
      const worker = { pid, server: second, from: time, until: time, left: false, robbed: false, jobs: [] };
      open.set(pid, worker);
      workers.push(worker);
    }
    const worker = open.get(pid);
    if (worker === undefined) continue;
    const job = worker.jobs.at(-1);
    if (what === 'job') worker.jobs.push({ asked: time, began: Number(second), ended: Number(second) });
    if (what === 'end' && job !== undefined) job.ended = time;
    if (what === 'out') worker.left = true;
    // Who is told has lost it before.
    if (what === 'told') told++;
    else worker.until = what === 'job' ? Number(second) : time;
  }
  for (const worker of workers) {
    const shot = shots.get(Number(worker.pid));
    if (shot !== undefined && !worker.left) worker.until = Math.max(worker.until, shot);
    const last = Math.max(worker.until, worker.jobs.at(-1)?.ended ?? 0);
    const hits = kills.filter(([before, after]) => after > worker.from && before < last);
    worker.robbed = hits.length > 0;
    worker.until = Math.min(worker.until, ...hits.map(([before]) => before));
  }
  let overlaps = 0;
  let shadows = 0;
  for (const worker of workers)
    for (const other of workers) {
      if (worker === other) continue;
      const during = (time: number): boolean => time > other.from && time < other.until;
      overlaps += [worker.from, ...worker.jobs.map((job) => job.asked)].filter(during).length;
      const beside = worker.jobs.filter((a) =>
        other.jobs.some((b) => a.began < b.began && b.began < a.ended),
      ).length;
      // Where neither has lost anything, the jobs are apart from begin to end.
      if (worker.robbed) shadows += beside;
      else overlaps += beside;
    }
  return {
    overlaps,
    shadows,
    told,
    servers: new Set(workers.map((worker) => worker.server)).size,
    holders: workers.length,
    jobs: workers.reduce((sum, worker) => sum + worker.jobs.length, 0),
  };
}

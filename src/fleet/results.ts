// What one host has sent of its watch, read from a file that comes from another machine: nothing in it is taken on trust.
import type { Summary, WorkerSummary } from '../monitor/summary.ts';

/** The part of a watch that a fleet report needs. */
export type HostWatch = Pick<
  Summary,
  'id' | 'version' | 'from' | 'to' | 'ended' | 'seconds' | 'workers' | 'incidents' | 'criteria' | 'outcome'
>;

export type HostResult =
  | { readonly host: string; readonly is: 'watched'; readonly watch: HostWatch }
  /** Why there is no watch of it: what Ansible or the host has said, or that the file cannot be read. */
  | { readonly host: string; readonly is: 'unwatched'; readonly because: string };

/** Of a watch that was collected by Ansible, printed by `monitor --json`, or written by `monitor --report FILE.json`. */
export function readResult(name: string, text: string): HostResult {
  const host = name.replace(/\.json$/, '');
  const unreadable = (because: string): HostResult => ({ host, is: 'unwatched', because });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return unreadable('the file is no JSON');
  }
  if (!isObject(json)) return unreadable('the file is no result of a watch');
  const told = typeof json['host'] === 'string' && 'report' in json ? json['host'] : host;
  const document = 'report' in json ? json['report'] : json;
  if (typeof json['failed'] === 'string' && !isObject(document))
    return { host: told, is: 'unwatched', because: oneLine(json['failed']) };
  if (!isObject(document)) return { host: told, is: 'unwatched', because: 'no watch was collected' };
  const outcome = document['outcome'];
  const body = isObject(document['watch']) ? document['watch'] : document;
  const watch = { ...body, outcome };
  return isWatch(watch)
    ? { host: told, is: 'watched', watch }
    : { host: told, is: 'unwatched', because: saidBy(outcome) ?? 'the file is no result of a watch' };
}

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What cronlatch on the host said where it could not watch. */
function saidBy(outcome: unknown): string | undefined {
  if (!isObject(outcome) || !Array.isArray(outcome['message'])) return undefined;
  return oneLine(outcome['message'].filter((line) => typeof line === 'string').join(' '));
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

const words = (of: Json, ...names: readonly string[]): boolean =>
  names.every((name) => typeof of[name] === 'string');
const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const maybe = (value: unknown, holds: (value: unknown) => boolean): boolean =>
  value === undefined || holds(value);
const all = (value: unknown, holds: (one: Json) => boolean): boolean =>
  Array.isArray(value) && value.every((one) => isObject(one) && holds(one));

function isWatch(value: Json): value is Json & HostWatch {
  const { seconds, outcome } = value;
  return (
    words(value, 'id', 'version', 'from', 'to', 'ended') &&
    isObject(seconds) &&
    isNumber(seconds['planned']) &&
    isNumber(seconds['watched']) &&
    isObject(outcome) &&
    ['pass', 'fail', 'inconclusive'].includes(String(outcome['is'])) &&
    all(value['workers'], isWorker) &&
    all(
      value['incidents'],
      (one) =>
        words(one, 'kind', 'level', 'at', 'name') && isObject(one['args']) && Array.isArray(one['pids']),
    ) &&
    all(value['criteria'], (one) => words(one, 'check', 'worker', 'is', 'because') && isObject(one['args']))
  );
}

function isWorker(one: Json): one is Json & WorkerSummary {
  const { instances, refusals, ticks, connections, jobs } = one;
  return (
    words(one, 'name', 'script', 'schedule') &&
    isObject(instances) &&
    isNumber(instances['most']) &&
    isObject(ticks) &&
    isNumber(ticks['missed']) &&
    isObject(refusals) &&
    (refusals['log'] === 'unknown' || isNumber(refusals['log'])) &&
    ['low', 'high', 'full'].every((name) => maybe(refusals[name], isNumber)) &&
    maybe(
      connections,
      (use) =>
        isObject(use) &&
        maybe(use['share'], isNumber) &&
        maybe(use['peak'], (peak) => isObject(peak) && isNumber(peak['value'])) &&
        maybe(use['limit'], (limit) => isObject(limit) && isNumber(limit['connections'])),
    ) &&
    maybe(jobs, (figures) => isObject(figures) && maybe(figures['perMinute'], isNumber))
  );
}

// Is a line of a watch's file a record that can be counted on? A disk or a hand may have spoilt one; the others are read.
import type { WatchRecord } from './records.ts';

type Row = Readonly<Record<string, unknown>>;

const isRow = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const areNumbers = (row: Row, ...names: readonly string[]): boolean =>
  names.every((name) => Number.isFinite(row[name]));
const areTexts = (row: Row, ...names: readonly string[]): boolean =>
  names.every((name) => typeof row[name] === 'string');
const areRows = (value: unknown): value is readonly Row[] => Array.isArray(value) && value.every(isRow);
const areWords = (value: unknown): boolean =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

/** Has it all that its kind is read for? Kinds of a later version are let through: nobody reads them here. */
export function isRecord(json: unknown): json is WatchRecord {
  if (!isRow(json)) return false;
  if (json['is'] === 'start') return isStart(json);
  if (!areTexts(json, 'is') || !areNumbers(json, 't', 'w')) return false;
  const mine = kinds[String(json['is'])];
  return mine === undefined || mine(json);
}

function isStart(json: Row): boolean {
  const { by, workers, latched, probes } = json;
  return (
    areTexts(json, 'id', 'at') &&
    areNumbers(json, 'schema', 'wall', 'lasts', 'every') &&
    Number(json['every']) > 0 &&
    isRow(by) &&
    areTexts(by, 'user', 'host', 'born', 'version') &&
    areNumbers(by, 'pid') &&
    areWords(json['deployment']) &&
    areRows(workers) &&
    workers.every((one) => areTexts(one, 'name', 'script') && Array.isArray(one['due'])) &&
    areRows(latched) &&
    areRows(probes)
  );
}

const ofWorker = (json: Row): boolean => areNumbers(json, 'worker');

const kinds: Readonly<Record<string, (json: Row) => boolean>> = {
  sample: (json) => {
    const { workers } = json;
    if (!areNumbers(json, 'n')) return false;
    if (workers === undefined) return true;
    return (
      areRows(workers) &&
      workers.every(
        ({ instances, lock }) =>
          typeof lock === 'string' &&
          areRows(instances) &&
          instances.every((one) => areNumbers(one, 'pid', 'born') && areTexts(one, 'start')),
      )
    );
  },
  run: (json) => ofWorker(json) && areNumbers(json, 'pid', 'started') && areTexts(json, 'start'),
  skip: (json) => ofWorker(json) && areNumbers(json, 'count'),
  database: (json) => ofWorker(json) && areTexts(json, 'by'),
  log: (json) =>
    ofWorker(json) && areNumbers(json, 'grown') && areWords(json['refusals']) && areWords(json['errors']),
  gap: (json) => areNumbers(json, 'from', 'to') && areTexts(json, 'why'),
  cron: (json) => areTexts(json, 'cron'),
  end: (json) => areTexts(json, 'by') && areNumbers(json, 'planned'),
  resume: (json) => areNumbers(json, 'pid') && areTexts(json, 'born'),
};

// Steps as JSON and back: texts as UTF-8 where that keeps every byte, else as latin1 and marked so.
import { Buffer } from 'node:buffer';
import type { Bytes } from '../crontab/crontab.ts';
import type { Edit, FileText, Step } from './step.ts';

/** Text for people and JSON: `encoding` is there only when the bytes are not UTF-8. */
interface Encoded {
  readonly text: string;
  readonly encoding?: 'latin1';
}

const HIGH = /[\x80-\xff]/;

/** Bytes as readable text. */
function encodeText(bytes: Bytes): Encoded {
  // Nearly all text is ASCII, and then it is its own UTF-8: a scan asks this several times an entry.
  if (!HIGH.test(bytes)) return { text: bytes };
  const raw = Buffer.from(bytes, 'latin1');
  const text = raw.toString('utf8');
  return Buffer.from(text, 'utf8').equals(raw) ? { text } : { text: bytes, encoding: 'latin1' };
}

/** Bytes as text for the eye; what is not UTF-8 is shown as latin1. */
export function readable(bytes: Bytes): string {
  return HIGH.test(bytes) ? encodeText(bytes).text : bytes;
}

/** The bytes of a text as it stands in a JavaScript string. */
export function bytesOf(text: string): Bytes {
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  return Buffer.from(text, 'utf8').toString('latin1');
}

function decodeText(encoded: Encoded): Bytes {
  return encoded.encoding === 'latin1' ? encoded.text : bytesOf(encoded.text);
}

interface FileJson extends Omit<FileText, 'bytes'> {
  readonly text: string;
  readonly encoding?: 'latin1';
}

type StepJson = Record<string, unknown> & { kind: string };

function fileToJson(file: FileText | 'absent'): FileJson | 'absent' {
  if (file === 'absent') return file;
  const { bytes, ...look } = file;
  return { ...look, ...encodeText(bytes) };
}

function fileFromJson(json: FileJson | 'absent'): FileText | 'absent' {
  if (json === 'absent') return json;
  const { text, encoding, ...look } = json;
  return { ...look, bytes: decodeText({ text, ...(encoding ? { encoding } : {}) }) };
}

/**
 * A step as it is printed, saved and journalled. In a put-crontab step `before` and `after` are the whole text as
 * a string, whatever else changes in this format.
 */
export function stepToJson(step: Step): StepJson {
  switch (step.kind) {
    case 'put-file':
      return { ...step, before: fileToJson(step.before), after: fileToJson(step.after) };
    case 'put-crontab': {
      const before = encodeText(step.before);
      const after = encodeText(step.after);
      // One encoding for the step: a reader should not have to ask twice.
      const latin1 = before.encoding === 'latin1' || after.encoding === 'latin1';
      const show = latin1 ? (b: Bytes) => b : readable;
      return {
        ...step,
        before: show(step.before),
        after: show(step.after),
        edits: step.edits.map((e) => ({ ...e, before: e.before.map(show), after: e.after.map(show) })),
        ...(latin1 ? { encoding: 'latin1' } : {}),
      };
    }
    case 'put-task': {
      const texts = [step.base, step.before, step.after];
      const latin1 = texts.some((text) => encodeText(text).encoding === 'latin1');
      const show = latin1 ? (b: Bytes) => b : readable;
      return {
        ...step,
        base: show(step.base),
        before: show(step.before),
        after: show(step.after),
        edits: step.edits.map((e) => ({ ...e, before: e.before.map(show), after: e.after.map(show) })),
        ...(latin1 ? { encoding: 'latin1' } : {}),
      };
    }
    default:
      return { ...step };
  }
}

/** The step that `stepToJson` was given. The JSON must have passed the plan or journal reader's checks. */
export function stepFromJson(json: StepJson): Step {
  switch (json.kind) {
    case 'put-file':
      return {
        ...json,
        before: fileFromJson(json['before'] as FileJson | 'absent'),
        after: fileFromJson(json['after'] as FileJson | 'absent'),
      } as unknown as Step;
    case 'put-task':
    case 'put-crontab': {
      const { encoding, ...rest } = json;
      const read = (text: string): Bytes => (encoding === 'latin1' ? text : bytesOf(text));
      return {
        ...rest,
        ...(json.kind === 'put-task' ? { base: read(json['base'] as string) } : {}),
        before: read(json['before'] as string),
        after: read(json['after'] as string),
        edits: (json['edits'] as Edit[]).map((e) => ({
          ...e,
          before: e.before.map(read),
          after: e.after.map(read),
        })),
      } as unknown as Step;
    }
    default:
      return json as unknown as Step;
  }
}

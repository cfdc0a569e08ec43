// Rules about settings that the reader of the crontab takes as they are.
import { readable } from '../../change/encode.ts';
import { secretsIn } from '../../command/secrets.ts';
import type { FileRule } from './rule.ts';

export const secretInSetting: FileRule = {
  code: 'secret-in-setting',
  check: ({ crontab, source }) =>
    crontab.lines.flatMap((line) => {
      if (line.is !== 'setting' || line.value === '') return [];
      if (secretsIn(`${line.name}=${line.value}`).length === 0) return [];
      const hit = { line: line.number, span: line.valueSpan, args: { name: readable(line.name) } };
      // A user's own crontab is closed to others; everybody may read the system's, and a file is in a repository.
      return [source.is === 'user' ? hit : { ...hit, level: 'warn' as const }];
    }),
};

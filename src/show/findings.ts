// Findings in words: what is wrong, and the fix.
import type { Finding } from '../survey/facts.ts';
import { isRule, type RuleCode } from '../survey/rules/levels.ts';
import { commandWordings } from './wordings/command.ts';
import { crontabWordings } from './wordings/crontab.ts';
import { fileWordings } from './wordings/file.ts';
import { planWordings } from './wordings/plan.ts';
import { pleskPlanWordings, pleskWordings } from './wordings/plesk.ts';
import type { Said, Wording } from './wordings/wording.ts';
import { workerWordings } from './wordings/worker.ts';

/** Every rule has its words: the compiler holds the two tables together. */
const wordings: Readonly<Record<RuleCode, Wording>> = {
  ...crontabWordings,
  ...fileWordings,
  ...commandWordings,
  ...workerWordings,
  ...pleskWordings,
};

/** A rule in one line. */
export function titleOf(code: RuleCode): string {
  return wordings[code].title;
}

/** A finding as JSON: the code and values, and the same in words. */
export function findingJson(finding: Finding): Record<string, unknown> {
  const { what, fix } = sayFinding(finding);
  return { ...finding, message: what, ...(fix === undefined ? {} : { fix }) };
}

/** One finding in words. */
export function sayFinding(finding: Finding): Said {
  const flat = Object.fromEntries(Object.entries(finding.args).map(([k, v]) => [k, String(v)]));
  const { code } = finding;
  const say = isRule(code) ? wordings[code].say : (planWordings[code] ?? pleskPlanWordings[code]);
  return say?.(flat) ?? { what: 'Something here is not as it looks; this version has no words for it.' };
}

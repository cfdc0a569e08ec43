// The framework behind a worker, and whether its installed version knows the flag that makes one pass of a run.
import { dirname, join } from 'node:path/posix';
import { frameworkOf } from '../worker/frameworks.ts';
import { understands } from '../worker/once.ts';
import type { FrameworkFacts } from './facts.ts';
import { type Look, once, realScript, type Sight } from './look.ts';
import { peek } from './peek.ts';

/** 'none' for plain scripts. The application's own source is read, never run. */
export async function lookAtFramework(look: Look, sight: Sight): Promise<FrameworkFacts | 'none'> {
  const { script, scriptPath, args } = sight;
  const framework = frameworkOf(scriptPath, args, typeof script === 'string' ? '' : script.file.bytes);
  if (framework === 'none') return 'none';
  const { pass, evidence } = framework;
  if (pass === undefined || evidence === undefined) return { ...framework, knowsPass: 'unknown' };
  const option = pass.replace(/^--|=.*$/g, '');
  // artisan stands in the application's directory, bin/console and vendor/bin/typo3 one or two below.
  let at = dirname(realScript(sight));
  for (let up = 0; up < 4 && at !== '/'; up++, at = dirname(at)) {
    const path = join(at, evidence);
    const knows = await once(look, `knows ${sight.eyes.uid} ${option} ${path}`, async () => {
      const seen = await peek(look.server, path, sight.eyes);
      if (seen.is !== 'file') return 'unknown';
      return seen.bytes.includes(option) ? understands(seen.bytes, 'php', option) : 'no';
    });
    if (knows !== 'unknown') return { ...framework, knowsPass: knows };
  }
  return { ...framework, knowsPass: 'unknown' };
}

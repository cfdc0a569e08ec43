// Lays the stand-in where a mount namespace of a test will have /etc and /usr/sbin.
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { PanelState } from './panel.ts';

export interface Installed {
  state(): PanelState;
  /** Command lines it was asked so far. */
  calls(): string[][];
  set(state: PanelState): void;
}

/** `etc` and `sbin` become the upper layers of /etc and /usr/sbin. */
export function installPlesk(
  directory: string,
  { etc, sbin, vhosts }: { etc: string; sbin: string; vhosts: string },
  state: PanelState,
): Installed {
  const file = join(directory, 'plesk-state.json');
  const set = (next: PanelState): void =>
    writeFileSync(file, JSON.stringify({ ...next, crontabs: {}, calls: [] }));
  mkdirSync(join(etc, 'psa'), { recursive: true });
  mkdirSync(sbin, { recursive: true });
  writeFileSync(join(etc, 'psa/psa.conf'), `PRODUCT_ROOT_D\t/opt/psa\nHTTPD_VHOSTS_D\t${vhosts}\n`);
  const program = join(sbin, 'plesk');
  const { outputFiles } = buildSync({
    ...{ bundle: true, write: false, platform: 'node', format: 'cjs', target: 'node20' },
    entryPoints: [fileURLToPath(new URL('program.ts', import.meta.url))],
    define: { __STATE__: JSON.stringify(file) },
  });
  writeFileSync(program, `#!${process.execPath}\n${outputFiles[0]?.text}`);
  chmodSync(program, 0o755);
  symlinkSync('plesk', join(sbin, 'crontabmng'));
  set(state);
  return {
    set,
    state: () => JSON.parse(readFileSync(file, 'utf8')),
    calls: () =>
      existsSync(`${file}.calls`)
        ? readFileSync(`${file}.calls`, 'utf8')
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line))
        : [],
  };
}

// A server with Plesk on this machine, without a cron: a mount namespace with its own users, spool, sites and PHP places, the
// program `plesk` in it, and the built cronlatch. The panel behind that program is played by the test.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { closeWorkshop, installProgram, type Ran, until, workshop } from '../cron.ts';
import { source } from '../site.ts';
import { answer, type PanelState } from './panel.ts';
import { byHand, phpPlaces, programOf, type Scene, sceneOf, type Wanted } from './scene.ts';
import type { Standing } from './table.ts';
import { crontabOf } from './written.ts';

/** The PHP of this machine, `8.2.29`; 'none' without one. */
export const phpVersion =
  spawnSync('php', ['-r', 'echo PHP_VERSION;'], { encoding: 'utf8' }).stdout?.split('-')[0] || 'none';

/** Node of this major version, as Plesk has it. */
export const plesksNode = `/opt/plesk/node/${process.versions.node.split('.')[0]}/bin/node`;

/** In no list of the machine's own. */
export const own = { uid: 310_001, gid: 310_001 };

export interface Ground {
  readonly pid: number;
  readonly bin: string;
  readonly directory: string;
  /** Lays out a site and its panel, as if nothing had been before. */
  set(wanted: Wanted): Scene;
  readonly panel: PanelState;
  /** Puts a file of the site's user below his home. */
  write(path: string, text: string): void;
  /** The words of a shell line that starts cronlatch in the namespace. */
  argv(words: readonly string[], env?: Readonly<Record<string, string>>): string[];
  cronlatch(...words: readonly string[]): Promise<Ran>;
  standing(): Standing;
  /** Everything of the site and the spool: bytes, modes, owners, and times where they are to come back. */
  picture(): Record<string, string>;
  /** Interpreters that were started, and by which uid. */
  started(): string[];
  close(): Promise<void>;
}

/** Opens it. Each interpreter is the machine's PHP behind a shell line that notes who started it. */
export async function openGround(name: string): Promise<Ground> {
  const directory = workshop(name);
  const at = (path: string): string => join(directory, path);
  const bin = installProgram(directory);
  let scene = sceneOf({ version: phpVersion });
  const sockets = new Set<Socket>();
  const socket = createServer((client) => {
    sockets.add(client);
    client.on('close', () => sockets.delete(client));
    client.on('error', () => {});
    serve(client, () => scene.panel);
  });
  await new Promise<void>((done) => socket.listen(0, '127.0.0.1', done));
  const { port } = socket.address() as AddressInfo;

  for (const [layer, path] of [
    ['etc', '/etc'],
    ['sbin', '/usr/sbin'],
    ['opt', '/opt'],
    ['local', '/usr/local'],
    ['var', '/var'],
    ['srv', '/srv'],
  ] as const)
    for (const part of ['', '.work'])
      mkdirSync(at(`${layer}${part}`), { recursive: true, mode: lstatSync(path).mode });
  for (const made of ['vhosts', 'spool/crontabs', 'var/www/vhosts', 'srv/vhosts', 'etc/psa', 'tmp'])
    mkdirSync(at(made), { recursive: true });
  chmodSync(at('tmp'), 0o1777);
  const group = Number(/^crontab:[^:]*:(\d+)/m.exec(readFileSync('/etc/group', 'utf8'))?.[1] ?? 0);
  chownSync(at('spool/crontabs'), 0, group);
  chmodSync(at('spool/crontabs'), 0o1730);
  writeFileSync(at('ran'), '', { mode: 0o666 });
  chmodSync(at('ran'), 0o666);
  const install = (path: string, text: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, 0o755);
  };
  install(
    at('sbin/plesk'),
    readFileSync(new URL('client.sh', import.meta.url), 'utf8').replace('@PORT@', String(port)),
  );
  const noting = (program: string): string =>
    `#!/bin/sh\necho "$0 $(id -u)" >> ${at('ran')}\nexec ${program} "$@"\n`;
  for (const place of phpPlaces) {
    const path = programOf(place, phpVersion);
    if (place === 'local')
      install(join(at('local'), path.slice('/usr/local'.length)), noting('/usr/bin/php'));
    else if (place !== 'distribution')
      install(join(at('opt'), path.slice('/opt'.length)), noting('/usr/bin/php'));
  }
  install(join(at('opt'), plesksNode.slice('/opt'.length)), noting(process.execPath));
  install(at('opt/psa/admin/bin/php'), noting('/usr/bin/php'));

  const overlay = (path: string, layer: string): string =>
    `mount -t overlay overlay -o lowerdir=${path},upperdir=${at(layer)},workdir=${at(`${layer}.work`)} ${path}\n`;
  writeFileSync(
    at('enter'),
    `set -e
${overlay('/etc', 'etc')}${overlay('/usr/sbin', 'sbin')}${overlay('/opt', 'opt')}${overlay('/usr/local', 'local')}${overlay('/var', 'var')}${overlay('/srv', 'srv')}
mount --bind ${at('vhosts')} /var/www/vhosts
mount --bind ${at('vhosts')} /srv/vhosts
mount --bind ${at('spool')} /var/spool/cron
touch ${at('ready')}
exec sleep infinity
`,
  );
  const holder: ChildProcess = spawn(
    'unshare',
    ['-m', '--propagation', 'private', 'setpriv', '--pdeathsig', 'KILL', 'sh', at('enter')],
    { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' },
  );
  let said = '';
  holder.stderr?.on('data', (text) => {
    said += text;
  });
  await until('the namespace stands', () => {
    if (holder.exitCode !== null) throw new Error(`no namespace: ${said}`);
    return existsSync(at('ready'));
  });
  const pid = holder.pid ?? 0;
  const inside = (path: string): string => `/proc/${pid}/root${path}`;
  const passwd = readFileSync('/etc/passwd', 'utf8');
  const script = (): string => join(at('vhosts'), scene.script.slice(scene.vhosts.length));
  const spool = (): string => at(`spool/crontabs/${scene.user.name}`);

  const ground: Ground = {
    ...{ pid, bin, directory },
    set(wanted) {
      scene = sceneOf({ version: phpVersion, ...wanted });
      for (const name of ['vhosts/example.com', 'state']) rmSync(at(name), { recursive: true, force: true });
      const { name: login, home, shell } = scene.user;
      const row = `${login}:x:${own.uid}:${own.gid}::${home}:${shell}
`;
      writeFileSync(inside('/etc/passwd'), `${passwd}${row}`);
      writeFileSync(inside('/etc/psa/psa.conf'), scene.psaConf);
      mkdirSync(dirname(script()), { recursive: true });
      writeFileSync(script(), source, { mode: 0o640 });
      spawnSync('touch', ['-d', '2024-02-03 04:05:06.123456789', script()]);
      spawnSync('chown', ['-R', `${own.uid}:${own.gid}`, at('vhosts/example.com')]);
      chmodSync(at('vhosts/example.com'), 0o710);
      scene.panel.crontabs = spoolOf(at('spool/crontabs'), group);
      scene.panel.crontabs[scene.user.name] = `${crontabOf(scene.panel, scene.user.name)}${byHand}`;
      spawnSync('touch', ['-d', '2024-02-03 04:05:06.123456789', spool()]);
      writeFileSync(at('ran'), '');
      return scene;
    },
    write(path, text) {
      const file = join(at('vhosts/example.com'), path);
      writeFileSync(file, text);
      chownSync(file, own.uid, own.gid);
    },
    get panel() {
      return scene.panel;
    },
    argv: (words, env = {}) => [
      ...['nsenter', '-m', '-t', String(pid), '--wd=/root', 'env', '-i', 'HOME=/root', `TMPDIR=${at('tmp')}`],
      ...['LANG=C.UTF-8', 'TERM=xterm-256color', 'PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'],
      ...Object.entries({ CRONLATCH_STATE_DIR: at('state'), ...env }).map(([k, v]) => `${k}=${v}`),
      ...[process.execPath, bin, ...words],
    ],
    cronlatch: (...words) => run(ground.argv(words)),
    standing: () => ({
      crontab: readFileSync(spool(), 'utf8'),
      tasks: structuredClone(scene.panel.tasks),
      script: readFileSync(script(), 'utf8'),
    }),
    picture: () => pictureOf([at('vhosts'), at('spool/crontabs')]),
    started: () => readFileSync(at('ran'), 'utf8').split('\n').slice(0, -1),
    async close() {
      holder.kill('SIGKILL');
      await until('the namespace is gone', () => holder.exitCode !== null || holder.signalCode !== null);
      for (const client of sockets) client.destroy();
      socket.close();
      closeWorkshop(directory);
    },
  };
  return ground;
}

/** Reads a question: how many words, then each with a NUL behind it. */
function serve(client: Socket, panel: () => PanelState): void {
  let heard = '';
  client.setEncoding('utf8').on('data', (text) => {
    heard += text;
    const end = heard.indexOf('\n');
    const parts = heard.slice(end + 1).split('\0');
    const count = Number(heard.slice(0, end));
    if (end < 0 || parts.length <= count) return;
    const { code, stdout, stderr } = answer(panel(), parts.slice(0, count));
    // Whoever is too late says nothing until he is given up.
    if (code === 'timeout') return;
    client.end(`${code} ${Buffer.byteLength(stdout)} ${Buffer.byteLength(stderr)}\n${stdout}${stderr}`);
  });
}

/** Crontabs in a spool directory, written as Plesk's own program would: a new file in place of the old. */
function spoolOf(directory: string, group: number): Record<string, string> {
  return new Proxy<Record<string, string>>(
    {},
    {
      get: (_, user) => {
        const path = join(directory, String(user));
        return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
      },
      set: (_, user, text) => {
        const path = join(directory, String(user));
        rmSync(path, { force: true });
        writeFileSync(path, text);
        chmodSync(path, 0o600);
        chownSync(path, own.uid, group);
        return true;
      },
    },
  );
}

function run(argv: readonly string[]): Promise<Ran> {
  const since = Date.now();
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ code, stdout, stderr, seconds: (Date.now() - since) / 1000 }));
  });
}

function pictureOf(roots: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const root of roots)
    for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
      const path = join(root, name);
      const look = lstatSync(path, { bigint: true });
      const head = `${look.mode.toString(8)} ${look.uid}:${look.gid}`;
      // A directory's own time moves with every temporary file in it.
      found[name] = look.isFile() ? `${head} ${look.mtimeNs} ${readFileSync(path, 'latin1')}` : head;
    }
  return found;
}

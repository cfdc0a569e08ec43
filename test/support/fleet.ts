// Hosts for Ansible: each a network namespace with its own sshd, host key, processes and mounts, and a controller that alone
// can reach them. Where namespaces are not allowed they are two ports of the loopback, with directories of their own.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Ran, until } from './cron.ts';
import { rowsOf } from './cronProcesses.ts';

const succeeds = (program: string, ...args: readonly string[]): boolean =>
  spawnSync(program, args).status === 0;
const has = (program: string): boolean => succeeds('sh', '-c', `command -v ${program}`);

/** Why there can be no hosts here; '' when there can. */
export const fleetMissing = reason();

function reason(): string {
  if (process.getuid?.() !== 0) return 'not root';
  for (const [program, of] of [
    ['ansible-playbook', 'ansible-core'],
    ['/usr/sbin/sshd', 'openssh-server'],
    ['ssh-keygen', 'openssh-client'],
  ] as const)
    if (!has(program)) return `no ${of}`;
  return '';
}

/** Are namespaces allowed? CRONLATCH_FLEET=ports has the tests do without. */
const apart =
  process.env['CRONLATCH_FLEET'] !== 'ports' &&
  has('ip') &&
  succeeds(
    'unshare',
    '-mnpf',
    '--mount-proc',
    '--propagation',
    'private',
    'sh',
    '-c',
    'ip link add fleet type bridge && mount -t overlay o -o lowerdir=/etc:/usr /mnt',
  );

export interface Host {
  readonly name: string;
  /** Its directory as the test sees it, and as the host does. */
  readonly directory: string;
  readonly home: string;
  readonly address: string;
  readonly port: number;
}

export interface Fleet {
  /** How the hosts are told apart. */
  readonly by: 'namespaces' | 'ports';
  readonly hosts: readonly Host[];
  /** Runs a program of Ansible on the controller. */
  run(argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  /** Cuts every connection to a host, as a cable would; what runs there goes on. */
  cut(name: string): void;
  /** Ends one host's sshd with everything on it. */
  end(name: string): Promise<void>;
  stop(): Promise<void>;
}

export interface HostWish {
  readonly name: string;
  /** None of the machine's Node can be seen there. Only in a namespace. */
  readonly withoutNode?: boolean;
  /** Debian's cron runs there, on the host's own crontabs. Only in a namespace. */
  readonly withCron?: boolean;
}

/** A directory for the hosts. Not among temporary files: no lock may lie there. */
export function ground(): string {
  return mkdtempSync('/var/lib/cronlatch-fleet-');
}

/** Starts the hosts and returns when each sshd listens. */
export async function startFleet(directory: string, wishes: readonly HostWish[]): Promise<Fleet> {
  const at = (...parts: readonly string[]): string => join(directory, ...parts);
  for (const name of ['controller', 'shared', 'socket']) mkdirSync(at(name));
  keygen(at('controller/key'));
  const controller = apart ? await startController(at('controller')) : undefined;
  const children = new Map<string, ChildProcess>();
  const hosts: Host[] = [];
  for (const [index, wish] of wishes.entries()) {
    if (controller === undefined && (wish.withoutNode || wish.withCron)) continue;
    const own = at(wish.name);
    for (const part of ['home', 'root', 'plesk', 'opt/plesk', 'opt.work'])
      mkdirSync(join(own, part), { recursive: true });
    keygen(join(own, 'host_key'));
    const address = controller === undefined ? '127.0.0.1' : `10.77.0.${10 + index}`;
    const port = controller === undefined ? await freePort() : 22;
    const home = controller === undefined ? join(own, 'home') : at('shared');
    writeFileSync(join(own, 'sshd_config'), sshdConfig(own, at('controller/key.pub'), address, port));
    const child =
      controller === undefined
        ? startOnLoopback(own)
        : startApart(controller.pid, index, address, own, at('shared'), wish);
    children.set(wish.name, child);
    hosts.push({ name: wish.name, directory: join(own, 'home'), home, address, port });
  }
  const known = hosts.map(({ address, port, name }) => {
    const [kind, key] = readFileSync(at(name, 'host_key.pub'), 'utf8').split(' ');
    return `[${address}]:${port} ${kind} ${key}\n${address} ${kind} ${key}\n`;
  });
  writeFileSync(at('controller/known_hosts'), known.join(''));
  const inside =
    controller === undefined ? [] : ['nsenter', '-t', String(controller.inner), '-n', '-m', '-p'];
  const options = {
    UserKnownHostsFile: at('controller/known_hosts'),
    StrictHostKeyChecking: 'yes',
    IdentityFile: at('controller/key'),
    IdentitiesOnly: 'yes',
    ControlMaster: 'auto',
    ControlPersist: '60s',
    ConnectTimeout: '5',
  };
  const fleet: Fleet = {
    by: controller === undefined ? 'ports' : 'namespaces',
    hosts,
    run(argv, env = {}) {
      const whole = [...inside, 'env', '-C', at('controller'), ...argv];
      const child = spawn(whole[0] ?? '', whole.slice(1), {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
          LANG: 'C.UTF-8',
          HOME: at('controller'),
          PWD: at('controller'),
          ANSIBLE_HOST_KEY_CHECKING: 'True',
          ANSIBLE_PIPELINING: 'True',
          ANSIBLE_NOCOLOR: 'True',
          PYTHONDONTWRITEBYTECODE: '1',
          ANSIBLE_CALLBACK_PLUGINS: import.meta.dirname,
          ANSIBLE_SSH_CONTROL_PATH_DIR: at('socket'),
          ANSIBLE_SSH_ARGS: `-F /dev/null -C ${Object.entries(options)
            .map(([key, value]) => `-o ${key}=${value}`)
            .join(' ')}`,
          ...env,
        },
      });
      return ended(child);
    },
    cut(name) {
      const sshd = children.get(name)?.pid ?? 0;
      for (const { pid, argv, ancestors } of rowsOf())
        if (ancestors.includes(sshd) && argv[0]?.startsWith('sshd: root')) process.kill(pid, 'SIGKILL');
    },
    async end(name) {
      fleet.cut(name);
      const child = children.get(name);
      child?.kill('SIGKILL');
      await until(`${name} has ended`, () => child?.exitCode !== null || child?.signalCode !== null);
    },
    async stop() {
      for (const { name } of hosts) await fleet.end(name);
      controller?.child.kill('SIGKILL');
    },
  };
  for (const host of hosts) {
    await until(`the sshd of ${host.name} listens`, () => {
      if (children.get(host.name)?.exitCode !== null)
        throw new Error(`${host.name} did not start: ${readFileSync(at(host.name, 'log'), 'utf8')}`);
      return readFileSync(at(host.name, 'log'), 'utf8').includes('Server listening');
    });
  }
  return fleet;
}

function keygen(path: string): void {
  spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'cronlatch-test', '-f', path]);
}

function sshdConfig(own: string, key: string, address: string, port: number): string {
  return `ListenAddress ${address}
Port ${port}
HostKey ${own}/host_key
AuthorizedKeysFile ${key}
StrictModes no
UsePAM no
PidFile none
PasswordAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
`;
}

const entering = ['--propagation', 'private', '--kill-child', 'setpriv', '--pdeathsig', 'KILL', 'sh'];

/** A network that only the hosts are in, and processes that end with the test. */
async function startController(own: string): Promise<{ child: ChildProcess; pid: number; inner: number }> {
  writeFileSync(
    join(own, 'enter'),
    `set -e
ip link set lo up
ip link add fleet type bridge
ip addr add 10.77.0.1/24 dev fleet
ip link set fleet up
echo ready
exec sleep infinity
`,
  );
  const child = spawn('unshare', ['-mnpf', '--mount-proc', ...entering, join(own, 'enter')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout?.on('data', (text) => {
    said += text;
  });
  await until('the controller’s network is there', () => said.includes('ready'));
  const pid = child.pid ?? 0;
  const inner = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
  return { child, pid, inner };
}

/** One host. Its own: network, processes, name, root's home, crontabs, /opt, and the directory all have at the same place. */
function startApart(
  controller: number,
  index: number,
  address: string,
  own: string,
  shared: string,
  { withoutNode = false, withCron = false }: HostWish,
): ChildProcess {
  const nodes = spawnSync('which', ['-a', 'node', 'nodejs'], { encoding: 'utf8' }).stdout.trim().split('\n');
  const hide = withoutNode
    ? new Set([...nodes.filter((path) => path !== ''), process.execPath].map((path) => realpathSync(path)))
    : [];
  writeFileSync(
    join(own, 'enter'),
    `set -e
hostname ${own.slice(own.lastIndexOf('/') + 1)}
until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done
ip link set lo up
ip addr add ${address}/24 dev eth0
ip link set eth0 up
mount --bind ${own}/home ${shared}
mount -t overlay overlay -o lowerdir=/opt,upperdir=${own}/opt,workdir=${own}/opt.work /opt
mount --bind ${own}/plesk /opt/plesk
${[...hide].map((path) => `mount --bind /dev/null ${path}\n`).join('')}mount --bind ${own}/root /root
for place in /var/spool/cron /etc/cron.d /run; do mount -t tmpfs tmpfs $place; done
mount --bind /dev/null /etc/crontab
mkdir -p /run/sshd
${withCron ? 'install -d -g crontab -m 1730 /var/spool/cron/crontabs\ncron\n' : ''}exec /usr/sbin/sshd -D -e -f ${own}/sshd_config 2>${own}/log
`,
  );
  writeFileSync(join(own, 'log'), '');
  const child = spawn(
    'nsenter',
    ['-t', String(controller), '-n', 'unshare', '-mnpfu', '--mount-proc', ...entering, join(own, 'enter')],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  wire(controller, index, child.pid ?? 0).catch(() => child.kill('SIGKILL'));
  return child;
}

/** A cable from the controller's bridge into the host, as soon as it has a network of its own. */
async function wire(controller: number, index: number, host: number): Promise<void> {
  const net = (pid: number): string =>
    spawnSync('readlink', [`/proc/${pid}/ns/net`], { encoding: 'utf8' }).stdout;
  await until('the host has a network', () => ![net(process.pid), net(controller), ''].includes(net(host)));
  for (const words of [
    `link add veth${index} type veth peer name eth0 netns ${host}`,
    `link set veth${index} master fleet up`,
  ])
    spawnSync('nsenter', ['-t', String(controller), '-n', 'ip', ...words.split(' ')], { stdio: 'inherit' });
}

function startOnLoopback(own: string): ChildProcess {
  if (!existsSync('/run/sshd')) mkdirSync('/run/sshd');
  writeFileSync(join(own, 'log'), '');
  return spawn('setpriv', [
    ...['--pdeathsig', 'KILL', 'sh', '-c', `exec /usr/sbin/sshd -D -e -f ${own}/sshd_config 2>${own}/log`],
  ]);
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function ended(child: ChildProcess): Promise<Ran> {
  const since = Date.now();
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (data) => {
    stdout += data;
  });
  child.stderr?.on('data', (data) => {
    stderr += data;
  });
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ code, stdout, stderr, seconds: (Date.now() - since) / 1000 }));
  });
}

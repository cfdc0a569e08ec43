// TCP connections to a port of this machine or from it, out of the kernel's own lists.

import type { TcpEnds } from './databasePort.ts';
import { textOf } from './holders.ts';

const states: Readonly<Record<string, string>> = {
  '01': 'ESTABLISHED',
  '04': 'FIN-WAIT-1',
  '05': 'FIN-WAIT-2',
  '06': 'TIME-WAIT',
  '08': 'CLOSE-WAIT',
  '0A': 'LISTEN',
};

export interface TcpRow {
  readonly local: string;
  readonly localPort: number;
  readonly remote: string;
  readonly remotePort: number;
  readonly state: string;
  readonly inode: number;
}

/** Both ends of each connection to a port, whoever has them; one local port may go to several servers. */
export function tcpEnds(port: number | undefined, rows: readonly TcpRow[]): TcpEnds[] {
  if (port === undefined) return [];
  const ends = new Map<string, TcpEnds>();
  for (const row of rows)
    if (row.remotePort === port && row.state !== 'TIME-WAIT')
      ends.set(`${row.local}:${row.localPort}>${row.remote}`, {
        client: row.local,
        port: row.localPort,
        server: row.remote,
        inode: row.inode,
      });
  for (const row of rows) {
    if (row.localPort !== port || row.state === 'LISTEN' || row.state === 'TIME-WAIT') continue;
    const key = `${row.remote}:${row.remotePort}>${row.local}`;
    const client = ends.get(key) ?? { client: row.remote, port: row.remotePort, server: row.local };
    ends.set(key, { ...client, serverState: row.state });
  }
  return [...ends.values()];
}

/** The kernel's list. */
export function tcpRows(path: string): TcpRow[] {
  return textOf(path)
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const words = line.trim().split(/\s+/);
      const [, local = '', remote = '', state = ''] = words;
      if (words.length < 10) return [];
      const [a, b] = [addressOf(local), addressOf(remote)];
      return [
        {
          local: a.address,
          localPort: a.port,
          remote: b.address,
          remotePort: b.port,
          state: states[state] ?? state,
          inode: Number(words[9]),
        },
      ];
    });
}

/** The kernel prints an address as the words of its memory. An IPv4 address inside IPv6 is shown as the former. */
function addressOf(text: string): { address: string; port: number } {
  const [hex = '', port = ''] = text.split(':');
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)).reverse(),
  );
  const mapped = bytes.length === 16 && bytes.slice(0, 10).every((b) => b === 0) && bytes[10] === 255;
  const four = bytes.length === 4 ? bytes : mapped ? bytes.slice(12) : undefined;
  const address =
    four?.join('.') ??
    Array.from({ length: 8 }, (_, i) =>
      (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
    ).join(':');
  return { address, port: Number.parseInt(port, 16) };
}

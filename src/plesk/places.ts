// Where PHP and Node for sites are on servers of this kind, and what is the panel's own.

/** Programs of this version, best first: Plesk's, CloudLinux', those hosters build, the distribution's. */
export function phpPlaces(version: string): string[] {
  const short = version.split('.').slice(0, 2).join('.');
  const number = short.replace('.', '');
  return [
    `/opt/plesk/php/${short}/bin/php`,
    `/opt/alt/php${number}/usr/bin/php`,
    `/usr/local/php${number}/bin/php`,
    `/usr/bin/php${short}`,
  ];
}

/** The same for Node: Plesk has one directory for each major version. */
export function nodePlaces(version: string): string[] {
  const major = version.split('.')[0] ?? '';
  return [`/opt/plesk/node/${major}/bin/node`, `/usr/local/node${major}/bin/node`];
}

/** Directories with one directory for each version, and where the program is in those. */
export const shelves = {
  php: [
    { directory: '/opt/plesk/php', name: /^\d+\.\d+$/, program: 'bin/php' },
    { directory: '/opt/alt', name: /^php\d\d$/, program: 'usr/bin/php' },
    { directory: '/usr/local', name: /^php\d\d$/, program: 'bin/php' },
  ],
  node: [{ directory: '/opt/plesk/node', name: /^\d+$/, program: 'bin/node' }],
} as const;

/** The panel's own PHP runs the panel, never a site (fact: product-root). */
export function isPanels(path: string): boolean {
  return /^\/(?:usr\/local|opt)\/psa\//.test(path);
}

/** Where the program `plesk` is looked for, best first (fact: program-place). */
export function programPlaces(product: string | 'none'): string[] {
  const usual = ['/usr/sbin', '/usr/local/sbin', '/usr/bin', '/usr/local/bin'];
  return [...usual, ...(product === 'none' ? [] : [`${product}/bin`])].map(
    (directory) => `${directory}/plesk`,
  );
}

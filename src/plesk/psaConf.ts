// /etc/psa/psa.conf: where Plesk keeps things on this server (facts: psa-conf, product-root).

export interface PsaConf {
  readonly vhosts: string | 'none';
  readonly product: string | 'none';
  readonly values: ReadonlyMap<string, string>;
}

/** Reads psa.conf. The first line of a key counts, as for Plesk's own scripts. */
export function readPsaConf(text: string): PsaConf {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const found = /^[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]+(.*\S)[ \t\r]*$/.exec(line);
    const [, key, value] = found ?? [];
    if (key !== undefined && value !== undefined && !values.has(key)) values.set(key, value);
  }
  return {
    vhosts: directoryOf(values, 'HTTPD_VHOSTS_D'),
    product: directoryOf(values, 'PRODUCT_ROOT_D'),
    values,
  };
}

/** A directory, without slashes at its end; anything that is no absolute path is none. */
function directoryOf(values: ReadonlyMap<string, string>, key: string): string | 'none' {
  const value = values.get(key)?.replace(/(.)\/+$/, '$1');
  return value?.startsWith('/') && !/\s/.test(value) ? value : 'none';
}

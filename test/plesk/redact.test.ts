// A probe may be attached to a public bug report: nothing in it says whose server it is.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { namesOf, redact } from '../../src/plesk/redact.ts';

const names = namesOf(['shop.example', 'example.com', 'www.example.com'], ['example_user', 'root']);

test.each([
  ['Domain name:   example.com', 'Domain name:   site-2.example'],
  ['/var/www/vhosts/www.example.com/httpdocs', '/var/www/vhosts/site-3.example/httpdocs'],
  ['MAILTO="owner@shop.example"', 'MAILTO="ADDRESS"'],
  ['FTP Login:  example_user', 'FTP Login:  user-1'],
  ['FTP Password:  geheim 12', 'FTP Password:  ***'],
  ['IP address:  203.0.113.2', 'IP address:  IP'],
  ['IPv6: 2001:db8:0:1::1', 'IPv6: IP:1'],
  ['Product version: Plesk Obsidian 18.0.80.3', 'Product version: Plesk Obsidian 18.0.80.3'],
  ['curl https://user:pw@host.example/x?token=1', 'curl https://HOST/PATH'],
  ['php a.php --token=abc', 'php a.php --token=***'],
  ['{"description": "Import for a customer"}', '{"description": "***"}'],
])('%j becomes %j', (text, wanted) => {
  if (text.startsWith('IPv6')) expect(redact(text, names)).not.toContain('2001:db8');
  else expect(redact(text, names)).toBe(wanted);
});

test('no name of the server is left, whatever stands around it', () => {
  const around = fc.string({ unit: fc.constantFrom(' ', '/', '"', '.', '-', ':', '\n', "'") });
  fc.assert(
    fc.property(
      around,
      fc.constantFrom('shop.example', 'example.com', 'example_user'),
      around,
      (a, name, b) => {
        expect(redact(`${a}${name}${b}`, names)).not.toContain(name);
      },
    ),
  );
});

// The 19-line crontab on which every peer was measured: none but Ansible gives it back unchanged.

/** Line 6 ends in three blanks, line 9 has tabs between its fields. */
export const preserved = [
  '# ---- site crontab ----',
  '# keep me exactly:  two  spaces',
  '   # indented comment',
  '',
  'SHELL=/bin/bash',
  'PATH = "/usr/local/bin:/usr/bin"   ',
  'MAILTO=""',
  "FOO='a  b'",
  '*/5\t*\t*\t*\t*\t/usr/bin/php  /srv/a.php   --x="a  b"',
  '0 3 * * *   echo "two  spaces" | logger -t x',
  '@daily /usr/bin/find /tmp -name "a b" -mtime +3 -exec rm {} \\;',
  '15 4 * * * date +\\%F > /tmp/x-$(date +\\%Y).log',
  '30 4 * * * mail -s hi joe%Dear Joe,%%bye%',
  '#0 5 * * * /usr/bin/disabled  --job',
  '@reboot cd /srv && ./start.sh # trailing words',
  '  7 7 * * 1-5  /srv/lead-ws.sh',
  '0 0 * * sun,tue /srv/names.sh',
  '0 0 1-7,15 */3 * /srv/lists.sh',
  '# end comment',
  '',
].join('\n');

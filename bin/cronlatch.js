#!/usr/bin/env node
// Checks the Node version in words that any Node can say, then starts the program.
'use strict';
var parts = process.versions.node.split('.').map(Number);
if (parts[0] > 20 || (parts[0] === 20 && parts[1] >= 17)) {
  require('./load.js').start();
} else {
  process.stderr.write(
    'cronlatch needs Node 20.17 or newer; this is ' +
      process.versions.node +
      '.\nOn Plesk newer ones are in /opt/plesk/node/.\n',
  );
  process.exitCode = 2;
}

#!/usr/bin/env node
// Checks the Node version in words that any Node can say, then starts the program.
var parts = process.versions.node.split('.').map(Number);
var fits = parts[0] > 20 || (parts[0] === 20 && parts[1] >= 17);
if (!fits) {
  process.stderr.write(
    `cronlatch needs Node 20.17 or newer; this is ${process.versions.node}.\nOn Plesk newer ones are in /opt/plesk/node/.\n`,
  );
  process.exitCode = 2;
} else {
  import('../dist/main.js').catch((error) => {
    process.stderr.write(
      error.code === 'ERR_MODULE_NOT_FOUND'
        ? 'cronlatch is not built yet: npm run build\n'
        : `${error.stack}\n`,
    );
    process.exitCode = 1;
  });
}

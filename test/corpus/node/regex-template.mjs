import 'node:path';
const r = /[/]'use strict'/u;
console.log(`${r.test('x')} import 'x'`);

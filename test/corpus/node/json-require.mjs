import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
console.log(typeof require('node:path').sep);

import 'node:path';
outer: for (const a of [1, 2]) { for (;;) { if (a) continue outer; } }
console.log('labels');

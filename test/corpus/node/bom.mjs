import 'node:path';
console.log('bom');

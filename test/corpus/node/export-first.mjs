export * from 'node:path';
console.log('re-export');

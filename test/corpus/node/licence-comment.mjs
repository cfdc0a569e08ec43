/*! (c) Example Ltd. MIT */
// a worker
import 'node:path';
console.log('licence');

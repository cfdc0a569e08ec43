/**
 * Imports jobs.
 * @module worker
 */
import 'node:path';
console.log('jsdoc');

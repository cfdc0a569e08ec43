console.log('before');
import { sep } from 'node:path';
console.log(sep);

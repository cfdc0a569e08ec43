import {
  basename,
  dirname as dir,
} from 'node:path';
import * as os from 'node:os';
console.log(basename(dir('/a/b')), typeof os.EOL);

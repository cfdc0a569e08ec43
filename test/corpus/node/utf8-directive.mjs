'größe';
import 'node:path';
console.log('d');

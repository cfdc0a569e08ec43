'use strict'; import 'node:path'; console.log('one line');

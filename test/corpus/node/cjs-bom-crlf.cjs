var p = require('path');
console.log(p.sep);

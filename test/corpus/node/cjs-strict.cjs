'use strict';
const { sep } = require('path');
module.exports = { sep };
console.log(sep);

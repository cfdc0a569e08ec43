#!/usr/bin/env node
const fs = require('fs');
console.log(typeof fs);

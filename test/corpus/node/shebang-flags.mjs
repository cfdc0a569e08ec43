#!/usr/bin/env -S node --no-warnings
import 'node:fs';
console.log('flags');

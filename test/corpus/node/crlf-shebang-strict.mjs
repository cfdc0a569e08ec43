#!/usr/bin/env node
'use strict';
import 'node:path';
console.log('crlf');

'use strict';
"use client";
import 'node:path';
console.log('directives');

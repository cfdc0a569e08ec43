'use strict'
import 'node:path'
console.log('asi')

// Loaded before a program with --import: when it ends, its peak of resident memory in bytes is on descriptor 3.
import { writeSync } from 'node:fs';

process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS * 1024)));

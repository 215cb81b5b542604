/** What a run ran on: written into every run record, because numbers without it mean nothing. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { backend } from '#backend';
import type { RunRecord } from '../report/run-record.ts';
import { ownDirectory } from './packages.ts';

export function machineFacts(): RunRecord['machine'] {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    onnxruntime: backend.version,
  };
}

/** This package's version. */
export function ownVersion(): string {
  return (JSON.parse(readFileSync(join(ownDirectory(), 'package.json'), 'utf8')) as { version: string }).version;
}

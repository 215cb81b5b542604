import { describe, expect, test } from 'vitest';
import { parseMetricsLines, type StepLine } from '../../src/report/metrics-lines.ts';
import { countByReason, parseRunRecord } from '../../src/report/run-record.ts';
import { distillRecord, sampleRecord } from './sample-record.ts';

const corrupt = (message: RegExp) =>
  expect.objectContaining({ code: 'FILE_CORRUPT', message: expect.stringMatching(message) });

describe('parseRunRecord', () => {
  test('gives back what was written', () => {
    const record = sampleRecord(3);
    expect(parseRunRecord(JSON.stringify(record))).toEqual(record);
  });

  test('names the file, the field, what was expected and what stands there', () => {
    const broken = JSON.parse(JSON.stringify(sampleRecord(1)));
    broken.results[1].metrics.meanCosine = 'high';
    expect(() => parseRunRecord(JSON.stringify(broken), 'runs/a/run.json')).toThrow(
      corrupt(/^runs\/a\/run\.json, results\[1\]\.metrics\.meanCosine: expected number, got "high"\. Run again/),
    );
  });

  test('a field that is missing, a NaN (null in JSON), a negative size, another format', () => {
    const breaking: [(record: ReturnType<typeof JSON.parse>) => void, RegExp][] = [
      [(record) => delete record.teacher.dimension, /teacher\.dimension: expected number, got nothing/],
      [(record) => (record.results[0].metrics.recallAt1 = Number.NaN), /recallAt1: expected number, got null/],
      [(record) => (record.results[0].sizeBytes = -1), /sizeBytes: expected number to be >=0, got -1/],
      [(record) => (record.format = 'limbeck-run/2'), /format: expected "limbeck-run\/1", got "limbeck-run\/2"/],
      [(record) => (record.startedAt = 'yesterday'), /startedAt: expected a valid value .*, got "yesterday"/],
    ];
    for (const [breakIt, message] of breaking) {
      const record = JSON.parse(JSON.stringify(sampleRecord(1)));
      breakIt(record);
      expect(() => parseRunRecord(JSON.stringify(record))).toThrow(corrupt(message));
    }
  });

  test('records of early demos, which call samples texts', () => {
    const early = JSON.parse(JSON.stringify(sampleRecord(1)));
    for (const place of [early.teacher, ...early.results]) {
      place.textsPerSecond = place.samplesPerSecond;
      delete place.samplesPerSecond;
    }
    expect(parseRunRecord(JSON.stringify(early))).toEqual(sampleRecord(1));
  });

  test('a run of limbeck distill: everything that may be absent is, and everything that may be there', () => {
    const { teacher, ...bare } = distillRecord();
    delete bare.data.heldOut;
    expect(parseRunRecord(JSON.stringify(bare))).toEqual(bare);
    expect(parseRunRecord(JSON.stringify(distillRecord()))).toEqual(distillRecord());
    for (const status of ['running', 'interrupted', 'failed'] as const) {
      expect(parseRunRecord(JSON.stringify({ ...bare, status, error: 'no' })).status).toBe(status);
    }
  });

  test('a truncated and an empty file', () => {
    expect(() => parseRunRecord(JSON.stringify(sampleRecord(1)).slice(0, 100))).toThrow(
      corrupt(/^run\.json: expected JSON, got 100 characters that are not JSON/),
    );
    expect(() => parseRunRecord('')).toThrow(corrupt(/an empty file/));
  });

  test('a field of a later version is dropped, not refused', () => {
    const later = { ...sampleRecord(1), invented: 'tomorrow' };
    expect(parseRunRecord(JSON.stringify(later))).toEqual(sampleRecord(1));
  });
});

describe('parseMetricsLines', () => {
  const line: StepLine = {
    method: 'cosine',
    seed: 0,
    step: 10,
    epoch: 1,
    loss: 0.5,
    components: { contrastive: 0.5 },
    learningRate: 0.001,
    gradientNorm: 1.5,
    seconds: 2,
  };

  test('gives back the lines in order, whatever ends them', () => {
    const next = { ...line, step: 20 };
    expect(parseMetricsLines(`${JSON.stringify(line)}\r\n\n${JSON.stringify(next)}`)).toEqual([line, next]);
    expect(parseMetricsLines('\n')).toEqual([]);
  });

  test('validations have lines of their own; a line that is both gives both', () => {
    const { method, seed, step, epoch, seconds } = line;
    const validation = { method, seed, step, epoch, seconds, validation: { recallAt1: 0.9, own: 2 } };
    expect(parseMetricsLines(JSON.stringify(validation))).toEqual([validation]);
    expect(parseMetricsLines(JSON.stringify({ ...line, ...validation }))).toEqual([line, validation]);
    const wrong = JSON.stringify({ ...validation, validation: { recallAt1: 'high' } });
    expect(() => parseMetricsLines(wrong)).toThrow(
      corrupt(/line 1, validation\.recallAt1: expected number, got "high"/),
    );
  });

  test('of a run that is writing, a cut-off last line is left out, and no other', () => {
    const good = JSON.stringify(line);
    const unfinished = { unfinished: true };
    expect(parseMetricsLines(`${good}\n${good.slice(0, 20)}`, 'm', unfinished)).toEqual([line]);
    expect(parseMetricsLines(`${good}\n${good}\n`, 'm', unfinished)).toEqual([line, line]);
    expect(() => parseMetricsLines(`${good.slice(0, 20)}\n${good}\n`, 'm', unfinished)).toThrow(corrupt(/^m, line 1/));
  });

  test('names the line: a cut-off last line, a wrong field', () => {
    const good = JSON.stringify(line);
    expect(() => parseMetricsLines(`${good}\n\n${good.slice(0, 20)}`)).toThrow(
      corrupt(/^metrics\.jsonl, line 3: expected JSON, got 20 characters that are not JSON\. Remove the damaged line/),
    );
    const wrong = JSON.stringify({ ...line, components: { contrastive: '0.5' } });
    expect(() => parseMetricsLines(`${good}\n${wrong}`, 'm')).toThrow(
      corrupt(/^m, line 2, components\.contrastive: expected number, got "0\.5"/),
    );
  });
});

test('countByReason: what is particular to one sample makes no reason of its own', () => {
  const reasons = [
    'duplicate of line 3',
    'duplicate of line 9',
    'empty text',
    'does not decode: bad header',
    'does not decode: cut off',
  ];
  expect(countByReason(reasons.map((reason) => ({ reason })))).toEqual({
    duplicate: 2,
    'empty text': 1,
    'does not decode': 2,
  });
  expect(countByReason([])).toEqual({});
});

import { describe, expect, test } from 'vitest';
import { type MetricsLine, parseMetricsLines, parseRunRecord } from '../../src/report/run-record.ts';
import { sampleRecord } from './sample-record.ts';

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
  const line: MetricsLine = {
    method: 'cosine',
    seed: 0,
    step: 10,
    epoch: 1,
    loss: 0.5,
    components: { contrastive: 0.5 },
    learningRate: 0.001,
    gradientNorm: 1.5,
    seconds: 2,
    validation: { recallAt1: 0.9 },
  };

  test('gives back the lines in order, whatever ends them', () => {
    const next = { ...line, step: 20 };
    expect(parseMetricsLines(`${JSON.stringify(line)}\r\n\n${JSON.stringify(next)}`)).toEqual([line, next]);
    expect(parseMetricsLines('\n')).toEqual([]);
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

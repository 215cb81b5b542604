/** A report with every section, drawn in Node with linkedom and in a page with its own document. */
import type { MetricsLine } from '../../src/report/metrics-lines.ts';
import { type ReportParts, renderReport } from '../../src/report/render-report.ts';
import { sampleRecord } from '../report/sample-record.ts';

export function sampleReport(document: ReportParts['document']): string {
  const points = (shift: number) => Array.from({ length: 12 }, (_, i): [number, number] => [i + shift, (i * 7) % 11]);
  const curves = ['cosine', 'ntxent-bank'].flatMap((method) =>
    Array.from({ length: 20 }, (_, step): MetricsLine => {
      const loss = 1 / (1 + step);
      return {
        method,
        seed: 0,
        step,
        epoch: 0,
        loss,
        components: {},
        learningRate: 0.001,
        seconds: step,
      };
    }),
  );
  const map = {
    classNames: ['noun.act', 'noun.body', 'verb.change'],
    labels: Array.from({ length: 12 }, (_, i) => i % 3),
    texts: Array.from({ length: 12 }, (_, i) => `text number ${i}`),
    teacher: points(0),
    student: points(0.5),
  };
  return renderReport({ record: sampleRecord(2), curves, map, document });
}

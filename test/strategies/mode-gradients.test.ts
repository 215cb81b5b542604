/**
 * Every mode × labels × source of negatives × heads: the gradient by the student's rows and by the heads' parameters in float64
 * against central differences of the loss (relative error < 1e-6), or the error that refuses the combination.
 */
import { afterAll, describe, expect, it, vi } from 'vitest';
import { LimbeckError } from '../../src/errors.ts';
import { IntermediateActivations } from '../../src/matrix/intermediate-activations.ts';
import type { Matrix } from '../../src/matrix/matrix.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import {
  type Combination,
  FORMS,
  type Form,
  headsOf,
  LABELLINGS,
  NEGATIVES,
  type Projection,
  refusal,
  roundHeads,
  settle,
  WIDTHS,
} from './negatives.ts';
import { differenceQuotients, worstError } from './support.ts';

/** A power of two that float32 can add to a head's multiples of 2⁻¹⁰ exactly. */
const HEAD_STEP = 2 ** -17;

/** One strategy for each mode and projection: heads are made once, and Z is set once, so that differences see the same. */
function makeStrategy(form: Form): ContrastiveDistillationStrategy {
  return new ContrastiveDistillationStrategy({ ...FORMS[form], temperature: 0.3, contrastiveWeight: 0.7, margin: 0.4 });
}

async function checkGradients(strategy: ContrastiveDistillationStrategy, combination: Combination): Promise<void> {
  const { projection, form } = combination;
  const { student, teacher, labels, context } = await settle(strategy, combination);
  const heads = headsOf(strategy, projection);
  expect(heads).toHaveLength({ none: 0, student: 2, both: 4 }[projection]);
  const loss = (moved: Matrix) => strategy.computeContrastiveLoss(moved, teacher, labels, context);
  const first = await strategy.computeContrastiveLossAndGradient(student, teacher, labels, context);
  expect(first.loss).toBeGreaterThan(0);
  expect(first.gradient.dtype).toBe('float64');
  expect(worstError(first.gradient.data, await differenceQuotients(student, loss), 0)).toBeLessThan(1e-6);

  expect([...first.parameterGradients.keys()]).toEqual(heads.map(({ name }) => name));
  for (const { name, data } of heads) {
    const quotients = new Float64Array(data.length);
    for (const [k, value] of data.entries()) {
      data[k] = value + HEAD_STEP;
      const up = await loss(student);
      data[k] = value - HEAD_STEP;
      quotients[k] = (up - (await loss(student))) / (2 * HEAD_STEP);
      data[k] = value;
    }
    const gradient = first.parameterGradients.get(name) ?? [];
    expect(gradient).toBeInstanceOf(Float64Array);
    // The keys of student anchors are bank rows, positives included: nothing moves the teacher's head.
    if (form === 'ntxent' && combination.negatives.startsWith('momentum') && name.startsWith('teacher')) {
      expect([...gradient, ...quotients].every((value) => value === 0)).toBe(true);
      continue;
    }
    expect(worstError(gradient, quotients, 0), name).toBeLessThan(1e-6);
    expect(Math.max(...Array.from(quotients, Math.abs)), name).toBeGreaterThan(1e-4);
  }

  // The same again, now that Z is frozen, and by way of the layer's name.
  const again = await strategy.computeContrastiveLossAndGradient(student, teacher, labels, context);
  expect(worstError([again.loss], [first.loss])).toBeLessThan(1e-14);
  expect(worstError(again.gradient.data, first.gradient.data)).toBeLessThan(1e-14);
  expect(await loss(student)).toBe(again.loss);
  if (form === 'crd') expect(strategy.meanScores).toEqual({ student: expect.any(Number), teacher: expect.any(Number) });
  const layer = (matrix: Matrix) => new IntermediateActivations().set('embeddings', matrix);
  const { sampleIds } = context;
  expect(await strategy.computeIntermediateLoss(layer(student), layer(teacher), { labels, sampleIds })).toBe(
    again.loss,
  );
  const gradients = await strategy.computeIntermediateGradient(layer(student), layer(teacher), { labels, sampleIds });
  expect(gradients.get('embeddings')).toEqual(again.gradient);
}

for (const form of Object.keys(FORMS) as Form[]) {
  describe(form, () => {
    for (const projection of Object.keys(WIDTHS) as Projection[]) {
      describe(`projection ${projection}`, () => {
        let strategy = makeStrategy(form);
        afterAll(() => strategy.release());
        for (const negatives of NEGATIVES) {
          const message = refusal({ form, negatives, projection });
          if (message) {
            it(`${negatives}: refused, naming both sides`, async () => {
              for (const positives of LABELLINGS) {
                const { student, teacher, labels, context } = await settle(strategy, {
                  ...{ form, negatives, positives, projection },
                });
                for (const call of [
                  () => strategy.computeContrastiveLoss(student, teacher, labels, context),
                  () => strategy.computeContrastiveGradient(student, teacher, labels, context),
                ]) {
                  const error = await call().catch((thrown: unknown) => thrown);
                  expect(error).toBeInstanceOf(LimbeckError);
                  expect(error).toMatchObject({ code: 'INVALID_OPTION', message: expect.stringMatching(message) });
                }
              }
            });
            continue;
          }
          it(negatives, async () => {
            const warn = vi.spyOn(console, 'warn');
            for (const positives of LABELLINGS) {
              if (form === 'crd') strategy = makeStrategy(form); // a Z of its own
              strategy.projection = projection;
              strategy.projectionDimension = WIDTHS[projection][2];
              roundHeads(strategy, projection);
              await checkGradients(strategy, { form, negatives, positives, projection });
              if (form === 'crd') await strategy.release();
            }
            expect(warn).not.toHaveBeenCalled();
          });
        }
      });
    }
  });
}

/** The state that a training step keeps, whichever way it computes: what is trained, and how it is saved and restored. */
import type { Parameter } from '../matrix/parameter.ts';
import type { StateArrays } from '../matrix/state-arrays.ts';
import type { SessionOptions } from '../runtime/backend.ts';
import type { DistillationStrategy } from '../strategies/distillation-strategy.ts';
import type { TrainableStudent } from '../students/student.ts';
import { BufferState } from './buffer-state.ts';
import { OptimizerState } from './optimizer-state.ts';
import type { OptimizerOptions } from './optimizers/index.ts';
import { restoreAll, type Step, type StepBatch, type StepResult, strategyParameters } from './step.ts';

/** What both kinds hold: a student, a strategy with parameters of its own, the optimizer over both, and running statistics. */
export abstract class StudentStep<Sample, Encoded> implements Step {
  protected readonly student: TrainableStudent<Sample, Encoded>;
  protected readonly strategy: DistillationStrategy;
  protected readonly ofStrategy: readonly Parameter[];
  protected readonly optimizer: OptimizerState;
  protected readonly buffers: BufferState;
  protected readonly session: SessionOptions;

  /**
   * @param teacherWidth width of the teacher's rows; undefined without any
   * @param session where, and with how many threads, the step runs
   */
  constructor(
    student: TrainableStudent<Sample, Encoded>,
    strategy: DistillationStrategy,
    optimizer: OptimizerOptions,
    teacherWidth: number | undefined,
    session: SessionOptions = {},
  ) {
    this.session = session;
    this.student = student;
    this.strategy = strategy;
    this.ofStrategy = strategyParameters(student, strategy, teacherWidth);
    this.optimizer = new OptimizerState([...student.parameters, ...this.ofStrategy], optimizer);
    this.buffers = new BufferState(student.buffers);
  }

  abstract run(batches: readonly StepBatch[], learningRate: number): Promise<StepResult>;
  abstract release(): Promise<void>;

  writeBack(): void {
    this.optimizer.writeResult();
    this.buffers.writeBack();
  }

  state(): StateArrays {
    return { ...this.optimizer.state(), ...this.buffers.state(), ...this.strategy.state() };
  }

  restore(state: StateArrays): void {
    restoreAll([this.optimizer, this.buffers, this.strategy], state);
  }
}

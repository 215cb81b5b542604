/** The worker of train.ts. */
import '../../../src/web/default-worker.ts';

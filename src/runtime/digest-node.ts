/** SHA-256 on Node. */
import { createHash, hash } from 'node:crypto';
import type { Digest, Sha256, Sha256Of } from './digest.ts';

export const sha256: Sha256 = () => {
  const own = createHash('sha256');
  const digest: Digest = {
    update(part) {
      own.update(part);
      return this;
    },
    bytes: () => own.digest(),
    hex: () => own.digest('hex'),
  };
  return digest;
};

export const sha256Of: Sha256Of = (part) => hash('sha256', part, 'buffer');

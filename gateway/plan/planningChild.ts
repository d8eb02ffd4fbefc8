import { createMaker, type Maker } from './maker.ts';
import type { FromChild, ToChild } from './planningProcess.ts';

/** The planner's own process: it knows one supergraph, no caller and no key, and plans one text at a time. */
let make: Maker | null = null;

const answer = (message: ToChild): FromChild => {
  try {
    if ('supergraphSdl' in message) {
      make = createMaker(message.supergraphSdl, message.planner);
      return { kind: 'ready' };
    }
    if (!make) throw new Error('there is no supergraph yet');
    return { kind: 'plan', plan: make(message.text) };
  } catch (error) {
    return { kind: 'failed', reason: (error as Error).message };
  }
};

process.on('message', (message: ToChild) => process.send?.(answer(message)));
process.on('disconnect', () => process.exit()); // the gateway is gone

import { createHmac } from 'node:crypto';
import type { Common } from '../_shared/environment.ts';

/** How settings are kept by person without the person's number. */
export const createPersonKey = (common: Common): ((nationalId: string) => Buffer) => {
  const key = common.key('restriction-person');
  return (nationalId) => createHmac('sha256', key).update(nationalId).digest();
};

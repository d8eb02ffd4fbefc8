import type { Access } from './access.ts';

/**
 * Whether a citizen's token is about this person: their own, or one that the issuer made for somebody they represent
 * (claim `subject`). Inferred: how Helsenorge's tokens name actor and represented person is not public (reference 9.3).
 */
export const isAboutCitizenThemselves = (access: Access, nationalIds: readonly string[]): boolean => {
  if (access.kind !== 'citizen') return false;
  const subject = access.claims['subject'] ?? access.pid;
  return typeof subject === 'string' && nationalIds.includes(subject);
};

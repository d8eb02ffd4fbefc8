/** What lies under which key in Redis. The names are HMACs (names.ts). */
export const redisKeys = {
  /** A sealed answer. */
  answer: (name: string) => `kilde:cache:answer:${name}`,
  /** The generation of a subject: answers of another one are no longer so. */
  subject: (subject: string) => `kilde:cache:subject:${subject}`,
  /** There while a process is asking the source. */
  claim: (name: string) => `kilde:cache:claim:${name}`,
} as const;

/** Channels. */
export const dropsChannel = 'kilde:cache:drops';
export const signChannel = (process: string) => `kilde:cache:sign:${process}`;

/** What a process has used since it started, by its own account. */
export type Usage = { cpuMs: number; rssMb: number };

export const usage = (): Usage => {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1_000, rssMb: process.memoryUsage.rss() / 1_048_576 };
};

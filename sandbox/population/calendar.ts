const dayMs = 86_400_000;

/** Last Sunday of a month (0 to 11) at 01:00 UTC: when European summer time begins and ends. */
const lastSunday = (year: number, month: number): number => {
  const last = new Date(Date.UTC(year, month + 1, 0, 1));
  return last.getTime() - last.getUTCDay() * dayMs;
};

/** Hours that Norwegian time is ahead of UTC. */
const osloOffset = (epochMs: number): 1 | 2 => {
  const year = new Date(epochMs).getUTCFullYear();
  return epochMs >= lastSunday(year, 2) && epochMs < lastSunday(year, 9) ? 2 : 1;
};

/** `2026-03-05` + `08:00` as Norwegian time with its offset. Clock times between 01:00 and 03:00 are not used. */
export const osloTime = (date: string, clock: string): string => {
  const utc = Date.parse(`${date}T${clock}:00Z`);
  return `${date}T${clock}:00+0${osloOffset(utc - 3_600_000)}:00`;
};

/** Dates counted backwards from now, in Norwegian time, at fixed clock times. */
export type Calendar = {
  now: Date;
  /** ISO 8601 with offset. `daysAgo` is 1 or more for what has happened: today's clock time may lie ahead. */
  at(daysAgo: number, clock: string): string;
  /** Date only; negative days lie ahead. */
  day(daysAgo: number): string;
  /** Days since a date. */
  daysSince(date: string): number;
  /** Whole years since the date. */
  yearsSince(date: string): number;
};

export const createCalendar = (now: Date): Calendar => {
  const local = now.getTime() + osloOffset(now.getTime()) * 3_600_000;
  const day = (daysAgo: number) => new Date(local - daysAgo * dayMs).toISOString().slice(0, 10);
  const today = day(0);
  return {
    now,
    day,
    at: (daysAgo, clock) => osloTime(day(daysAgo), clock),
    daysSince: (date) => Math.round((Date.parse(today) - Date.parse(date)) / dayMs),
    yearsSince: (date) =>
      Number(today.slice(0, 4)) - Number(date.slice(0, 4)) - (today.slice(5) < date.slice(5) ? 1 : 0),
  };
};

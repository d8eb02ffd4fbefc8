const oslo = new Intl.DateTimeFormat('en-US', { timeZone: 'Europe/Oslo', timeZoneName: 'longOffset' });

const offsetAt = (at: Date): string | undefined =>
  oslo
    .formatToParts(at)
    .find(({ type }) => type === 'timeZoneName')
    ?.value.replace('GMT', '');

/**
 * KITH's time as a FHIR dateTime. Many systems write no offset and mean Norwegian time. The hour that occurs twice in autumn is
 * taken as the first, and one that does not exist in spring as winter time. What is no time is handed back as it is.
 */
export const fhirTime = (text: string): string => {
  const date = /^(\d{4}-\d{2}-\d{2})(?:Z|[+-]\d{2}:\d{2})?$/.exec(text)?.[1];
  if (date) return date;
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?$/.test(text)) return text;
  const offset = ['+02:00', '+01:00'].find((it) => {
    const at = new Date(`${text}${it}`);
    return !Number.isNaN(at.getTime()) && offsetAt(at) === it;
  });
  return `${text}${offset ?? '+01:00'}`;
};

export type CompactJws = {
  header: Record<string, unknown>;
  /** The header as it was sent: equal texts are equal headers. */
  headerText: string;
  payloadText: string;
  /** What the signature is over. */
  signed: string;
  signature: Buffer;
};

const form = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
/** Strings of a JSON text; the group tells members' names from values. */
const strings = /"(?:[^"\\]|\\.)*"(\s*:)?/g;

const countNames = (value: unknown): number => {
  if (typeof value !== 'object' || value === null) return 0;
  const inner: unknown[] = Object.values(value);
  return inner.reduce<number>((sum, it) => sum + countNames(it), Array.isArray(value) ? 0 : inner.length);
};

/**
 * A part of a JWS -> the object in it.
 *
 * @returns `null` for anything but an object, and for one that names a member twice: readers differ in which of them counts
 */
export const readJsonPart = (part: string): Record<string, unknown> | null => {
  const text = Buffer.from(part, 'base64url').toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    let named = 0;
    for (const [, isName] of text.matchAll(strings)) if (isName) named++;
    return named === countNames(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
};

/** Each would have the rest of the token read in a way of its own (RFC 7515 4.1.11, 7797, 7516). */
const changesMeaning = ['crit', 'b64', 'zip', 'enc'];

/**
 * Takes a JWS in compact form apart, without verifying it. `jku`, `x5u`, `x5c` and the like in the header are nothing to
 * us: keys come from where the configuration says.
 *
 * @returns `null` for what is too long, in another form, or written so that it would have to be read in a special way
 */
export const readCompactJws = (text: string, longest: number): CompactJws | null => {
  if (text.length > longest || !form.test(text)) return null;
  const [headerText = '', payloadText = '', signatureText = ''] = text.split('.');
  const signature = Buffer.from(signatureText, 'base64url');
  if (signature.toString('base64url') !== signatureText) return null; // one signature, one spelling
  const header = readJsonPart(headerText);
  if (!header || changesMeaning.some((it) => it in header)) return null;
  return { header, headerText, payloadText, signed: `${headerText}.${payloadText}`, signature };
};

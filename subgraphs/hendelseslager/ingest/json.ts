import { type Read, refuse } from './refusal.ts';

const deepest = 64;

/** Where the elements of a valid JSON array begin and end, and how deep any value is nested. */
const scan = (text: string): { elements: [start: number, end: number][]; depth: number } => {
  const elements: [number, number][] = [];
  let depth = 0;
  let deepestSeen = 0;
  let start = -1;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at]!;
    if (inString) {
      if (sign === '\\') at += 1;
      else if (sign === '"') inString = false;
      continue;
    }
    if (sign === '"') inString = true;
    if (depth === 1 && (sign === ',' || sign === ']') && start >= 0) {
      elements.push([start, at]);
      start = -1;
    } else if (depth === 1 && start < 0 && !/\s/.test(sign)) start = at;
    if (sign === '[' || sign === '{') depth += 1;
    else if (sign === ']' || sign === '}') depth -= 1;
    deepestSeen = Math.max(deepestSeen, depth);
  }
  return { elements, depth: deepestSeen };
};

/** What PostgreSQL's jsonb cannot hold: NUL and half a surrogate pair, in the form that JSON.stringify gives them. */
const unstorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/;

/** UTF-8 JSON of the depth and characters that can be stored. */
export const readJson = (body: Buffer): Read<unknown> => {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    const value: unknown = JSON.parse(text);
    if (scan(text).depth > deepest) return refuse(`nested deeper than ${deepest} levels`, '');
    if (unstorable.test(JSON.stringify(value))) return refuse('holds characters that are no text', '');
    return { ok: true, value };
  } catch {
    return refuse('not JSON in UTF-8', '');
  }
};

/** The elements of a JSON array that {@link readJson} has read, each in its own bytes, unchanged. */
export const splitArray = (body: Buffer): Buffer[] => {
  const text = body.toString('utf8').replace(/^\uFEFF/, '');
  return scan(text).elements.map(([start, end]) => Buffer.from(text.slice(start, end).trimEnd()));
};

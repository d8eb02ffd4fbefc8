import type { ExampleOperation } from '../exampleOperation.ts';
import type { Choice, IssuedToken } from './session.ts';

/** `name` is what `POST /sandbox/token` takes. */
export type Persona = {
  name: string;
  english: string;
  norwegian: string | null;
  purpose: string | null;
  /** Whom the persona asks for when nobody else is chosen. */
  patient: string | null;
};
export type SandboxPatient = { nationalId: string; key: string | null; name: string; point: string | null };

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

const ask = async (path: string, init?: RequestInit): Promise<unknown> => {
  const response = await fetch(path, { credentials: 'omit', ...init }).catch(() => {
    throw new Error('Kilde does not answer. Is it running?');
  });
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body;
  const reason = isObject(body) && isObject(body['error']) ? text(body['error']['message']) : null;
  throw new Error(reason ?? `${path} answered ${response.status}`);
};

const listOf = (body: unknown): Json[] => (Array.isArray(body) ? body.filter(isObject) : []);

export const fetchPersonas = async (): Promise<Persona[]> =>
  listOf(await ask('/sandbox/personas')).flatMap(({ persona, description, purpose, patient }) => {
    const name = text(persona);
    if (!name) return [];
    const { en, nb } = isObject(description) ? description : {};
    return [{ name, english: text(en) ?? name, norwegian: text(nb), purpose: text(purpose), patient: text(patient) }];
  });

export const fetchPatients = async (): Promise<SandboxPatient[]> =>
  listOf(await ask('/sandbox/patients?limit=1000')).flatMap((it) => {
    const nationalId = text(it['nationalId']);
    if (!nationalId) return [];
    return [{ nationalId, key: text(it['key']), name: text(it['name']) ?? nationalId, point: text(it['point']) }];
  });

export const fetchExamples = async (): Promise<ExampleOperation[]> =>
  (await ask('/explorer/operations')) as ExampleOperation[];

/** The API schema as text, or `null` where it is not served to just anybody: then introspection must do. */
export const fetchSchema = async (): Promise<string | null> => {
  const response = await fetch('/schema.graphql', { credentials: 'omit' }).catch(() => null);
  return response?.ok ? response.text() : null;
};

export const issueToken = async ({ persona, patient, purpose }: Choice): Promise<IssuedToken> => {
  const body = await ask('/sandbox/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ persona, ...(patient && { patient }), ...(purpose && { purpose }) }),
  });
  const token = isObject(body) ? text(body['access_token']) : null;
  if (!isObject(body) || !token) throw new Error('The sandbox gave no token.');
  return {
    authorization: `${text(body['token_type']) ?? 'Bearer'} ${token}`,
    expiresInSeconds: typeof body['expires_in'] === 'number' ? body['expires_in'] : 60,
  };
};

import type { FastifyInstance, FastifyReply } from 'fastify';
import * as z from 'zod';
import { purposes } from '../schema/caller.ts';
import { admits, parseNationalId } from '../schema/nationalId.ts';
import { Fault, type FaultSwitch } from './_shared/faults.ts';
import type { Issuer } from './issuer/issuer.ts';
import { kildeAudience } from './issuer/resources.ts';
import { claimsFor, type Persona, personaNames, personas } from './personas.ts';
import type { Population } from './population/model.ts';

export type SandboxParts = {
  issuer: Issuer;
  population: Population;
  simulators: readonly { name: string; fault: FaultSwitch }[];
};

const isSynthetic = (text: string) => {
  const id = parseNationalId(text);
  return id !== null && admits('sandbox', id);
};
const dayInSeconds = 86_400;

/** What can be wrong with a token, as HelseID's own test service has it. */
const wrongNames = ['signingKey', 'issuer', 'audience', 'expired', 'type'] as const;
type Wrong = Partial<Parameters<Issuer['sign']>[1]> & { claims?: Record<string, unknown> };
const wrongs: Record<(typeof wrongNames)[number], Wrong> = {
  signingKey: { byStranger: true },
  issuer: { claims: { iss: 'https://helseid-sts.example' } },
  audience: { claims: { aud: 'nhn:another' } },
  expired: { expiresIn: -3_600 },
  type: { header: { typ: 'logout+jwt' } },
};
const TokenRequest = z.strictObject({
  persona: z.enum(personaNames),
  patient: z.string().refine(isSynthetic).optional(),
  purpose: z.enum(purposes).optional(),
  claims: z.record(z.string(), z.unknown()).default({}),
  /** SHA-256 thumbprint of the key to bind the token to. */
  jkt: z.base64url().length(43).optional(),
  /** Makes a token that must be refused, and is right in everything else. */
  invalid: z.enum(wrongNames).optional(),
  expiresIn: z.number().int().min(-dayInSeconds).max(dayInSeconds).default(600),
});
const PatientsQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(1_000).default(100) });

/** What was expected, never what came: that may be a real person's number. */
const expected = {
  json: 'Expected a body that is JSON',
  token: `Expected an object with persona (one of ${personaNames.join(', ')}), and optionally patient (a synthetic national id), purpose (one of ${purposes.join(', ')}), claims (an object), jkt (43 characters, base64url), expiresIn (seconds, at most a day either way), invalid (one of ${wrongNames.join(', ')})`,
  patient: 'Expected patient to be somebody of GET /sandbox/patients, and for the persona parent a person with parents',
  limit: 'Expected limit to be a number from 1 to 1000',
  fault:
    'Expected an object with any of latencyMs (0 to 60000), errorRate (0 to 1), status (400 to 599), hang (boolean), down (boolean), garbage (html, truncated or otherPatient)',
};

const refuse = (reply: FastifyReply, code: 'BAD_REQUEST' | 'NOT_FOUND' | 'INTERNAL', message: string) =>
  reply.code({ BAD_REQUEST: 400, NOT_FOUND: 404, INTERNAL: 500 }[code]).send({ error: { code, message } });

const describePersona = (name: (typeof personaNames)[number]) => {
  const persona: Persona = personas[name];
  return {
    persona: name,
    description: persona.description,
    ...('defaultPurpose' in persona ? { purpose: persona.defaultPurpose } : {}),
    ...('defaultPatient' in persona ? { patient: persona.defaultPatient } : {}),
  };
};

/** The sandbox's own addresses, under `/sandbox/`: tokens for personas, synthetic patients, faults of the simulators. */
export const registerSandboxRoutes = (app: FastifyInstance, { issuer, population, simulators }: SandboxParts): void => {
  const byName = new Map(simulators.map((it) => [it.name.toLowerCase(), it]));
  const named = (name: string) => byName.get(name.toLowerCase());
  const noSuchSource = `Expected one of the sources ${[...byName.keys()].join(', ')}`;
  const show = ({ name, fault }: SandboxParts['simulators'][number]) => ({ name, fault: fault.current });

  // A scope of its own, so that the error handler is for these routes only.
  app.register(async (sandbox) => {
    sandbox.setErrorHandler<{ statusCode?: number }>(({ statusCode }, _request, reply) =>
      statusCode && statusCode < 500
        ? refuse(reply, 'BAD_REQUEST', expected.json)
        : refuse(reply, 'INTERNAL', 'Something went wrong in the sandbox'),
    );

    sandbox.post('/sandbox/token', async ({ body }, reply) => {
      const read = TokenRequest.safeParse(body);
      if (!read.success) return refuse(reply, 'BAD_REQUEST', expected.token);
      const { persona, patient, purpose, claims: changed, jkt, expiresIn, invalid } = read.data;
      const claims = claimsFor(persona, { patient, purpose }, population);
      if (!claims) return refuse(reply, 'BAD_REQUEST', expected.patient);
      const { claims: wrong, ...how }: Wrong = invalid ? wrongs[invalid] : {};
      const token = await issuer.sign(
        { ...claims, ...(jkt ? { cnf: { jkt } } : {}), ...changed, ...wrong },
        { audience: kildeAudience, expiresIn, ...how },
      );
      reply.header('cache-control', 'no-store');
      return { access_token: token, token_type: jkt ? 'DPoP' : 'Bearer', expires_in: expiresIn };
    });

    sandbox.get('/sandbox/personas', async () => personaNames.map(describePersona));

    sandbox.get('/sandbox/patients', async ({ query }, reply) => {
      const read = PatientsQuery.safeParse(query);
      if (!read.success) return refuse(reply, 'BAD_REQUEST', expected.limit);
      return population.people
        .slice(0, read.data.limit)
        .map(({ nationalId, givenName, familyName, birthDate, point, key }) => ({
          nationalId,
          name: `${givenName} ${familyName}`,
          birthDate,
          point,
          key,
        }));
    });

    sandbox.get('/sandbox/sources', async () => simulators.map(show));

    sandbox.put<{ Params: { name: string } }>('/sandbox/sources/:name', async ({ params, body }, reply) => {
      const simulator = named(params.name);
      if (!simulator) return refuse(reply, 'NOT_FOUND', noSuchSource);
      const read = Fault.safeParse(body);
      if (!read.success) return refuse(reply, 'BAD_REQUEST', expected.fault);
      simulator.fault.current = read.data;
      return show(simulator);
    });

    sandbox.delete<{ Params: { name: string } }>('/sandbox/sources/:name', async ({ params }, reply) => {
      const simulator = named(params.name);
      if (!simulator) return refuse(reply, 'NOT_FOUND', noSuchSource);
      simulator.fault.current = {};
      return show(simulator);
    });

    sandbox.delete('/sandbox/sources', async () => {
      for (const { fault } of simulators) fault.current = {};
      return simulators.map(show);
    });
  });
};

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AccessCheck, TokenRequirements } from '../_shared/access.ts';
import { isAboutCitizenThemselves } from '../_shared/citizen.ts';
import type { Listen } from '../_shared/listen.ts';
import { type Simulator, startSimulator } from '../_shared/simulator.ts';
import type { Population } from '../population/model.ts';
import { resourcesOf } from './provesvar/fhir.ts';
import { correlationOf, type Failure, readHeaders } from './provesvar/headers.ts';
import { noHits, operationOutcome, outcomeSearchset, privacyOutcome } from './provesvar/outcome.ts';
import { checkPrivacy, isDelayedFor } from './provesvar/privacy.ts';
import { readSearch, runSearch, type Searchable, searchable } from './provesvar/search.ts';

const contentType = 'application/fhir+json; charset=utf-8';
const token: TokenRequirements = {
  audience: 'nhn:pps',
  scopes: ['nhn:pps/provesvar-read'],
  as: 'user',
  organisation: 'both',
  hprNumber: true,
};
const issueCodes: Record<number, string> = { 401: 'login', 403: 'forbidden', 404: 'not-found', 504: 'timeout' };

const capabilities = {
  resourceType: 'CapabilityStatement',
  status: 'active',
  kind: 'instance',
  fhirVersion: '4.0.1',
  format: ['json'],
  rest: [{ mode: 'server', resource: searchable.map((type) => ({ type, interaction: [{ code: 'search-type' }] })) }],
};

/**
 * Pasientens prøvesvar (PPS), version 2 (reference 4): FHIR R4, search only and only by POST. `url` includes the version,
 * as `PPS_URL` takes it. The switch `status: 504` is the privacy component's time-out.
 *
 * @param now for the citizens' delay
 */
export const startProvesvar = async ({
  population,
  checkAccess,
  listen,
  now = () => new Date(),
}: {
  population: Population;
  checkAccess: AccessCheck;
  listen?: Listen | undefined;
  now?: () => Date;
}): Promise<Simulator> => {
  const simulator = await startSimulator({
    name: 'provesvar',
    listen,
    errorBody: (status) => ({
      contentType,
      body: JSON.stringify(operationOutcome(issueCodes[status] ?? 'exception', 'The request failed')),
    }),
    routes(app, fault) {
      const fail = (reply: FastifyReply, { status, outcome }: Failure) =>
        reply.code(status).type(contentType).send(outcome);
      const bad = (reply: FastifyReply, diagnostics: string) =>
        fail(reply, { status: 400, outcome: operationOutcome('invalid', diagnostics) });

      const search = (searched: Searchable) => async (request: FastifyRequest, reply: FastifyReply) => {
        const correlation = correlationOf(request.headers);
        if (correlation) reply.header(...correlation);
        const url = `http://${request.host}${request.url}`;
        const checked = await checkAccess({ method: request.method, url, headers: request.headers }, token);
        if (!checked.ok) {
          const { status, reason } = checked.refusal;
          return fail(reply, { status, outcome: operationOutcome(issueCodes[status]!, reason) });
        }
        const { access } = checked;
        const headers = readHeaders(request.headers, access, population);
        if ('outcome' in headers) return fail(reply, headers);
        if (request.url.includes('?')) return bad(reply, 'Search parameters belong in the body');
        if (!/^application\/x-www-form-urlencoded\b/.test(request.headers['content-type'] ?? ''))
          return bad(reply, 'The body must be a form');
        const read = readSearch(searched, String(request.body ?? ''));
        if ('wrong' in read) return bad(reply, read.wrong);

        const person = population.byNationalId(headers.nationalId);
        const numbers = person ? [person.nationalId, ...person.formerNationalIds] : [];
        if (access.kind === 'citizen' && !isAboutCitizenThemselves(access, numbers))
          return fail(reply, { status: 403, outcome: operationOutcome('forbidden', 'Not your own data') });
        if (!person) return reply.type(contentType).send(outcomeSearchset(noHits()));

        const verdict = checkPrivacy(person, access, headers.basis);
        if (verdict === 'needlesslyElevated')
          return fail(reply, {
            status: 400,
            outcome: operationOutcome('business-rule', 'The elevated access basis opens nothing'),
          });
        if (verdict !== 'open') return reply.type(contentType).send(outcomeSearchset(privacyOutcome(verdict)));
        if (isDelayedFor(access, person, now())) return reply.type(contentType).send(outcomeSearchset(noHits()));

        const shown = fault.current.garbage === 'otherPatient' ? population.somebodyElse(person) : person;
        const found = runSearch(searched, read.search, resourcesOf(shown), url);
        return reply.type(contentType).send(found.total === 0 ? outcomeSearchset(noHits()) : found);
      };

      for (const searched of searchable) {
        app.post(`/v2/${searched}/_search`, search(searched));
        for (const path of [`/v2/${searched}`, `/v2/${searched}/:id`])
          app.get(path, (_request, reply) =>
            fail(reply, { status: 405, outcome: operationOutcome('not-supported', 'Search by POST only') }),
          );
      }
      app.get('/v2/metadata', (_request, reply) => reply.type(contentType).send(capabilities));
    },
  });
  return { ...simulator, url: `${simulator.url}/v2` };
};

import type { FastifyRequest } from 'fastify';
import { identifierSystem } from '../../schema/nationalId.ts';
import type { AccessCheck } from '../_shared/access.ts';
import type { Listen } from '../_shared/listen.ts';
import { type Simulator, startSimulator } from '../_shared/simulator.ts';
import type { Population, SyntheticDocument, SyntheticPerson } from '../population/model.ts';
import {
  errorBodyOf,
  faults,
  isElevated,
  personFor,
  privacyFault,
  readBasis,
  refuser,
} from './kjernejournal/privacy.ts';

const path = '/R4/fhir/DocumentReference/_search';
const listScopes = [
  'nhn:phr/mhd/read-documentreferences',
  'nhn:phr/mhd/read-documentreferences/kjernejournalforskriften',
] as const;
const [careScope, kjernejournalScope] = listScopes;

/** Years for which kjernejournalforskriften shows a category; categories that are not here are not shown at all. */
const shownForYears: Record<string, number> = {
  'A00-1': Number.POSITIVE_INFINITY,
  'C00-1': 1,
  'D00-1': 5,
  'E00-1': 5,
  'I00-1': 1,
};
const isShown = ({ category, recorded }: SyntheticDocument, now: Date): boolean => {
  const years = shownForYears[category.code ?? ''] ?? 0;
  const limit = new Date(now);
  if (Number.isFinite(years)) limit.setFullYear(now.getFullYear() - years);
  return years === Number.POSITIVE_INFINITY || Date.parse(recorded) >= limit.getTime();
};

const isWithin = (date: string, from: string | undefined, to: string | undefined) =>
  (!from || date.slice(0, 10) >= from) && (!to || date.slice(0, 10) <= to);

/** Restricted one by one by its label, or with others by a restriction of the module or of a period. */
const isRestricted = ({ privacy }: SyntheticPerson, { securityLabel, recorded }: SyntheticDocument): boolean =>
  securityLabel === 'NORS' ||
  privacy.restrictions.some(
    ({ module, expired, from, to }) => module === 'documents' && !expired && isWithin(recorded, from, to),
  );

const community = '2.16.578.1.12.4.5.99';
const concept = ({ system, code, display }: SyntheticDocument['category']) => ({
  coding: [{ system: system ?? 'urn:oid:2.16.578.1.12.4.1.1.9602', code, display }],
});

const referenceTo = (document: SyntheticDocument, person: SyntheticPerson, index: number) => {
  const { id, author, organisation, title, contentType, recorded } = document;
  const label = isRestricted(person, document) ? 'NORS' : document.securityLabel;
  const [given = '', ...family] = author.name.split(' ');
  return {
    resourceType: 'DocumentReference',
    id: `d${index + 1}`,
    contained: [
      {
        resourceType: 'Organization',
        id: 'org1',
        identifier: [{ system: 'urn:oid:2.16.578.1.12.4.1.4.101', value: organisation.number }],
        name: organisation.name,
      },
      {
        resourceType: 'Practitioner',
        id: 'pr1',
        identifier: [{ system: 'urn:oid:2.16.578.1.12.4.1.4.4', value: author.hprNumber }],
        name: [{ family: family.join(' '), given: [given] }],
      },
    ],
    masterIdentifier: { value: `${community}.1^${id}` },
    status: 'current',
    category: [concept(document.category)],
    type: concept(document.type),
    subject: { identifier: { system: identifierSystem(person.nationalId), value: person.nationalId } },
    date: recorded,
    author: [{ reference: '#org1' }, { reference: '#pr1' }],
    securityLabel: [{ coding: [{ system: 'urn:oid:2.16.578.1.12.4.1.1.9603', code: label }] }],
    content: [
      {
        attachment: {
          contentType,
          creation: recorded,
          title,
          size: Buffer.byteLength(document.text),
          url: `/mhd/document?documentUniqueId=${id}&homeCommunityId=urn:oid:${community}&repositoryUniqueId=${community}.1`,
        },
      },
    ],
  };
};

const orderings: Record<string, (document: SyntheticDocument) => string> = {
  date: ({ recorded }) => recorded,
  name: ({ title }) => title,
  securityLabel: ({ securityLabel }) => securityLabel,
  category: ({ category }) => category.code ?? '',
  type: ({ type }) => type.code ?? '',
  organization: ({ organisation }) => organisation.name,
};
const order = (documents: SyntheticDocument[], sort: string) => {
  const keyOf = orderings[sort.replace(/^-/, '')];
  if (!keyOf) return null;
  const sign = sort.startsWith('-') ? -1 : 1;
  return documents.toSorted(
    (a, b) => sign * keyOf(a).localeCompare(keyOf(b)) || (a.id < b.id ? -1 : 1), // ties always in the same order
  );
};

const whole = (text: string | null, usual: number, most: number): number | null => {
  const number = text === null ? usual : Number(text);
  return Number.isInteger(number) && number >= 1 && number <= most ? number : null;
};

/**
 * Pasientens journaldokumenter (reference 3): the search for document references, with its two legal grounds, restriction
 * counted in a header, and pages. Retrieval of the documents themselves is not here.
 */
export const startJournaldokumenter = ({
  population,
  checkAccess,
  listen,
}: {
  population: Population;
  checkAccess: AccessCheck;
  listen?: Listen | undefined;
}): Promise<Simulator> => {
  const refuse = refuser('PHR', 'patient-health-records');

  return startSimulator({
    name: 'journaldokumenter',
    listen,
    errorBody: errorBodyOf('PHR', 'patient-health-records'),
    routes(app, fault) {
      app.get('/ping', async () => ({ status: 'ok' }));

      app.post(path, async (request: FastifyRequest, reply) => {
        const url = `http://${request.host}${request.url}`;
        const checked = await checkAccess(
          { method: request.method, url, headers: request.headers },
          { audience: 'nhn:phr/mhd', scopes: listScopes, as: 'user', organisation: 'both' },
        );
        if (!checked.ok) return refuse(reply, { ...faults.noAccess, status: checked.refusal.status });
        const { access } = checked;
        const scopes = listScopes.filter((scope) => access.scopes.includes(scope));
        if (scopes.length !== 1) return refuse(reply, faults.noAccess);
        const isCare = scopes[0] === careScope;

        const header = (name: string) => {
          const value = request.headers[name];
          return typeof value === 'string' ? value : undefined;
        };
        const system = header('nhn-source-system');
        const statedBasis = header('nhn-access-basis');
        const basis = readBasis(statedBasis);
        if (!system || (scopes[0] === kjernejournalScope && !statedBasis)) return refuse(reply, faults.missingHeader);
        const isFhir = header('accept')?.startsWith('application/fhir+json');
        if (system.length < 3 || system.length > 512 || (statedBasis && !basis) || !isFhir)
          return refuse(reply, faults.invalidHeader);
        if (!header('content-type')?.startsWith('application/x-www-form-urlencoded') || request.url !== path)
          return refuse(reply, faults.invalidQuery);

        const form = new URLSearchParams(String(request.body ?? ''));
        const count = whole(form.get('_count'), 20, 200);
        const page = whole(form.get('_page'), 1, 100_000);
        if (form.get('status') !== 'current' || !count || !page) return refuse(reply, faults.invalidQuery);
        const token = form.get('patient.identifier') ?? '';
        const [nationalId, namingSystem] = token.split('|').reverse() as [string, string?]; // with a system, or bare
        const asked = personFor(population, nationalId);
        if (!asked.ok) return refuse(reply, asked.fault);
        if (namingSystem !== undefined && namingSystem !== identifierSystem(nationalId))
          return refuse(reply, faults.invalidNationalId);

        const now = new Date();
        const legal = asked.person.documents.filter((document) => isCare || isShown(document, now));
        const hasRestricted = legal.some((document) => isRestricted(asked.person, document));
        const wrong = privacyFault(asked.person, access, { basis, isRestricted: hasRestricted, refusesWhole: false });
        if (wrong) return refuse(reply, wrong);

        const opens = access.kind === 'citizen' || isElevated(basis);
        const isMixedUp = fault.current.garbage === 'otherPatient';
        const person = isMixedUp ? population.somebodyElse(asked.person) : asked.person;
        const open = isMixedUp
          ? person.documents
          : legal.filter((document) => opens || !isRestricted(person, document));
        const sorted = order(open, form.get('_sort') ?? '-date');
        if (!sorted) return refuse(reply, faults.invalidQuery);

        const start = (page - 1) * count;
        const shown = sorted.slice(start, start + count);
        const link = (relation: string, number: number) => ({
          relation,
          url: `${url}?_page=${number}&_count=${count}`,
        });
        return reply
          .type('application/fhir+json')
          .header('NHN-SecurityLabel-Nors-Count', String(legal.length - (isMixedUp ? legal.length : open.length)))
          .send({
            resourceType: 'Bundle',
            type: 'searchset',
            total: sorted.length,
            link: [link('self', page), ...(start + count < sorted.length ? [link('next', page + 1)] : [])],
            entry: shown.map((document, index) => ({ resource: referenceTo(document, person, start + index) })),
          });
      });
    },
  });
};

import * as z from 'zod';
import { identifierSystem } from '../../schema/nationalId.ts';
import {
  answeredCode,
  errorCodeSystem,
  noRightToKjernejournal,
  refusalCodes,
} from '../../subgraphs/eresept/adapter/refusals.ts';
import type { Access, AccessCheck } from '../_shared/access.ts';
import { isAboutCitizenThemselves } from '../_shared/citizen.ts';
import type { Listen } from '../_shared/listen.ts';
import { type Simulator, startSimulator } from '../_shared/simulator.ts';
import type { Population, SyntheticPerson } from '../population/model.ts';
import { medicationDocument } from './eresept/document.ts';

/** Upstreams of SFM made to fail while SFM itself answers 200, each with its code of `sfm-kj-rf-error-code`; absent is OK. */
export type UpstreamFailures = { kjernejournal?: string; prescriptions?: string; medicationList?: string };
export type EreseptSimulator = Simulator & {
  /** Partial failure, normal with SFM (reference 5.2). Read for every call. */
  upstreams: { current: UpstreamFailures };
};

const contentType = 'application/fhir+json';
const outcome = (code: string, text: string, detail?: string) => ({
  resourceType: 'OperationOutcome',
  issue: [
    {
      severity: 'error',
      code,
      diagnostics: text,
      ...(detail ? { details: { coding: [{ system: errorCodeSystem, code: detail }] } } : {}),
    },
  ],
});
const issueCodes: Record<number, string> = { 401: 'login', 403: 'forbidden', 404: 'not-found', 429: 'throttled' };

const Consent = z.enum(['HPAKUTT', 'HPMOTTATTSAMTYKKE', 'HPUNNTAK']);
const ExtraConsent = Consent.exclude(['HPUNNTAK']);
const Question = z.object({
  resourceType: z.literal('Parameters'),
  parameter: z.array(z.looseObject({ name: z.string() })),
});
const Patient = z.object({
  resourceType: z.literal('Patient'),
  identifier: z.tuple([z.object({ system: z.string(), value: z.string() })]),
});

type Asked = {
  nationalId: string;
  kjernejournal: boolean;
  restricted: boolean;
  locked: boolean;
};

/** What the caller asks for, or `null` when the Parameters are not as the operation defines them. */
const readQuestion = (body: string): Asked | null => {
  try {
    const { parameter } = Question.parse(JSON.parse(body));
    const named = (name: string) => parameter.find((it) => it.name === name);
    const [{ system, value }] = Patient.parse(named('patient')?.['resource']).identifier;
    if (system !== identifierSystem(value)) return null; // a D-number under the fnr's system, and the like
    const given = (name: string, values: z.ZodType<string>) =>
      named(name) !== undefined && values.parse(named(name)?.['valueCode']) !== undefined;
    return {
      nationalId: value,
      kjernejournal: given('SamtykkeKjernejournal', Consent),
      restricted: given('SamtykkeSperretLegemidler', ExtraConsent),
      locked: given('SamtykkeLasteResepter', ExtraConsent),
    };
  } catch {
    return null;
  }
};

/** Required of professionals; a citizen asks for themselves without one, inferred. */
const JournalId = z.object({
  type: z.literal('nhn:sfm:journal-id'),
  value: z.object({ journal_id: z.uuid() }),
});
const hasJournalId = ({ claims }: Access): boolean => {
  const details = claims['authorization_details'];
  return Array.isArray(details) && details.some((it) => JournalId.safeParse(it).success);
};

/**
 * Which upstream refuses because of the patient's own choices. Inferred as a whole: the reference says that these choices
 * exist (14.3), not how SFM tells of them. Citizens see their own.
 */
const refusedUpstreams = ({ privacy }: SyntheticPerson, asked: Asked, access: Access): UpstreamFailures => {
  if (access.kind === 'citizen') return {};
  const withheld = privacy.restrictions.some(({ module, expired }) => module === 'medication' && !expired);
  if (withheld && !asked.restricted)
    return { kjernejournal: noRightToKjernejournal, prescriptions: refusalCodes.restricted };
  const closed = !asked.kjernejournal || privacy.reservations.includes('kjernejournal');
  return closed ? { kjernejournal: noRightToKjernejournal } : {};
};

/** The whole call refused, for the same inferred reasons: a blocked professional, or a patient who shares nothing. */
const refusedCall = ({ privacy }: SyntheticPerson, access: Access): string | null => {
  if (access.kind === 'citizen') return null;
  if (access.hprNumber && privacy.blockedProfessionals.includes(access.hprNumber)) return refusalCodes.blocked;
  return privacy.reservations.some((it) => it === '*' || it === 'eresept') ? refusalCodes.reserved : null;
};

const codeParameter = (name: string, code = answeredCode) => ({
  name,
  valueCodeableConcept: {
    coding: [{ system: errorCodeSystem, code }],
    ...(code === answeredCode ? {} : { text: 'TraceID: 00000000. Error: the upstream’s own technical text' }),
  },
});

/**
 * SFM Basis API, `$getMedication` only. Locked prescriptions stay out unless `SamtykkeLasteResepter` is given; what the
 * patient has restricted takes `SamtykkeSperretLegemidler`.
 */
export const startEresept = async ({
  population,
  checkAccess,
  listen,
}: {
  population: Population;
  checkAccess: AccessCheck;
  listen?: Listen | undefined;
}): Promise<EreseptSimulator> => {
  const upstreams: EreseptSimulator['upstreams'] = { current: {} };
  const simulator = await startSimulator({
    name: 'eresept',
    listen,
    errorBody: (status) => ({
      contentType,
      body: JSON.stringify(outcome(issueCodes[status] ?? 'exception', 'The request failed')),
    }),
    routes(app, fault) {
      app.post('/Patient/$getMedication', async (request, reply) => {
        reply.type(contentType);
        const { method, headers } = request;
        const url = `http://${headers.host}${request.url}`;
        const checked = await checkAccess(
          { method, url, headers },
          {
            audience: 'e-helse:sfm.api',
            scopes: ['e-helse:sfm.api/sfm.api2'],
            as: 'user',
            organisation: 'parent',
            hprNumber: true,
          },
        );
        if (!checked.ok) {
          const { status, reason } = checked.refusal;
          return reply.code(status).send(outcome(issueCodes[status]!, reason));
        }
        const { access } = checked;
        if (access.kind === 'professional' && !hasJournalId(access))
          return reply.code(403).send(outcome('security', 'journal-id is missing'));
        if (headers['content-type']?.split(';')[0] !== contentType)
          return reply.code(415).send(outcome('not-supported', `content-type must be ${contentType}`));
        const asked = readQuestion(String(request.body ?? ''));
        if (!asked) return reply.code(400).send(outcome('invalid', 'the parameters are not valid'));
        const person = population.byNationalId(asked.nationalId);
        if (!person) return reply.code(404).send(outcome('not-found', 'the patient is not known'));
        const numbers = [person.nationalId, ...person.formerNationalIds];
        if (access.kind === 'citizen' && !isAboutCitizenThemselves(access, numbers))
          return reply.code(403).send(outcome('forbidden', 'not the citizen’s own'));
        const refused = refusedCall(person, access);
        if (refused) return reply.code(403).send(outcome('forbidden', 'refused by the patient', refused));

        const failures = { ...refusedUpstreams(person, asked, access), ...upstreams.current };
        const about = fault.current.garbage === 'otherPatient' ? population.somebodyElse(person) : person;
        const now = new Date().toISOString();
        const document = medicationDocument(population, about, {
          locked: asked.locked,
          now,
          failed: { medicationList: failures.medicationList !== undefined },
        });
        const isLocked = about.medication.some(({ locked }) => locked);
        return reply.send({
          resourceType: 'Parameters',
          parameter: [
            ...(failures.prescriptions === undefined ? [{ name: 'medication', resource: document }] : []),
            { name: 'KJHentetTidspunkt', valueDateTime: now },
            { name: 'RFHentetTidspunkt', valueDateTime: now },
            codeParameter('KJFeilkode', failures.kjernejournal),
            codeParameter('RFM96Feilkode', failures.prescriptions),
            codeParameter('RFM912Feilkode', failures.medicationList),
            {
              name: 'KJHarLegemidler',
              valueBoolean: failures.kjernejournal === undefined && about.medication.length > 0,
            },
            { name: 'KJHarLaste', valueBoolean: failures.kjernejournal === undefined && isLocked },
            { name: 'RFHarLaste', valueBoolean: failures.prescriptions === undefined && isLocked },
          ],
        });
      });
    },
  });
  return { ...simulator, upstreams };
};

import { hash } from 'node:crypto';
import { withoutNationalIds } from '../../../../schema/nationalIdText.ts';
import type { FhirResource } from '../../../_shared/fhir.ts';
import { extentExtension } from '../../readModels/service.ts';
import { readTime } from '../event.ts';
import type { AppRecError } from './appRec.ts';
import { fhirTime } from './time.ts';
import { childAt, childrenOf, descendantsOf, displayOf, readValue, type XmlNode } from './xmlNode.ts';

const at = 'Document.RefDoc.Content.EksisterendeTjeneste';

const statusOf = (isCancelled: boolean, start: string | undefined, end: string | undefined, today: string): string => {
  if (isCancelled) return 'entered-in-error';
  if (end !== undefined && end < today) return 'finished';
  return start !== undefined && start.slice(0, 10) > today ? 'planned' : 'active';
};

const dateOf = (service: XmlNode, name: string): string | undefined => {
  const text = readValue(childAt(service, name));
  return text === undefined ? undefined : fhirTime(text);
};

const unitOf = (service: XmlNode): string | undefined => {
  const unit = childAt(service, 'TjenestenLevertAv');
  return readValue(unit) ?? (unit && readValue(descendantsOf(unit, 'OrganisationName')[0]));
};

/**
 * The services that a care-sector message (OrienteringOmTjenestetilbud) says the patient has, as EpisodeOfCare. PLO gives a
 * service no id of its own: kind, start and unit are what it is known by from one message to the next. A cancelled message
 * (7309 `C`) withdraws what it stated. Element names as in the Directorate of Health's display files for PLO.
 *
 * @returns an error for each service that cannot be told apart or dated; it is in the message all the same
 */
export const servicesOf = (
  content: XmlNode,
  subject: unknown,
  now: Date,
): { resources: FhirResource[]; errors: AppRecError[] } => {
  const resources: FhirResource[] = [];
  const errors: AppRecError[] = [];
  if (content.name !== 'OrienteringOmTjenestetilbud') return { resources, errors };
  const isCancelled = descendantsOf(content, 'Forsendelsesstatus').some((it) => readValue(it) === 'C');
  const today = now.toISOString().slice(0, 10);
  for (const service of descendantsOf(content, 'EksisterendeTjeneste')) {
    const [iplos] = childrenOf(service, 'IPLOStjenestetype');
    const called = readValue(childAt(service, 'BetegnelseTjeneste')) ?? displayOf(iplos);
    const code = iplos?.attributes['V'];
    const [start, end] = [dateOf(service, 'Startdato'), dateOf(service, 'Sluttdato')];
    const badDates = Object.entries({ Startdato: start, Sluttdato: end })
      .filter(([, text]) => text !== undefined && !readTime(text))
      .map(([name]) => ({ code: 'T02' as const, path: `${at}.${name}` }));
    const unnamed = code === undefined && called === undefined;
    if (unnamed) errors.push({ code: 'T02', path: `${at}.IPLOStjenestetype` });
    errors.push(...badDates);
    if (unnamed || badDates.length > 0) continue;
    const unit = unitOf(service);
    const extent = ['AntallEnheter', 'Enhet'].map((name) => {
      const node = childAt(service, name);
      return displayOf(node) ?? readValue(node);
    });
    const name = hash('sha256', JSON.stringify([code ?? called, start, unit]), 'base64url').slice(0, 22);
    resources.push({
      resourceType: 'EpisodeOfCare',
      identifier: [{ system: 'urn:kith:plo:tjeneste', value: name }],
      status: statusOf(isCancelled, start, end, today),
      type: [
        {
          ...(called === undefined ? {} : { text: withoutNationalIds(called) }),
          coding:
            code === undefined
              ? []
              : [
                  {
                    ...(iplos?.attributes['S'] === undefined ? {} : { system: `urn:oid:${iplos.attributes['S']}` }),
                    code,
                    ...(displayOf(iplos) === undefined ? {} : { display: displayOf(iplos) }),
                  },
                ],
        },
      ],
      patient: subject,
      period: { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) },
      ...(unit === undefined ? {} : { managingOrganization: { display: unit } }),
      ...(extent[0] === undefined
        ? {}
        : { extension: [{ url: extentExtension, valueString: extent.filter((it) => it !== undefined).join(' ') }] }),
    });
  }
  return { resources, errors };
};

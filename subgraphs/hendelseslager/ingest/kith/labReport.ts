import { hash } from 'node:crypto';
import { withoutNationalIds } from '../../../../schema/nationalIdText.ts';
import type { Read } from '../refusal.ts';
import { type AppRecError, type Party, readParty } from './appRec.ts';
import { personSystems, reportStatus } from './codes.ts';
import {
  type Delivery,
  type Environment,
  type Head,
  keep,
  lacks,
  readHead,
  readOccurred,
  readPerson,
  setAside,
} from './message.ts';
import { fhirTime } from './time.ts';
import { childAt, childrenOf, descendantsOf, displayOf, readValue, type XmlNode } from './xmlNode.ts';

/** `ServProvider` and `Requester` name their organisation in a form of their own, where they name one. */
const partyOf = (role: XmlNode | undefined): Party | null => {
  const [inst] = role ? descendantsOf(role, 'Inst') : [];
  return readParty(
    {
      name: readValue(childAt(inst, 'Name')),
      id: readValue(childAt(inst, 'Id')),
      idType: readValue(childAt(inst, 'TypeId')),
    },
    null,
  );
};

/** When samples were taken, the oldest first (reference 4.2); a cancelled report has none, and keeps its day of issue. */
const timesIn = (report: XmlNode, patient: XmlNode): (readonly [path: string, text: string | undefined])[] => {
  const collected = descendantsOf(patient, 'CollectedDate').flatMap((it) => {
    const text = readValue(it);
    return text === undefined ? [] : fhirTime(text);
  });
  const oldest = collected.sort((one, other) => Date.parse(one) - Date.parse(other))[0];
  return [
    ['ServReport.Patient.AnalysedSubject.CollectedSample.CollectedDate', oldest],
    ['ServReport.IssueDate', readValue(childAt(report, 'IssueDate'))],
  ];
};

/** 7309: what a report does to those before it. */
const isCorrection = (kind: string) => kind === 'M' || kind === 'C' || kind === 'A';

/**
 * Lab report (svarrapport 1.3 and 1.4), which has no MsgHead -> event. Versions of one report have laboratory, `ServProvId` and
 * `IssueDate` in common; a changed, added to or cancelled one refers to the version before it (reference 13.3).
 */
export const readLabReport = (root: XmlNode, original: Buffer, environment: Environment, now: Date): Read<Delivery> => {
  const named = readHead(childAt(root, 'MsgId'), childAt(root, 'GenDate'), { id: 'MsgId', genDate: 'GenDate' }, now);
  if (!named.ok) return named;
  const report = childAt(root, 'ServReport');
  const laboratory = partyOf(childAt(report, 'ServProvider'));
  const head: Head = {
    ...named.value,
    type: withoutNationalIds(readValue(childAt(root, 'Type')) ?? ''),
    typeName: withoutNationalIds(displayOf(childAt(root, 'Type')) ?? '') || null,
    sender: laboratory,
    receiver: partyOf(childAt(report, 'Requester')),
  };
  const patient = childAt(report, 'Patient');
  const idents = childrenOf(patient, 'OffId').map((id) => ({
    path: 'ServReport.Patient.OffId',
    idType: readValue(childAt(patient, 'TypeOffId')) ?? '',
    value: readValue(id) ?? '',
  }));
  const person = readPerson(idents, [], 'ServReport.Patient.OffId', environment);
  const occurred = report && patient ? readOccurred(timesIn(report, patient), now) : lacks('T02', 'ServReport.Patient');
  const kind = readValue(childAt(report, 'ServType')) ?? '';
  const reportId = readValue(childAt(report, 'ServProvId'));
  const issued = fhirTime(readValue(childAt(report, 'IssueDate')) ?? '');
  const errors: AppRecError[] = [
    ...(head.type === 'SVAR_LAB' ? [] : lacks('T10', 'Type').errors),
    ...(/^[NMCHA]$/.test(kind) ? [] : lacks('T02', 'ServReport.ServType').errors),
    ...(reportId === undefined ? lacks('T02', 'ServReport.ServProvId').errors : []),
    ...(person.ok ? [] : person.errors),
    ...(occurred.ok ? [] : occurred.errors),
  ];
  if (!person.ok || !occurred.ok || errors.length > 0) return { ok: true, value: setAside(head, errors, original) };

  const discipline = childAt(report, 'MsgDescr');
  const resource = {
    resourceType: 'DiagnosticReport',
    identifier: [{ system: 'ServProvId', value: reportId }],
    status: reportStatus(kind, readValue(childAt(report, 'Status')) ?? ''),
    code: {
      coding: [
        {
          system: 'http://ehelse.no/fhir/CodeSystem/no-kodeverk-8202',
          code: readValue(discipline),
          display: displayOf(discipline),
        },
      ],
    },
    subject: {
      identifier: { system: personSystems[idents[0]!.idType], value: person.value.nationalId },
    },
    effectiveDateTime: occurred.value.text,
    issued: head.issued,
  };
  return {
    ok: true,
    value: keep(
      head,
      {
        type: 'no.kith.labsvar',
        person: person.value,
        occurred: occurred.value,
        versionOf: {
          thing: hash('sha256', JSON.stringify([laboratory?.id ?? null, reportId, issued]), 'base64url'),
          isCorrection: isCorrection(kind),
        },
        resources: [{ resource }],
      },
      root,
      readValue(childAt(patient, 'Name')) === undefined ? lacks('E32', 'ServReport.Patient.Name').errors : [],
      original,
    ),
  };
};

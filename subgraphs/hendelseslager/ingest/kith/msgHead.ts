import { withoutNationalIds } from '../../../../schema/nationalIdText.ts';
import type { Person } from '../person.ts';
import { type Read, refuseMessage } from '../refusal.ts';
import { type AppRecError, type Party, readParty } from './appRec.ts';
import { organisationSystems, personSystems, typeOfContent } from './codes.ts';
import {
  type Delivery,
  type Environment,
  type Head,
  type Ident,
  keep,
  lacks,
  readHead,
  readOccurred,
  readPerson,
  setAside,
} from './message.ts';
import { servicesOf } from './services.ts';
import { fhirTime } from './time.ts';
import { childAt, childrenOf, descendantsOf, displayOf, readValue, type XmlNode } from './xmlNode.ts';

/** An organisation by the first number that it is known by, and the unit inside it; `null` where it gives none. */
const partyOf = (organisation: XmlNode | undefined): Party | null => {
  const ident = childrenOf(organisation, 'Ident').find((it) =>
    Object.hasOwn(organisationSystems, readValue(childAt(it, 'TypeId')) ?? ''),
  );
  return readParty(
    {
      name: readValue(childAt(organisation, 'OrganisationName')),
      id: readValue(childAt(ident, 'Id')),
      idType: readValue(childAt(ident, 'TypeId')),
    },
    organisation ? partyOf(childAt(organisation, 'Organisation')) : null,
  );
};

const identsIn = (patient: XmlNode, at: string): Ident[] =>
  childrenOf(patient, 'Ident').map((ident) => ({
    path: `${at}.Ident.Id`,
    idType: readValue(childAt(ident, 'TypeId')) ?? '',
    value: readValue(childAt(ident, 'Id')) ?? '',
  }));

/** Documents name the patient once more, in one of two ways; what they say has to be what the head says. */
const identsInContent = (content: XmlNode): Ident[] =>
  descendantsOf(content, 'Patient').flatMap((patient) => [
    ...identsIn(patient, 'Document.RefDoc.Content.Patient'),
    ...childrenOf(patient, 'OffId').map((id) => ({
      path: 'Document.RefDoc.Content.Patient.OffId',
      idType: readValue(childAt(patient, 'TypeOffId')) ?? '',
      value: readValue(id) ?? '',
    })),
  ]);

const base64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;
/** Attachments that cannot be read, or that lie elsewhere: nothing is fetched from an address in a message. */
const attachmentErrors = (refDocs: readonly XmlNode[]): AppRecError[] =>
  refDocs.flatMap((refDoc) => [
    ...descendantsOf(refDoc, 'Base64Container')
      .filter(({ text }) => !base64.test(text))
      .map(() => ({ code: 'T99' as const, path: 'Document.RefDoc.Content.Base64Container' })),
    ...childrenOf(refDoc, 'FileReference').map(() => ({ code: 'T99' as const, path: 'Document.RefDoc.FileReference' })),
  ]);

const referenceTo = (party: Party | null) =>
  party && {
    identifier: { system: organisationSystems[party.idType], value: party.id },
    ...(party.name === null ? {} : { display: party.name }),
  };

/** The message itself as FHIR: who told whom, about whom, as an answer to what. What it says is kept beside it. */
const communicationOf = (head: Head, info: XmlNode, content: XmlNode, subject: unknown) => {
  const parent = readValue(childAt(info, 'ConversationRef', 'RefToParent'));
  const [topic] = descendantsOf(content, 'TemaKodet', 'TypeForesp', 'TypeInnholdKonsultasjon');
  const coding = topic && {
    ...(topic.attributes['S'] === undefined ? {} : { system: `urn:oid:${topic.attributes['S']}` }),
    code: topic.attributes['V'],
    display: displayOf(topic),
  };
  return {
    resourceType: 'Communication',
    status: 'completed',
    identifier: [{ value: head.key }],
    ...(parent === undefined ? {} : { inResponseTo: [{ identifier: { value: parent } }] }),
    ...(coding ? { topic: { coding: [coding] } } : {}),
    subject,
    sent: head.issued,
    sender: referenceTo(head.sender?.unit ?? head.sender),
    recipient: [referenceTo(head.receiver?.unit ?? head.receiver)],
  };
};

/**
 * When it happened, by the documents, most specific first: a contact's start, the latest event that has been (messages tell of
 * planned ones too), the date of a note. `IssueDate` is the document's own; none of them is GenDate.
 */
const timesIn = (
  content: XmlNode,
  refDoc: XmlNode,
  now: Date,
): (readonly [path: string, text: string | undefined])[] => {
  const latest = (name: string) =>
    descendantsOf(content, name)
      .flatMap((it) => fhirTime(readValue(it) ?? '') || [])
      .filter((text) => !(Date.parse(text) > now.getTime()))
      .sort((one, other) => Date.parse(other) - Date.parse(one))[0];
  return [
    ...['KontaktStartet', 'TidspunktForHendelse', 'DatoNotat'].map(
      (name) => [`Document.RefDoc.Content.${name}`, latest(name)] as const,
    ),
    ['Document.RefDoc.IssueDate', readValue(childAt(refDoc, 'IssueDate'))],
  ];
};

const subjectOf = ({ nationalId }: Person, idents: readonly Ident[]) => ({
  identifier: {
    system: personSystems[idents.find(({ value }) => value === nationalId)?.idType ?? ''],
    value: nationalId,
  },
});

/** The first document, and what kind of event it is. */
const documentOf = (root: XmlNode, head: Head) => {
  const refDocs = childrenOf(root, 'Document').flatMap((it) => childrenOf(it, 'RefDoc'));
  const [refDoc] = refDocs;
  const content = childAt(refDoc, 'Content')?.children[0];
  if (!refDoc || !content) return lacks('T02', 'Document.RefDoc.Content');
  const type = typeOfContent(head.type, content);
  return type === null
    ? lacks('T10', 'Document.RefDoc.Content')
    : { ok: true as const, value: { refDocs, refDoc, content, type } };
};

/**
 * MsgHead 1.2 with a dialogue message, a discharge summary, a referral or a care-sector (PLO) message -> event, or set aside
 * with all the reasons that were found. Signatures are kept with the original and not judged.
 */
export const readMsgHead = (root: XmlNode, original: Buffer, environment: Environment, now: Date): Read<Delivery> => {
  const info = childAt(root, 'MsgInfo');
  if (!info) return refuseMessage('T02', 'missing', 'MsgInfo');
  const named = readHead(
    childAt(info, 'MsgId'),
    childAt(info, 'GenDate'),
    {
      id: 'MsgInfo.MsgId',
      genDate: 'MsgInfo.GenDate',
    },
    now,
  );
  if (!named.ok) return named;
  const type = childAt(info, 'Type');
  const head: Head = {
    ...named.value,
    type: withoutNationalIds(readValue(type) ?? ''),
    typeName: withoutNationalIds(displayOf(type) ?? '') || null,
    sender: partyOf(childAt(info, 'Sender', 'Organisation')),
    receiver: partyOf(childAt(info, 'Receiver', 'Organisation')),
  };

  const document = documentOf(root, head);
  const patients = childrenOf(info, 'Patient');
  const idents = patients.flatMap((it) => identsIn(it, 'MsgInfo.Patient'));
  const alsoNamed = document.ok ? identsInContent(document.value.content) : [];
  const person = readPerson(idents, alsoNamed, 'MsgInfo.Patient.Ident', environment);
  const occurred = document.ok
    ? readOccurred(timesIn(document.value.content, document.value.refDoc, now), now)
    : document;
  const errors: AppRecError[] = [
    ...(head.type ? [] : lacks('T02', 'MsgInfo.Type').errors),
    ...(head.sender ? [] : lacks('T02', 'MsgInfo.Sender').errors),
    ...(head.receiver ? [] : lacks('E21', 'MsgInfo.Receiver').errors),
    ...(person.ok ? [] : person.errors),
    ...(occurred.ok ? [] : occurred.errors),
  ];
  if (!document.ok || !person.ok || !occurred.ok || errors.length > 0)
    return { ok: true, value: setAside(head, errors, original) };

  const { content, refDocs } = document.value;
  const subject = subjectOf(person.value, idents);
  const services = servicesOf(content, subject, now);
  const partErrors = [
    ...(patients.some((it) => readValue(childAt(it, 'FamilyName')))
      ? []
      : lacks('E32', 'MsgInfo.Patient.FamilyName').errors),
    ...services.errors,
    ...attachmentErrors(refDocs),
  ];
  const resources = [communicationOf(head, info, content, subject), ...services.resources].map((resource) => ({
    resource,
  }));
  return {
    ok: true,
    value: keep(
      head,
      { type: document.value.type, person: person.value, occurred: occurred.value, versionOf: null, resources },
      root,
      partErrors,
      original,
    ),
  };
};

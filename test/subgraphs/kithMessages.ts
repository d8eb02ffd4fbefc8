import { randomUUID } from 'node:crypto';
import { fjordarm } from './hendelseslagerSetup.ts';

const oid = '2.16.578.1.12.4.1.1';
const her = (id: string) => `<Ident><Id>${id}</Id><TypeId V="HER" DN="HER-id" S="${oid}.9051"/></Ident>`;

export const ident = (value: string, idType = 'FNR') =>
  `<Ident><Id>${value}</Id><TypeId V="${idType}" DN="Nummer" S="${oid}.8116"/></Ident>`;

export type MsgHeadParts = {
  msgId: string;
  type: string;
  genDate: string;
  receiver: string;
  patient: string;
  issueDate: string;
  content: string;
  /** After the first document. */
  more: string;
};

export const dialogue =
  '<Dialogmelding xmlns="http://www.kith.no/xmlstds/dialog/2013-01-23"><Notat>' +
  `<TemaKodet V="8" DN="Forespørsel om helseopplysninger" S="${oid}.7322"/>` +
  '<Tema>Legemiddelspørsmål</Tema><TekstNotatInnhold>Ber om oppdatert medisinliste.</TekstNotatInnhold>' +
  '</Notat></Dialogmelding>';

/** The reference's MsgHead (13.2), about somebody of the sandbox. */
export const msgHead = (change: Partial<MsgHeadParts> = {}): string => {
  const parts: MsgHeadParts = {
    msgId: randomUUID(),
    type: '<Type V="DIALOG_HELSEFAGLIG" DN="Helsefaglig dialog"/>',
    genDate: '2026-03-06T11:45:00+01:00',
    receiver:
      '<Receiver><Organisation><OrganisationName>Demo legekontor</OrganisationName>' +
      `${her('8999950')}</Organisation></Receiver>`,
    patient: `<Patient><FamilyName>FJORDARM</FamilyName><GivenName>STILLE</GivenName>${ident(fjordarm)}</Patient>`,
    issueDate: '<IssueDate V="2026-03-05T09:30:00+01:00"/>',
    content: dialogue,
    more: '',
    ...change,
  };
  return `<?xml version="1.0" encoding="UTF-8"?>
<MsgHead xmlns="http://www.kith.no/xmlstds/msghead/2006-05-24">
  <MsgInfo>
    ${parts.type}
    <MIGversion>v1.2 2006-05-24</MIGversion>
    <GenDate>${parts.genDate}</GenDate>
    <MsgId>${parts.msgId}</MsgId>
    <ConversationRef><RefToParent>1c2d3e4f-0000-4000-8000-000000000500</RefToParent></ConversationRef>
    <Sender><Organisation>
      <OrganisationName>Eksempelvik kommune</OrganisationName>${her('8999900')}
      <Organisation><OrganisationName>Hjemmetjeneste sone nord</OrganisationName>${her('8999901')}</Organisation>
    </Organisation></Sender>
    ${parts.receiver}
    ${parts.patient}
  </MsgInfo>
  <Document><RefDoc>
    ${parts.issueDate}<MsgType V="XML" DN="XML-instans"/>
    <Content>${parts.content}</Content>
  </RefDoc></Document>${parts.more}
</MsgHead>
`;
};

export const attachment = (base64: string) =>
  '<Document><RefDoc><MsgType V="A" DN="Vedlegg"/><MimeType>application/pdf</MimeType><Content>' +
  `<Base64Container xmlns="http://www.kith.no/xmlstds/base64container">${base64}</Base64Container>` +
  '</Content></RefDoc></Document>';

/** A care-sector message of a kind, with elements of the common component. */
export const care = (kind: string, elements: string, version = '2009-06-30') =>
  `<p:${kind} xmlns:p="http://www.kith.no/xmlstds/po/${kind}/${version}" ` +
  `xmlns:po="http://www.kith.no/xmlstds/po/poKomponent/${version}">${elements}</p:${kind}>`;

export type ServiceParts = { code: string; name: string; start: string; end: string; unit: string };
/** One service of OrienteringOmTjenestetilbud. */
export const service = ({ code, name, start, end, unit }: Partial<ServiceParts> = {}) =>
  `<po:EksisterendeTjeneste><po:IPLOStjenestetype V="${code ?? '15'}" DN="${name ?? 'Helsetjenester i hjemmet'}" S="${oid}.9151"/>` +
  `<po:TjenestenLevertAv>${unit ?? 'Hjemmetjeneste sone nord'}</po:TjenestenLevertAv>` +
  '<po:AntallEnheter>6</po:AntallEnheter><po:Enhet>timer per uke</po:Enhet>' +
  `<po:Startdato>${start ?? '2025-09-01'}</po:Startdato>${end ? `<po:Sluttdato>${end}</po:Sluttdato>` : ''}` +
  '</po:EksisterendeTjeneste>';

export type LabReportParts = {
  namespace: string;
  msgId: string;
  type: string;
  genDate: string;
  servType: string;
  status: string;
  servProvId: string;
  issueDate: string;
  patient: string;
  collected: string;
  results: string;
};

export const collected = (time: string) =>
  `<AnalysedSubject><CollectedSample><CollectedDate V="${time}"/></CollectedSample>` +
  `<TypeCoded S="${oid}.8351" V="P" DN="Plasma"/><IdByServProvider>1</IdByServProvider></AnalysedSubject>`;

/** The reference's lab report (13.3), about somebody of the sandbox. */
export const labReport = (change: Partial<LabReportParts> = {}): string => {
  const parts: LabReportParts = {
    namespace: 'http://www.kith.no/xmlstds/labsvar/2012-02-15',
    msgId: randomUUID(),
    type: 'SVAR_LAB',
    genDate: '2026-03-02T10:15:30',
    servType: 'N',
    status: 'F',
    servProvId: 'EKS-2026-000123',
    issueDate: '2026-03-02T10:15:00',
    patient: `<Name>FJORDARM, STILLE</Name><OffId>${fjordarm}</OffId><TypeOffId V="FNR" DN="Fødselsnummer"/>`,
    collected: collected('2026-03-01T08:00:00'),
    results:
      '<ResultItem><NumResult><NumResultValue V="118" U="umol/L"/></NumResult><ServType V="N" DN="Ny"/>' +
      `<Investigation><Id V="NPU04998" S="${oid}.7280" DN="P-Kreatinin"/></Investigation>` +
      '<IdResultItem>R1</IdResultItem><RefAnalysedSubject>1</RefAnalysedSubject></ResultItem>',
    ...change,
  };
  return `<Message xmlns="${parts.namespace}">
  <Type V="${parts.type}" DN="Svarrapport-Laboratoriemedisin"/><MIGversion>v1.4 2012-02-15</MIGversion>
  <GenDate V="${parts.genDate}"/><MsgId>${parts.msgId}</MsgId>
  <ServReport>
    <ServType V="${parts.servType}"/><IssueDate V="${parts.issueDate}"/><Status V="${parts.status}"/>
    <MsgDescr V="CLIN" DN="Medisinsk biokjemi"/><ServProvId>${parts.servProvId}</ServProvId>
    <Patient>${parts.patient}${parts.collected}${parts.results}</Patient>
  </ServReport>
</Message>
`;
};

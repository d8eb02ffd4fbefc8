import { withoutNationalIds } from '../../../../schema/nationalIdText.ts';
import { escapeXml } from '../../../_shared/xml.ts';
import {
  type AppRecErrorCode,
  type AppRecStatus,
  appRecErrors,
  appRecStatuses,
  codeSystem,
  organisationSystems,
} from './codes.ts';

/** An organisation in a message, and the unit below it. Health personnel are left out: the receipt concerns systems. */
export type Party = { name: string | null; id: string; idType: string; unit: Party | null };

/** `null` where there is no number of a kind that organisations are known by (9051). */
export const readParty = (
  { name, id, idType }: Readonly<Record<'name' | 'id' | 'idType', string | undefined>>,
  unit: Party | null,
): Party | null => {
  if (id === undefined || idType === undefined || !/^\d{1,9}$/.test(id)) return null;
  if (!Object.hasOwn(organisationSystems, idType)) return null;
  return { name: name === undefined ? null : withoutNationalIds(name), id, idType, unit };
};

/** An error and where in the message it is; never what stood there. */
export type AppRecError = { code: AppRecErrorCode; path: string };

/** What a receipt says of a message. Its own id and time are those of the event. */
export type AppRec = {
  status: AppRecStatus;
  errors: readonly AppRecError[];
  /** Who answers: the receiver of the message. `null`: the municipality, by its organisation number. */
  sender: Party | null;
  /** Who is answered: the sender of the message. `null`: the municipality, whose system delivered it. */
  receiver: Party | null;
  message: { type: string; typeName: string | null; id: string; issued: string };
};

/** 1 with no errors, 3 with errors in parts of what was kept, 2 when nothing could be used. */
export const statusOf = (errors: readonly AppRecError[], isKept: boolean): AppRecStatus =>
  isKept ? (errors.length === 0 ? 1 : 3) : 2;

const element = (name: string, text: string) => `<${name}>${escapeXml(text)}</${name}>`;
const coded = (name: string, attributes: Readonly<Record<string, string | null>>) =>
  `<${name}${Object.entries(attributes)
    .map(([key, value]) => (value === null ? '' : ` ${key}="${escapeXml(value)}"`))
    .join('')}/>`;

const idTypeNames: Readonly<Record<string, string>> = {
  ENH: 'Organisasjonsnummeret i Enhetsregisteret',
  HER: 'HER-id',
  RSH: 'RESH-id',
};

const party = (name: 'Inst' | 'Dept', { name: called, id, idType, unit }: Party): string =>
  `<${name}>${element('Name', called ?? id)}${element('Id', id)}` +
  coded('TypeId', { V: idType, DN: idTypeNames[idType] ?? null, S: codeSystem(9051) }) +
  `${unit ? party('Dept', unit) : ''}</${name}>`;

/**
 * AppRec 1.1: stands alone, not in a MsgHead (reference 13.2). The same for the same event, however often it is fetched.
 *
 * @param id the event's
 * @param legalEntity organisation number of the municipality, for a party that the message does not name
 */
export const writeAppRec = (
  { status, errors, sender, receiver, message }: AppRec,
  { id, recorded, legalEntity }: { id: string; recorded: Date; legalEntity: string },
): string => {
  const municipality: Party = { name: null, id: legalEntity, idType: 'ENH', unit: null };
  const who = (name: 'Sender' | 'Receiver', it: Party | null) =>
    `<${name}><HCP>${party('Inst', it ?? municipality)}</HCP></${name}>`;
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    '<AppRec xmlns="http://www.kith.no/xmlstds/apprec/2012-02-15">' +
    coded('MsgType', { V: 'APPREC', DN: 'Applikasjonskvittering' }) +
    element('MIGversion', 'v1.1 2012-02-15') +
    element('GenDate', recorded.toISOString()) +
    element('Id', id) +
    who('Sender', sender) +
    who('Receiver', receiver) +
    coded('Status', { V: String(status), DN: appRecStatuses[status] }) +
    errors
      .map(({ code, path }) => coded('Error', { V: code, S: codeSystem(8221), DN: appRecErrors[code], OT: path }))
      .join('') +
    '<OriginalMsgId>' +
    coded('MsgType', { V: message.type, DN: message.typeName }) +
    element('IssueDate', message.issued) +
    element('Id', message.id) +
    '</OriginalMsgId></AppRec>\n'
  );
};

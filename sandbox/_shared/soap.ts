import { XMLParser } from 'fast-xml-parser';
import type { FastifyInstance } from 'fastify';

/** What the registers' simulators take as user name and password. */
export const registerCredentials = { username: 'kilde', password: 'sandbox' };

/** An element in order of writing; `null` is left out, as these services leave out what they do not have. */
export type Xml = { [element: string]: Xml | readonly Xml[] | string | number | boolean | null };

const escapeText = (text: string): string =>
  text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character]!);

/** `{ Name: 'A' }` -> `<Name>A</Name>`; a list repeats its element. */
export const toXml = (content: Xml): string =>
  Object.entries(content)
    .flatMap(([element, value]) => (Array.isArray(value) ? value : [value]).map((one) => ({ element, one })))
    .map(({ element, one }) => {
      if (one === null) return '';
      const name = element.replace(/ .*/, ''); // an element may carry its namespace
      return `<${element}>${typeof one === 'object' ? toXml(one as Xml) : escapeText(String(one))}</${name}>`;
    })
    .join('');

const soap12 = 'http://www.w3.org/2003/05/soap-envelope';
const addressing = 'http://www.w3.org/2005/08/addressing';
const contentType = 'application/soap+xml; charset=utf-8';

const envelope = (body: string): string =>
  `<s:Envelope xmlns:s="${soap12}" xmlns:a="${addressing}"><s:Body>${body}</s:Body></s:Envelope>`;

/** A fault as NHN's registers give it: `GenericFault` in a namespace that they share. */
export const faultXml = (who: 'Sender' | 'Receiver', code: string, message: string): string =>
  envelope(
    `<s:Fault><s:Code><s:Value>s:${who}</s:Value></s:Code>` +
      `<s:Reason><s:Text xml:lang="nb-NO">${escapeText(message)} (reason)</s:Text></s:Reason>` +
      `<s:Detail><GenericFault xmlns="http://register.nhn.no/Common">` +
      `<ErrorCode>${escapeText(code)}</ErrorCode><Message>${escapeText(message)}</Message></GenericFault></s:Detail></s:Fault>`,
  );

export const soapErrorBody = (): { contentType: string; body: string } => ({
  contentType,
  body: faultXml('Receiver', 'Feil', 'Intern feil'),
});

/** What the operation answers: its result, or the fault that says why not. */
export type SoapOutcome = { result: Xml } | { fault: { code: string; message: string } };

const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '@', parseTagValue: false });
const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
const textOf = (value: unknown): string => String(member(value, '#text') ?? value ?? '');

/** Why an envelope is refused before anybody looks at what it asks; `null` when it is as it should be. */
const refuseEnvelope = (
  envelopeElement: unknown,
  { action, contentTypeOfCall }: { action: string; contentTypeOfCall: string },
): string | null => {
  if (member(envelopeElement, '@xmlns:s') !== soap12) return 'VersionMismatch';
  if (!contentTypeOfCall.startsWith('application/soap+xml') || !contentTypeOfCall.includes(`action="${action}"`))
    return 'ActionNotSupported';
  const header = member(envelopeElement, 's:Header');
  if (member(envelopeElement, '@xmlns:a') !== addressing) return 'MessageAddressingHeaderRequired';
  if (textOf(member(header, 'a:Action')) !== action) return 'ActionMismatch';
  if (!/^urn:uuid:[\da-f-]{36}$/.test(textOf(member(header, 'a:MessageID')))) return 'MessageAddressingHeaderRequired';
  return /^https?:/.test(textOf(member(header, 'a:To'))) ? null : 'MessageAddressingHeaderRequired';
};

/**
 * One SOAP 1.2 operation with WS-Addressing and basic authentication, at the root of the simulator.
 *
 * @param answer gets the operation's own elements by name, as text
 */
export const serveSoap = (
  app: FastifyInstance,
  { contract, namespace, operation }: { contract: string; namespace: string; operation: string },
  answer: (parameters: (name: string) => string) => SoapOutcome,
): void => {
  const action = `${namespace}/${contract}/${operation}`;
  const { username, password } = registerCredentials;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  app.post('/', async (request, reply) => {
    if (request.headers.authorization !== authorization)
      return reply.code(401).header('www-authenticate', 'Basic').send('');
    const refuse = (who: 'Sender' | 'Receiver', code: string, message: string) =>
      reply
        .code(500)
        .type(contentType)
        .send(faultXml(who, code, message)); // as WCF does, whoever is to blame
    const sent: unknown = parser.parse(String(request.body ?? ''));
    const envelopeElement = member(sent, 's:Envelope');
    const refusal = refuseEnvelope(envelopeElement, {
      action,
      contentTypeOfCall: String(request.headers['content-type']),
    });
    if (refusal) return refuse('Sender', refusal, refusal);
    const question = member(member(envelopeElement, 's:Body'), operation);
    if (member(question, '@xmlns') !== namespace)
      return refuse('Sender', 'Feil', 'ArgumentException: ukjent operasjon');
    const outcome = answer((name) => textOf(member(question, name)));
    if ('fault' in outcome) return refuse('Sender', outcome.fault.code, outcome.fault.message);
    const response = { [`${operation}Response xmlns="${namespace}"`]: { [`${operation}Result`]: outcome.result } };
    return reply.type(contentType).send(envelope(toXml(response)));
  });
};

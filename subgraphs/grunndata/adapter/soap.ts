import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { CodeableConcept } from '../../_shared/fhir.ts';
import type { Authentication, CallContext, Result, Source, SourceAnswer, SourceError } from '../../_shared/source.ts';
import { escapeXml } from '../../_shared/xml.ts';
import { parseXml, type XmlLists } from './xml.ts';

/** A register behind SOAP: where it is, and how it knows us. `endpoint` is the whole address, which WS-Addressing repeats. */
export type SoapRegister = {
  source: Source;
  endpoint: string;
  /** Of the endpoint, below the source's base. */
  path: string;
  authentication: Extract<Authentication, { as: 'basic' }>;
};

/** Splits an endpoint into what a `Source` needs: the folder as base, the last segment as path (`…/v2/flr` has no slash). */
export const splitEndpoint = (endpoint: string): { baseUrl: string; path: string } => {
  const base = new URL('.', endpoint);
  return { baseUrl: base.href, path: new URL(endpoint).pathname.slice(base.pathname.length) };
};

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;

/** The content of `soap:Body`. Throws for what is not XML. */
const readBody = (text: string, lists?: XmlLists): unknown => member(parseXml(text, lists)['Envelope'], 'Body');

/** Text of an element. */
export const XmlText = z.string();
/** Text of an element that may be absent, empty or `xsi:nil`. */
export const XmlOptional = z.string().nullable().default(null);
/** An element that may be absent, empty or `xsi:nil`. */
export const xmlOptional = <Shape extends z.ZodType>(shape: Shape) => shape.nullable().default(null);
/** A list element, which {@link parseXml} has been told is one, with none, one or many items. */
export const xmlList = <Shape extends z.ZodType>(item: Shape) => z.array(item).default([]);

/** A date and time without an offset, as these registers write them; what lies on midnight is a date. */
export const dateOf = (dateTime: string | null): string | null => dateTime?.replace(/T00:00:00(\.0+)?$/, '') ?? null;

/** A code of a numbered Norwegian code system. */
export const norwegianCode = (oid: string | null, code: string | null, text: string | null): CodeableConcept => ({
  text,
  coding: [{ system: oid && `urn:oid:2.16.578.1.12.4.1.1.${oid}`, code, display: text, version: null }],
});

export type SoapFault = { code: string; message: string };

const readFault = (text: string): (SoapFault & { ours: boolean }) | null => {
  if (!text.includes('Fault')) return null; // parsing is dear, and most answers are none
  try {
    const fault = member(readBody(text), 'Fault');
    if (!fault) return null;
    const generic = member(member(fault, 'Detail'), 'GenericFault');
    const who = String(member(member(fault, 'Code'), 'Value') ?? '');
    return {
      code: String(member(generic, 'ErrorCode') ?? ''),
      message: String(member(generic, 'Message') ?? ''),
      ours: who.endsWith('Sender'),
    };
  } catch {
    return null;
  }
};

/**
 * One call with SOAP 1.2 and WS-Addressing, as NHN's registers take it.
 *
 * @param operation name of the operation; the answer is in `<{operation}Response><{operation}Result>`
 * @param content the operation's own elements, escaped
 * @param isNothing whether a fault is this register's way of saying that there is nothing to give
 * @returns `null` for nothing; the fault's words go no further than `isNothing`
 */
export const callSoap = async <T>(
  { source, endpoint, path, authentication }: SoapRegister,
  {
    contract,
    namespace,
    operation,
    content,
    shape,
    lists,
    isNothing,
  }: {
    contract: string;
    namespace: string;
    operation: string;
    content: string;
    shape: z.ZodType<T>;
    lists: XmlLists;
    isNothing(fault: SoapFault): boolean;
  },
  context: CallContext,
): Promise<Result<T | null>> => {
  const action = `${namespace}/${contract}/${operation}`;
  const nothing: SourceError = { kind: 'invalid', source: source.name, paths: ['nothing'] }; // recognised below by identity
  const refusal = ({ status, text }: SourceAnswer): SourceError | null => {
    const fault = readFault(text);
    if (!fault) return null;
    if (isNothing(fault)) return nothing;
    // A fault that lays the blame on the question is the same however often it is asked.
    if (fault.ours) return { kind: 'invalid', source: source.name, paths: ['Fault'] };
    return { kind: 'unavailable', source: source.name, status };
  };
  const answer = await source.call(
    {
      method: 'POST',
      path,
      headers: {
        accept: 'application/soap+xml',
        'content-type': `application/soap+xml; charset=utf-8; action="${action}"`,
      },
      body:
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing">' +
        `<s:Header><a:Action s:mustUnderstand="1">${action}</a:Action>` +
        `<a:MessageID>urn:uuid:${randomUUID()}</a:MessageID>` +
        '<a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>' +
        `<a:To s:mustUnderstand="1">${escapeXml(endpoint)}</a:To></s:Header>` +
        `<s:Body><${operation} xmlns="${namespace}">${content}</${operation}></s:Body></s:Envelope>`,
      authentication,
      read: (text) => member(member(readBody(text, lists), `${operation}Response`), `${operation}Result`),
      shape,
      refusal,
    },
    context,
  );
  if (answer.ok) return { ok: true, value: answer.value.value };
  return answer.error === nothing ? { ok: true, value: null } : answer;
};

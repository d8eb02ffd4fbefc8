import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { citizen, doctor, patientOf } from '../support/ask.ts';
import { asking, fjordarm, patientIn, systemOf } from './hendelseslagerSetup.ts';
import { dialogue, ident, labReport, msgHead } from './kithMessages.ts';
import { type KithRig, startKithRig } from './kithRig.ts';

let rig: KithRig;
/** Where external entities, stylesheets and inclusions point. */
const bait = createServer((request, response) => {
  asked.push(request.url ?? '');
  response.end('<!ENTITY x "canary">');
});
const asked: string[] = [];
let baitUrl: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => bait.listen(0, '127.0.0.1', resolve));
  baitUrl = `http://127.0.0.1:${(bait.address() as AddressInfo).port}`;
  rig = await startKithRig();
});
afterAll(async () => {
  await rig?.close();
  bait.close();
});

/** A message whose text uses an entity, with what comes before the root element. */
const withProlog = (prolog: string, reference = '') =>
  msgHead({ content: dialogue.replace('Legemiddelspørsmål', `canary${reference}`) }).replace(
    '<MsgHead ',
    `${prolog}<MsgHead `,
  );
const doubling = Array.from({ length: 30 }, (_, i) => `<!ENTITY l${i + 1} "&l${i};&l${i};">`).join('');
const withNote = (inside: string) => msgHead({ content: dialogue.replace('<Notat>', `<Notat>${inside}`) });
const latin1 = (text: string) => Buffer.from(text, 'latin1');

const attacks: [what: string, body: () => string | Buffer, error: string][] = [
  ['an internal entity', () => withProlog('<!DOCTYPE MsgHead [<!ENTITY e "x">]>', '&e;'), 'T01'],
  ['a billion laughs', () => withProlog(`<!DOCTYPE x [<!ENTITY l0 "lol">${doubling}]>`, '&l30;'), 'T01'],
  [
    'a quadratic blow-up',
    () => withProlog(`<!DOCTYPE x [<!ENTITY e "${'x'.repeat(100_000)}">]>`, '&e;'.repeat(10_000)),
    'T01',
  ],
  ['an entity from a file', () => withProlog('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', '&e;'), 'T01'],
  ['an entity from an address', () => withProlog(`<!DOCTYPE x [<!ENTITY e SYSTEM "${baitUrl}/e">]>`, '&e;'), 'T01'],
  ['a parameter entity', () => withProlog(`<!DOCTYPE x [<!ENTITY % p SYSTEM "${baitUrl}/p"> %p;]>`), 'T01'],
  ['an external document type', () => withProlog(`<!DOCTYPE MsgHead SYSTEM "${baitUrl}/dtd">`), 'T01'],
  ['a bare document type', () => withProlog('<!DOCTYPE MsgHead>'), 'T01'],
  ['an entity nobody defined', () => withProlog('', '&canary;'), 'T01'],
  ['nesting without end', () => withNote('<a>'.repeat(300_000)), 'T01'],
  ['nesting of 65 levels', () => withNote('<a>'.repeat(65) + '</a>'.repeat(65)), 'T01'],
  ['more elements than there is use for', () => withNote('<a/>'.repeat(60_000)), 'T01'],
  ['a huge attribute', () => withNote(`<a V="${'canary'.repeat(100_000)}"/>`), 'T01'],
  [
    'ten thousand attributes',
    () => withNote(`<a ${Array.from({ length: 10_000 }, (_, i) => `a${i}="1"`).join(' ')}/>`),
    'T01',
  ],
  ['an attribute twice', () => withNote('<a V="1" V="2"/>'), 'T01'],
  ['a prefix nobody bound', () => withNote('<canary:a/>'), 'T01'],
  ['NUL', () => withNote('&#0;'), 'T01'],
  ['half a surrogate pair', () => withNote('&#xD800;'), 'T01'],
  ['control characters by XML 1.1', () => withNote('&#1;').replace('version="1.0"', 'version="1.1"'), 'T01'],
  ['bytes that are no UTF-8', () => latin1(msgHead({ content: dialogue })), 'T01'],
  ['Latin-1 that says so', () => latin1(msgHead().replace('UTF-8', 'ISO-8859-1')), 'T01'],
  ['UTF-8 that says it is UTF-7', () => msgHead().replace('UTF-8', 'UTF-7'), 'T01'],
  ['UTF-16', () => Buffer.from(`\uFEFF${msgHead().replace('UTF-8', 'UTF-16')}`, 'utf16le'), 'T01'],
  ['nothing', () => '', 'T01'],
  ['JSON', () => '{"resourceType":"canary"}', 'T01'],
  ['half a message', () => msgHead().slice(0, -20), 'T01'],
  ['two messages in one', () => msgHead() + msgHead().replace(/^<\?xml.*\?>/, ''), 'T01'],
  [
    'a MsgHead without namespace',
    () => msgHead().replace(' xmlns="http://www.kith.no/xmlstds/msghead/2006-05-24"', ''),
    'T10',
  ],
  ['a receipt', () => '<AppRec xmlns="http://www.kith.no/xmlstds/apprec/2012-02-15"><Id>canary</Id></AppRec>', 'T10'],
  [
    'a lab report of another version',
    () => labReport({ namespace: 'http://www.kith.no/xmlstds/labsvar/2099-01-01' }),
    'T10',
  ],
  ['a message without MsgInfo', () => '<MsgHead xmlns="http://www.kith.no/xmlstds/msghead/2006-05-24"/>', 'T02'],
  ['no MsgId', () => msgHead({ msgId: '' }), 'E10'],
  ['a MsgId of 10,000 characters', () => msgHead({ msgId: 'canary'.repeat(10_000) }), 'E10'],
  ['a national id as MsgId', () => msgHead({ msgId: `x ${fjordarm}` }), 'E10'],
  ['a GenDate that is no time', () => msgHead({ genDate: 'canary' }), 'T02'],
  ['a GenDate ahead of now', () => labReport({ genDate: '2199-01-01T00:00:00' }), 'T02'],
];

it.each(attacks)('POST /events refuses %s, quotes nothing of it, and keeps nothing', async (_what, body, error) => {
  const before = [await rig.stored(), await rig.quarantined()];
  const answer = await rig.send(body());
  expect(answer).toMatchObject({ status: 400, json: { error: { code: 'BAD_REQUEST', appRecError: error } } });
  expect(answer.bytes.toString()).not.toMatch(/canary|\d{11}|root:|2199|lol|UTF-7|ISO/);
  expect([await rig.stored(), await rig.quarantined()]).toEqual(before);
  expect(asked).toEqual([]);
});

describe('what looks like an attack and is only text', () => {
  const contentOf = async (body: string): Promise<string> => {
    const { status, json } = await rig.send(body);
    expect(status).toBe(202);
    const answer = await asking(rig.subgraph, patientOf(fjordarm), 'events(first: 100) { nodes { id content } }');
    return patientIn(answer).events.nodes.find(({ id }: { id: string }) => id === json.id).content;
  };

  it('is kept as it is, and nothing is fetched, included or run', async () => {
    const note = (text: string) => dialogue.replace('Legemiddelspørsmål', text);
    const texts = ["'; drop table hendelseslager.event; --", `\${jndi:ldap://x}`, '{{7*7}}', '\\u0000', '__proto__'];
    for (const text of texts)
      expect(
        JSON.parse(await contentOf(msgHead({ content: note(text) }))).message.MsgHead.Document.RefDoc.Content,
      ).toHaveProperty(['Dialogmelding', 'Notat', 'Tema'], text);
    const inclusion = `<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="${baitUrl}/include"/>`;
    await contentOf(withNote(inclusion));
    await contentOf(withProlog(`<?xml-stylesheet type="text/xsl" href="${baitUrl}/style"?>`));
    await contentOf(
      withNote(`<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x ${baitUrl}/xsd"/>`),
    );
    expect(asked).toEqual([]);
  });

  it('in CDATA, with prefixes, in elements named as members of objects, reads as any other message', async () => {
    const own = await contentOf(
      withNote('<__proto__><polluted>1</polluted></__proto__><constructor V="2"/><![CDATA[<!DOCTYPE x>]]>'),
    );
    const { Notat } = JSON.parse(own).message.MsgHead.Document.RefDoc.Content.Dialogmelding;
    expect(Notat['#text']).toBe('<!DOCTYPE x>');
    expect(Object.getOwnPropertyDescriptor(Notat, '__proto__')?.value).toEqual({ polluted: '1' });
    expect(({} as { polluted?: string }).polluted).toBeUndefined();

    const prefixed = msgHead()
      .replace('<MsgHead xmlns=', '<mh:MsgHead xmlns:mh=')
      .replace(/<(\/?)(?!mh:|\?)(\w+)/g, '<$1mh:$2')
      .replace(/<(\/?)mh:(Dialogmelding|Notat|TemaKodet|Tema|TekstNotatInnhold)/g, '<$1$2');
    expect(JSON.parse(await contentOf(prefixed)).entry[0].resource.topic.coding[0].code).toBe('8');
  });
});

it('a message of more than a megabyte is refused before it is read', async () => {
  const before = await rig.stored();
  expect((await rig.send(withNote('x'.repeat(1_000_000)))).status).toBe(413);
  expect(await rig.stored()).toBe(before);
});

it('a message as large and as full of elements as is taken is read in good time', async () => {
  const started = performance.now();
  expect((await rig.send(withNote('<a V="1">xxxx</a>'.repeat(45_000)))).status).toBe(202);
  expect(performance.now() - started).toBeLessThan(10_000);
});

it('another charset than UTF-8 in the content type is not taken', async () => {
  for (const type of ['application/xml; charset=iso-8859-1', 'text/xml; charset=utf-16', 'application/xml-dtd'])
    expect(await rig.send(msgHead(), { type })).toMatchObject({ status: 415 });
  expect(await rig.send(msgHead(), { type: 'Text/XML; charset="utf-8"' })).toMatchObject({ status: 202 });
});

it('only systems of a municipality that is served here deliver messages, and read what became of them', async () => {
  const { json } = await rig.send(
    msgHead({ patient: `<Patient><FamilyName>F</FamilyName>${ident(fjordarm)}</Patient>` }),
  );
  for (const caller of [doctor(null), citizen(fjordarm), systemOf('310005010')])
    expect(await rig.send(msgHead(), { caller })).toMatchObject({
      status: 403,
      json: { error: { code: 'FORBIDDEN' } },
    });
  for (const what of ['status', 'apprec', 'original'] as const) {
    expect((await rig.read(json.id, what, doctor(null))).status).toBe(403);
    expect((await rig.read('not-an-id', what)).status).toBe(404);
  }
});

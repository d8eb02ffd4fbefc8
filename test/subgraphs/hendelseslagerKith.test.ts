import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { childAt, readValue, readXml, type XmlNode } from '../../subgraphs/hendelseslager/ingest/kith/xmlNode.ts';
import hendelseslager from '../../subgraphs/hendelseslager/subgraph.ts';
import { patientOf } from '../support/ask.ts';
import { asking, fjordarm, granskog, nordvik, patientIn, systemOf, testdal } from './hendelseslagerSetup.ts';
import { attachment, care, collected, dialogue, ident, labReport, msgHead, service } from './kithMessages.ts';
import { type Answer, type KithRig, startKithRig } from './kithRig.ts';

let rig: KithRig;
beforeAll(async () => {
  rig = await startKithRig();
});
afterAll(() => rig?.close());

const stilleFjordarm = patientOf(fjordarm);
const fields =
  'events(first: 100) { nodes { id type { coding { code } } format occurred corrects resourceTypes sourceSystem content ' +
  'provenance { organisation { identifier { value } } } } }';
type Event = {
  id: string;
  type: { coding: { code: string }[] };
  format: string;
  occurred: string;
  corrects: string | null;
  resourceTypes: string[];
  content: string;
};
const eventsOf = async (patient = stilleFjordarm): Promise<Event[]> =>
  patientIn(await asking(rig.subgraph, patient, fields)).events.nodes;
const eventOf = async (id: string) => (await eventsOf()).find((event) => event.id === id);
const idOf = ({ json }: Answer): string => json.id;

const xml = (bytes: Buffer): XmlNode => {
  const read = readXml(bytes);
  if (!read.ok) throw new Error(read.refusal.message);
  return read.value;
};
const appRecOf = async (id: string) => xml((await rig.read(id, 'apprec')).bytes);
const errorsOf = (appRec: XmlNode) =>
  appRec.children.filter(({ name }) => name === 'Error').map(({ attributes }) => attributes['V']);

const lastOfFebruary =
  '<po:TidspunktForHendelse>2026-02-26T08:00:00</po:TidspunktForHendelse>' +
  '<po:TidspunktForHendelse>2026-02-28T13:20:00</po:TidspunktForHendelse>' +
  '<po:TidspunktForHendelse>2199-03-01T12:00:00</po:TidspunktForHendelse>'; // planned
const epikrise = (version: string, inside = '') =>
  `<Epikrise xmlns="http://www.kith.no/xmlstds/epikrise/${version}"><Tekst>Utskrevet</Tekst>${inside}</Epikrise>`;
const kinds: [what: string, body: string, type: string, occurred: string][] = [
  ['a dialogue note 1.1', msgHead(), 'no.kith.dialog.notat', '2026-03-05T09:30:00+01:00'],
  [
    'a dialogue answer 1.0',
    msgHead({
      type: '<Type V="DIALOG_SVAR" DN="Svar"/>',
      content: dialogue.replace('2013-01-23', '2006-10-11'),
    }),
    'no.kith.dialog.svar',
    '2026-03-05T09:30:00+01:00',
  ],
  [
    'a discharge summary 1.1',
    msgHead({ type: '<Type V="EPIKRISE"/>', content: epikrise('2006-09-23') }),
    'no.kith.epikrise',
    '2026-03-05T09:30:00+01:00',
  ],
  [
    'a discharge summary 1.2 with a date alone',
    msgHead({
      type: '<Type V="EPIKRISE"/>',
      content: epikrise('2012-02-15'),
      issueDate: '<IssueDate V="2026-03-04+01:00"/>',
    }),
    'no.kith.epikrise',
    '2026-03-04',
  ],
  [
    'a referral',
    msgHead({
      type: '<Type V="HENVISNING"/>',
      content: '<Henvisning xmlns="http://www.kith.no/xmlstds/henvisning/2012-02-15"><X/></Henvisning>',
    }),
    'no.kith.henvisning',
    '2026-03-05T09:30:00+01:00',
  ],
  [
    'a care-sector message with times of its own, planned ones among them',
    msgHead({
      type: '<Type V="PLO"/>',
      content: care('Pasientlogistikk', `<po:TidsfestetHendelse>${lastOfFebruary}</po:TidsfestetHendelse>`),
    }),
    'no.kith.plo.pasientlogistikk',
    '2026-02-28T13:20:00+01:00',
  ],
  [
    'a care-sector report on admission',
    msgHead({ type: '<Type V="PLO"/>', content: care('Innleggelsesrapport', '', '2008-02-20') }),
    'no.kith.plo.innleggelsesrapport',
    '2026-03-05T09:30:00+01:00',
  ],
  ['a lab report', labReport({ servProvId: 'A-1' }), 'no.kith.labsvar', '2026-03-01T08:00:00+01:00'],
  [
    'a lab report with samples of two days',
    labReport({
      servProvId: 'A-2',
      collected: collected('2026-03-01T08:00:00') + collected('2026-02-27T23:30:00Z'),
    }),
    'no.kith.labsvar',
    '2026-02-27T23:30:00Z',
  ],
  [
    'a lab report of summer, without offset',
    labReport({ servProvId: 'A-3', collected: collected('2025-07-01T08:00:00') }),
    'no.kith.labsvar',
    '2025-07-01T08:00:00+02:00',
  ],
];

it.each(kinds)(
  'POST /events takes %s, and Patient.events has it at its clinical time',
  async (_what, body, type, occurred) => {
    const answer = await rig.send(body, { type: 'text/xml; charset=UTF-8' });
    expect(answer.json).toEqual({ id: idOf(answer), status: 'registered' });
    expect([answer.status, answer.location]).toEqual([202, `/events/${idOf(answer)}/status`]);
    expect(await eventOf(idOf(answer))).toMatchObject({
      type: { coding: [{ code: type }] },
      format: 'kith',
      occurred,
      corrects: null,
      sourceSystem: 'Fagsystem',
      provenance: { organisation: { identifier: { value: testdal } } },
    });
    const { json } = await rig.read(idOf(answer), 'status');
    expect(json).toEqual({
      registered: json.registered,
      read: null,
      journaled: null,
      failed: null,
      appRec: { status: '1', errors: [] },
    });
  },
);

it('the content of an event is the whole message with national ids masked, and says who told whom', async () => {
  const id = idOf(await rig.send(msgHead({ more: attachment('JVBERi0=') })));
  const { content, resourceTypes } = (await eventOf(id))!;
  expect(content).not.toContain(fjordarm);
  const { entry, message } = JSON.parse(content);
  expect(resourceTypes).toEqual(['Communication']);
  expect(entry[0].resource).toMatchObject({
    topic: { coding: [{ code: '8', system: 'urn:oid:2.16.578.1.12.4.1.1.7322' }] },
    inResponseTo: [{ identifier: { value: '1c2d3e4f-0000-4000-8000-000000000500' } }],
    sent: '2026-03-06T11:45:00+01:00',
    sender: { identifier: { value: '8999901' }, display: 'Hjemmetjeneste sone nord' },
    recipient: [{ identifier: { value: '8999950' }, display: 'Demo legekontor' }],
  });
  const [document, attached] = message.MsgHead.Document;
  expect(document.RefDoc.Content.Dialogmelding.Notat.TekstNotatInnhold).toBe('Ber om oppdatert medisinliste.');
  expect(attached.RefDoc.Content.Base64Container).toEqual({ base64Characters: 8 });
});

it('GET /events/{id}/original gives the system that sent a message every byte of it, and nobody else', async () => {
  const messages = {
    kith: `\uFEFF${msgHead().replaceAll('\n', '\r\n')}<!-- after the end: æøå -->  \n`,
    quarantined: msgHead({ patient: '' }),
  };
  for (const body of Object.values(messages)) {
    const id = idOf(await rig.send(body));
    const original = await rig.read(id, 'original');
    expect(original.bytes.equals(Buffer.from(body))).toBe(true);
    expect(original).toMatchObject({ status: 200, contentType: 'application/xml' });
    const route = hendelseslager.routes.find(({ path }) => path === '/events/:id/original')!;
    const throughGateway = await rig.subgraph.handle({
      route,
      params: { id },
      query: {},
      headers: {},
      body: Buffer.alloc(0),
      caller: systemOf(testdal),
      traceId: '0'.repeat(32),
      signal: AbortSignal.timeout(10_000),
    });
    expect(throughGateway).toMatchObject({
      headers: { 'content-disposition': 'attachment', 'x-content-type-options': 'nosniff' },
      body: Buffer.from(body),
    });
    const sameOrganisation = { ...systemOf(testdal), clientId: 'fagsystem-2' } as const;
    for (const caller of [systemOf(nordvik), sameOrganisation])
      expect(await rig.read(id, 'original', caller)).toMatchObject({
        status: 404,
        json: { error: { code: 'NOT_FOUND' } },
      });
    expect((await rig.read(id, 'apprec', systemOf(nordvik))).status).toBe(404);
  }
});

describe('OrienteringOmTjenestetilbud', () => {
  const servicesOf = async (nin: string) =>
    patientIn(
      await asking(
        rig.subgraph,
        patientOf(nin),
        'municipalServices { nodes { id status extent type { text coding { code system } } period { start end } unit { name } } }',
      ),
    ).municipalServices.nodes;
  const patient = `<Patient><FamilyName>GRANSKOG</FamilyName>${ident(granskog)}</Patient>`;
  const tell = (elements: string, genDate: string, status = 'N') =>
    rig.send(
      msgHead({
        type: '<Type V="PLO"/>',
        patient,
        genDate,
        content: care(
          'OrienteringOmTjenestetilbud',
          `<po:InformasjonOmForsendelsen><po:Forsendelsesstatus V="${status}"/></po:InformasjonOmForsendelsen>${elements}`,
        ),
      }),
    );

  it('becomes the patient’s municipal services, ended by a later message and withdrawn by a cancellation', async () => {
    const meals = { code: '5', name: 'Matombringing', start: '2025-10-01' };
    const first = await tell(service() + service(meals), '2026-03-01T10:00:00+01:00');
    expect((await rig.read(idOf(first), 'status')).json).toMatchObject({ failed: null, appRec: { status: '1' } });
    expect((await rig.read(idOf(first), 'status')).json.journaled).not.toBeNull();
    const [newer, older] = await servicesOf(granskog);
    expect(older).toEqual({
      id: older.id,
      status: 'active',
      extent: '6 timer per uke',
      type: {
        text: 'Helsetjenester i hjemmet',
        coding: [{ code: '15', system: 'urn:oid:2.16.578.1.12.4.1.1.9151' }],
      },
      period: { start: '2025-09-01', end: null },
      unit: { name: 'Hjemmetjeneste sone nord' },
    });
    expect(newer).toMatchObject({ status: 'active', type: { coding: [{ code: '5' }] } });

    await tell(service({ ...meals, end: '2026-02-28' }), '2026-03-03T10:00:00+01:00');
    await tell(service(meals), '2026-03-02T10:00:00+01:00'); // made before, arrives after
    expect(await servicesOf(granskog)).toMatchObject([
      { id: newer.id, status: 'finished', period: { end: '2026-02-28' } },
      { id: older.id, status: 'active' },
    ]);
    await tell(service(meals), '2026-03-04T10:00:00+01:00', 'C');
    expect(await servicesOf(granskog)).toMatchObject([{ id: older.id }]);
  });

  it('with a service that cannot be told apart or dated is kept, and the receipt says which part was not used', async () => {
    const id = idOf(
      await tell(
        service({ start: '2026-02-30' }) +
          '<po:EksisterendeTjeneste><po:Merknad>?</po:Merknad></po:EksisterendeTjeneste>',
        '2026-03-05T10:00:00+01:00',
      ),
    );
    expect((await rig.read(id, 'status')).json).toMatchObject({
      failed: null,
      appRec: {
        status: '3',
        errors: [
          { code: 'T02', path: 'Document.RefDoc.Content.EksisterendeTjeneste.Startdato' },
          { code: 'T02', path: 'Document.RefDoc.Content.EksisterendeTjeneste.IPLOStjenestetype' },
        ],
      },
    });
    expect((await eventsOf(patientOf(granskog))).map((event) => event.id)).toContain(id);
  });
});

it('a changed and a cancelled lab report are events of their own that refer to the version before', async () => {
  const version = (servType: string, genDate: string, change = {}) =>
    labReport({ servProvId: 'EKS-versions', servType, genDate, ...change });
  const first = idOf(await rig.send(version('N', '2026-03-02T10:15:30')));
  const elsewhere = idOf(await rig.send(version('N', '2026-03-02T10:15:30'), { caller: systemOf(nordvik) }));
  const changed = idOf(await rig.send(version('M', '2026-03-02T12:00:00')));
  const cancelled = idOf(await rig.send(version('C', '2026-03-02T13:00:00', { collected: '', results: '' })));
  const other = idOf(await rig.send(version('M', '2026-03-02T12:00:00', { servProvId: 'EKS-never-seen' })));
  const found = new Map((await eventsOf()).map((event) => [event.id, event]));
  expect([first, changed, cancelled, other].map((id) => found.get(id)?.corrects)).toEqual([null, first, changed, null]);
  expect(found.has(elsewhere)).toBe(false);
  const reports = [first, changed, cancelled].map((id) => JSON.parse(found.get(id)!.content).entry[0].resource);
  expect(reports).toMatchObject([
    { status: 'final', effectiveDateTime: '2026-03-01T08:00:00+01:00', issued: '2026-03-02T10:15:30+01:00' },
    { status: 'amended', issued: '2026-03-02T12:00:00+01:00' },
    { status: 'cancelled', effectiveDateTime: '2026-03-02T10:15:00+01:00' },
  ]);
});

describe('F32', () => {
  it.each([
    ['a message', msgHead()],
    ['a message in quarantine', msgHead({ patient: '' })],
  ])('%s a hundred times at once, from two replicas, is kept once and answered alike', async (_what, body) => {
    const before = (await rig.stored()) + (await rig.quarantined());
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        // «Not acknowledged; send it again» is a fair answer on a busy machine.
        for (;;) {
          const answer = await rig.send(body, { replica: i % 2 });
          if (answer.status !== 503) return answer;
        }
      }),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]!.status).toBe(202);
    expect((await rig.stored()) + (await rig.quarantined())).toBe(before + 1);
    const again = [
      (await rig.read(idOf(answers[0]!), 'apprec')).bytes,
      (await rig.read(idOf(answers[0]!), 'apprec')).bytes,
    ];
    expect(again[0]).toEqual(again[1]);
  });

  it('the same MsgId with another body is a conflict, whether it was an event, in quarantine, or of another kind', async () => {
    const msgId = randomUUID();
    const bad = randomUUID();
    await rig.send(msgHead({ msgId }));
    await rig.send(msgHead({ msgId: bad, patient: '' }));
    const before = [await rig.stored(), await rig.quarantined()];
    for (const body of [
      msgHead({ msgId, issueDate: '<IssueDate V="2026-03-05"/>' }),
      msgHead({ msgId, patient: '' }),
      labReport({ msgId }),
      msgHead({ msgId: bad }),
    ])
      expect(await rig.send(body)).toMatchObject({ status: 409, json: { error: { code: 'CONFLICT' } } });
    expect([await rig.stored(), await rig.quarantined()]).toEqual(before);
    expect((await rig.send(msgHead({ msgId }), { caller: systemOf(nordvik) })).status).toBe(202);
  });
});

const named = '<Patient><FamilyName>FJORDARM</FamilyName>';
const poison: [what: string, body: string, errors: string[]][] = [
  ['no patient', msgHead({ patient: '' }), ['E30']],
  ['a patient without a number', msgHead({ patient: `${named}</Patient>` }), ['E30']],
  ['a patient by a local number', msgHead({ patient: `${named}${ident('17', 'PNR')}</Patient>` }), ['E30']],
  ['a wrong control digit', msgHead({ patient: `${named}${ident('14834841292')}</Patient>` }), ['E31']],
  ['a D-number as fnr', msgHead({ patient: `${named}${ident('51829135594')}</Patient>` }), ['E31']],
  ['an fnr as D-number', msgHead({ patient: `${named}${ident(fjordarm, 'DNR')}</Patient>` }), ['E31']],
  ['two people in the head', msgHead({ patient: `${named}${ident(fjordarm)}${ident(granskog)}</Patient>` }), ['E31']],
  [
    'another person in the document than in the head',
    msgHead({
      type: '<Type V="EPIKRISE"/>',
      content: epikrise('2012-02-15', `<Patient><OffId>${granskog}</OffId><TypeOffId V="FNR"/></Patient>`),
    }),
    ['E31', 'E31'],
  ],
  ['no receiver', msgHead({ receiver: '' }), ['E21']],
  ['no type', msgHead({ type: '' }), ['T02']],
  ['no document', msgHead({ content: '' }), ['T02']],
  [
    'an unknown kind of document',
    msgHead({ content: '<Resept xmlns="http://www.kith.no/xmlstds/eresept/m1/2013-10-08"/>' }),
    ['T10'],
  ],
  ['a newer version', msgHead({ content: dialogue.replace('2013-01-23', '2099-01-01') }), ['T10']],
  ['no time but GenDate', msgHead({ issueDate: '' }), ['T99']],
  ['a time ahead of now', msgHead({ issueDate: '<IssueDate V="2199-01-01T00:00:00Z"/>' }), ['T99']],
  [
    'a number in the document alone',
    msgHead({ patient: '', content: epikrise('2012-02-15', `<Patient>${ident(fjordarm)}</Patient>`) }),
    ['E30'],
  ],
  [
    'a patient of another namespace than the head',
    msgHead({ patient: `<x:Patient xmlns:x="urn:x">${ident(fjordarm)}</x:Patient>` }),
    ['E30'],
  ],
  ['two things wrong', msgHead({ patient: '', receiver: '' }), ['E21', 'E30']],
  ['a lab report without a number', labReport({ patient: '<Name>X</Name>' }), ['E30']],
  [
    'a lab report with a wrong number',
    labReport({ patient: '<Name>X</Name><OffId>14834841292</OffId><TypeOffId V="FNR"/>' }),
    ['E31'],
  ],
  ['a lab report of an unknown type', labReport({ servType: 'Q' }), ['T02']],
  ['a requisition in the place of a report', labReport({ type: 'REKV_LAB' }), ['T10']],
];
describe('F34', () => {
  it.each(poison)('%s: kept in quarantine with the reasons, and the stream goes on', async (_what, body, errors) => {
    const before = [await rig.stored(), await rig.quarantined()];
    const answer = await rig.send(body);
    expect(answer.status).toBe(202);
    expect([await rig.stored(), await rig.quarantined()]).toEqual([before[0], before[1]! + 1]);
    const { json } = await rig.read(idOf(answer), 'status');
    expect(json).toMatchObject({ journaled: null, failed: json.registered, appRec: { status: '2' } });
    expect(json.appRec.errors.map(({ code }: { code: string }) => code)).toEqual(errors);
    expect(JSON.stringify(json)).not.toMatch(/\d{11}|FJORDARM|REKV|2199/);
    const appRec = await appRecOf(idOf(answer));
    expect(childAt(appRec, 'Status')?.attributes).toEqual({ V: '2', DN: 'Avvist' });
    expect(errorsOf(appRec)).toEqual(errors);
    expect((await rig.send(msgHead())).status).toBe(202);
    expect(await rig.stored()).toBe(before[0]! + 1);
  });

  it('how many were set aside is counted by their first error', async () => {
    await rig.send(msgHead({ receiver: '' }));
    const served = await fetch(new URL('/metrics', rig.url));
    const [, count] = /kilde_quarantined_messages_total\{error="E21"\} (\d+)/.exec(await served.text()) ?? [];
    expect(Number(count)).toBeGreaterThan(0);
  });
});

describe('an application receipt', () => {
  const names = (node: XmlNode) => node.children.map(({ name }) => name);

  it('is AppRec 1.1: the receiver answers the sender, about the message', async () => {
    const msgId = randomUUID();
    const id = idOf(await rig.send(msgHead({ msgId })));
    const answer = await rig.read(id, 'apprec');
    expect(answer.contentType).toBe('application/xml; charset=utf-8');
    const appRec = xml(answer.bytes);
    expect([appRec.name, appRec.namespace]).toEqual(['AppRec', 'http://www.kith.no/xmlstds/apprec/2012-02-15']);
    expect(names(appRec)).toEqual([
      'MsgType',
      'MIGversion',
      'GenDate',
      'Id',
      'Sender',
      'Receiver',
      'Status',
      'OriginalMsgId',
    ]);
    expect(childAt(appRec, 'MsgType')?.attributes['V']).toBe('APPREC');
    expect(readValue(childAt(appRec, 'Id'))).toBe(id);
    const sender = childAt(appRec, 'Sender', 'HCP', 'Inst');
    expect([readValue(childAt(sender, 'Name')), readValue(childAt(sender, 'Id'))]).toEqual([
      'Demo legekontor',
      '8999950',
    ]);
    const receiver = childAt(appRec, 'Receiver', 'HCP', 'Inst');
    expect(names(receiver!)).toEqual(['Name', 'Id', 'TypeId', 'Dept']);
    expect(childAt(receiver, 'TypeId')?.attributes).toMatchObject({ V: 'HER', S: '2.16.578.1.12.4.1.1.9051' });
    expect(readValue(childAt(receiver, 'Dept', 'Id'))).toBe('8999901');
    expect(childAt(appRec, 'Status')?.attributes).toEqual({ V: '1', DN: 'OK' });
    const original = childAt(appRec, 'OriginalMsgId');
    expect(names(original!)).toEqual(['MsgType', 'IssueDate', 'Id']);
    expect(readValue(childAt(original, 'MsgType'))).toBe('DIALOG_HELSEFAGLIG');
    expect(readValue(childAt(original, 'IssueDate'))).toBe('2026-03-06T11:45:00+01:00');
    expect(readValue(childAt(original, 'Id'))).toBe(msgId);
  });

  it('carries names with signs of XML in them, and no national id', async () => {
    const receiver = `<Receiver><Organisation><OrganisationName>A &amp; B &lt;${fjordarm}&gt; "AS"</OrganisationName><Ident><Id>8999950</Id><TypeId V="HER"/></Ident></Organisation></Receiver>`;
    const appRec = await appRecOf(idOf(await rig.send(msgHead({ receiver }))));
    expect(readValue(childAt(appRec, 'Sender', 'HCP', 'Inst', 'Name'))).toBe('A & B <***********> "AS"');
  });

  it.each([
    ['a patient without a name', msgHead({ patient: `<Patient>${ident(fjordarm)}</Patient>` }), 'E32'],
    ['an attachment that is no Base64', msgHead({ more: attachment('%%%') }), 'T99'],
    [
      'an attachment that lies elsewhere',
      msgHead({ more: '<Document><RefDoc><FileReference>http://127.0.0.1:1/x</FileReference></RefDoc></Document>' }),
      'T99',
    ],
  ])('is OK with an error in a part for %s', async (_what, body, error) => {
    const id = idOf(await rig.send(body));
    expect(await eventOf(id)).toBeDefined();
    const appRec = await appRecOf(id);
    expect(childAt(appRec, 'Status')?.attributes['V']).toBe('3');
    const [found] = appRec.children.filter(({ name }) => name === 'Error');
    expect(found?.attributes).toMatchObject({ V: error, S: '2.16.578.1.12.4.1.1.8221' });
  });

  it('names the municipality where a lab report names nobody', async () => {
    const appRec = await appRecOf(idOf(await rig.send(labReport({ servProvId: 'B-1' }))));
    for (const role of ['Sender', 'Receiver'])
      expect(readValue(childAt(appRec, role, 'HCP', 'Inst', 'Id'))).toBe(testdal);
    expect(readValue(childAt(appRec, 'OriginalMsgId', 'IssueDate'))).toBe('2026-03-02T10:15:30+01:00');
  });

  it('is there for KITH messages only', async () => {
    const event = JSON.stringify({
      specversion: '1.0',
      id: randomUUID(),
      source: 'urn:t',
      type: 'a.b',
      time: '2026-03-05T08:00:00Z',
      subject: `person/${randomUUID()}`,
      data: {},
    });
    const id = idOf(await rig.send(event, { type: 'application/cloudevents+json' }));
    expect((await rig.read(id, 'apprec')).status).toBe(404);
    expect((await rig.read(id, 'original')).bytes.toString()).toBe(event);
    expect((await rig.read(id, 'status')).json).not.toHaveProperty('appRec');
  });
});

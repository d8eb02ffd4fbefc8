import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseExample } from '../../gateway/explorer/exampleOperation.ts';
import { personaNames } from '../../sandbox/personas.ts';
import { createPopulation } from '../../sandbox/population/population.ts';
import { dialogue, ident, labReport, msgHead } from '../subgraphs/kithMessages.ts';
import { type Canary, canariesOf, findCanaries } from '../support/canaries.ts';
import type { Answered, Ask, Received, Started } from '../support/kildeProcess.ts';

/**
 * The canary oracle (security reference 3.2): Kilde runs a day of good and bad requests in a process of its own, with sources
 * that fail in every way; then everything that it has written or sent is searched for what it must not hold.
 */
const population = createPopulation({ generated: 0 });
const patient = '14834841291';
const { familyName, criticalInformation } = population.byNationalId(patient)!;
const { statement } = criticalInformation.find((it) => it.kind === 'treatmentLimitation')!;
const timeoutMs = 1_000;
const home = new URL('../../examples/operations/', import.meta.url);
const examples = readdirSync(home).map((file) =>
  parseExample(file.replace('.graphql', ''), readFileSync(new URL(file, home), 'utf8')),
);
const emergency = examples.find(({ id }) => id === 'emergency-summary')!;

/** One answer that a client got. */
type Seen = { what: string; status: number; headers: string; body: string };
const seen: Seen[] = [];
const places = { metrics: [] as string[], health: [] as string[], statements: [] as string[], access: [] as string[] };
const tables: string[] = [];
const fileNames: string[] = [];
const calls: Received[] = [];
const output = { stdout: '', stderr: '' };
const secrets: Canary[] = [];

const folder = mkdtempSync(join(tmpdir(), 'kilde-canary-'));
chmodSync(folder, 0o755); // PostgreSQL runs as somebody else
let child: ChildProcess;
let started: Started;
let canaries: Canary[];

const ask = async (what: Ask): Promise<Answered> => {
  child.send(what);
  const [answer] = (await once(child, 'message')) as [Answered];
  return answer;
};

/** A source that fails by repeating, in every place it has, all that it was sent. */
const echoes: ((all: string, response: ServerResponse) => void)[] = [
  (all, response) => response.writeHead(500, { 'content-type': 'text/plain' }).end(all),
  (all, response) => response.writeHead(403, { 'www-authenticate': `DPoP error_description="${all}"` }).end(all),
  (all, response) => response.writeHead(400, { 'content-type': 'application/fhir+json' }).end(outcome(all)),
  (all, response) => response.writeHead(302, { location: `/?${encodeURIComponent(all)}` }).end(),
  (all, response) => response.writeHead(200, 'OK').end(JSON.stringify({ [all]: all, entry: { [all]: [all] } })),
  (all, response) => response.writeHead(200, 'OK').end(`<html>${all}`),
  (all, response) => response.writeHead(500, { 'content-type': 'application/soap+xml' }).end(soapFault(all)),
  (_all, response) => response.destroy(),
];
const outcome = (diagnostics: string) =>
  JSON.stringify({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: diagnostics, diagnostics }] });
const soapFault = (words: string) =>
  `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Reason><s:Text>${words}</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>`;
let echo = echoes[0]!;
const echoing = createServer((request: IncomingMessage, response: ServerResponse) => {
  const reply = async () => {
    const body = await readAll(request);
    const { method = '', url = '', headers } = request;
    const { authorization = '', dpop, ...others } = headers;
    calls.push({ source: 'echo', method, url, headers: JSON.stringify(others), body });
    const all = [patient, familyName, authorization, dpop, body, JSON.stringify(others)].join(' ');
    echo(all.replaceAll(/[^\x20-\x7e]|["<&\\]/g, ' ').slice(0, 8_000), response);
  };
  reply().catch(() => response.destroy());
});

const start = async () => {
  await new Promise<void>((resolve) => echoing.listen(0, '127.0.0.1', resolve));
  const { PATH = '', HOME = '' } = process.env;
  child = fork(new URL('../support/kildeProcess.ts', import.meta.url), {
    silent: true,
    execArgv: [], // Kilde as it is started, without what Vitest runs under
    env: {
      PATH,
      HOME,
      TMPDIR: folder,
      LOG_LEVEL: 'trace',
      REQUEST_TIMEOUT_MS: String(timeoutMs),
      SOURCES_URL: `http://127.0.0.1:${(echoing.address() as AddressInfo).port}`,
    },
  });
  for (const name of ['stdout', 'stderr'] as const)
    child[name]!.setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk;
    });
  const ready = once(child, 'message') as Promise<[Started]>;
  const failed = once(child, 'exit').then(() => Promise.reject(new Error(`Kilde did not start: ${output.stderr}`)));
  failed.catch(() => {});
  [started] = await Promise.race([ready, failed]);
  secrets.push(...started.secrets.map((it) => ({ kind: 'secret' as const, text: it })));
};

const send = async (what: string, url: string, init: RequestInit = {}): Promise<Seen> => {
  const answer = await fetch(url.startsWith('http') ? url : `${started.url}${url}`, { redirect: 'manual', ...init });
  const headers = JSON.stringify([...answer.headers]);
  const one = { what, status: answer.status, headers, body: await answer.text() };
  seen.push(one);
  return one;
};

/** For what `fetch` does not send. */
const sendRaw = async (what: string, request: string) => {
  const socket = connect(Number(new URL(started.url).port), '127.0.0.1');
  socket.end(request.replaceAll('\n', '\r\n'));
  const body = await readAll(socket).catch(() => '');
  seen.push({ what, status: Number(body.split(' ')[1] ?? 0), headers: '', body });
};

const json = { 'content-type': 'application/json' };
/** Not `send`: this answer is the token. */
const tokenFor = async (request: Record<string, unknown>): Promise<string> => {
  const answer = await fetch(`${started.url}/sandbox/token`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify(request),
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  secrets.push({ kind: 'secret', text: token.split('.').at(-1)! });
  return token;
};
const post = (what: string, token: string, body: unknown, headers: Record<string, string> = {}, url = started.url) =>
  send(what, `${url}/graphql`, {
    method: 'POST',
    headers: { ...json, authorization: `Bearer ${token}`, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const look = async () => {
  const read = async (path: string) => (await fetch(`${started.url}${path}`)).text();
  places.metrics.push(await read('/metrics'));
  places.health.push(await read('/health/ready'));
  calls.push(...((await ask('calls')).calls ?? []));
};

const everyPersona = async () => {
  for (const persona of personaNames)
    for (const { id, query, variables } of examples) {
      const about = persona === 'parent' ? '21861761093' : String(variables['patient'] ?? variables['me']);
      const token = await tokenFor({ persona, ...(persona === 'system-ingest' ? {} : { patient: about }) });
      await post(`${persona}: ${id}`, token, { query, variables: { ...variables, patient: about, me: about } });
    }
  // Restricted, reserved, unknown in several ways, and not one's own.
  for (const about of ['02915631153', '01815800083', '24868700056', '15813250214', `${'010100'}${'00'}${'131'}`]) {
    const bound = await tokenFor({
      persona: 'legevakt-doctor',
      ...(about.startsWith('010100') ? {} : { patient: about }),
    });
    await post(`about ${about}`, bound, { query: emergency.query, variables: { patient: about } });
  }
};

const sources = ['kjernejournal', 'journaldokumenter', 'provesvar', 'eresept', 'fastlegeregisteret'];
const registers = ['helsepersonellregisteret', 'adresseregisteret', 'persontjenesten', 'hendelseslager'];
/** Those that count as the service's own faults last: they open its breaker. */
const faults = [
  { garbage: 'html' },
  { garbage: 'truncated' },
  { garbage: 'otherPatient' },
  { status: 400 },
  { status: 403 },
  { status: 500 },
  { status: 429 },
  { down: true },
  { hang: true },
];
const everyFault = async (token: string) => {
  const strangers = population.people.filter(({ key }) => key.startsWith('vanlig')).map(({ nationalId }) => nationalId);
  for (const [index, fault] of faults.entries()) {
    const what = JSON.stringify(fault);
    const set = (names: string[]) =>
      Promise.all(
        names.map((name) =>
          send(`set ${name}`, `/sandbox/sources/${name}`, {
            method: 'PUT',
            headers: json,
            body: JSON.stringify(fault),
          }),
        ),
      );
    await set(sources);
    await post(`sources ${what}`, token, { query: emergency.query, variables: { patient } });
    await set(registers);
    // Somebody whom Kilde has not met: the register itself must be asked.
    const stranger = strangers[index]!;
    const theirs = await tokenFor({ persona: 'legevakt-doctor', patient: stranger });
    await post(`register ${what}`, theirs, { query: emergency.query, variables: { patient: stranger } });
    if (index === faults.length - 1) await look();
    await send('heal', '/sandbox/sources', { method: 'DELETE' });
  }
  for (echo of echoes)
    for (const url of started.otherUrls)
      await post(
        'sources that repeat what they are sent',
        token,
        { query: emergency.query, variables: { patient } },
        {},
        url,
      );
};

const badTokens = async (token: string) => {
  const [head, payload, signature] = token.split('.') as [string, string, string];
  const good = { persona: 'legevakt-doctor', patient };
  const { authorization_details: details } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
    authorization_details: [{ care_relationship: object; practitioner: object }];
  };
  const [attest] = details;
  const relation = attest.care_relationship;
  const attests = [
    { care_relationship: { ...relation, decision_ref: { id: `vedtak ${patient}`, user_selected: true } } },
    { care_relationship: { ...relation, decision_ref: { id: patient, user_selected: true } } },
    { care_relationship: { ...relation, healthcare_service: { code: patient } } },
    { care_relationship: { ...relation, purpose_of_use_details: { code: patient } } },
    { care_relationship: { ...relation, purpose_of_use: { code: patient } } },
    { practitioner: { ...attest.practitioner, authorization: { code: patient } } },
    { patients: [{ identifier: { id: `${patient} ${familyName}` } }] },
  ];
  const claims = [
    { aud: patient },
    { iss: `https://${patient}.example` },
    { scope: [`kilde:api/${patient}`] },
    { client_id: null, name: statement },
    { authorization_details: [{ type: 'nhn:tillitsrammeverk:parameters', patients: [patient] }] },
    { 'helseid://claims/identity/pid': patient.replace('1', '2') },
    { 'helseid://claims/client/claims/orgnr_parent': patient },
    { 'helseid://claims/client/claims/orgnr_child': patient },
    { 'helseid://claims/hpr/hpr_number': patient },
    { 'helseid://claims/client/client_name': `EPJ ${patient}` },
    { name: patient },
    ...attests.map((it) => ({ authorization_details: [{ ...attest, ...it }] })),
  ];
  const made = await Promise.all(claims.map((it) => tokenFor({ ...good, claims: it })));
  const expired = await tokenFor({ ...good, expiresIn: -600 });
  const bound = await tokenFor({ ...good, jkt: createHash('sha256').update(patient).digest('base64url') });
  const query = `{ patient(identifier: "${patient}") { id } }`;
  for (const bad of [
    ...made,
    expired,
    bound,
    `${head}.${payload}.AAAA`,
    `${payload}.${head}.${signature}`,
    patient,
    '',
  ])
    await post('bad token', bad, { query });
  for (const authorization of [`Basic ${btoa(`${patient}:x`)}`, `DPoP ${token}`, `Bearer ${token} ${patient}`, patient])
    await post('bad scheme', '', { query }, { authorization, dpop: token });
  await send('token in the address', `/graphql?access_token=${token}&patient=${patient}`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ query }),
  });
  await send('events with a bad token', '/events', { method: 'POST', headers: { authorization: `Bearer ${bound}` } });
};

const badRequests = async (token: string) => {
  const quoted = JSON.stringify(statement);
  const n = patient;
  const one = 'query ($p: PatientIdentifier!) { patient(identifier: $p) { id labReports(first: 1) { status } } }';
  const bodies: Record<string, unknown> = {
    'not GraphQL': { query: `{ patient(identifier: "${n}" ${quoted}` },
    'an unterminated string': { query: `{ patient(identifier: "${n}` },
    'a strange character': { query: `{ patient(identifier: ${n}¤${familyName}) }` },
    'a comment': { query: `# ${n} ${statement}\n{ nothing }` },
    'an unknown field': { query: `{ viewer { f${n} ${familyName} } }` },
    'an unknown argument': { query: `{ patient(a${n}: ${quoted}) { id } }` },
    'an unknown type': { query: `query ($p: T${n}) { patient(identifier: $p) { id } }` },
    'an unknown fragment': { query: `{ viewer { ...${familyName}${n} } }` },
    'an unused fragment': { query: `{ viewer { kind } } fragment f${n} on Viewer { kind }` },
    'a fragment that spreads itself': { query: `{ viewer { ...f${n} } } fragment f${n} on Viewer { ...f${n} }` },
    'an unknown directive': { query: `{ viewer { kind @d${n}(why: ${quoted}) } }` },
    'an undefined variable': { query: `{ patient(identifier: $v${n}) { id } }` },
    'an unused variable': { query: `query ($v${n}: String = ${quoted}) { viewer { kind } }` },
    'a name for an enum': { query: `{ patient(identifier: "${n}") { events(types: ${familyName}${n}) { status } } }` },
    'a text for a number': { query: `{ patient(identifier: "${n}") { labReports(first: "${n}") { status } } }` },
    'a number too large': { query: `{ patient(identifier: "${n}") { labReports(first: ${n}) { status } } }` },
    'a cursor': { query: `{ patient(identifier: "${n}") { labReports(after: "${n}") { status } } }` },
    'a cursor in base64': { query: `{ patient(identifier: "${n}") { documents(after: "${btoa(n)}") { status } } }` },
    'a date': { query: `{ patient(identifier: "${n}") { labReports(from: "${n}") { status } } }` },
    codes: { query: `{ patient(identifier: "${n}") { labReports(codes: ["${n}"]) { status } } }` },
    'an alias': { query: `{ p${n}: patient(identifier: "${n}") { r${n}: labReports(first: 3) { status } } }` },
    'two aliases': { query: `{ p${n}: patient(identifier: "${n}") { id } ${familyName}: patient(id: "${n}") { id } }` },
    'an id': { query: `{ patient(id: "${n}") { id } }` },
    'another number': { query: `{ patient(identifier: "${n.slice(0, 10)}2") { id } }` },
    'a number with letters': { query: one, variables: { p: `${n}a ${familyName}` } },
    'a variable that is a number': { query: one, variables: { p: Number(n) } },
    'a variable that is a list': { query: one, variables: { p: [n, statement] } },
    'a variable that is an object': { query: one, variables: { p: { [n]: statement } } },
    'variables that nobody asked for': { query: one, variables: { p: n, [n]: statement, [familyName]: n } },
    'variables as text': { query: one, variables: `${n} ${statement}` },
    'no variables': { query: one, [n]: statement },
    'an operation name': { query: `query O${n} { viewer { kind } nothing${n} }` },
    'an unknown operation name': { query: one, operationName: `${n} ${familyName}`, variables: { p: n } },
    'an operation name too long': { query: `query O${n.repeat(40)} { viewer { kind } }` },
    'an operation name that is a list': { query: one, operationName: [n] },
    'a persisted query': { extensions: { persistedQuery: { version: 1, sha256Hash: n.repeat(6).slice(0, 64) } } },
    'a document id': { documentId: `sha256:${n}`, query: one },
    'extensions as text': { query: one, extensions: n },
    'a query that is a list': { query: [n, statement] },
    'aliases beyond the limit': { query: `{ viewer { ${Array.from({ length: 99 }, (_, i) => `a${n}x${i}: kind`)} } }` },
    'a mutation': { query: `mutation M${n} { m(p: "${n}") }` },
    'a subscription': { query: `subscription S${n} { s(p: "${n}") }` },
    introspection: { query: `{ __type(name: "${n}") { name } }` },
    'malformed JSON': `{"query": "{ viewer { kind } }", "variables": {"p": "${n}", ${statement}`,
    'malformed JSON that begins with a number': `${n} ${statement}`,
    'a poisoned prototype': `{"__proto__": {"p": "${n}"}, "query": "{ viewer { kind } }"}`,
    'a list': [n, statement],
    'a text': JSON.stringify(n),
    'a body too large': { query: one, variables: { p: `${n} `.repeat(6_000) } },
  };
  for (const [what, body] of Object.entries(bodies)) await post(what, token, body);
  await post('incremental', token, bodies['an unknown field'], { accept: 'application/graphql-response+json' });

  const viewer = { query: '{ viewer { kind } nothing }' };
  const about = { query: one, variables: { p: n } };
  const headers: Record<string, string>[] = [
    { 'content-type': `application/${n}` },
    { 'content-type': `application/json; charset=${n}` },
    { 'content-type': `multipart/form-data; boundary=${n}` },
    { accept: `application/${n}` },
    { 'accept-encoding': n },
    { 'x-request-id': n, 'request-id': n, 'x-correlation-id': n, cookie: `p=${n}`, origin: `https://${n}.example` },
    { 'x-forwarded-for': n, forwarded: `for=${n}`, referer: `https://example.org/${n}`, 'user-agent': n },
    { traceparent: `00-${n}-${n}-01`, tracestate: `p=${n}`, baggage: `p=${n}` },
    { traceparent: `00-${n.padStart(32, 'a')}-${n.padStart(16, '0')}-01` },
    { traceparent: `00-${n.padEnd(32, '0')}-${n.padEnd(16, '0')}-01` },
    { 'apollographql-client-name': n, 'apollographql-client-version': n, 'x-apollo-operation-name': n },
    { 'nhn-patient-nin': n, 'x-patient': n, 'if-none-match': `"${n}"`, range: `bytes=${n}-` },
  ];
  for (const it of headers)
    for (const body of [viewer, about]) await post(`headers ${Object.keys(it)}`, token, body, it);

  const authorization = `Bearer ${token}`;
  const paths = [
    `/graphql?query={patient(identifier:"${n}"){id}}`,
    `/graphql/${n}`,
    `/${n}`,
    `/events/${n}/status`,
    `/events/${n.repeat(20)}/status`,
    `/events/${n}/status?p=${n}`,
    `/%${n}/%E0%A4%A?p=${n}`,
    `/health/ready?p=${n}`,
    `/schema.graphql/${n}`,
    `/sandbox/patients?limit=${n}`,
    `/sandbox/${n}?${familyName}`,
  ];
  for (const path of paths)
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'])
      await send(`${method} ${path}`, path, { method, headers: { authorization, ...(method === 'POST' ? json : {}) } });
  await send('a source of that name', `/sandbox/sources/${n}`, { method: 'PUT', headers: json, body: `{"${n}": 1}` });
  await send('a fault of that name', '/sandbox/sources/eresept', { method: 'PUT', headers: json, body: `{"${n}": 1}` });
  for (const body of [{ persona: n }, { persona: 'citizen', patient: '15813250214' }, { persona: 'gp', purpose: n }])
    await send('a bad token request', '/sandbox/token', { method: 'POST', headers: json, body: JSON.stringify(body) });
  await send('a broken token request', '/sandbox/token', {
    method: 'POST',
    headers: json,
    body: `{"patient": ${n}, ${n}`,
  });

  for (const [what, request] of Object.entries({
    'no HTTP': `${n} ${token}\n\n`,
    'a bad header': `GET /${n} HTTP/1.1\nHost: ${n}\n${n} ${token}\n\n`,
    'a bad method': `P${n} /${n} HTTP/1.1\nHost: ${n}\n\n`,
    'a rare method': `PROPFIND /${n} HTTP/1.1\nHost: ${n}\nConnection: close\n\n`,
    'a whole address': `GET http://${n}/${n} HTTP/1.1\nHost: ${n}\nConnection: close\n\n`,
    'another version': `GET /${n} HTTP/3.${n}\nHost: ${n}\n\n`,
    'no host': `GET /${n} HTTP/1.1\nConnection: close\n\n`,
    'a wrong length': `POST /graphql HTTP/1.1\nHost: ${n}\nContent-Length: ${n}x\n\n`,
    'an expectation': `POST /graphql HTTP/1.1\nHost: ${n}\nExpect: ${n}\nConnection: close\n\n`,
    'headers too large': `GET /${n} HTTP/1.1\nHost: ${n}\nX-A: ${n.repeat(2_000)}\n\n`,
  }))
    await sendRaw(what, request);
};

const events = async () => {
  const n = patient;
  const token = await tokenFor({ persona: 'system-ingest' });
  const system = 'urn:oid:2.16.578.1.12.4.1.4.1';
  const identifier = { system, value: n };
  const event = {
    specversion: '1.0',
    id: 'kanari-1',
    source: 'urn:kilde:kanari',
    type: 'no.kommune.helse.notat.v1',
    time: '2026-01-02T03:04:05Z',
    datacontenttype: 'application/fhir+json',
    data: { resourceType: 'Observation', status: 'final', subject: { identifier }, note: [{ text: statement }] },
  };
  const data = (changed: Record<string, unknown>) => ({ ...event, data: { ...event.data, ...changed } });
  const header = { resourceType: 'MessageHeader', eventCoding: { code: 'kanari' }, source: { endpoint: 'urn:x' } };
  const bundle = (changed: Record<string, unknown>, ...resources: unknown[]) => ({
    resourceType: 'Bundle',
    type: 'message',
    identifier: { system: 'urn:kilde:kanari', value: 'kanari-2' },
    timestamp: '2026-01-02T03:04:05Z',
    entry: [header, { resourceType: 'Patient', identifier: [identifier] }, ...resources].map((resource) => ({
      resource,
    })),
    ...changed,
  });
  const cloudEvents: unknown[] = [
    event,
    event,
    data({ note: [{ text: familyName }] }), // the same key, another body
    { ...event, id: n },
    { ...event, source: `urn:${n}` },
    { ...event, type: `notat.${n}` },
    { ...event, subject: n },
    { ...event, subject: `person/${n}` },
    { ...event, time: n },
    { ...event, time: `2026-01-02T03:04:05Z${statement}` },
    { ...event, specversion: n },
    { ...event, datacontenttype: n },
    { ...event, securitylabel: n },
    { ...event, orgnrparent: n },
    { ...event, [n]: n },
    { ...event, [`x${n}`]: 'x' },
    { ...event, patient: n },
    { ...event, patient: { [n]: n } },
    { ...event, data: n },
    { ...event, data: { [n]: statement } },
    { ...event, data_base64: btoa(n), data: undefined },
    data({ subject: { identifier: { system, value: `${n}0` } } }),
    data({ subject: { identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.2', value: n } } }),
    data({ subject: { identifier: { system, value: n } }, patient: { identifier: { system, value: '30864000041' } } }),
    data({ subject: { reference: `Patient/${n}` } }),
    data({ effectiveDateTime: n }),
    data({ effectiveDateTime: statement }),
    data({ [n]: { [n]: n } }),
    data({ resourceType: n }),
    data({ resourceType: [n] }),
    data({ code: { coding: [{ system: 'http://snomed.info/sct', code: '1104051000000101' }] }, component: n }),
    data({
      code: { coding: [{ system: 'http://snomed.info/sct', code: '1104051000000101' }] },
      valueQuantity: { value: n },
    }),
    n,
    { [n]: statement },
  ];
  const bundles: unknown[] = [
    bundle({}),
    bundle({ type: n }),
    bundle({ identifier: { system: n, value: statement } }),
    bundle({ identifier: { value: n } }),
    bundle({ timestamp: n }),
    bundle({ entry: n }),
    bundle({ entry: [{ resource: { resourceType: n } }] }),
    bundle({ entry: [{ resource: { ...header, eventCoding: { code: n } } }] }),
    bundle({ meta: { security: [{ system: 'x.9603', code: n }] } }),
    bundle({}, { resourceType: 'EpisodeOfCare', status: n, patient: { identifier }, period: { start: n } }),
    bundle({}, { resourceType: 'EpisodeOfCare', status: 'active', patient: { identifier }, type: n }),
    bundle({}, { resourceType: 'Patient', identifier: [{ system, value: '30864000041' }] }),
    bundle({ [n]: n }, { resourceType: n, [n]: statement }),
  ];
  const headers = { authorization: `Bearer ${token}` };
  const deliver = (type: string, body: unknown) =>
    send(`events ${type}`, '/events', {
      method: 'POST',
      headers: { ...headers, 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  for (const it of cloudEvents) {
    await deliver('application/cloudevents+json', it);
    await deliver('application/cloudevents-batch+json', [event, it]);
  }
  for (const it of bundles) await deliver('application/fhir+json', it);
  const named = `<Patient><FamilyName>${familyName}</FamilyName>${ident(n)}</Patient>`;
  const messages = [
    msgHead({ patient: named, msgId: 'kanari-4', content: dialogue.replace('Legemiddelspørsmål', statement) }),
    msgHead({ patient: named, msgId: 'kanari-4' }), // the same key, another body
    msgHead({ patient: named, msgId: n }),
    msgHead({ patient: named, genDate: n }),
    msgHead({ patient: named, issueDate: `<IssueDate V="${n}"/>` }),
    msgHead({ patient: named, type: `<Type V="${n}" DN="${n}"/>` }),
    msgHead({ patient: named + named.replace(n, '30864000041') }),
    msgHead({ patient: named, content: `<${familyName} xmlns="urn:${n}">${statement}</${familyName}>` }),
    msgHead({ patient: named.replace(n, `${n}0`) }),
    msgHead({ patient: named }).replace('<MsgHead', `<!DOCTYPE x [<!ENTITY e "${n}">]><MsgHead`),
    msgHead({ patient: named }).replace('<MsgInfo>', `<MsgInfo>&${familyName};`),
    labReport({ patient: `<Name>${familyName}</Name><OffId>${n}</OffId><TypeOffId V="FNR"/>`, servProvId: n }),
    labReport({ patient: `<Name>${familyName}</Name><OffId>${n}</OffId><TypeOffId V="${n}"/>`, servType: n }),
    `<Message xmlns="http://www.kith.no/xmlstds/labsvar/2012-02-15"><MsgId>${n}</MsgId>`,
    n,
  ];
  for (const it of messages) {
    const { body } = await deliver('application/xml', it);
    const { id } = JSON.parse(body) as { id?: string };
    if (id === undefined) continue;
    await send('status of a message', `/events/${id}/status`, { headers });
    await send('receipt of a message', `/events/${id}/apprec`, { headers });
  }
  await deliver('application/cloudevents-batch+json', event);
  await deliver('application/cloudevents+json', `{"id": "${n}", ${statement}`);
  await deliver('application/fhir+json', `${n}`.repeat(200_000)); // too large
  await deliver(`application/${n}`, event);
  const stored = await deliver('application/cloudevents+json', event);
  const { id } = JSON.parse(stored.body) as { id: string };
  await send('status', `/events/${id}/status`, { headers });
  await send('status for others', `/events/${id}/status`, {
    headers: { authorization: `Bearer ${await tokenFor({ persona: 'gp', patient })}` },
  });
  await send('events as a citizen', '/events', {
    method: 'POST',
    headers: {
      'content-type': 'application/fhir+json',
      authorization: `Bearer ${await tokenFor({ persona: 'citizen' })}`,
    },
    body: JSON.stringify(bundles[0]),
  });
  return deliver.bind(null, 'application/cloudevents+json', { ...event, id: 'kanari-3' });
};

/** A bug in a subgraph: its table gives errors that quote the patient. Aliases are words of the client's in the path. */
const bug = async (token: string, database: pg.Client, deliver: () => Promise<unknown>) => {
  await database.query(`
    create function hendelseslager.fail() returns jsonb language plpgsql as $$
      begin raise exception '${patient} ${familyName}' using detail = '${statement}'; end $$;
    alter table hendelseslager.news2 rename to news2_kept;
    create view hendelseslager.news2 as
      select legal_entity, person, observation, position, stated_at, status, security_label, measured_at,
        hendelseslager.fail() as state from hendelseslager.news2_kept;
    alter table hendelseslager.event rename column type to type_kept;`);
  await post('a bug in a subgraph', token, {
    query: `{ p${patient}: patient(identifier: "${patient}") { ${familyName}: earlyWarningScores(first: 5) { status nodes { score } } s${patient}: earlyWarningScores(first: 4) { status nodes { score } } } }`,
  });
  await deliver();
  await database.query(`
    drop view hendelseslager.news2;
    alter table hendelseslager.news2_kept rename to news2;
    alter table hendelseslager.event rename column type_kept to type;`);
};

/** Every table as text, one row a line; of the event store without what the municipality has recorded, which is its purpose. */
const readTables = async (database: pg.Client) => {
  const { rows } = await database.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('personvern', 'grunndata', 'hendelseslager')`,
  );
  for (const { name } of rows) {
    const { rows: lines } = await database.query<{ line: string }>(
      `select (to_jsonb(it) - '{payload,original,state}'::text[])::text as line from ${name} it`,
    );
    const place = name === 'personvern.access' ? places.access : tables;
    place.push(...lines.map(({ line }) => `${name} ${line}`));
  }
  const { rows: running } = await database.query<{ query: string }>('select query from pg_stat_activity');
  places.statements.push(...running.map(({ query }) => query));
};

beforeAll(async () => {
  await start();
  const schema = await (await fetch(`${started.url}/schema.graphql`)).text();
  canaries = canariesOf(population, schema);

  const database = new pg.Client({ connectionString: started.databaseUrl });
  database.on('error', () => {}); // it is stopped below
  await database.connect();
  // Texts of statements, not what is bound to them: a parameter is where values belong.
  await database.query("alter system set log_statement = 'all'");
  await database.query('alter system set log_parameter_max_length = 0');
  await database.query('select pg_reload_conf()');

  const token = await tokenFor({ persona: 'legevakt-doctor', patient });
  await everyPersona();
  await look();
  await badTokens(token);
  await badRequests(token);
  const deliver = await events();
  await everyFault(token);

  // From here on PostgreSQL's log would quote what the test itself does to it.
  places.statements.push(...((await ask('postgresLog')).postgresLog ?? '').split('\n'));
  await database.query('alter system reset log_statement');
  await bug(token, database, deliver);
  await readTables(database);
  await database.end();

  fileNames.push(...readdirSync(folder, { recursive: true, encoding: 'utf8' })); // PostgreSQL takes its own with it
  await ask('stopPostgres');
  for (const { id, query, variables, persona } of examples) {
    const about = String(variables['patient'] ?? variables['me']);
    await post(`${id} without a database`, await tokenFor({ persona, patient: about }), { query, variables });
  }
  await deliver();
  await look();
  fileNames.push(...readdirSync(folder, { recursive: true, encoding: 'utf8' }));
  const exit = once(child, 'exit');
  await ask('stop');
  await exit;
}, 90_000);

afterAll(() => {
  child?.kill();
  echoing.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What of an answer nobody's data may be in: all of it, but for the data of a GraphQL answer and the client's own aliases. */
const outsideData = ({ body }: Seen): string => {
  if (!body.startsWith('{')) return body;
  const { data: _data, ...rest } = JSON.parse(body) as { data?: unknown; errors?: { path?: unknown }[] };
  return JSON.stringify({ ...rest, errors: rest.errors?.map(({ path: _path, ...error }) => error) });
};
const find = (lines: Iterable<string>, kinds?: Canary['kind'][]) =>
  findCanaries(
    lines,
    [...canaries, ...secrets].filter(({ kind }) => !kinds || kinds.includes(kind)),
  );

describe('the day that is searched', () => {
  it('had answers with what is to be found nowhere else', () => {
    const bodies = seen.map(({ body }) => body).join('\n');
    for (const word of [familyName, statement]) expect(bodies).toContain(word);
    expect(calls.filter(({ headers, body }) => (headers + body).includes(patient)).length).toBeGreaterThan(50);
    expect(new Set(calls.map(({ source }) => source)).size).toBe(9);
    expect(places.statements.filter((it) => it.includes('personvern.append_access')).length).toBeGreaterThan(50);
    for (const kind of ['national id', 'name', 'clinical'] as const)
      expect(canaries.filter((it) => it.kind === kind).length).toBeGreaterThan(40);
  });

  it.each([
    'UNAUTHENTICATED',
    'FORBIDDEN',
    'NOT_FOUND',
    'BAD_REQUEST',
    'LIMIT_EXCEEDED',
    'SOURCE_UNAVAILABLE',
    'SOURCE_INVALID',
    'RESTRICTED',
    'RESERVED',
    'AUDIT_UNAVAILABLE',
    'INTERNAL',
    'CONFLICT',
    'UNSUPPORTED_MEDIA_TYPE',
  ])('had errors with the code %s', (code) => {
    expect(seen.filter(({ body }) => body.includes(`"code":"${code}"`)).length).toBeGreaterThan(0);
  });

  it.each(['resolver failed', 'access log unavailable', 'request failed'])('logged «%s»', (message) => {
    expect(output.stdout).toContain(message);
  });
});

describe('no national id, name, word of a history, token or key is', () => {
  it.each(['stdout', 'stderr'] as const)('in %s', (name) => {
    expect(find(output[name].split('\n'))).toEqual([]);
  });

  it.each(['metrics', 'health', 'statements'] as const)('in %s', (name) => {
    expect(places[name].length).toBeGreaterThan(1);
    expect(find(places[name].flatMap((it) => it.split('\n')))).toEqual([]);
  });

  it('in an error or anything else beside the data of an answer', () => {
    expect(find(seen.map((it) => `${it.what}: ${outsideData(it)}`.slice(it.what.length)))).toEqual([]);
  });

  it('in the headers of an answer', () => {
    expect(find(seen.map(({ headers }) => headers))).toEqual([]);
  });

  it('in the address of a call to a source', () => {
    expect(find(calls.map(({ source, method, url }) => `${source} ${method} ${url}`))).toEqual([]);
  });

  it('in the name of a file', () => {
    expect(fileNames.length).toBeGreaterThan(0);
    expect(find(fileNames)).toEqual([]);
  });
});

describe('in the database', () => {
  it('the access log names those who asked, by name and never by national id, and holds nothing of any history', () => {
    expect(places.access.length).toBeGreaterThan(50);
    expect(find(places.access, ['national id', 'clinical', 'secret'])).toEqual([]);
  });

  it('no key, label or time beside what the municipality recorded says of whom it is', () => {
    expect(tables.length).toBeGreaterThan(50);
    expect(find(tables, ['national id', 'name', 'clinical', 'secret'])).toEqual([]);
  });
});

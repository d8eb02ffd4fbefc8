import { execFile } from 'node:child_process';
import { request as ask } from 'node:http';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../examples/client/ask.ts';
import { loadConfig } from '../../gateway/config.ts';
import { type Running, startGateway } from '../../gateway/main.ts';
import { registerSandboxRoutes } from '../../sandbox/control.ts';
import { type Kilde, startKilde } from '../support/kilde.ts';
import { createProver, type Prover } from '../support/proofs.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';

// What of the attack table only shows over HTTP: D01, D02, D19, D30, D35, D38, D39, B45, J15's entry in the access log.

const patient = '14834841291';
const body = JSON.stringify({ query: `{ patient(identifier: "${patient}") { birthDate } viewer { role } }` });
const json = ['content-type', 'application/json'];

let kilde: Kilde;
let redis: TestRedis;
let client: Prover;
let token: string;
/** Two replicas, and one that asks for nonces. */
let replicas: [Running, Running];
let strict: Running;

beforeAll(async () => {
  redis = await startTestRedis();
  kilde = await startKilde({ REDIS_URL: redis.url });
  client = await createProver();
  token = await kilde.token({ persona: 'legevakt-doctor', patient, jkt: client.jkt });
  const start = (more: Record<string, string>) => {
    const env = { PORT: '0', HOST: '127.0.0.1', ...kilde.sandbox.env, REDIS_URL: redis.url, ...more };
    return startGateway(loadConfig(env), env);
  };
  const shared = { PUBLIC_URL: 'https://kilde.example' };
  [...replicas] = [await start(shared), await start(shared)];
  strict = await start({ ...shared, DPOP_NONCE: 'always' });
});
afterAll(async () => {
  await Promise.all([...replicas, strict].map((it) => it.stop()));
  await kilde.stop();
  await redis.stop();
});

type Answer = { status: number; headers: Record<string, string | undefined>; text: string };
/** Headers one by one, as `fetch` does not send them: the same name may come twice. */
const send = (url: string, rawHeaders: string[], text = body): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const length = ['content-length', String(Buffer.byteLength(text))];
    const host = rawHeaders.includes('host') ? [] : ['host', new URL(url).host];
    const headers = [...host, ...json, ...length, ...rawHeaders];
    const sent = ask(url, { method: 'POST', headers }, async (response) => {
      let received = '';
      for await (const part of response) received += String(part);
      resolve({ status: response.statusCode ?? 0, headers: response.headers as Answer['headers'], text: received });
    });
    sent.once('error', reject);
    sent.end(text);
  });
const authorization = () => ['Authorization', `DPoP ${token}`];
const codeOf = ({ text }: Answer): unknown =>
  (JSON.parse(text) as { errors?: { extensions: { code: string } }[] }).errors?.[0]?.extensions.code;

describe('POST /graphql with a token that is bound to a key', () => {
  const own = () => `${kilde.url}/graphql`;

  it('is answered with a proof, under any case of the headers’ names, with a query in the address or without', async () => {
    for (const [name, url] of [
      ['DPoP', own()],
      ['dpop', own()],
      ['DPOP', `${own()}?operation=x`],
    ] as const) {
      const answer = await send(url, [...authorization(), name, await client.prove({ url: own(), token })]);
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.text)).toMatchObject({ data: { patient: { birthDate: expect.any(String) } } });
    }
  });

  it('answers 401 without one, with two, and with one for another address, and tells what it wants', async () => {
    const prove = (url: string) => client.prove({ url, token });
    const cases = [
      [],
      ['dpop', await prove(own()), 'dpop', await prove(own())],
      ['dpop', await prove(`${kilde.url}/events`)],
      ['x-forwarded-host', 'evil.example', 'dpop', await prove('http://evil.example/graphql')],
      ['host', 'evil.example', 'dpop', await prove('http://evil.example/graphql')],
    ];
    for (const headers of cases) {
      const answer = await send(own(), [...authorization(), ...headers]);
      expect([answer.status, codeOf(answer)]).toEqual([401, 'UNAUTHENTICATED']);
      expect(answer.headers['www-authenticate']).toMatch(/^DPoP realm="kilde", error="invalid_dpop_proof", error_desc/);
      expect(answer.headers['www-authenticate']).toContain('algs="ES256 ES384 ES512 PS256 PS384 PS512"');
      expect(answer.headers['www-authenticate']).not.toContain('Bearer');
    }
  });

  it('answers 401 to two tokens, although Node hands on the first alone', async () => {
    const bearer = await kilde.token({ persona: 'legevakt-doctor', patient });
    const one = ['Authorization', `Bearer ${bearer}`];
    expect((await send(own(), one)).status).toBe(200);
    const two = await send(own(), [...one, ...one]);
    expect([two.status, codeOf(two)]).toEqual([401, 'UNAUTHENTICATED']);
    expect(two.headers['www-authenticate']).toContain('Bearer realm="kilde", error="invalid_token"');
  });

  it('asks for a token without saying that one is wrong, and names both schemes in the sandbox', async () => {
    const { headers } = await send(own(), []);
    expect(headers['www-authenticate']).toBe(
      'DPoP realm="kilde", algs="ES256 ES384 ES512 PS256 PS384 PS512", Bearer realm="kilde"',
    );
  });

  it('D35: answers one of two replicas that share Redis', async () => {
    const proof = await client.prove({ url: 'https://kilde.example/graphql', token });
    const headers = [...authorization(), 'dpop', proof];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => send(`${replicas[i % 2]?.url}/graphql`, headers)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(19);
  });

  it('D39: is asked for a nonce where the configuration says so', async () => {
    const prove = (nonce?: string) =>
      client.prove({ url: 'https://kilde.example/graphql', token, claims: nonce ? { nonce } : {} });
    const url = `${strict.url}/graphql`;
    const challenged = await send(url, [...authorization(), 'dpop', await prove()]);
    expect(challenged.status).toBe(401);
    expect(challenged.headers['www-authenticate']).toContain('DPoP realm="kilde", error="use_dpop_nonce"');
    const nonce = challenged.headers['dpop-nonce'];
    expect((await send(url, [...authorization(), 'dpop', await prove(nonce)])).status).toBe(200);
  });

  it('F22: answers 503 that passes while Redis is away, and serves others', async () => {
    await redis.signal('SIGKILL');
    try {
      const proof = await client.prove({ url: 'https://kilde.example/graphql', token });
      const answer = await send(`${replicas[0].url}/graphql`, [...authorization(), 'dpop', proof]);
      expect([answer.status, codeOf(answer)]).toEqual([503, 'OVERLOADED']);
      expect(answer.headers['retry-after']).toBe('1');
      expect(answer.text).toContain('"retryable":true');
      const bearer = await kilde.token({ persona: 'legevakt-doctor', patient });
      expect((await send(own(), ['Authorization', `Bearer ${bearer}`])).status).toBe(200);
    } finally {
      await redis.restart();
    }
    await expect
      .poll(async () => {
        const proof = await client.prove({ url: 'https://kilde.example/graphql', token });
        return (await send(`${replicas[0].url}/graphql`, [...authorization(), 'dpop', proof])).status;
      })
      .toBe(200);
  });
});

describe('the addresses of subgraphs', () => {
  it('are behind the same door: a proof for its own path, read before the body', async () => {
    const system = await createProver();
    const bound = await kilde.token({ persona: 'system-ingest', jkt: system.jkt });
    const url = `${kilde.url}/events`;
    const post = async (htu: string) =>
      send(url, ['Authorization', `DPoP ${bound}`, 'dpop', await system.prove({ url: htu, token: bound })], '{');
    expect((await post(`${kilde.url}/graphql`)).status).toBe(401);
    expect((await post(url)).status).toBe(415); // known, and then not FHIR
  });
});

describe('J15: who is refused for what their token says', () => {
  it('is in the access log, with the rule and without a patient', async () => {
    const level = { 'helseid://claims/identity/security_level': '3' };
    const low = await kilde.token({ persona: 'legevakt-doctor', patient, claims: level });
    const traceId = 'a1'.repeat(16);
    const traceparent = `00-${traceId}-${'b2'.repeat(8)}-01`;
    const answer = await send(`${kilde.url}/graphql`, ['Authorization', `Bearer ${low}`, 'traceparent', traceparent]);
    expect([answer.status, codeOf(answer)]).toEqual([403, 'FORBIDDEN']);
    const database = new pg.Client({ connectionString: kilde.postgres.url });
    await database.connect();
    try {
      const { rows } = await database.query('select * from personvern.access where trace_id = $1', [traceId]);
      expect(rows).toHaveLength(1);
      expect(rows[0]).toMatchObject({
        patient: null,
        role: 'none',
        outcome: 'refused',
        rules: ['caller/level'],
        hpr_number: '9990004',
        organisation: '310000019',
        caller_key: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
    } finally {
      await database.end();
    }
  });
});

describe('the example of a client', () => {
  const query = 'query ($patient: PatientIdentifier!) { patient(identifier: $patient) { name { text } } }';

  it('gets a bound token and an answer, each time with a proof of its own', async () => {
    const example = await createClient(kilde.url);
    await example.signIn('legevakt-doctor', patient);
    for (let times = 0; times < 3; times++)
      expect(await example.ask(query, { patient })).toMatchObject({
        status: 200,
        body: { data: { patient: { name: { text: expect.any(String) } } } },
      });
  });

  it('finds its way where nonces are asked for', async () => {
    const env = { PORT: '0', HOST: '127.0.0.1', ...kilde.sandbox.env, REDIS_URL: redis.url, DPOP_NONCE: 'always' };
    const own = await startGateway(loadConfig(env), env, {
      extend: (app) => {
        const { issuer, population, switches } = kilde.sandbox;
        registerSandboxRoutes(app, { issuer, population, simulators: switches });
      },
    });
    try {
      const example = await createClient(own.url);
      await example.signIn('legevakt-doctor', patient);
      expect((await example.ask(query, { patient })).status).toBe(200);
      expect((await example.ask(query, { patient })).status).toBe(200);
    } finally {
      await own.stop();
    }
  });

  it('runs as it is', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['examples/client/ask.ts'], {
      env: { ...process.env, KILDE_URL: kilde.url },
    });
    expect(JSON.parse(stdout)).toMatchObject({ data: { patient: { criticalInformation: { status: 'FRESH' } } } });
  });
});

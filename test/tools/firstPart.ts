import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { seed } from '../../sandbox/seed.ts';
import { startKilde } from '../support/kilde.ts';

/**
 * How much later than the fastest source the first part of a deferred answer comes, while every other source hangs: the same
 * fields asked for alone, and with all the rest deferred, in turn. Prints milliseconds.
 *
 *     node test/tools/firstPart.ts --rounds 200
 */
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '200' } } });
const rounds = Number(values.rounds);
const patient = '14834841291';
const hanging = ['provesvar', 'eresept', 'kjernejournal', 'journaldokumenter', 'fastlegeregisteret'];

const fast = 'earlyWarningScores(first: 5) { status absence { code } nodes { measured score provenance { source } } }';
const slow = [
  'labReports(first: 5)',
  'medication',
  'criticalInformation',
  'documents(first: 5)',
  'generalPractitioners',
];
const alone = `query Alone($patient: PatientIdentifier!) { patient(identifier: $patient) { id ${fast} } }`;
const deferred = `query Deferred($patient: PatientIdentifier!) { patient(identifier: $patient) { id ${fast}
  ${slow.map((field, i) => `... @defer(label: "${i}") { ${field} { status absence { code } } }`).join('\n')} } }`;

const kilde = await startKilde();
// A process of its own, so that the simulators' work is not taken for the gateway's.
const gateway = spawn(process.execPath, [fileURLToPath(new URL('../../gateway/main.ts', import.meta.url))], {
  env: { ...process.env, ...kilde.sandbox.env, HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'info' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  let url = '';
  for await (const line of createInterface({ input: gateway.stdout })) {
    ({ url = '' } = JSON.parse(line) as { url?: string });
    if (url) break;
  }
  gateway.stdout.resume();
  await seed({ sandbox: kilde.sandbox, gatewayUrl: kilde.url });
  const token = await kilde.token({ persona: 'legevakt-doctor', patient });
  /** Until the first bytes of the body are here; then the client goes away. */
  const firstBytesMs = async (query: string): Promise<number> => {
    const leaving = new AbortController();
    const started = performance.now();
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'multipart/mixed;incrementalSpec=v0.2, application/json',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({ query, variables: { patient } }),
      signal: leaving.signal,
    });
    const { value } = await response.body!.getReader().read();
    const took = performance.now() - started;
    if (!Buffer.from(value!).toString().includes('"score"')) throw new Error('the first part is not there');
    leaving.abort();
    return took;
  };
  for (const query of [alone, deferred]) for (let i = 0; i < 20; i++) await firstBytesMs(query); // warm
  for (const source of hanging)
    await fetch(`${kilde.url}/sandbox/sources/${source}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ hang: true }),
    });
  const taken: Record<'alone' | 'deferred', number[]> = { alone: [], deferred: [] };
  for (let i = 0; i < rounds; i++) {
    taken.alone.push(await firstBytesMs(alone));
    taken.deferred.push(await firstBytesMs(deferred));
  }
  const quantile = (times: readonly number[], share: number) =>
    times.toSorted((one, other) => one - other)[Math.floor(share * (times.length - 1))] ?? Number.NaN;
  for (const [name, share] of [
    ['fastest', 0],
    ['median', 0.5],
    ['p95', 0.95],
  ] as const) {
    const [only, first] = [quantile(taken.alone, share), quantile(taken.deferred, share)];
    console.log(
      `${name}: alone ${only.toFixed(2)}, first part ${first.toFixed(2)}, later by ${(first - only).toFixed(2)}`,
    );
  }
} finally {
  gateway.kill();
  await kilde.stop();
}

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seed } from '../../sandbox/seed.ts';
import { launchBrowser } from '../support/browser.ts';
import { type Kilde, startKilde } from '../support/kilde.ts';

const explorer = fileURLToPath(new URL('../../.kilde/explorer/', import.meta.url));
const shots = fileURLToPath(new URL('../output/', import.meta.url));

let browser: Browser;
let kilde: Kilde;
let page: Page;
const problems: string[] = [];
beforeAll(async () => {
  await mkdir(shots, { recursive: true });
  [browser, kilde] = await Promise.all([launchBrowser(), startKilde({}, { explorer })]);
  await seed({ sandbox: kilde.sandbox, gatewayUrl: kilde.url });
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${kilde.url}/`) && !request.url().startsWith('data:')) problems.push(request.url());
  });
  await page.goto(`${kilde.url}/`);
  await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  await page.getByRole('heading', { name: 'Emergency summary' }).waitFor();
});
afterAll(async () => {
  await browser?.close();
  await kilde?.stop();
});

const panel = () => page.getByRole('region', { name: /^Sources/ });
const run = async (title: string) => {
  const answered = page.waitForResponse(
    (response) => response.url().endsWith('/graphql') && !response.request().postData()?.includes('__schema'),
  );
  await page.getByRole('listitem').filter({ hasText: title }).getByRole('button', { name: 'Run' }).click();
  await answered;
  await panel().getByText('Answered in').waitFor();
  return panel().getByRole('status').textContent();
};

describe('the explorer in front of Kilde itself', () => {
  it.each([
    ['Emergency summary', 9],
    ['Emergency, part by part', 5],
    ['Home-nursing round', 4],
    ['Medication review', 4],
    ['Laboratory and imaging', 2],
    ['My own overview', 10],
  ])('signs in and runs «%s» whole', async (title, sources) => {
    const status = await run(title);
    expect(status).toMatch(new RegExp(`^Answered in \\d+ ms · ${sources} sources(?! · \\d+ with something missing)`));
    expect(await panel().getByRole('row').count()).toBe(sources + 1);
    await page.screenshot({ path: `${shots}live-${title.toLowerCase().replace(/\W+/g, '-')}.png` });
  });

  it('shows parts of an answer as they come', async () => {
    const fault = (latencyMs: number) =>
      fetch(`${kilde.url}/sandbox/sources/provesvar`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ latencyMs }),
      });
    await fault(2_500);
    await page
      .getByRole('listitem')
      .filter({ hasText: 'Emergency, part by part' })
      .getByRole('button', { name: 'Run' })
      .click();
    const has = async (source: string) => (await panel().getByText(source, { exact: true }).count()) > 0;
    const fast = ['PERSONTJENESTEN', 'KJERNEJOURNAL', 'HENDELSESLAGER', 'ERESEPT'];
    const state = async () => [(await Promise.all(fast.map(has))).every(Boolean), await has('PROVESVAR')];
    await expect.poll(state, { interval: 20, timeout: 5_000 }).toEqual([true, false]);
    expect(await page.locator('.result-window').textContent()).toContain('"1948-03-14"');
    await page.screenshot({ path: `${shots}live-first-parts.png` });
    await expect.poll(state, { timeout: 5_000 }).toEqual([true, true]);
    await panel().getByText('Answered in').waitFor();
    await page.screenshot({ path: `${shots}live-all-parts.png` });
    await fetch(`${kilde.url}/sandbox/sources`, { method: 'DELETE' });
  });

  it('shows which source is missing, and why', async () => {
    await fetch(`${kilde.url}/sandbox/sources/provesvar`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ down: true }),
    });
    expect(await run('Emergency summary')).toMatch(/1 with something missing · 1 error$/);
    await panel().getByText('SOURCE_UNAVAILABLE').first().waitFor();
    await page.screenshot({ path: `${shots}live-source-down.png` });
    await fetch(`${kilde.url}/sandbox/sources`, { method: 'DELETE' });
  });

  it('asks no other host, and nothing goes wrong on the page', () => {
    expect(problems).toEqual([]);
  });
});

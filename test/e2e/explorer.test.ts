import { mkdir } from 'node:fs/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { startExplorerServer } from '../support/explorerServer.ts';

const shots = new URL('../output/', import.meta.url).pathname;

let browser: Browser;
let sandbox: Awaited<ReturnType<typeof startExplorerServer>>;
let production: Awaited<ReturnType<typeof startExplorerServer>>;
beforeAll(async () => {
  await mkdir(shots, { recursive: true });
  [browser, sandbox, production] = await Promise.all([
    launchBrowser(),
    startExplorerServer(),
    startExplorerServer({ sandbox: false }),
  ]);
});
afterAll(() => Promise.all([browser?.close(), sandbox?.close(), production?.close()]));

/** A page that is ready to use, and everything that went wrong on it or left this machine. */
const open = async (url = sandbox.url, options: BrowserContextOptions = {}) => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  const elsewhere: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('pageerror', ({ message }) => problems.push(message));
  page.on('requestfailed', (request) => problems.push(request.url()));
  context.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`) && !request.url().startsWith('data:')) elsewhere.push(request.url());
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      console.error(`CSP: ${violatedDirective} ${blockedURI}`),
    );
  });
  await page.goto(`${url}/`);
  await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  await page.getByRole('heading', { name: 'Emergency summary' }).waitFor();
  return { page, context, problems, elsewhere };
};

// Monaco keeps spaces as no-break spaces, lines apart.
const textOf = async (page: Page, editor: string) =>
  (await page.locator(`${editor} .view-line`).allTextContents()).join('\n').replaceAll('\u00a0', ' ');
const panel = (page: Page) => page.getByRole('region', { name: /^Sources/ });
const example = (page: Page, title: string) => page.getByRole('listitem').filter({ hasText: title });

describe('explorer in the sandbox', () => {
  it('loads, runs an example and edits without asking another host and without an error on the console', async () => {
    const { page, context, problems, elsewhere } = await open();
    await example(page, 'Emergency summary').getByRole('button', { name: 'Run' }).click();
    await panel(page).getByText('Answered in').waitFor();
    await page.getByRole('button', { name: 'Prettify' }).click();
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await page.getByRole('button', { name: 'Show History' }).click();
    await page.locator('.graphiql-query-editor .view-line').nth(3).click();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+Space');
    await page.locator('.suggest-widget .monaco-list-row').first().waitFor(); // the GraphQL worker answers
    expect(await page.locator('.suggest-widget').textContent()).toContain('criticalInformation');
    expect(problems).toEqual([]);
    expect(elsewhere).toEqual([]);
    await context.close();
  });

  it('runs an example: fills both editors, signs in as its persona for its patient, shows the answer and its sources', async () => {
    const before = sandbox.seen.tokens.length;
    const { page, context } = await open();
    await example(page, 'Emergency summary').getByRole('button', { name: 'Run' }).click();
    await panel(page).getByText('Answered in').waitFor();
    expect(await textOf(page, '.graphiql-query-editor')).toContain('query EmergencySummary($patient: String!)');
    expect(await textOf(page, '.graphiql-editor-tool')).toContain('"patient": "11835601481"');
    expect(sandbox.seen.tokens.slice(before)).toEqual([{ persona: 'legevakt-doctor', patient: '11835601481' }]);
    expect(await page.getByLabel('Persona').inputValue()).toBe('legevakt-doctor');
    expect(await page.getByLabel(/^Patient/).inputValue()).toBe('Stødig Elv');
    await page.getByText('Signed in: Doctor at the casualty clinic: emergency care, for Stødig Elv').waitFor();
    await expect.poll(() => textOf(page, '.result-window')).toContain('"name": "Stødig Elv"');

    const rows = await panel(page).getByRole('row').allTextContents();
    expect(rows.slice(1)).toEqual([
      expect.stringMatching(/^KJERNEJOURNAL_KIUnavailable svarte ikke––Source unavailable\. Kilden svarte ikke/),
      expect.stringMatching(/^PASIENTPROVERNot asked ikke spurt––Restricted\. Innbyggeren har sperret/),
      expect.stringMatching(/^PERSONTJENESTENFresh hentet nå5 Mar 2026, 08:001$/),
      expect.stringMatching(/^HENDELSESLAGERCached mellomlagret5 Mar 2026, 08:0012$/),
      expect.stringMatching(
        /^VAKSINERFresh hentet nå5 Mar 2026, 08:000None registered\. Kilden svarte: ingenting er registrert\.$/,
      ),
    ]); // what is missing comes first
    expect(await panel(page).getByRole('listitem').textContent()).toMatch(
      /^SOURCE_UNAVAILABLE KJERNEJOURNAL_KI does not answer in time · KJERNEJOURNAL_KI at patient\.criticalInformation/,
    );
    await panel(page).getByText('0af7651916cd43dd8448eb211c80319c').waitFor();
    expect(await panel(page).getByRole('status').textContent()).toMatch(
      /^Answered in \d+ ms · 5 sources · 2 with something missing · 1 error$/,
    );
    await page.screenshot({ path: `${shots}explorer-light.png` });
    await context.close();
  });

  it('opens another example without running it, in place of the first but not of what somebody wrote', async () => {
    const { page, context } = await open();
    await example(page, 'Home nursing round').getByRole('button', { name: 'Open' }).click();
    await page.getByText('Signed in: Nurse in home care, for Rolig Rogn').waitFor();
    expect(await textOf(page, '.graphiql-query-editor')).toContain('query HomeNursingRound');
    expect(await panel(page).getByRole('status').textContent()).toBe('Nothing asked yet');
    expect(await page.locator('.graphiql-tab').count()).toBe(1);

    await page.locator('.graphiql-query-editor .view-line').last().click();
    await page.keyboard.type('# mine');
    await example(page, 'Emergency summary').getByRole('button', { name: 'Open' }).click();
    await expect.poll(() => page.locator('.graphiql-tab').count()).toBe(2);
    expect(await textOf(page, '.graphiql-query-editor')).toContain('query EmergencySummary');
    await context.close();
  });

  it('asks for a token by name when nobody is signed in', async () => {
    const { page, context } = await open();
    await page.getByRole('button', { name: /Execute/ }).click();
    await panel(page).getByText('UNAUTHENTICATED').waitFor();
    await panel(page).getByText('Sign in at the top of the page.').waitFor();
    await context.close();
  });

  it('lets the variables follow when another patient is signed in for', async () => {
    const { page, context } = await open();
    await example(page, 'Emergency summary').getByRole('button', { name: 'Open' }).click();
    await page.getByText('for Stødig Elv').waitFor();
    await page.getByLabel(/^Patient/).fill('gaupe');
    await page.getByRole('option', { name: /Blid Gaupe/ }).click();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('for Blid Gaupe').waitFor();
    await expect.poll(() => textOf(page, '.graphiql-editor-tool')).toContain('24868700056');
    await context.close();
  });

  it('keeps tokens, numbers and answers out of the browser’s stores and out of every address', async () => {
    const { page, context } = await open();
    const addresses: string[] = [];
    page.on('request', (request) => addresses.push(request.url()));
    await example(page, 'Emergency summary').getByRole('button', { name: 'Run' }).click();
    await panel(page).getByText('Answered in').waitFor();
    await page.getByRole('button', { name: 'Hide editor tools' }).click();
    // GraphiQL writes half a second after a change: when the pane's size is there, the rest would be too.
    await page.mouse.move(900, 400);
    const stored = await page.evaluate(async () => {
      const caches = await window.caches.keys().catch(() => []);
      return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, caches]);
    });
    expect(stored).not.toMatch(/token-|11835601481|Stødig|query/);
    expect(addresses.join()).not.toMatch(/token-\d|\d{11}/);
    await context.close();
  });

  it('works by keyboard alone: choose a persona and a patient, sign in, write, run and leave the editor', async () => {
    const { page, context } = await open();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the editor');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    expect(await page.getByLabel('Persona').inputValue()).toBe('home-nurse');
    await page.keyboard.press('Tab');
    await page.keyboard.type('rogn');
    await page.keyboard.press('ArrowDown');
    const active = await page.getByLabel(/^Patient/).getAttribute('aria-activedescendant');
    expect(await page.locator(`#${active}`).textContent()).toContain('Rolig Rogn');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Signed in: Nurse in home care, for Rolig Rogn').waitFor();

    const focused = () =>
      page.evaluate(
        () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '',
      );
    for (let step = 0; step < 40 && !(await focused()).startsWith('Operation.'); step++)
      await page.keyboard.press('Tab');
    expect(await focused()).toBe('Operation. Enter edits, Escape leaves.');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+a');
    await page.keyboard.type('query Mine { __typename ');
    await page.keyboard.press('Control+Enter');
    await panel(page).getByText('Answered in').waitFor();
    await expect.poll(() => textOf(page, '.result-window')).toContain('"__typename": "Query"');
    await page.keyboard.press('Escape'); // an open list of suggestions, if there is one
    await page.keyboard.press('Escape');
    expect(await focused()).toBe('Operation. Enter edits, Escape leaves.');
    await page.keyboard.press('Tab');
    expect(await focused()).toMatch(/^Execute/);
    await context.close();
  });

  it('renews its token when it expires', async () => {
    const short = await startExplorerServer({ expiresIn: 5 }); // within the margin: due at once
    const { page, context } = await open(short.url);
    await example(page, 'Home nursing round').getByRole('button', { name: 'Run' }).click();
    await panel(page).getByText('Answered in').waitFor();
    expect(short.seen.authorizations).toEqual(['Bearer token-2']);
    await context.close();
    await short.close();
  });
});

it('explorer outside the sandbox takes a token, forgets it on demand, and offers no persona', async () => {
  const { page, context, problems } = await open(production.url);
  expect(await page.getByLabel('Persona').count()).toBe(0);
  await page.getByLabel(/^Access token/).fill('from-elsewhere');
  await page.getByRole('button', { name: 'Use token' }).click();
  await page.getByText('A token is in use').waitFor();
  await page.getByRole('button', { name: 'Execute' }).click();
  await panel(page).getByText('Answered in').waitFor();
  expect(production.seen.authorizations).toEqual(['Bearer from-elsewhere']);
  expect(production.seen.tokens).toEqual([]);
  await page.getByRole('button', { name: 'Forget token' }).click();
  await page.getByText('No token').waitFor();
  expect(problems).toEqual([]);
  await page.screenshot({ path: `${shots}explorer-production.png` });
  await context.close();
});

describe('explorer for everybody (WCAG 2.2 AA)', () => {
  const ran = async (options: BrowserContextOptions) => {
    const opened = await open(sandbox.url, options);
    await example(opened.page, 'Emergency summary').getByRole('button', { name: 'Run' }).click();
    await panel(opened.page).getByText('Answered in').waitFor();
    await expect.poll(() => textOf(opened.page, '.result-window')).toContain('errors');
    return opened;
  };

  it.each(['light', 'dark'] as const)('has enough contrast in %s', async (colorScheme) => {
    const { page, context } = await ran({ colorScheme, reducedMotion: 'reduce' });
    await page.mouse.move(1, 1);
    const { tooPale, checked } = await page.evaluate(() => {
      type Colour = [number, number, number, number];
      const parse = (text: string): Colour => {
        const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
        return [r, g, b, a];
      };
      const over = ([r, g, b, a]: Colour, [R, G, B]: Colour): Colour => [
        r * a + R * (1 - a),
        g * a + G * (1 - a),
        b * a + B * (1 - a),
        1,
      ];
      const groundOf = (element: Element): Colour => {
        const layers: Colour[] = [];
        for (let at: Element | null = element; at; at = at.parentElement) {
          const colour = parse(getComputedStyle(at).backgroundColor);
          layers.push(colour);
          if (colour[3] === 1) break;
        }
        return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255, 1] as Colour);
      };
      const luminance = (colour: Colour) => {
        const [r, g, b] = colour.slice(0, 3).map((it) => {
          const part = it / 255;
          return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        }) as [number, number, number];
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const tooPale: string[] = [];
      let checked = 0;
      for (const element of document.body.querySelectorAll('*')) {
        const own = [...element.childNodes].some((it) => it.nodeType === 3 && it.textContent?.trim());
        if (!own || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
        if (element.closest('.dimmed-line-number, [disabled], .kilde-skip')) continue; // decoration, disabled, off screen
        const ground = groundOf(element);
        const [light, dark] = [luminance(over(parse(getComputedStyle(element).color), ground)), luminance(ground)].sort(
          (one, other) => other - one,
        ) as [number, number];
        const ratio = (light + 0.05) / (dark + 0.05);
        checked++;
        if (ratio < 4.5) tooPale.push(`${ratio.toFixed(2)} ${element.className} ${element.textContent?.slice(0, 30)}`);
      }
      return { tooPale, checked };
    });
    expect(checked).toBeGreaterThan(80);
    expect(tooPale).toEqual([]);
    await page.screenshot({ path: `${shots}explorer-${colorScheme}.png` });
    await context.close();
  });

  it('names every control, has one of each landmark and one first heading', async () => {
    const { page, context } = await ran({});
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('a, button, input, select, textarea, [role="option"]')]
        .filter((it) => it.checkVisibility({ visibilityProperty: true }) && it.tabIndex >= 0)
        .filter((it) => {
          const labelled = it
            .getAttribute('aria-labelledby')
            ?.split(' ')
            .map((id) => document.getElementById(id)?.textContent);
          const labels =
            'labels' in it
              ? [...((it.labels as NodeListOf<HTMLElement> | null) ?? [])].map((label) => label.textContent)
              : [];
          return ![it.getAttribute('aria-label'), it.textContent, ...(labelled ?? []), ...labels].some((text) =>
            text?.trim(),
          );
        })
        .map((it) => it.outerHTML.slice(0, 120)),
    );
    expect(nameless).toEqual([]);
    for (const landmark of ['banner', 'main'] as const) expect(await page.getByRole(landmark).count()).toBe(1);
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('en');
    const ids = await page.evaluate(() => [...document.querySelectorAll('[id]')].map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
    await context.close();
  });

  it('shows where the keyboard is, and never behind a hidden pane', async () => {
    const { page, context } = await ran({});
    await page.getByRole('button', { name: 'Hide Examples' }).click();
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    const unseen: string[] = [];
    for (let step = 0; step < 30; step++) {
      await page.keyboard.press('Tab');
      const problem = await page.evaluate(() => {
        const at = document.activeElement;
        if (!at || at === document.body) return null;
        const { outlineStyle, outlineWidth } = getComputedStyle(at);
        const { right, left } = at.getBoundingClientRect();
        const shown = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2;
        return shown && right > 0 && left < innerWidth
          ? null
          : `${at.outerHTML.slice(0, 100)} ${outlineStyle} ${outlineWidth}`;
      });
      if (problem) unseen.push(problem);
    }
    expect(unseen).toEqual([]);
    await context.close();
  });

  it.each([
    ['320 px', { viewport: { width: 320, height: 640 } }],
    ['zoomed to 200 %', { viewport: { width: 640, height: 450 }, deviceScaleFactor: 2 }],
  ])('needs no sideways scrolling at %s', async (name, options) => {
    const { page, context } = await ran(options);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBe(0);
    const cut = await page.evaluate(() =>
      [...document.querySelectorAll('.kilde-header *, .kilde-gallery *, .kilde-panel *')]
        .filter((it) => it.checkVisibility({ visibilityProperty: true }) && !it.closest('thead, .kilde-skip, option'))
        .filter((it) => it.getBoundingClientRect().right > innerWidth + 1)
        .map((it) => it.outerHTML.slice(0, 100)),
    );
    expect(cut).toEqual([]);
    await page.screenshot({ path: `${shots}explorer-${name.replace(/\W+/g, '')}.png`, fullPage: true });
    await context.close();
  });

  it('stands still for those who ask for it', async () => {
    const { page, context } = await ran({ reducedMotion: 'reduce' });
    const moving = await page.evaluate(
      () =>
        [...document.querySelectorAll('*')].filter((it) => {
          const { animationDuration, transitionDuration } = getComputedStyle(it);
          return [animationDuration, transitionDuration].some((all) =>
            all.split(', ').some((text) => Number.parseFloat(text) > 0.001),
          );
        }).length,
    );
    expect(moving).toBe(0);
    await context.close();
  });
});

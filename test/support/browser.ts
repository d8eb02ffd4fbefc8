import { access } from 'node:fs/promises';
import { type Browser, chromium } from 'playwright-core';

const usualPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/**
 * A headless Chromium that calls nobody by itself: the one `CHROMIUM_PATH` names, or one where systems put it. The caller
 * closes it. Throws with what to do when there is none.
 */
export const launchBrowser = async (): Promise<Browser> => {
  const named = process.env['CHROMIUM_PATH'];
  const candidates = named ? [named] : usualPlaces;
  for (const executablePath of candidates) {
    if (await exists(executablePath))
      return chromium.launch({
        executablePath,
        headless: true,
        args: [
          '--no-sandbox',
          '--disable-gpu',
          '--disable-quic',
          '--no-first-run',
          '--disable-background-networking',
          '--disable-component-update',
          '--disable-sync',
        ],
      });
  }
  throw new Error(
    `No Chromium at ${candidates.join(', ')}. Install one (Debian: apt-get install chromium) or set CHROMIUM_PATH.`,
  );
};

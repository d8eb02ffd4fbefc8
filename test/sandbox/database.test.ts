import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDatabase } from '../../sandbox/database.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'kilde-home-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const query = async (url: string, text: string) => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
};

/** A Kilde's database in a process of its own, which can be killed. */
const startElsewhere = async (): Promise<{ child: ChildProcess; url: string }> => {
  const child = fork(new URL('../support/databaseProcess.ts', import.meta.url), [home]);
  const [url] = (await once(child, 'message')) as [string];
  return { child, url };
};

describe('startDatabase', () => {
  it('keeps its data, with fsync on', async () => {
    const first = await startDatabase(home);
    expect(await query(first.url, 'show fsync')).toEqual([{ fsync: 'on' }]);
    await query(first.url, 'create table kept as select 1 as one');
    await first.stop();
    const second = await startDatabase(home);
    expect(await query(second.url, 'select * from kept')).toEqual([{ one: 1 }]);
    await second.stop();
  });

  it('starts again on the data of a Kilde that was killed', async () => {
    const { child, url } = await startElsewhere();
    await query(url, 'create table kept as select 1 as one');
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    const next = await startDatabase(home);
    expect(await query(next.url, 'select * from kept')).toEqual([{ one: 1 }]);
    await next.stop();
  });

  it('refuses a folder on which another Kilde runs, and leaves that one alone', async () => {
    const { child, url } = await startElsewhere();
    await expect(startDatabase(home)).rejects.toThrow('Kilde already runs');
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    const exit = once(child, 'exit');
    child.send('stop');
    await exit;
  });

  it('takes over from a mark whose process is gone', async () => {
    await writeFile(join(home, 'kilde.pid'), '999999999\n');
    const database = await startDatabase(home);
    expect(await query(database.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await database.stop();
  });
});

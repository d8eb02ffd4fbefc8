import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../../sandbox/postgres.ts';

export type TestRedis = {
  url: string;
  port: number;
  /** Sends a signal to the process: `SIGKILL`, `SIGSTOP`, `SIGCONT`. */
  signal(name: NodeJS.Signals): Promise<void>;
  /** Starts it anew on the same port, empty. */
  restart(): Promise<void>;
  /** A client of the test's own, to look and to tamper. */
  client: Redis;
  stop(): Promise<void>;
};

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('error', () => resolve(false));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(/^(\+PONG|-NOAUTH)/.test(data.toString()));
    });
    socket.write('PING\r\n');
  });

/** Waits until `condition` holds; the test's own timeout is the bound. */
export const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await wait(5);
};

const run = async (command: readonly string[], port: number): Promise<ChildProcess> => {
  const server = spawn('redis-server', command, { stdio: 'ignore' });
  let gone: Error | null = null;
  server.once('error', (error) => {
    gone = new Error('redis-server does not start: is it installed? apt-get install redis-server', { cause: error });
  });
  server.once('exit', (code) => {
    gone ??= new Error(`redis-server ended with ${code}`);
  });
  await until(() => {
    if (gone) throw gone;
    return answers(port);
  });
  return server;
};

const end = async (server: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, 'exit');
  server.kill(signal);
  await exited;
};

/** A real Redis of the test's own, on a free port, that keeps nothing. `settings` as on its command line. */
export const startTestRedis = async (settings: readonly string[] = []): Promise<TestRedis> => {
  const port = await freePort();
  const home = await mkdtemp(join(tmpdir(), 'kilde-redis-'));
  const command = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', home, ...settings];
  let server = await run(command, port);
  const password = settings[settings.indexOf('--requirepass') + 1];
  const client = new Redis({
    port,
    host: '127.0.0.1',
    ...(settings.includes('--requirepass') && password ? { password } : {}),
    lazyConnect: true,
  });
  client.on('error', () => {});
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    client,
    async signal(name) {
      if (name === 'SIGKILL') await end(server, name);
      else server.kill(name);
    },
    async restart() {
      await end(server, 'SIGKILL');
      server = await run(command, port);
    },
    async stop() {
      client.disconnect();
      await end(server, 'SIGKILL');
      await rm(home, { recursive: true, force: true });
    },
  };
};

export type TestSentinel = {
  port: number;
  /** Waits until it knows whom it may fail over to. */
  knowsReplica(): Promise<void>;
  stop(): Promise<void>;
};

/** A Sentinel that watches `master` by the name `kilde`, and alone may decide to fail over. */
export const startTestSentinel = async (master: TestRedis): Promise<TestSentinel> => {
  const port = await freePort();
  const home = await mkdtemp(join(tmpdir(), 'kilde-sentinel-'));
  const file = join(home, 'sentinel.conf');
  await writeFile(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${home}`,
      `sentinel monitor kilde 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds kilde 300',
      'sentinel failover-timeout kilde 2000',
    ].join('\n'),
  );
  const server = await run([file, '--sentinel'], port);
  const client = new Redis({ port, host: '127.0.0.1', enableReadyCheck: false, lazyConnect: true });
  client.on('error', () => {});
  return {
    port,
    knowsReplica: () =>
      until(async () => ((await client.call('SENTINEL', 'REPLICAS', 'kilde')) as unknown[]).length > 0),
    async stop() {
      client.disconnect();
      await end(server, 'SIGKILL');
      await rm(home, { recursive: true, force: true });
    },
  };
};

import { Readable } from 'node:stream';
import { setTimeout as pass, setImmediate as turn } from 'node:timers/promises';
import { type DocumentNode, Kind, type OperationDefinitionNode } from 'graphql';
import { describe, expect, it, vi } from 'vitest';
import type { Deliveries, Delivery, Ending } from '../../../gateway/stream/deliver.ts';
import { readAccept, type Streaming } from '../../../gateway/stream/negotiate.ts';
import type { Part } from '../../../gateway/stream/split.ts';
import { wholeAsStream, writeStream } from '../../../gateway/stream/write.ts';

const document: DocumentNode = { kind: Kind.DOCUMENT, definitions: [] };
const operation = { kind: Kind.OPERATION_DEFINITION } as OperationDefinitionNode;
const part = (id: string, parent: Part | null): Part => ({
  id,
  path: ['patient'],
  label: id,
  parent,
  document,
  operation,
  hash: id,
  places: [{ path: ['patient'], isIntroduced: parent === null }],
});
const root = part('0', null);
const [a, b] = [part('a', root), part('b', root)];
const came = (it: Part, text: string) => ({ part: it, data: { patient: { [it.id]: text } }, errors: [] });
const extensions = { kilde: { traceId: 't', sources: [] } };
const told = '"extensions":{"kilde":{"traceId":"t","sources":[]}}';
const first: Delivery = { came: [came(root, 'x')], promised: [a, b], isLast: false, extensions };
const firstJson = '{"data":{"patient":{}}}\n';

const rest = (texts: { a: string; b: string }, closed = vi.fn()): Deliveries =>
  (async function* (): Deliveries {
    try {
      yield { came: [came(a, texts.a)], promised: [], isLast: false, extensions };
      yield { came: [came(b, texts.b)], promised: [], isLast: true, extensions };
    } finally {
      closed();
    }
  })();

const streaming = (accept: string): Streaming => readAccept(accept).streaming!;
const options = { limitBytes: 1_000, beatMs: 1_000 };
const chunksOf = async (chunks: AsyncIterable<string>) => {
  const all: string[] = [];
  for await (const it of chunks) all.push(it);
  return all;
};

describe('a stream', () => {
  it('is one chunk for each payload, in the format of 2022', async () => {
    const chunks = writeStream(
      streaming('multipart/mixed;deferSpec=20220824'),
      { first, rest: rest({ a: '1', b: '2' }) },
      firstJson,
      options,
    );
    const head = 'content-type: application/json; charset=utf-8\r\n\r\n';
    expect(await chunksOf(chunks)).toEqual([
      `\r\n---\r\n${head}{"data":{"patient":{}},"hasNext":true}\r\n---\r\n`,
      `${head}{"incremental":[{"path":["patient"],"label":"a","data":{"a":"1"}}],${told},"hasNext":true}\r\n---\r\n`,
      `${head}{"incremental":[{"path":["patient"],"label":"b","data":{"b":"2"}}],${told},"hasNext":false}\r\n-----\r\n`,
    ]);
  });

  it('is one event for each payload, in the current format', async () => {
    const chunks = writeStream(
      streaming('text/event-stream'),
      { first, rest: rest({ a: '1', b: '2' }) },
      firstJson,
      options,
    );
    expect(await chunksOf(chunks)).toEqual([
      'event: next\ndata: {"data":{"patient":{}},"pending":[{"id":"a","path":["patient"],"label":"a"},{"id":"b","path":["patient"],"label":"b"}],"hasNext":true}\n\n',
      `event: next\ndata: {"incremental":[{"id":"a","data":{"a":"1"}}],"completed":[{"id":"a"}],${told},"hasNext":true}\n\n`,
      `event: next\ndata: {"incremental":[{"id":"b","data":{"b":"2"}}],"completed":[{"id":"b"}],${told},"hasNext":false}\n\nevent: complete\ndata:\n\n`,
    ]);
  });

  it.each([
    ['multipart/mixed;deferSpec=20220824', '"incremental":[{"path":["patient"],"label":"a","data":null,"errors":[{'],
    ['multipart/mixed', '"completed":[{"id":"a","errors":[{'],
  ])('says for %s that a fragment cannot be given', async (accept, expected) => {
    const broken = async function* (): Deliveries {
      const errors = [{ message: 'm', path: ['patient'], extensions: { code: 'SOURCE_INVALID' } }];
      yield { came: [{ part: a, data: { patient: null }, errors }], promised: [], isLast: true, extensions };
    };
    const chunks = writeStream(streaming(accept), { first, rest: broken() }, firstJson, options);
    expect((await chunksOf(chunks))[1]).toContain(`${expected}"message":"m","path":["patient"]`);
  });

  it.each(['multipart/mixed;deferSpec=20220824', 'multipart/mixed', 'text/event-stream'])(
    'that would hold too much ends, all parts counted, without what was too much: %s',
    async (accept) => {
      const closed = vi.fn();
      const text = 'x'.repeat(600);
      const chunks = await chunksOf(
        writeStream(streaming(accept), { first, rest: rest({ a: text, b: text }, closed) }, firstJson, options),
      );
      expect(chunks).toHaveLength(3);
      expect(chunks[1]).toContain(text);
      expect(chunks[2]).not.toContain('x'.repeat(10));
      expect(chunks[2]).toMatch(/"path":\["patient"\]/);
      expect(chunks[2]).toContain('"code":"LIMIT_EXCEEDED"');
      expect(chunks[2]).toContain('"hasNext":false');
      expect(chunks[2]).toMatch(/(\r\n-----\r\n|event: complete\ndata:\n\n)$/);
      expect(closed).toHaveBeenCalledOnce();
    },
  );

  it('beats while nothing comes, for clients of events only', async () => {
    const slow = async function* (): Deliveries {
      await pass(60);
      yield { came: [came(a, '1'), came(b, '2')], promised: [], isLast: true, extensions };
    };
    const often = { ...options, beatMs: 10 };
    const eventsSent = await chunksOf(
      writeStream(streaming('text/event-stream'), { first, rest: slow() }, firstJson, often),
    );
    expect(eventsSent.slice(1, -1).length).toBeGreaterThan(0);
    expect(new Set(eventsSent.slice(1, -1))).toEqual(new Set([':\n\n']));
    const parts = await chunksOf(writeStream(streaming('multipart/mixed'), { first, rest: slow() }, firstJson, often));
    expect(parts).toHaveLength(2);
  });

  it('waits for a client that does not read', async () => {
    let given = 0;
    const many = async function* (): Deliveries {
      for (;;) {
        given++;
        yield { came: [came(a, 'x'.repeat(100_000))], promised: [a], isLast: false, extensions };
      }
    };
    const chunks = writeStream(streaming('multipart/mixed'), { first, rest: many() }, firstJson, {
      ...options,
      limitBytes: 1e9,
    });
    const readable = Readable.from(chunks, { objectMode: false });
    await new Promise((resolve) => readable.once('readable', resolve));
    for (let i = 0; i < 100; i++) await turn(); // as much time as it wants
    expect(given).toBeLessThan(5);
    readable.destroy();
  });

  it('ends what feeds it when nobody reads it any more', async () => {
    const closed = vi.fn();
    const chunks = writeStream(
      streaming('multipart/mixed'),
      { first, rest: rest({ a: '1', b: '2' }, closed) },
      firstJson,
      options,
    );
    await chunks.next();
    await chunks.next();
    expect(closed).not.toHaveBeenCalled();
    await chunks.return();
    expect(closed).toHaveBeenCalledOnce();
  });

  it('breaks off where what feeds it fails: nobody takes a part for the whole', async () => {
    const failing = async function* (): Deliveries {
      yield { came: [came(a, '1')], promised: [], isLast: false, extensions };
      throw new Error('a bug');
    };
    const chunks = writeStream(streaming('multipart/mixed'), { first, rest: failing() }, firstJson, options);
    await chunks.next();
    await chunks.next();
    await expect(chunks.next()).rejects.toThrow('a bug');
  });

  it('says for everything promised why it will not come', async () => {
    const ending: Ending = { unanswered: [a, b], error: { message: 'm', extensions: { code: 'AUDIT_UNAVAILABLE' } } };
    const stopping = async function* (): Deliveries {
      yield ending;
    };
    const chunks = await chunksOf(
      writeStream(streaming('text/event-stream'), { first, rest: stopping() }, firstJson, options),
    );
    expect(chunks[1]).toContain('"completed":[{"id":"a","errors":[{"message":"m"');
    expect(chunks[1]).toContain('{"id":"b","errors":[{"message":"m"');
    expect(chunks[1]).toMatch(/"hasNext":false\}\n\nevent: complete\ndata:\n\n$/);
  });
});

describe('an answer in one piece for a client that reads streams only', () => {
  it('is one part or one event', () => {
    expect(wholeAsStream(streaming('text/event-stream'), '{"data":{}}\n')).toBe(
      'event: next\ndata: {"data":{}}\n\nevent: complete\ndata:\n\n',
    );
    expect(wholeAsStream(streaming('multipart/mixed'), '{"data":{}}\n')).toBe(
      '\r\n---\r\ncontent-type: application/json; charset=utf-8\r\n\r\n{"data":{}}\r\n-----\r\n',
    );
  });
});

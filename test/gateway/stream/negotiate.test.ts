import { describe, expect, it } from 'vitest';
import { readAccept } from '../../../gateway/stream/negotiate.ts';

const read = (header: string | undefined) => {
  const { streaming, json } = readAccept(header);
  return [streaming && `${streaming.framing} ${streaming.format}`, json];
};

describe('an Accept header', () => {
  it.each<[header: string | undefined, streaming: string | null, json: boolean]>([
    [undefined, null, true],
    ['*/*', null, true],
    ['application/json', null, true],
    ['application/graphql-response+json', null, true],
    ['text/html', null, false],
    ['', null, false],
    // Apollo Client 3, and 4 with Defer20220824Handler; its subscriptions
    [
      'multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9',
      'multipart/mixed 20220824',
      true,
    ],
    ['multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json', null, true],
    // Apollo Client 4 with GraphQL17Alpha9Handler
    ['multipart/mixed;incrementalSpec=v0.2,application/json', 'multipart/mixed current', true],
    // urql
    [
      'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed',
      'text/event-stream current',
      true,
    ],
    // graphql-sse
    ['text/event-stream', 'text/event-stream current', false],
    ['text/event-stream;deferSpec=20220824', 'text/event-stream 20220824', false],
    ['multipart/mixed', 'multipart/mixed current', false],
    ['Multipart/Mixed; DeferSpec="20220824"', 'multipart/mixed 20220824', false],
    ['multipart/mixed;deferSpec=20300101, application/json', null, true],
    ['multipart/mixed;incrementalSpec=v0.1, application/json', null, true],
    ['text/event-stream;q=0.1, multipart/mixed;q=0.5', 'multipart/mixed current', false],
    ['text/event-stream;q=0, application/json;q=0', null, false],
    ['multipart/*, text/*', null, false],
    ['text/event-stream;q=high', null, false],
  ])('%s', (header, streaming, json) => {
    expect(read(header)).toEqual([streaming, json]);
  });

  it('is answered with the parameter that the client used', () => {
    const typeFor = (header: string) => readAccept(header).streaming?.contentType;
    expect(typeFor('multipart/mixed')).toBe('multipart/mixed; boundary="-"');
    expect(typeFor('multipart/mixed;deferSpec=20220824')).toBe('multipart/mixed; boundary="-"; deferSpec=20220824');
    expect(typeFor('multipart/mixed;incrementalSpec=v0.2')).toBe('multipart/mixed; boundary="-"; incrementalSpec=v0.2');
  });
});

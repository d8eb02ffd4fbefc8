import { createHash, randomUUID } from 'node:crypto';
import { Counter } from 'prom-client';
import type { DatabaseSource } from '../../_shared/databaseSource.ts';
import type { Result } from '../../_shared/source.ts';
import type { AppRec } from '../ingest/kith/appRec.ts';
import { type Appended, becomeOnlyWriter, findStored, type Origin, slot } from './append.ts';

/** A message that cannot be an event: who sends it will hear why, and somebody can look at it as it came. */
export type Quarantined = { format: 'kith'; key: string; original: Buffer; appRec: AppRec };

const quarantined = new Counter({
  name: 'kilde_quarantined_messages_total',
  help: 'Messages that could not become events and were kept aside, by the first error of their receipt (code system 8221)',
  labelNames: ['error'],
});

/**
 * Keeps a message aside, under the same rules of idempotency as events. Durable when this returns its id; positions and read
 * models are untouched, so that the stream goes on.
 */
export const quarantine = async (
  database: DatabaseSource,
  { legalEntity, pointOfCare, clientId, sourceSystem }: Origin,
  message: Quarantined,
  recorded: Date,
  signal: AbortSignal,
): Promise<Result<Appended>> => {
  const { format, key, original, appRec } = message;
  const sha256 = createHash('sha256').update(original).digest();
  let isNew = false;
  const kept = await database.transaction(async (client): Promise<Appended> => {
    await becomeOnlyWriter(client);
    const before = (await findStored(client, legalEntity, [message])).get(slot(message));
    if (before) return before.sha256.equals(sha256) ? { ok: true, ids: [before.id] } : { ok: false, conflict: 0 };
    const id = randomUUID();
    await client.query(
      `insert into hendelseslager.quarantine (id, legal_entity, format, key, sha256, recorded, point_of_care, client_id,
          source_system, app_rec, original)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [
        id,
        legalEntity,
        format,
        key,
        sha256,
        recorded.toISOString(),
        pointOfCare,
        clientId,
        sourceSystem,
        JSON.stringify(appRec),
        original,
      ],
    );
    isNew = true;
    return { ok: true, ids: [id] };
  }, signal);
  if (kept.ok && isNew) quarantined.inc({ error: appRec.errors[0]?.code ?? 'T99' });
  return kept;
};

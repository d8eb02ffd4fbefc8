import { holdsNationalId } from '../../../schema/nationalIdText.ts';
import type { EventResource } from '../ingest/event.ts';
import { type Read, refuse, within } from '../ingest/refusal.ts';
import { type PanelState, readPanel } from './panel.ts';
import { readService, type ServiceState } from './service.ts';

/** A row of a read model, as an event states it. `thing`: the episode's or observation's own id at its sender. */
export type ServiceRow = { thing: string; status: string; state: ServiceState };
export type PanelRow = { thing: string; status: string; measuredAt: Date; state: PanelState };
export type Rows = { services: ServiceRow[]; panels: PanelRow[] };

/**
 * What an event says that a read model understands. An event of another kind gives no rows and is kept as recorded; one
 * that claims to be of a known kind and is malformed is refused.
 *
 * @param fallbackId the thing's id where the sender gave it none: the event is then the only statement about it
 */
export const rowsOf = (resources: readonly EventResource[], fallbackId: string, at: string): Read<Rows> => {
  const rows: Rows = { services: [], panels: [] };
  for (const [index, entry] of resources.entries()) {
    const place = at.replace('*', String(index));
    const unnamed = `${fallbackId}#${index}`;
    const service = readService(entry, unnamed);
    if (service && !service.ok) return { ok: false, refusal: within(place, service.refusal) };
    if (service) rows.services.push(service.value);
    const panel = readPanel(entry, resources, unnamed);
    if (panel && !panel.ok) return { ok: false, refusal: within(place, panel.refusal) };
    if (panel) rows.panels.push(panel.value);
    if ([service, panel].some((row) => row && holdsNationalId(row.value.thing)))
      return { ok: false, refusal: within(place, refuse('must not hold a national id', 'identifier').refusal) };
  }
  return { ok: true, value: rows };
};

import { randomUUID } from 'node:crypto';
import { AccessEntry } from '../../schema/accessEntry.ts';

/** An entry of the access log as a gateway writes it, about a patient and an event of its own. */
export const accessEntry = (change: Partial<AccessEntry> = {}): AccessEntry =>
  AccessEntry.parse({
    id: randomUUID(),
    at: '2026-03-05T08:00:02.000+01:00',
    patient: randomUUID(),
    patientKey: 'ef'.repeat(32),
    callerKind: 'professional',
    callerName: 'Stille Elg',
    callerKey: 'ab'.repeat(32),
    role: 'doctor',
    authorization: 'LE',
    hprNumber: '9990004',
    organisation: '310000019',
    unit: '310003018',
    clientId: 'epj-1',
    clientName: 'Test EPJ',
    purpose: 'TREAT',
    purposeDetail: '15',
    healthcareService: 'KA02',
    decisionRef: 'vedtak-1',
    accessBasis: 'SAMTYKKE',
    reason: null,
    override: false,
    categoriesGranted: ['medication'],
    categoriesDenied: [],
    rules: ['role'],
    sources: ['ERESEPT'],
    recordCounts: { ERESEPT: 3 },
    outcome: 'granted',
    flags: [],
    traceId: randomUUID().replaceAll('-', ''),
    eventId: randomUUID(),
    ...change,
  });

import DataLoader from 'dataloader';
import type { AssertedPatient } from '../../schema/assertion.ts';
import { admits, parseNationalId } from '../../schema/nationalId.ts';
import type { SourceCache } from '../_shared/cache/cache.ts';
import { type Freshness, oldestOf } from '../_shared/cache/freshness.ts';
import { toGraphQLError } from '../_shared/errors.ts';
import { given, ownOnly } from '../_shared/group.ts';
import type { CallContext, Result, Source, SourceError } from '../_shared/source.ts';
import {
  type CriticalInformationSettings,
  type CriticalResource,
  readCriticalInformation,
} from './adapter/criticalInformationClient.ts';
import {
  type AllergyIntolerance,
  type CriticalCondition,
  type Implant,
  isImplant,
  isWithdrawn,
  mapAllergyIntolerance,
  mapCondition,
  mapDevice,
  mapFlag,
  mapForeignBody,
  mapProcedure,
  mapTreatmentLimitation,
  subjectOf,
  type TreatmentLimitation,
} from './adapter/criticalInformationMapping.ts';
import type { CriticalInformationType } from './adapter/criticalInformationTypes.ts';
import { searchDocuments } from './adapter/documentClient.ts';
import { mapDocument, subjectOf as subjectOfDocument } from './adapter/documentMapping.ts';
import type { LoadedPage } from './documentPages.ts';

export type Sources = {
  cache: SourceCache;
  environment: 'sandbox' | 'production';
  kritiskInformasjon: Source;
  journaldokumenter: Source;
  settings: CriticalInformationSettings;
};

/** Lists of critical information, each with an answer of its own: one that failed must not pass as empty, nor take the rest along. */
export type CriticalLists = {
  treatmentLimitations: Result<TreatmentLimitation[]>;
  allergies: Result<AllergyIntolerance[]>;
  implants: Result<Implant[]>;
  conditions: Result<CriticalCondition[]>;
};
export type FoundCriticalInformation = {
  lists: CriticalLists;
  status: Freshness['status'];
  retrieved: string;
  dropped: number;
  isOpened: boolean;
};

const mapped = <T, U>(result: Result<T[]>, map: (item: T) => U): Result<U[]> =>
  result.ok ? { ok: true, value: result.value.map(map) } : result;
const together = <T>(...results: Result<T[]>[]): Result<T[]> => {
  const failed = results.find((result) => !result.ok);
  return failed ?? { ok: true, value: results.flatMap((result) => (result.ok ? result.value : [])) };
};
const only = <T>(result: Result<T[]>, keep: (item: T) => boolean): Result<T[]> =>
  result.ok ? { ok: true, value: result.value.filter(keep) } : result;

/** The first of the errors when nothing was given, `null` when some list was. */
export const failureOf = ({ treatmentLimitations, allergies, implants, conditions }: CriticalLists) => {
  const all = [treatmentLimitations, allergies, implants, conditions];
  const errors = all
    .map((list) => (list.ok ? null : list.error))
    .filter((error): error is SourceError => error !== null);
  return { error: errors[0] ?? null, isTotal: errors.length === all.length };
};

/** Made anew for each request: what a loader remembers is what this caller may see. */
export const createLoaders = (sources: Sources, context: CallContext) => {
  const { cache, kritiskInformasjon, journaldokumenter, settings } = sources;

  const patientOf = (id: string): AssertedPatient => {
    const patient = context.assertion.patients.find((it) => it.id === id);
    if (!patient) throw new Error('patient outside the assertion'); // the rules have let through what they must not
    const nationalId = parseNationalId(patient.nins[0]);
    if (!nationalId || !admits(sources.environment, nationalId))
      throw new Error('national id of another environment than this installation is for');
    return patient;
  };

  const readCritical = async (patient: AssertedPatient): Promise<FoundCriticalInformation> => {
    let dropped = 0;
    let isOpened = false;
    const answers: Freshness[] = [];
    const read = async <Type extends CriticalInformationType>(
      type: Type,
    ): Promise<Result<CriticalResource<Type>[]>> => {
      const { name } = kritiskInformasjon;
      const answer = await cache.ask({ source: name, name: type, patient }, context, (call) =>
        readCriticalInformation(kritiskInformasjon, settings, type, patient, call),
      );
      if (!answer.ok) return answer;
      answers.push(answer.value);
      const { content: records, isOpened: isThisOpened } = answer.value.value;
      isOpened ||= isThisOpened;
      const checked = ownOnly<CriticalResource<Type>>(name, records, subjectOf, patient.nins);
      const others = checked.ok ? checked.value.dropped : records.length;
      dropped += others;
      return checked.ok ? { ok: true, value: checked.value.own.filter((record) => !isWithdrawn(record)) } : checked;
    };
    const [consents, allergies, devices, conditions, procedures, flags] = await Promise.all([
      read('Consent'),
      read('AllergyIntolerance'),
      read('DeviceUseStatement'),
      read('Condition'),
      read('Procedure'),
      read('Flag'),
    ]);
    const { status, asOf: retrieved } = oldestOf(answers) ?? { status: 'FRESH', asOf: new Date().toISOString() };
    return {
      lists: {
        treatmentLimitations: mapped(consents, mapTreatmentLimitation),
        allergies: mapped(allergies, mapAllergyIntolerance),
        implants: together(mapped(devices, mapDevice), mapped(only(conditions, isImplant), mapForeignBody)),
        conditions: together(
          mapped(
            only(conditions, (condition) => !isImplant(condition)),
            mapCondition,
          ),
          mapped(procedures, mapProcedure),
          mapped(flags, mapFlag),
        ),
      },
      status,
      retrieved,
      dropped,
      isOpened,
    };
  };

  const readDocuments = async (patient: AssertedPatient, page: number): Promise<LoadedPage> => {
    const { name } = journaldokumenter;
    const answer = given(
      await cache.ask(
        { source: name, name: 'documents', parameters: page, patient },
        context,
        (call) => searchDocuments(journaldokumenter, settings.sourceSystem, patient, page, call),
        { isWhole: ({ content }) => !content.withheld },
      ),
    );
    const { content, isOpened } = answer.value;
    const { documents, hasNext, withheld } = content;
    const checked = ownOnly(name, documents, subjectOfDocument, patient.nins);
    const dropped = checked.ok ? checked.value.dropped : documents.length;
    if (!checked.ok) throw toGraphQLError(checked.error);
    return {
      documents: checked.value.own.map(mapDocument).filter((document) => document !== null),
      hasNext,
      withheld,
      dropped,
      isOpened,
      status: answer.status,
      asOf: answer.asOf,
    };
  };

  return {
    criticalInformation: new DataLoader<string, FoundCriticalInformation>(async (ids) =>
      Promise.all(ids.map((id) => readCritical(patientOf(id)))),
    ),
    documentPage: new DataLoader<{ id: string; page: number }, LoadedPage, string>(
      async (keys) =>
        Promise.all(keys.map(({ id, page }) => readDocuments(patientOf(id), page).catch((error: Error) => error))),
      { cacheKeyFn: ({ id, page }) => `${id} ${page}` },
    ),
  };
};

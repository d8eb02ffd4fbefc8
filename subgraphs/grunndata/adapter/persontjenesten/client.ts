import * as z from 'zod';
import type { CallContext, Result, Source, SourceAnswer, SourceError } from '../../../_shared/source.ts';

const text = z.string().nullish();

const Version = z.object({ isValid: z.boolean(), validFrom: text, validTo: text });

/** Every information element is an array of versions; what is no longer so stays in it with `isValid: false`. */
const valid = <T extends z.infer<typeof Version>>(element: z.ZodType<T>) =>
  z
    .array(element)
    .nullish()
    .transform((versions) => (versions ?? []).filter(({ isValid }) => isValid));

const PersonName = z.object({ givenName: text, middleName: text, familyName: text });
const City = z.object({ cityName: text, postalCode: text });
const StreetAddress = z.object({
  coAddressName: text,
  addressAdditionalName: text,
  addressName: text,
  addressNumber: z.object({ houseNumber: text, houseLetter: text }).nullish(),
  separatelyOccupiedUnitNumber: text,
  municipalityNumber: text,
  municipalityName: text,
  city: City.nullish(),
});
const CadastralAddress = z.object({
  coAddressName: text,
  addressAdditionalName: text,
  cadastralNumber: z.object({ municipalityNumber: text }).nullish(),
  city: City.nullish(),
});

const Numbers = z.object({
  norwegianIdentificationNumber: z.array(
    z.object({ identificationNumber: z.string(), status: text, isValid: z.boolean() }),
  ),
});

/** The information parts that Kilde asks for, as the service's OpenAPI document has them. Unknown members are ignored. */
export const RegisterPerson = Numbers.extend({
  id: z.string(),
  name: valid(Version.extend(PersonName.shape)),
  birth: valid(Version.extend({ birthDate: text, birthYear: text })),
  gender: valid(Version.extend({ gender: z.string() })),
  death: z.object({ isValid: z.boolean(), deceasedDate: text }).nullish(), // the one part that is no array
  addressProtection: valid(Version.extend({ protectionLevel: z.string() })),
  residentialAddress: valid(
    Version.extend({
      streetAddress: StreetAddress.nullish(),
      cadastralAddress: CadastralAddress.nullish(),
      unknownResidence: z.object({ municipalityNumber: text, municipalityName: text }).nullish(),
    }),
  ),
  postalAddress: valid(
    Version.extend({
      streetAddress: StreetAddress.nullish(),
      postBoxAddress: z.object({ postBoxOwner: text, postBoxIdentification: text, city: City.nullish() }).nullish(),
      freeFormPostalAddress: z.object({ addressLine: z.array(z.string()).nullish(), city: City.nullish() }).nullish(),
    }),
  ),
  parentalResponsibility: valid(
    Version.extend({
      responsibilityType: z.string(),
      subjectOfResponsibility: text,
      responsible: text,
      responsibleWithoutIdentifier: z.object({ name: PersonName.nullish() }).nullish(),
    }),
  ),
  guardianshipOrFuturePowerOfAttorney: valid(
    Version.extend({
      guardianshipType: z.string(),
      guardian: z
        .object({
          name: PersonName.nullish(),
          identificationNumber: text,
          guardianshipScope: text,
          isGuardianshipInPersonalScope: z.boolean().nullish(),
        })
        .nullish(),
    }),
  ),
});
export type RegisterPerson = z.infer<typeof RegisterPerson>;

/** A name and the numbers that tell whose it is. */
export const NamedPerson = Numbers.extend({ name: valid(Version.extend(PersonName.shape)) });
export type NamedPerson = z.infer<typeof NamedPerson>;

/**
 * Data minimisation is the caller's duty here (`informationParts` is mandatory). One set for all that a request may need of
 * the person, so that identity and the patient's own fields cost one call together.
 */
const parts = [
  'Name',
  'Birth',
  'Gender',
  'Death',
  'NorwegianIdentificationNumber',
  'AddressProtection',
  'ResidentialAddress',
  'PostalAddress',
  'ParentalResponsibility',
  'GuardianshipOrFuturePowerOfAttorney',
];

const headers = { 'api-version': '2' };
const authentication = {
  as: 'machine',
  audience: 'nhn:hgd-persontjenesten-api',
  scope: 'nhn:hgd-persontjenesten-api/read-with-legal-basis',
} as const;

const query = (informationParts: readonly string[], includeHistory: boolean) =>
  new URLSearchParams([
    ...informationParts.map((part): [string, string] => ['informationParts', part]),
    ['includeHistory', String(includeHistory)],
  ]);

/** Never leaves this file: the service's own 404, told from one that a proxy or a wrong address gives. */
const unknownPerson: SourceError = { kind: 'invalid', source: 'PERSONTJENESTEN', paths: ['unknown'] };
const ProblemDetails = z.object({ status: z.literal(404), title: z.string() });
const refusal = ({ status, text: body }: SourceAnswer): SourceError | null => {
  if (status === 400) return { kind: 'invalid', source: 'PERSONTJENESTEN', paths: ['request'] }; // ours to mend: no retry helps
  if (status !== 404) return null;
  try {
    return ProblemDetails.safeParse(JSON.parse(body)).success ? unknownPerson : null;
  } catch {
    return null;
  }
};

/**
 * The person whom any current or former number belongs to, or `null` when the register knows nobody by it.
 *
 * History is asked for because numbers no longer in use are history, and all numbers of a person must lead to the same one.
 * Inferred from the population register's model: the reference does not say whether a replaced number is listed without it.
 */
export const getPersonByNin = async (
  source: Source,
  nin: string,
  context: CallContext,
): Promise<Result<RegisterPerson | null>> => {
  const answer = await source.call(
    {
      method: 'POST',
      path: `api/legal-basis/person/get-by-nin?${query(parts, true)}`,
      headers,
      body: new URLSearchParams({ nin }),
      authentication,
      shape: RegisterPerson,
      refusal,
    },
    context,
  );
  if (answer.ok) return { ok: true, value: answer.value.value };
  return answer.error === unknownPerson ? { ok: true, value: null } : answer;
};

/** Names of up to 100 people, in no order. Those whom the register does not know are left out. */
export const getNamesByNin = async (
  source: Source,
  nins: readonly string[],
  context: CallContext,
): Promise<Result<NamedPerson[]>> => {
  const answer = await source.call(
    {
      method: 'POST',
      path: `api/legal-basis/person/bulk-by-nin?${query(['Name', 'NorwegianIdentificationNumber'], true)}`,
      headers,
      body: new URLSearchParams(nins.map((nin): [string, string] => ['nins', nin])),
      authentication,
      shape: z.array(NamedPerson),
      refusal,
    },
    context,
  );
  return answer.ok ? { ok: true, value: answer.value.value } : answer;
};

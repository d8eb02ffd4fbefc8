/** FHIR as far as this one answer reads it, trusted as it comes. */
type Coding = { system?: string; code?: string; display?: string };
type Concept = { text?: string; coding?: Coding[] };
type Identifier = { system?: string; value?: string; type?: { text?: string } };
type Reference = { reference?: string; display?: string; identifier?: Identifier };
type Quantity = { value?: number; comparator?: string; unit?: string };
type Extension = {
  url: string;
  extension?: Extension[];
  valueString?: string;
  valueDate?: string;
  valueDateTime?: string;
  valueCodeableConcept?: Concept;
  valueReference?: Reference;
};
type PersonName = { text?: string; given?: string[]; family?: string };
type Resource = {
  resourceType: string;
  id: string;
  meta?: { lastUpdated?: string };
  contained?: Resource[];
  extension?: Extension[];
  identifier?: Identifier[];
  masterIdentifier?: Identifier;
  status?: string;
  verificationStatus?: Concept;
  category?: Concept[] | Concept;
  code?: Concept & Concept[];
  type?: Concept;
  name?: PersonName[] & string;
  policyRule?: Concept;
  dateTime?: string;
  date?: string;
  issued?: string;
  effectiveDateTime?: string;
  onsetDateTime?: string;
  performedDateTime?: string;
  performedPeriod?: { start?: string };
  period?: { start?: string };
  recordedDate?: string;
  recordedOn?: string;
  performer?: Reference[];
  recorder?: Reference;
  source?: Reference;
  practitioner?: Reference;
  organization?: Reference;
  device?: Reference;
  deviceName?: { name: string }[];
  criticality?: string;
  reaction?: { manifestation?: Concept[]; severity?: string }[];
  note?: { text: string }[];
  author?: Reference[] & Reference;
  content?: { attachment: { title?: string; creation?: string } }[];
  section?: { code?: Concept; entry?: Reference[] }[];
  ingredient?: { strength?: { numerator?: Quantity; denominator?: Quantity } }[];
  medicationReference?: Reference;
  medicationCodeableConcept?: Concept;
  reasonCode?: Concept[];
  dosage?: { text?: string; extension?: Extension[] }[];
  hasMember?: Reference[];
  valueQuantity?: Quantity;
  valueString?: string;
  interpretation?: Concept[];
  referenceRange?: { text?: string; low?: Quantity; high?: Quantity }[];
};
export type Bundle = { entry?: { fullUrl?: string; resource: Resource }[] };
export type Parameters = {
  parameter: { name: string; resource?: Bundle; valueBoolean?: boolean; valueCodeableConcept?: Concept }[];
};
export type RegisterPerson = {
  name: { givenName: string; middleName: string | null; familyName: string }[];
  birth: { birthDate: string }[];
  gender: { gender: string }[];
};
export type Person = { id: string; nationalId: string; register: RegisterPerson };
type Named = { name: string | null };
export type ServiceRow = {
  recorded: Date;
  status: string;
  state: {
    type: { text: string | null };
    extent: string | null;
    unit: Named | null;
    contact: (Named & { phone: string | null }) | null;
  };
};
export type PanelRow = {
  recorded: Date;
  state: {
    measured: string;
    score: number | null;
    reportedScore: number | null;
    mismatch: boolean | null;
    performer: Named | null;
  };
};

/** What the sources said. */
export type Collected = {
  person: Person;
  isFresh: boolean;
  critical: Record<
    'Consent' | 'AllergyIntolerance' | 'DeviceUseStatement' | 'Condition' | 'Procedure' | 'Flag',
    Bundle
  >;
  medication: Parameters;
  panels: { rows: PanelRow[]; withheld: boolean };
  services: { rows: ServiceRow[]; withheld: boolean };
  laboratory: { reports: Bundle; observations: Bundle; roles: Bundle };
  documents: { bundle: Bundle; withheld: number };
  doctors: { list: string; professionals: string[]; party: string };
};

const first = 5;

const textOf = (concept: Concept | undefined): string | null =>
  concept?.text ?? concept?.coding?.find(({ display }) => display)?.display ?? null;
const text = (concept: Concept | undefined) => (concept ? { text: textOf(concept) } : null);
const named = (name: string | null | undefined): Named | null => (name === undefined ? null : { name });
const resourcesOf = ({ entry = [] }: Bundle): Resource[] => entry.map(({ resource }) => resource);
const at = (extensions: Extension[] | undefined, name: string): Extension | undefined =>
  extensions?.find(({ url }) => url === name || url.endsWith(`/${name}`));
const listOf = <T>(value: T | T[] | undefined): T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];
const absenceOf = (count: number, source: string, withheld = false) => {
  if (!withheld && count > 0) return null;
  return {
    code: withheld ? 'RESTRICTED' : 'NONE_REGISTERED',
    text: withheld ? 'Sperret av pasienten' : 'Ingenting registrert',
    canElevate: withheld,
    retryable: false,
    source,
  };
};
const head = (count: number, source: string, withheld?: boolean) => ({
  status: 'FRESH',
  absence: absenceOf(count, source, withheld),
});

const inForce = ({ status, verificationStatus }: Resource): boolean =>
  !['inactive', 'completed', 'entered-in-error'].includes(status ?? '') &&
  !verificationStatus?.coding?.some(({ code }) => code === 'refuted' || code === 'entered-in-error');

const criticalOrigin = (resource: Resource, recorder: Reference | undefined, recorded: string | undefined) => {
  const role = resource.contained?.find(({ id }) => recorder?.reference === `#${id}`);
  return {
    source: 'KJERNEJOURNAL',
    recorded: recorded ?? resource.meta?.lastUpdated ?? null,
    organisation: named(role?.organization && (role.organization.display ?? null)),
    author: named(role?.practitioner && (role.practitioner.display ?? null)),
  };
};
const noteOf = ({ note = [] }: Resource): string | null => note.map((it) => it.text).join('\n') || null;
const kindOf = ({ category }: Resource) => ({
  text: listOf(category).map(textOf).find(Boolean) ?? null,
});

const criticalInformation = (critical: Collected['critical']) => {
  const records = (bundle: Bundle) => resourcesOf(bundle).filter(inForce);
  const conditions = records(critical.Condition);
  const isImplant = ({ category }: Resource) =>
    listOf(category).some(({ coding }) => coding?.some(({ code }) => code === '7'));
  const lists = {
    treatmentLimitations: records(critical.Consent).map((it) => ({
      limitation: { text: textOf(it.policyRule) ?? kindOf(it).text },
      statement:
        [at(it.extension, 'KjText'), at(it.extension, 'behandlingsavklaring-hlr-minus-reason')]
          .flatMap((extension) => extension?.valueString ?? [])
          .join('\n') || null,
      decided: it.dateTime ?? null,
      provenance: criticalOrigin(it, it.performer?.[0], undefined),
    })),
    allergies: records(critical.AllergyIntolerance).map((it) => ({
      code: {
        text: textOf(it.code),
        coding: it.code?.coding?.map(({ system, code }) => ({ system: system ?? null, code: code ?? null })) ?? [],
      },
      criticality: it.criticality ?? null,
      reactions: (it.reaction ?? []).map(({ manifestation = [], severity }) => ({
        manifestation: manifestation.map(text),
        severity: severity ?? null,
      })),
      provenance: criticalOrigin(it, it.recorder, it.recordedDate),
    })),
    implants: [
      ...records(critical.DeviceUseStatement).map((it) => {
        const device = it.contained?.find(({ id }) => it.device?.reference === `#${id}`);
        const name = device?.deviceName?.[0]?.name ?? it.device?.display ?? null;
        return {
          device: { text: device?.type ? textOf(device.type) : name },
          since: at(it.extension, 'KjImplanted')?.valueDateTime ?? null,
          provenance: criticalOrigin(it, it.source, it.recordedOn),
        };
      }),
      ...conditions.filter(isImplant).map((it) => ({
        device: { text: textOf(it.code) },
        since: it.onsetDateTime ?? null,
        provenance: criticalOrigin(it, it.recorder, it.recordedDate),
      })),
    ],
    conditions: [
      ...conditions
        .filter((it) => !isImplant(it))
        .map((it) => ({
          kind: kindOf(it),
          code: text(it.code),
          since: it.onsetDateTime ?? null,
          note: noteOf(it),
          provenance: criticalOrigin(it, it.recorder, it.recordedDate),
        })),
      ...records(critical.Procedure).map((it) => ({
        kind: kindOf(it),
        code: text(it.code),
        since: it.performedDateTime ?? it.performedPeriod?.start ?? null,
        note: noteOf(it),
        provenance: criticalOrigin(it, it.recorder, at(it.extension, 'KjRecordedDate')?.valueDateTime),
      })),
      ...records(critical.Flag).map((it) => ({
        kind: kindOf(it),
        code: text(it.code),
        since: it.period?.start ?? null,
        note: at(it.extension, 'KjText')?.valueString ?? null,
        provenance: criticalOrigin(it, it.author, undefined),
      })),
    ],
  };
  const count = Object.values(lists).reduce((sum, { length }) => sum + length, 0);
  return { ...head(count, 'KJERNEJOURNAL'), ...lists };
};

const amount = ({ value, unit }: Quantity): string =>
  [value === undefined ? null : String(value).replace('.', ','), unit].filter(Boolean).join(' ');
const strengthOf = ({ ingredient = [] }: Resource): string | null =>
  ingredient
    .flatMap(({ strength }) => {
      if (!strength?.numerator) return [];
      const { numerator, denominator } = strength;
      const per = denominator && (denominator.value === 1 ? (denominator.unit ?? '') : amount(denominator));
      return [per ? `${amount(numerator)}/${per}` : amount(numerator)];
    })
    .filter(Boolean)
    .join(' + ') || null;

const medication = ({ parameter }: Parameters) => {
  const parameters = new Map(parameter.map((it) => [it.name, it]));
  const entry = parameters.get('medication')?.resource?.entry ?? [];
  const byUrl = new Map(entry.map(({ fullUrl, resource }) => [fullUrl, resource]));
  const find = (reference: Reference | undefined) => byUrl.get(reference?.reference);
  const whole = (resource: Resource | undefined): string | null => {
    const [name] = (resource?.name ?? []) as PersonName[];
    return name?.text ?? ([...(name?.given ?? []), name?.family].filter(Boolean).join(' ') || null);
  };
  const originOf = (statement: Resource) => {
    const registration = statement.extension?.find(
      ({ url, extension }) =>
        url.endsWith('/sfm-regInfo') &&
        at(extension, 'type')?.valueCodeableConcept?.coding?.some(({ code }) => code === '1'),
    )?.extension;
    const provider = find(at(registration, 'provider')?.valueReference);
    const isRole = provider?.resourceType === 'PractitionerRole';
    const practitioner = isRole ? find(provider.practitioner) : provider;
    const organisation = isRole ? find(provider.organization) : undefined;
    const prescription = at(statement.extension, 'sfm-reseptamendment')?.extension;
    return {
      source: 'ERESEPT',
      recorded: at(registration, 'timestamp')?.valueDateTime ?? at(prescription, 'reseptdate')?.valueDate ?? null,
      organisation: named(organisation && (organisation.name ?? null)),
      author: named(practitioner && whole(practitioner)),
    };
  };
  const productOf = (statement: Resource) => {
    const found = find(statement.medicationReference);
    const code = found?.code ?? statement.medicationCodeableConcept;
    const fest = code?.coding?.find(({ system }) => system?.endsWith('/FEST'));
    const atc = code?.coding?.find(
      ({ system }) => system === 'http://www.whocc.no/atc' || system?.endsWith('7180') === true,
    );
    return {
      name: code?.text ?? fest?.display ?? statement.medicationReference?.display ?? textOf(code),
      atc: atc ? { code: atc.code ?? null, display: atc.display ?? null } : null,
      strength: found ? strengthOf(found) : null,
    };
  };
  const composition = entry.find(({ resource }) => resource.resourceType === 'Composition')?.resource;
  const section = composition?.section?.find(({ code }) =>
    code?.coding?.some((coding) => coding.code === 'sectionMedication'),
  );
  const listed = new Set(section?.entry?.map(({ reference }) => reference));
  const inUse = entry.flatMap(({ fullUrl, resource: it }) => {
    if (!listed.has(fullUrl) || ['completed', 'stopped', 'entered-in-error', 'not-taken'].includes(it.status ?? ''))
      return [];
    const prescription = at(it.extension, 'sfm-reseptamendment')?.extension;
    const area = at(it.dosage?.[0]?.extension, 'sfm-application-area');
    const reason = area?.valueString ?? at(area?.extension, 'text')?.valueString;
    const dosage = it.dosage?.flatMap((dose) => dose.text ?? []).join('\n');
    return [
      {
        medication: productOf(it),
        dosage: dosage || (at(prescription, 'dssn')?.valueString ?? null),
        use: text(at(it.dosage?.[0]?.extension, 'sfm-use')?.valueCodeableConcept),
        reason: it.reasonCode?.[0] ? text(it.reasonCode[0]) : reason ? { text: reason } : null,
        provenance: originOf(it),
      },
    ];
  });
  const partial = (
    [
      ['KJERNEJOURNAL', 'KJFeilkode'],
      ['PRESCRIPTIONS', 'RFM96Feilkode'],
      ['MEDICATION_LIST', 'RFM912Feilkode'],
    ] as const
  ).flatMap(([part, name]) =>
    parameters.get(name)?.valueCodeableConcept?.coding?.[0]?.code === '0'
      ? []
      : [{ part, text: `${name}: ingen svar` }],
  );
  return {
    ...head(inUse.length, 'ERESEPT'),
    partial,
    lockedPrescriptions:
      parameters.get('KJHarLaste')?.valueBoolean || (parameters.get('RFHarLaste')?.valueBoolean ?? null),
    inUse,
  };
};

const eventOrigin = (recorded: Date, author: Named | null) => ({
  source: 'HENDELSESLAGER',
  recorded: recorded.toISOString(),
  organisation: { name: null },
  author: author && { name: author.name },
});

const trendOf = (rows: PanelRow[]): string | null => {
  const scores = rows.flatMap(({ state }) => state.score ?? []);
  if (scores.length < 2) return null;
  const difference = scores[0]! - scores.at(-1)!;
  return Math.abs(difference) < 2 ? 'STABLE' : difference > 0 ? 'RISING' : 'FALLING';
};
const earlyWarningScores = ({ rows, withheld }: Collected['panels']) => ({
  ...head(rows.length, 'HENDELSESLAGER', withheld),
  trend: trendOf(rows),
  nodes: rows.map(({ recorded, state: { measured, score, reportedScore, mismatch, performer } }) => ({
    measured,
    score,
    reportedScore,
    mismatch,
    provenance: eventOrigin(recorded, performer),
  })),
});
const municipalServices = ({ rows, withheld }: Collected['services']) => ({
  ...head(rows.length, 'HENDELSESLAGER', withheld),
  nodes: rows.map(({ recorded, status, state: { type, extent, unit, contact } }) => ({
    type: { text: type.text },
    status,
    extent,
    unit: unit && { name: unit.name },
    contact: contact && { name: contact.name, phone: contact.phone },
    provenance: eventOrigin(recorded, null),
  })),
});

const page = <T>(all: T[], keyOf: (item: T) => string) => {
  const shown = all.slice(0, first);
  const last = shown.at(-1);
  return { shown, pageInfo: { hasNextPage: all.length > first, endCursor: last ? keyOf(last) : null } };
};
const idIn = (reference: string | undefined): string => reference?.slice(reference.lastIndexOf('/') + 1) ?? '';
const rangeOf = ({ referenceRange = [] }: Resource): string | null =>
  referenceRange
    .map(({ text: words, low, high }) => {
      const limits = low || high ? `${low?.value ?? ''}–${high?.value ?? ''} ${high?.unit ?? low?.unit ?? ''}` : '';
      return words ?? limits.trim();
    })
    .filter(Boolean)
    .join('; ') || null;

const labReports = ({ reports, observations, roles }: Collected['laboratory']) => {
  const roleById = new Map(resourcesOf(roles).map((role) => [role.id, role]));
  const byReport = Map.groupBy(resourcesOf(observations), ({ extension }) =>
    idIn(at(extension, 'nilar-diagnostic-report-ref')?.valueReference?.reference),
  );
  const isLaboratory = ({ resourceType, category, code }: Resource) =>
    resourceType === 'DiagnosticReport' &&
    ![...listOf(category), ...listOf(code)].some(({ coding }) =>
      coding?.some((it) => it.system?.endsWith('8202') && ['BLD', 'RAD', 'NUK'].includes(it.code ?? '')),
    );
  const instant = ({ effectiveDateTime, issued }: Resource) => Date.parse(effectiveDateTime ?? issued ?? '') || 0;
  const sorted = resourcesOf(reports)
    .filter(isLaboratory)
    .map((report) => ({ report, at: instant(report) }))
    .sort((a, b) => b.at - a.at || (a.report.id < b.report.id ? -1 : 1));
  const { shown, pageInfo } = page(sorted, ({ report }) => report.id);
  return {
    ...head(sorted.length, 'PROVESVAR'),
    nodes: shown.map(({ report }) => {
      const own = byReport.get(report.id) ?? [];
      const members = new Set(own.flatMap(({ hasMember = [] }) => hasMember.map(({ reference }) => idIn(reference))));
      const performers = (report.performer ?? []).map(({ reference }) => roleById.get(idIn(reference)));
      const organisation = performers.find((role) => role?.organization)?.organization;
      const author = performers.find((role) => role?.practitioner)?.practitioner;
      return {
        issued: report.issued ?? null,
        code: text(report.code),
        results: own
          .filter(({ id }) => !members.has(id))
          .map((it) => ({
            code: text(it.code),
            valueQuantity: it.valueQuantity
              ? {
                  value: it.valueQuantity.value ?? null,
                  comparator: it.valueQuantity.comparator ?? null,
                  unit: it.valueQuantity.unit ?? null,
                }
              : null,
            valueString: it.valueString ?? null,
            interpretation: (it.interpretation ?? []).map(text),
            referenceRange: rangeOf(it),
          })),
        provenance: {
          source: 'PROVESVAR',
          recorded: report.issued ?? null,
          organisation: named(organisation && (organisation.display ?? null)),
          author: named(author && (author.display ?? null)),
        },
      };
    }),
    pageInfo,
  };
};

const documents = ({ bundle, withheld }: Collected['documents']) => {
  const current = resourcesOf(bundle).filter(({ status }) => status === 'current');
  const { shown, pageInfo } = page(current, ({ id }) => id);
  return {
    ...head(current.length, 'JOURNALDOKUMENTER', withheld > 0),
    withheld,
    nodes: shown.map(({ content, type, date, author, contained }) => {
      const attachment = content?.[0]?.attachment;
      const authors = listOf(author).map(({ reference }) => contained?.find(({ id }) => reference === `#${id}`));
      const organisation = authors.find((it) => it?.resourceType === 'Organization');
      const person = authors.find((it) => it?.resourceType === 'Practitioner');
      const [name] = (person?.name ?? []) as PersonName[];
      return {
        title: attachment?.title ?? null,
        type: text(type),
        date: date ?? null,
        provenance: {
          source: 'JOURNALDOKUMENTER',
          recorded: attachment?.creation ?? date ?? null,
          organisation: named(organisation && (organisation.name ?? null)),
          author: named(
            person && (name?.text ?? ([...(name?.given ?? []), name?.family].filter(Boolean).join(' ') || null)),
          ),
        },
      };
    }),
    pageInfo,
  };
};

/** The text of the first such element; these answers hold no mark-up that would need a parser. */
export const element = (xml: string, name: string): string | null => {
  const start = xml.indexOf(`<${name}>`);
  if (start < 0) return null;
  const from = start + name.length + 2;
  return xml.slice(from, xml.indexOf(`</${name}>`, from)) || null;
};
/** Doctors of the list that hold it now, each as its own piece of the answer. */
export const doctorsOn = (list: string): string[] => {
  const now = new Date().toISOString();
  return list
    .split('<GPOnContractAssociation>')
    .slice(1)
    .filter((it) => {
      const valid = element(it, 'Valid') ?? '';
      const to = element(valid, 'To');
      return (element(valid, 'From') ?? '') <= now && (!to || to > now);
    });
};
const joinNames = (...names: (string | null)[]): string | null => names.filter(Boolean).join(' ') || null;

const generalPractitioners = ({ list, professionals, party }: Collected['doctors']) => {
  const name = element(party, 'Name');
  const isOrganisation = party.includes('<Type>Organization</Type>'); // addresses have a Type of their own
  const organization = { name: isOrganisation ? name : (element(party, 'ParentName') ?? name) };
  const doctors = doctorsOn(list);
  return {
    ...head(doctors.length, 'FASTLEGEREGISTERET'),
    nodes: doctors.map((doctor, position) => {
      const known = professionals[position] ?? '';
      return {
        practitioner: {
          name:
            joinNames(element(known, 'Fornavn'), element(known, 'Mellomnavn'), element(known, 'Etternavn')) ??
            joinNames(element(doctor, 'FirstName'), element(doctor, 'MiddleName'), element(doctor, 'LastName')),
        },
        organization,
        provenance: { source: 'FASTLEGEREGISTERET', recorded: null, organisation: null, author: null },
      };
    }),
  };
};

const sexes: Record<string, string> = { Female: 'Kvinne', Male: 'Mann' };

/** The sources' answers -> the answer to the emergency summary, in the shape that Kilde gives it. */
export const merge = (collected: Collected) => {
  const { person, isFresh } = collected;
  const { name, birth, gender } = person.register;
  return {
    data: {
      patient: {
        id: person.id,
        status: isFresh ? 'FRESH' : 'CACHED',
        absence: null,
        name: { text: joinNames(name[0]?.givenName ?? null, name[0]?.middleName ?? null, name[0]?.familyName ?? null) },
        birthDate: birth[0]?.birthDate.slice(0, 10) ?? null,
        sex: { text: sexes[gender[0]?.gender ?? ''] ?? null },
        criticalInformation: criticalInformation(collected.critical),
        medication: medication(collected.medication),
        earlyWarningScores: earlyWarningScores(collected.panels),
        municipalServices: municipalServices(collected.services),
        labReports: labReports(collected.laboratory),
        documents: documents(collected.documents),
        generalPractitioners: generalPractitioners(collected.doctors),
      },
    },
  };
};

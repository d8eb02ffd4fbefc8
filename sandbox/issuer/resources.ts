/** Kilde's own audience: tokens for it come in, and are exchanged for one per national service. */
export const kildeAudience = 'kilde:api';

const vkpResources = ['patient', 'allergyintolerance', 'careplan', 'composition', 'condition', 'episodeofcare'];

/**
 * Audience -> scopes that Kilde's client may ask for (reference 0.3 and 3.2). Inferred are the audiences that no table
 * spells out: of PJD, VKP, JFT and PIT, cut from their scopes.
 */
const scopesByAudience = new Map<string, readonly string[]>([
  ['nhn:kjernejournal', ['nhn:kjernejournal/api']],
  ['nhn:critical-information', ['nhn:critical-information/api']],
  [
    'nhn:phr/mhd',
    [
      'nhn:phr/mhd/read-documentreferences',
      'nhn:phr/mhd/read-documentreferences/kjernejournalforskriften',
      'nhn:phr/mhd/read-document',
      'nhn:phr/status',
    ],
  ],
  ['nhn:pps', ['nhn:pps/provesvar-read']],
  ['e-helse:sfm.api', ['e-helse:sfm.api/sfm.api2']],
  ['nhn:hgd-persontjenesten-api', ['nhn:hgd-persontjenesten-api/read-with-legal-basis']],
  [
    'nhn:vkp',
    [...vkpResources, 'medicationstatement'].flatMap((it) => [
      `nhn:vkp/api/user/${it}.read`,
      `nhn:vkp/api/user/${it}.write`,
    ]),
  ],
  ['nhn:jft', ['nhn:jft/api']],
  ['nhn:pit', ['nhn:pit/api.read', 'nhn:pit/api.write']],
  ['nhn:careplan', ['nhn:careplan/api']],
  ['nhn:patient-careplan', ['nhn:patient-careplan/api']],
  ['nhn:parek', ['nhn:parek/rekvisisjon']],
  ['nhn:fullmakt', ['nhn:fullmakt/read']],
  ['nhn:msh', ['nhn:msh/api']],
]);

/** Scopes of a national service, or `undefined` for an audience that nobody here answers to. */
export const scopesOf = (audience: string): readonly string[] | undefined => scopesByAudience.get(audience);

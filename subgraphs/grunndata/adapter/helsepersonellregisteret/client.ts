import * as z from 'zod';
import type { CallContext, Result } from '../../../_shared/source.ts';
import { escapeXml } from '../../../_shared/xml.ts';
import { callSoap, type SoapRegister, XmlOptional, XmlText, xmlList, xmlOptional } from '../soap.ts';

const Kode = z.object({ OID: XmlOptional, Verdi: XmlOptional, Beskrivelse: XmlOptional });
const Periode = z.object({ Fra: XmlOptional, Til: XmlOptional });
const Suspensjonsperiode = z.object({ Periode: xmlOptional(Periode) });

/** A specialty or a right to requisition: a kind, in force for a time unless suspended. */
const Tillegg = z.object({
  Type: Kode,
  Gyldig: xmlOptional(Periode),
  Suspensjonsperioder: xmlList(Suspensjonsperiode),
});
const Godkjenning = z.object({
  Helsepersonellkategori: Kode,
  Autorisasjon: xmlOptional(Kode),
  Gyldig: xmlOptional(Periode),
  Spesialiteter: xmlList(Tillegg),
  Rekvisisjonsretter: xmlList(Tillegg),
  Suspensjonsperioder: xmlList(Suspensjonsperiode),
});
/** `Person` of the service's WSDL. The professional's national id and birth date are in it too, and are not read. */
export const HprPerson = z.object({
  HPRNummer: XmlText,
  Fornavn: XmlOptional,
  Mellomnavn: XmlOptional,
  Etternavn: XmlOptional,
  Godkjenninger: xmlList(Godkjenning),
});
export type HprPerson = z.infer<typeof HprPerson>;

const lists = {
  Godkjenninger: 'Godkjenning',
  Spesialiteter: 'Spesialitet',
  Rekvisisjonsretter: 'Rekvisisjonsrett',
  Suspensjonsperioder: 'Suspensjonsperiode',
};

/** A health professional with all approvals, or `null` when the number is not in the register. */
export const hentPerson = (
  register: SoapRegister,
  hprNumber: string,
  at: string,
  context: CallContext,
): Promise<Result<HprPerson | null>> =>
  callSoap(
    register,
    {
      contract: 'IHPR2Service',
      namespace: 'http://schemas.nhn.no/reg/HPRv2',
      operation: 'HentPerson',
      content: `<hprNummer>${escapeXml(hprNumber)}</hprNummer><påTidspunkt>${escapeXml(at)}</påTidspunkt>`,
      shape: HprPerson,
      lists,
      isNothing: ({ message }) => message.includes('HPR-nummer ikke funnet'),
    },
    context,
  );

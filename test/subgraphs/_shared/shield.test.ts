import { buildSchema, defaultFieldResolver, graphql, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { allow, mayRead, type Rules, withRules } from '../../../subgraphs/_shared/shield.ts';
import { assertionFor, patientOf } from '../../support/ask.ts';

const sdl = `
  type Query { patient: Patient unnamed: Unnamed }
  type Patient { id: ID labReports: Group secret: String }
  type Group { nodes: [Report] }
  type Report { id: ID }
  type Unnamed { id: ID }
`;
const patient = patientOf('14834841291');
const rootValue = {
  patient: { id: patient.id, labReports: { nodes: [{ id: 'r1' }] }, secret: 'secret' },
  unnamed: { id: 'u1' },
};
const rules: Rules = {
  Query: { patient: allow, unnamed: allow },
  Patient: { id: allow, labReports: mayRead('laboratory') },
  Group: allow,
  Report: allow,
};
const ask = (source: string, categories: string[], about = patient) => {
  const contextValue = { assertion: assertionFor(about, { categories }), report: () => {} };
  return graphql({ schema: withRules(buildSchema(sdl), rules), source, rootValue, contextValue });
};

describe('withRules', () => {
  it('gives a category that the assertion permits for the patient', async () => {
    const { data, errors } = await ask('{ patient { id labReports { nodes { id } } } }', ['laboratory']);
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({ patient: { labReports: { nodes: [{ id: 'r1' }] } } });
  });

  it('denies a category that the assertion does not permit', async () => {
    const { data, errors } = await ask('{ patient { labReports { nodes { id } } } }', ['imaging']);
    expect(data).toMatchObject({ patient: { labReports: null } });
    expect(errors?.[0]?.extensions['code']).toBe('NOT_FOUND');
  });

  it('denies a permitted category for another patient than the assertion’s', async () => {
    const { data } = await ask('{ patient { labReports { nodes { id } } } }', ['laboratory'], patientOf('14834841291'));
    expect(data).toMatchObject({ patient: { labReports: null } });
  });

  it('denies a field of a named type that no rule names', async () => {
    expect((await ask('{ patient { secret } }', ['laboratory'])).data).toMatchObject({ patient: { secret: null } });
  });

  it('denies every field of a type that no rule names', async () => {
    expect((await ask('{ unnamed { id } }', ['laboratory'])).data).toMatchObject({ unnamed: { id: null } });
  });

  it('wraps no field of a type that is allowed as a whole, and every field of the others', () => {
    const schema = withRules(buildSchema(sdl), rules);
    const wrapped = Object.values(schema.getTypeMap())
      .filter((type) => isObjectType(type) && !type.name.startsWith('__'))
      .flatMap((type) =>
        isObjectType(type) ? Object.values(type.getFields()).map((it) => ({ type: type.name, it })) : [],
      )
      .filter(({ it }) => it.resolve !== undefined && it.resolve !== defaultFieldResolver)
      .map(({ type, it }) => `${type}.${it.name}`);
    expect(wrapped.sort()).toEqual([
      'Patient.id',
      'Patient.labReports',
      'Patient.secret',
      'Query.patient',
      'Query.unnamed',
      'Unnamed.id',
    ]);
  });
});

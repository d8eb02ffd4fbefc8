import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  getArgumentValues,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import { collectFields } from 'graphql/execution/collectFields.js';
import { admits, parseNationalId } from '../../schema/nationalId.ts';
import { conditionVariables } from '../execute/selection.ts';
import { requestError } from './errors.ts';

/** How the operation names its patient: by a national identifier or by Kilde's id. */
export type PatientKey = { nationalId: string } | { id: string };

const isUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const readKey = ({ identifier, id }: Record<string, unknown>, environment: 'sandbox' | 'production'): PatientKey => {
  if ((identifier === undefined || identifier === null) === (id === undefined || id === null)) {
    throw requestError('BAD_REQUEST', 'patient: give either identifier or id');
  }
  if (typeof id === 'string') {
    if (!isUuid.test(id)) throw requestError('BAD_REQUEST', 'patient(id): not an id of Kilde');
    return { id: id.toLowerCase() };
  }
  const parsed = typeof identifier === 'string' ? parseNationalId(identifier) : null;
  if (!parsed)
    throw requestError('BAD_REQUEST', 'patient(identifier): 11 digits with valid control digits are expected');
  if (parsed.kind === 'hnr')
    throw requestError('BAD_REQUEST', 'patient(identifier): a local H-number means nothing here');
  if (!admits(environment, parsed)) {
    const wanted = environment === 'sandbox' ? 'synthetic numbers only' : 'no synthetic numbers';
    throw requestError('BAD_REQUEST', `patient(identifier): this installation takes ${wanted}`);
  }
  return { nationalId: identifier as string };
};

/** Fields `patient` at the root, each by its first node, as the variables of `@skip` and `@include` have it. */
const patientFieldsOf = (
  schema: GraphQLSchema,
  query: GraphQLObjectType,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Record<string, unknown>,
): readonly FieldNode[] => {
  const known = unconditional.get(operation);
  if (known) return known;
  const fragments = Object.fromEntries(
    document.definitions
      .filter((it): it is FragmentDefinitionNode => it.kind === Kind.FRAGMENT_DEFINITION)
      .map((it) => [it.name.value, it]),
  );
  const found = [...collectFields(schema, fragments, variables, query, operation.selectionSet).values()]
    .flatMap(([node]) => node ?? [])
    .filter((node) => node.name.value === 'patient');
  if (known === undefined) unconditional.set(operation, conditionVariables(document).length === 0 ? found : null);
  return found;
};
/** `null` when they depend on variables. */
const unconditional = new WeakMap<OperationDefinitionNode, readonly FieldNode[] | null>();

/**
 * The one patient of an operation; `null` when it is about none.
 *
 * @throws GraphQLError BAD_REQUEST when it asks for more than one, or the identifier cannot be one; no value repeated
 */
export const patientOf = (
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Record<string, unknown>,
  environment: 'sandbox' | 'production',
): PatientKey | null => {
  const query = schema.getQueryType();
  const field = query?.getFields()['patient'];
  if (!query || !field) return null;
  const patients = patientFieldsOf(schema, query, document, operation, variables);
  if (patients.length > 1) throw requestError('BAD_REQUEST', 'One operation is about one patient');
  return patients[0] ? readKey(getArgumentValues(field, patients[0], variables), environment) : null;
};

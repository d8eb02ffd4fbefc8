import {
  type ArgumentNode,
  BREAK,
  type FieldNode,
  type GraphQLArgument,
  type GraphQLField,
  getArgumentValues,
  isNonNullType,
  Kind,
  visit,
} from 'graphql';
import type { Variables } from './run.ts';

export type Arguments = Record<string, unknown>;
export type ReadArguments = {
  /** Made anew for each call: a resolver may do with them as it likes. */
  read(variables: Variables): Arguments;
  /** Whether `read` may throw, and so has to be asked even where nobody looks at the arguments. */
  canFail: boolean;
};

const holdsVariable = (node: ArgumentNode): boolean => {
  let found = false;
  visit(node, {
    Variable() {
      found = true;
      return BREAK;
    },
  });
  return found;
};

const isShareable = (value: unknown, { defaultValue }: GraphQLArgument): boolean =>
  typeof value !== 'object' || value === null || value === defaultValue;

/** One argument, put where it belongs; false when only the library can tell what is wrong. */
type Put = (to: Arguments, variables: Variables) => boolean;

const putVariable = ({ name, type, defaultValue }: GraphQLArgument, variable: string): Put => {
  const isRequired = isNonNullType(type);
  return (to, variables) => {
    if (!Object.hasOwn(variables, variable)) {
      if (defaultValue !== undefined) to[name] = defaultValue;
      return defaultValue !== undefined || !isRequired;
    }
    const value = variables[variable];
    to[name] = value;
    return value !== undefined && (value !== null || !isRequired);
  };
};

/**
 * How a field's arguments are read: literals once and for all, variables from each run. Whatever may fail, or has to be made
 * anew each time, is left to graphql-js.
 */
export const readArguments = (definition: GraphQLField<unknown, unknown>, node: FieldNode): ReadArguments => {
  if (definition.args.length === 0) return { read: () => ({}), canFail: false };
  const byLibrary = (variables: Variables) => getArgumentValues(definition, node, variables);
  const given = new Map(node.arguments?.map((it) => [it.name.value, it]));
  const literals = [...given.values()].filter((it) => !holdsVariable(it));

  let constant: Arguments;
  try {
    constant = getArgumentValues(
      {
        ...definition,
        args: definition.args.filter(({ name }) => !given.has(name) || literals.includes(given.get(name)!)),
      },
      { ...node, arguments: literals },
    );
  } catch {
    return { read: byLibrary, canFail: true };
  }
  const puts: Put[] = [];
  for (const argument of definition.args) {
    const { name } = argument;
    const value = given.get(name)?.value;
    if (value?.kind === Kind.VARIABLE) puts.push(putVariable(argument, value.name.value));
    else if (value && holdsVariable(given.get(name)!)) return { read: byLibrary, canFail: true };
    else if (!isShareable(constant[name], argument)) return { read: byLibrary, canFail: true };
    else if (Object.hasOwn(constant, name))
      puts.push((to) => {
        to[name] = constant[name];
        return true;
      });
  }
  return {
    read(variables) {
      const values: Arguments = {};
      for (const put of puts) if (!put(values, variables)) return byLibrary(variables);
      return values;
    },
    canFail: puts.length > 0 && literals.length < given.size,
  };
};

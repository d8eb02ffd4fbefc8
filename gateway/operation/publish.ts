import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Supergraph } from '@apollo/federation-internals';
import {
  type GraphQLSchema,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { readSupergraph, withoutSecurity } from '../../schema/compose.ts';
import { deferRules, withDefer } from '../stream/defer.ts';
import { createCostCheck } from './cost.ts';
import { checkDocument, limits } from './limits.ts';
import { hashOf, type Manifest } from './trusted.ts';

/** What a production gateway would refuse of a document, as an Error that tells what it is. */
const check = (schema: GraphQLSchema, text: string): void => {
  const document = parse(text, { maxTokens: limits.tokens });
  checkDocument(document, limits, false);
  const [error] = validate(schema, document, [...specifiedRules, ...deferRules, NoSchemaIntrospectionCustomRule]);
  if (error) throw error;
  const operation = document.definitions.find(
    (it): it is OperationDefinitionNode => it.kind === Kind.OPERATION_DEFINITION,
  );
  if (!operation) throw new Error('there is no operation');
  createCostCheck(schema, limits)(document, operation, {});
};

/**
 * The manifest of a folder of `*.graphql` files: each file is one operation, its id the SHA-256 of the file as it stands
 * (`sha256sum`), so that a client that holds the same file knows the id.
 *
 * @throws Error with one line per file that does not fit the schema or the limits
 */
export const createManifest = (folder: string, schema: GraphQLSchema): Manifest => {
  const faults: string[] = [];
  const manifest: Manifest = {};
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.graphql')) continue;
    const text = readFileSync(join(folder, file), 'utf8');
    try {
      check(schema, text);
      manifest[hashOf(text)] = text;
    } catch (error) {
      faults.push(`${file}: ${(error as Error).message}`);
    }
  }
  if (Object.keys(manifest).length === 0) faults.push(`${folder}: no operation to publish`);
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return manifest;
};

/** What clients see of the committed supergraph. */
export const readApiSchema = (): GraphQLSchema =>
  withDefer(Supergraph.build(withoutSecurity(readSupergraph())).apiSchema().toGraphQLJSSchema());

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [folder, file] = process.argv.slice(2);
  try {
    if (!folder || !file) throw new Error('usage: npm run operations:publish -- <folder> <manifest.json>');
    const manifest = createManifest(folder, readApiSchema());
    writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
    process.stdout.write(`${Object.keys(manifest).length} operations in ${file}\n`);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}

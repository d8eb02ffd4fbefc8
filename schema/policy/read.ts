import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { subgraphNames, subgraphsHome } from '../compose.ts';

const home = new URL('./', import.meta.url);
const read = (url: URL): string => readFileSync(url, 'utf8');

/** The Cedar schema that every policy is checked against. */
export const readPolicySchema = (): string => read(new URL('kilde.cedarschema', home));

/** All policies as text, by file: those of this folder, and `policy.cedar` of subgraphs that bring a category of their own. */
export const readPolicies = (homes: readonly URL[] = [subgraphsHome]): ReadonlyMap<string, string> => {
  const own = readdirSync(home)
    .filter((name) => name.endsWith('.cedar'))
    .map((name): [string, URL] => [name, new URL(name, home)]);
  const brought = homes.flatMap((folder) =>
    subgraphNames(folder).map((name): [string, URL] => [
      `${name}/policy.cedar`,
      new URL(`${name}/policy.cedar`, folder),
    ]),
  );
  return new Map([...own, ...brought].filter(([, url]) => existsSync(url)).map(([name, url]) => [name, read(url)]));
};

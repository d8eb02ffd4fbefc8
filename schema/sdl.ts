import { readFileSync } from 'node:fs';
import { type DocumentNode, parse } from 'graphql';

/** Federation features in use. `@source` documents where a field comes from, and travels into the supergraph. */
const header = `
  extend schema
    @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@inaccessible", "@composeDirective", "@policy", "@external", "@requires", "@provides", "@override", "@interfaceObject", "@tag"])
    @link(url: "https://kilde.example/spec/kilde/v1.0", import: ["@source"])
    @composeDirective(name: "@source")
  directive @source(name: String!) on FIELD_DEFINITION | OBJECT
`;
const common = readFileSync(new URL('./common.graphql', import.meta.url), 'utf8');

/** A subgraph's schema.graphql with the federation header and the shared types before it. Comments stay out. */
export const subgraphSdl = (own: string): DocumentNode => parse(`${header}\n${common}\n${own}`);

import { type DocumentNode, Lexer, Source, TokenKind } from 'graphql';
import { requestError } from './errors.ts';
import { depthOfJson, measureDocument } from './measure.ts';

/** What one request may ask for. Every number has a test at it and one beyond it. */
export type Limits = {
  /** Tokens of a document. */
  tokens: number;
  /** Brackets open at once: the parser, and all that follows it, goes into each on the stack. */
  brackets: number;
  operations: number;
  /** Fragments as defined: validation compares each with each. */
  fragments: number;
  /** Levels of fields, whatever fragments they are written in and whether or not `@include` keeps them. */
  depth: number;
  /** The same below `__schema` and `__type`, where introspection is on: GraphiQL's own query has 15. */
  introspectionDepth: number;
  /** Aliases, those in a fragment counted at each spread. */
  aliases: number;
  /** Different response names at the root. */
  rootFields: number;
  /** Different response names of `patient` at the root. */
  patients: number;
  /** Directives as written. */
  directives: number;
  /** Fragments with `@defer`, those in a fragment counted at each spread: each is an operation of its own. */
  deferred: number;
  /** Fields and fragments after every fragment is put where it is spread. */
  selections: number;
  /** Levels of lists and objects in one argument as written. */
  literalDepth: number;
  /** Values that an answer may hold by `costOf`. */
  cost: number;
  /** Items of a list whose length nobody says. */
  assumedListSize: number;
  /** Variables as JSON in UTF-8. */
  variablesBytes: number;
  /** Levels of lists and objects in variables; `{"patient": "…"}` has one. */
  variablesDepth: number;
  /** Characters of an operation's name. */
  operationNameLength: number;
  /** Errors of a request that is refused; with our texts and one location each they stay below 2 kB. */
  errors: number;
  responseBytes: number;
};

/**
 * The usual numbers. The dearest example operation costs 2,192; laboratory and imaging with 100 reports a page, the most that
 * a source gives, 60,634; a list of 100 in a list of 100 in a list of 10 is refused.
 */
export const limits: Limits = {
  tokens: 2_000,
  brackets: 50,
  operations: 1,
  fragments: 30,
  depth: 12,
  introspectionDepth: 18,
  aliases: 30,
  rootFields: 5,
  patients: 1,
  directives: 20,
  deferred: 8,
  selections: 2_000,
  literalDepth: 8,
  cost: 100_000,
  assumedListSize: 5,
  variablesBytes: 16_000,
  variablesDepth: 8,
  operationNameLength: 200,
  errors: 8,
  responseBytes: 2_000_000,
};

/** The text names the limit and its number, never what was sent. */
const exceeded = (what: string, limit: number) => requestError('LIMIT_EXCEEDED', `${what}: ${limit} at most`);

const opening = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const closing = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/**
 * Refuses a text that is too long or too deep to be parsed. What is wrong with it otherwise is the parser's to say.
 *
 * @throws GraphQLError LIMIT_EXCEEDED with one limit; a syntax error where a token is none
 */
export const checkText = (text: string, limits: Limits): void => {
  const lexer = new Lexer(new Source(text));
  let brackets = 0;
  for (let tokens = 1; lexer.advance().kind !== TokenKind.EOF; tokens++) {
    if (tokens > limits.tokens) throw exceeded('Tokens in a document', limits.tokens);
    if (opening.has(lexer.token.kind)) brackets++;
    else if (closing.has(lexer.token.kind)) brackets--;
    if (brackets > limits.brackets) throw exceeded('Brackets open at once', limits.brackets);
  }
};

/**
 * Refuses a document that asks for too much, in time that grows with its length only. To be called before validation, which
 * can itself be made to work hard, and once per document: nothing here depends on variables.
 *
 * @param introspection whether `__schema` and `__type` are answered here; only then may they go deeper
 * @throws GraphQLError LIMIT_EXCEEDED with one limit, or BAD_REQUEST when a fragment spreads itself
 */
export const checkDocument = (document: DocumentNode, limits: Limits, introspection: boolean): void => {
  const {
    operations,
    fragments,
    nameLength,
    directives,
    literalDepth,
    selections,
    aliases,
    deferred,
    depth,
    introspectionDepth,
    rootNames,
    patientNames,
  } = measureDocument(document);
  const bounds: [what: string, measured: number, limit: number][] = [
    ['Operations in a document', operations, limits.operations],
    ['Fragments in a document', fragments, limits.fragments],
    ['Characters of an operation’s name', nameLength, limits.operationNameLength],
    ['Directives in a document', directives, limits.directives],
    ['Levels of lists and objects in an argument', literalDepth, limits.literalDepth],
    ['Different fields at the root', rootNames, limits.rootFields],
    ['Patients in an operation', patientNames, limits.patients],
    ['Aliases with fragments written out', aliases, limits.aliases],
    ['Deferred fragments', deferred, limits.deferred],
    ['Levels of fields', Math.max(depth, introspection ? 0 : introspectionDepth), limits.depth],
    ['Levels of fields in introspection', introspectionDepth, limits.introspectionDepth],
    ['Selections with fragments written out', selections, limits.selections],
  ];
  for (const [what, measured, limit] of bounds) if (measured > limit) throw exceeded(what, limit);
};

/**
 * Refuses what comes beside the document. To be called for each request, also when its document is cached.
 *
 * @throws GraphQLError LIMIT_EXCEEDED with one limit
 */
export const checkRequest = (
  { variables, operationName }: { variables: unknown; operationName: unknown },
  limits: Limits,
): void => {
  if (typeof operationName === 'string' && operationName.length > limits.operationNameLength)
    throw exceeded('Characters of operationName', limits.operationNameLength);
  // Depth first: what writes it out as text goes into each level.
  if (depthOfJson(variables, limits.variablesDepth) > limits.variablesDepth)
    throw exceeded('Levels of lists and objects in variables', limits.variablesDepth);
  if (variables && Buffer.byteLength(JSON.stringify(variables)) > limits.variablesBytes)
    throw exceeded('Bytes of variables', limits.variablesBytes);
};

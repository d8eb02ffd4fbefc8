import { type SaxesAttributeNS, SaxesParser } from 'saxes';

/** An element as it opens, its namespace resolved. */
export type XmlTag = { local: string; uri: string; attributes: Record<string, SaxesAttributeNS> };

export type XmlVisitor = {
  /** The XML declaration, where there is one. */
  declaration?(declared: { version?: string | undefined; encoding?: string | undefined }): void;
  open(tag: XmlTag): void;
  /** A piece of text or CDATA inside the root element. */
  text(piece: string): void;
  close(): void;
};

/** Deeper than any message that is read here. Namespaces are looked up level by level: without a limit depth costs its square. */
const deepest = 64;

/**
 * Reads XML strictly, in one pass. A document type is refused where it begins, so that no entity is ever defined, expanded
 * or fetched; nothing that a document points at is fetched either.
 *
 * @throws for what is not well formed, for a document type, for what is nested deeper than 64 levels, and what the visitor throws
 */
export const visitXml = (text: string, { declaration, open, text: addText, close }: XmlVisitor): void => {
  const parser = new SaxesParser({ xmlns: true });
  let depth = 0;
  const refuse = (): never => {
    throw new Error('not well formed, with a document type, or nested too deep');
  };
  const add = (piece: string) => {
    if (depth > 0) addText(piece);
  };
  parser.on('error', refuse);
  parser.on('doctype', refuse);
  parser.on('xmldecl', (declared) => declaration?.(declared));
  parser.on('opentag', (tag) => {
    depth += 1;
    if (depth > deepest) refuse();
    open(tag);
  });
  parser.on('text', add);
  parser.on('cdata', add);
  parser.on('closetag', () => {
    depth -= 1;
    close();
  });
  parser.write(text).close();
};

/** Text as it stands in an element or attribute. */
export const escapeXml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

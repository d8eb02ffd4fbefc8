import { visitXml, type XmlTag } from '../../../_shared/xml.ts';
import { type Read, refuseMessage } from '../refusal.ts';

/** An element: its own text, without that of its children; attributes by local name; children in order. */
export type XmlNode = {
  name: string;
  namespace: string;
  attributes: Readonly<Record<string, string>>;
  children: XmlNode[];
  text: string;
};

/** More than any KITH message needs, and little enough that reading one costs what its size costs. */
const limits = { nodes: 50_000, attributes: 32, attributeCharacters: 4_096 };

/** A document that is read no further. `message` is ours to the last letter. */
class Refused extends Error {}

const nodeOf = ({ local, uri, attributes }: XmlTag): XmlNode => {
  const own = Object.values(attributes).filter(({ prefix, name }) => prefix !== 'xmlns' && name !== 'xmlns');
  if (own.length > limits.attributes) throw new Refused(`more than ${limits.attributes} attributes on an element`);
  if (own.some(({ value }) => value.length > limits.attributeCharacters))
    throw new Refused(`an attribute of more than ${limits.attributeCharacters} characters`);
  return {
    name: local,
    namespace: uri,
    attributes: Object.fromEntries(own.map((it) => [it.local, it.value])),
    children: [],
    text: '',
  };
};

const build = (text: string): XmlNode => {
  const path: XmlNode[] = [];
  let root: XmlNode | undefined;
  let nodes = 0;
  visitXml(text, {
    declaration({ version = '1.0', encoding = 'utf-8' }) {
      // Version 1.1 has control characters, which a receipt could not repeat.
      if (version !== '1.0') throw new Refused('declared to be in another version than XML 1.0');
      if (encoding.toLowerCase() !== 'utf-8') throw new Refused('declared to be in another encoding than UTF-8');
    },
    open(tag) {
      nodes += 1;
      if (nodes > limits.nodes) throw new Refused(`more than ${limits.nodes} elements`);
      const node = nodeOf(tag);
      path.at(-1)?.children.push(node);
      root ??= node;
      path.push(node);
    },
    text(piece) {
      path.at(-1)!.text += piece;
    },
    close: () => void path.pop(),
  });
  return root!;
};

/** XML in UTF-8, within limits, without document type: entities other than XML's own five are not there to be expanded. */
export const readXml = (body: Buffer): Read<XmlNode> => {
  try {
    return { ok: true, value: build(new TextDecoder('utf-8', { fatal: true }).decode(body)) };
  } catch (error) {
    const why =
      error instanceof Refused ? error.message : 'not XML in UTF-8, without a document type, of at most 64 levels';
    return refuseMessage('T01', why, '');
  }
};

/** Children of this name, in the element's own namespace. */
export const childrenOf = (node: XmlNode | undefined, name: string): XmlNode[] =>
  node?.children.filter((it) => it.name === name && it.namespace === node.namespace) ?? [];

/** The first element along a path of names, all in the element's own namespace. */
export const childAt = (node: XmlNode | undefined, ...path: string[]): XmlNode | undefined =>
  path.reduce<XmlNode | undefined>((at, name) => childrenOf(at, name)[0], node);

/** Elements of any of these names, in any namespace, at any depth, in document order. */
export const descendantsOf = (node: XmlNode, ...names: string[]): XmlNode[] =>
  node.children.flatMap((it) => [...(names.includes(it.name) ? [it] : []), ...descendantsOf(it, ...names)]);

/** The value of an element: attribute `V` where KITH puts it there, else its text; `undefined` when empty. */
export const readValue = (node: XmlNode | undefined): string | undefined =>
  (node?.attributes['V'] ?? node?.text)?.trim() || undefined;

/** `DN` (or `OT`, the original text) of a coded value. */
export const displayOf = (node: XmlNode | undefined): string | undefined =>
  node?.attributes['DN'] ?? node?.attributes['OT'];

/** An attachment's bytes are in the original; the copy that is searched and shown says how many there were. */
const isBytes = ({ name }: XmlNode) => name === 'Base64Container' || name === 'X509Certificate';

/** A node as JSON: text alone as a string, attributes with `@`, children by name, repeated ones as a list. */
export const jsonOf = (node: XmlNode): unknown => {
  if (isBytes(node)) return { base64Characters: node.text.length };
  const text = node.text.trim();
  const attributes = Object.entries(node.attributes);
  if (attributes.length === 0 && node.children.length === 0) return text;
  const json = new Map<string, unknown>(attributes.map(([name, value]) => [`@${name}`, value]));
  if (text) json.set('#text', text);
  for (const [name, same] of Map.groupBy(node.children, (it) => it.name))
    json.set(name, same.length === 1 ? jsonOf(same[0]!) : same.map(jsonOf));
  return Object.fromEntries(json);
};

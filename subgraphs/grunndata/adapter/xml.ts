import { SaxesParser } from 'saxes';

/** An element by its children: text, or children by local name, in a list where one occurs more than once. */
export type XmlElement = string | XmlChildren;
export type XmlChildren = { [name: string]: XmlElement | XmlElement[] };

/**
 * The root element, under its name. Namespaces are resolved and left out, attributes are not read, space around text is none
 * of it.
 *
 * @throws for what is not well formed, and for a document type: a message that defines entities is not read at all
 */
export const parseXml = (text: string): XmlChildren => {
  const parser = new SaxesParser({ xmlns: true });
  // Without a prototype: a message may name an element as it likes.
  const root: XmlChildren = Object.create(null);
  const path: { name: string; children: XmlChildren | null; text: string }[] = [];

  const put = (into: XmlChildren, name: string, element: XmlElement) => {
    const known = into[name];
    if (known === undefined) into[name] = element;
    else if (Array.isArray(known)) known.push(element);
    else into[name] = [known, element];
  };
  const addText = (piece: string) => {
    const open = path.at(-1);
    if (open) open.text += piece;
  };
  const refuse = (): never => {
    throw new Error('not well formed, or with a document type');
  };

  parser.on('error', refuse);
  parser.on('doctype', refuse);
  parser.on('opentag', ({ local }) => void path.push({ name: local, children: null, text: '' }));
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const { name, children, text: held } = path.pop()!;
    const above = path.at(-1);
    if (above) above.children ??= Object.create(null) as XmlChildren;
    put(above?.children ?? root, name, children ?? held.trim());
  });
  parser.write(text).close();
  return root;
};

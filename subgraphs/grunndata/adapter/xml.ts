import { visitXml } from '../../_shared/xml.ts';

/** An element by its content: text, `null` for none, children by local name, or the items of a list. */
export type XmlElement = string | null | XmlChildren | XmlElement[];
export type XmlChildren = { [name: string]: XmlElement };
/** List element -> its items' element, as in `<Items><Item>…</Item></Items>`. */
export type XmlLists = Readonly<Record<string, string>>;

const itemsOf = (list: XmlChildren | null, item: string): XmlElement[] => {
  const items = list?.[item] ?? [];
  return Array.isArray(items) ? items : [items];
};

/**
 * The root element, under its name. Namespaces are resolved and left out, attributes are not read, space around text is none
 * of it. What occurs more than once without being said to be a list is a list all the same.
 *
 * @throws for what is not well formed, and for a document type: a message that defines entities is not read at all
 */
export const parseXml = (text: string, lists: XmlLists = {}): XmlChildren => {
  // Without a prototype: a message may name an element as it likes.
  const root: XmlChildren = Object.create(null);
  const path: { name: string; children: XmlChildren | null; text: string }[] = [];

  const put = (into: XmlChildren, name: string, element: XmlElement) => {
    const known = into[name];
    if (known === undefined) into[name] = element;
    else if (Array.isArray(known)) known.push(element);
    else into[name] = [known, element];
  };
  visitXml(text, {
    open: ({ local }) => void path.push({ name: local, children: null, text: '' }),
    text(piece) {
      path.at(-1)!.text += piece;
    },
    close() {
      const { name, children, text: held } = path.pop()!;
      const above = path.at(-1);
      if (above) above.children ??= Object.create(null) as XmlChildren;
      const item = Object.hasOwn(lists, name) ? lists[name] : undefined;
      const content = item === undefined ? (children ?? (held.trim() || null)) : itemsOf(children, item);
      put(above?.children ?? root, name, content);
    },
  });
  return root;
};

// What is granted, and what of it a package takes.

import { yamlLanguage } from "@codemirror/lang-yaml";

// granted returns a function that reads the tables of the job: each input of the package with those of its columns that
// its grant gives, and the tokens of protected units beside them. It knows of nothing but the page's grants, so that
// nothing else is ever offered.
export function granted(page) {
  let text, tables;
  return () => {
    if (page.package() !== text) {
      text = page.package();
      tables = inputs(text).flatMap(({ name, grant, columns }) => {
        const found = page.grants.find((each) => each.grant === grant);
        if (!found) return [];
        return [{ name, ...found, columns: found.columns.filter((column) => columns.includes(column.name)) }];
      });
    }
    return tables;
  };
}

// inputs reads the inputs of a package as far as it is written.
function inputs(text) {
  const read = plain(yamlLanguage.parser.parse(text).topNode, text);
  return Object.entries(read?.inputs ?? {}).map(([name, input]) => ({ name, grant: input?.grant, columns: [input?.columns].flat() }));
}

// plain makes texts, lists and mappings of a YAML tree. What is broken is left out.
function plain(node, text) {
  const children = [];
  for (let child = node.firstChild; child; child = child.nextSibling) children.push(child);
  const below = (name) => children.filter((child) => child.name === name);
  switch (node.name) {
    case "Stream":
    case "Document":
    case "Item":
      return children.length ? plain(children.at(-1), text) : undefined;
    case "BlockMapping":
    case "FlowMapping":
      return Object.fromEntries(below("Pair").map((pair) => entry(pair, text)));
    case "BlockSequence":
    case "FlowSequence":
      return below("Item").map((item) => plain(item, text));
    case "QuotedLiteral":
      return text.slice(node.from + 1, node.to - 1);
    default:
      return text.slice(node.from, node.to);
  }
}

function entry(pair, text) {
  const key = pair.getChild("Key");
  const value = pair.lastChild;
  const written = value && value.name !== "Key" && value.name !== ":" ? plain(value, text) : undefined;
  return [key ? text.slice(key.from, key.to) : "", written];
}

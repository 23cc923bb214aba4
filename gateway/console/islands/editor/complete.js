// What is completed: tables and columns of the job, and in its package what is granted.

import { schemaCompletionSource } from "@codemirror/lang-sql";

// fromTables completes a table or a column of the job wherever a name may stand.
export function fromTables(page) {
  return named(/\w+/, () => page.inputs().flatMap((table) => [asTable(table), ...columnsOf(table)]));
}

// qualified completes a column behind the name or the alias of its table.
export function qualified(page, dialect) {
  return (context) => {
    if (!context.matchBefore(/\w\.\w*/)) return null;
    const schema = Object.fromEntries(page.inputs().map((table) => [table.name, columnsOf(table)]));
    return schemaCompletionSource({ dialect, schema })(context);
  };
}

// fromPackage completes what a member of a package may name, by the member that is being written.
export function fromPackage(page) {
  const members = [
    [/\bgrant:\s*[\w-]*$/, () => page.grants.map((each) => ({ label: each.grant, detail: each.dataset }))],
    [/\bdataset:\s*[\w-]*$/, () => page.grants.map((each) => ({ label: each.dataset, detail: each.grant }))],
    [/\bpurpose:\s*[\w-]*$/, () => page.grants.flatMap((each) => each.purposes.map((label) => ({ label })))],
    [/\bcolumns:\s*\[[^\]]*$/, (line) => grantsOf(page, line).flatMap(columnsOf)],
    [/\b(of|by):\s*(\{\s*)?\w*$/, () => page.inputs().flatMap(columnsOf)],
  ];
  return (context) => {
    const line = context.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, context.pos - line.from);
    const member = members.find(([written]) => written.test(before));
    return member ? named(/[\w-]+/, () => member[1](line.text))(context) : null;
  };
}

// grantsOf is the grant that a line names, and every one while it names none.
function grantsOf(page, line) {
  const number = line.match(/\bgrant:\s*([\w-]+)/)?.[1];
  const found = page.grants.filter((each) => each.grant === number);
  return found.length ? found : page.grants;
}

// named makes a source of choices for a name that is being typed, or asked for.
function named(word, choices) {
  return (context) => {
    const typed = context.matchBefore(word);
    if (!typed && !context.explicit) return null;
    return { from: typed ? typed.from : context.pos, options: once(choices()), validFor: /^[\w-]*$/ };
  };
}

// once keeps the first of choices that read the same.
function once(choices) {
  return [...new Map(choices.map((choice) => [choice.label + "\0" + choice.detail, choice])).values()];
}

function asTable(table) {
  return { label: table.name, type: "class", detail: `${table.dataset} · ${table.grant}` };
}

function columnsOf(table) {
  const tokens = table.tokens.map((token) => ({ label: token.name, type: "property", detail: token.about, boost: 1 }));
  return [...tokens, ...table.columns.map((column) => ({ label: column.name, type: "property", detail: column.about, boost: 2 }))];
}

// The languages of a job: YAML for its package, SQL or Python for its code.

import { ifNotIn } from "@codemirror/autocomplete";
import { pythonLanguage } from "@codemirror/lang-python";
import { keywordCompletionSource, SQLDialect } from "@codemirror/lang-sql";
import { yamlLanguage } from "@codemirror/lang-yaml";
import { indentUnit, LanguageSupport } from "@codemirror/language";

import { fromPackage, fromTables, qualified } from "./complete.js";

// The words of the SELECTs that a pre-check lets pass. There is nothing else to complete.
const sql = SQLDialect.define({
  keywords:
    "select distinct from as where group by having qualify window over partition order asc desc rows range between " +
    "preceding following current row unbounded and or not in is null like ilike escape case when then else end with " +
    "inner left join on using union all cast try_cast true false interval extract",
  types: "boolean integer bigint double decimal varchar date timestamp",
  caseInsensitiveIdentifiers: true,
});

const noName = ["String", "LineComment", "BlockComment", "QuotedIdentifier"];

// languages has, by name, what makes a language's support for a page.
export const languages = {
  sql: (page) =>
    speak(sql.language, "  ", ifNotIn(noName, fromTables(page)), qualified(page, sql), keywordCompletionSource(sql, true)),
  python: (page) => speak(pythonLanguage, "    ", ifNotIn(["Comment"], fromTables(page))),
  yaml: (page) => speak(yamlLanguage, "  ", ifNotIn(["Comment"], fromPackage(page))),
};

// languageOf is the language of a field: of the code, that of the engine the package names.
export function languageOf(field, page) {
  if (field !== "code") return "yaml";
  return /^engine:\s*python\s*(#.*)?$/m.test(page.package()) ? "python" : "sql";
}

function speak(language, unit, ...sources) {
  return [new LanguageSupport(language), indentUnit.of(unit), sources.map((source) => language.data.of({ autocomplete: source }))];
}

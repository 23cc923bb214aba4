# Shapes of reasons. What names only things of our own record: never what a caller typed.
package sluice.reason

plain(code) := {"code": code, "what": []}

named(code, what) := {"code": code, "what": sort(what)}

of(input_name, code) := {"code": code, "what": [], "input": input_name}

of_named(input_name, code, what) := {"code": code, "what": sort(what), "input": input_name}

# The closed lists a caller's word may be repeated from.
operations := {"aggregate", "python", "serve", "sql", "train", "verify"}

outputs := {"file", "table"}

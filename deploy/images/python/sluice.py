"""Tables in, relations out: all that a Python job has of the platform.

    import sluice

    visits = sluice.table("visits")                    # a pandas DataFrame, typed as its columns are declared
    visits["band"] = pandas.cut(visits.visits, [-1, 2, 9, 999], labels=["few", "some", "many"])
    sluice.relation("people", visits)                  # as declared: relations: {people: {of: visits, labels: [band]}}

A relation is rows of one input with labels. Keep the columns the table came with: `_row` names the row and the token
(`resident`, ...) whose it is. Other columns are left behind, for the platform adds the input's own ones: a figure is
never the code's. Each label of a row may depend on rows of the same unit alone: the platform runs the code again over
halves of the units nobody knows, and a relation that comes out otherwise does not count.

What this module writes is taken for a stranger's. Nothing here keeps anybody from anything: the container does.
"""

import os
import sys

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import ast  # noqa: E402
import csv  # noqa: E402
import datetime  # noqa: E402
import json  # noqa: E402
import numbers  # noqa: E402

_IN, _OUT = "/in", "/out"
_CODE = os.path.join(_IN, "code")
_ROW = "_row"
_MAIN = "main.py"
_MESSAGE = 2000  # characters of a message about invented data

# What an error is called outside: a closed list, because a class of the author's own could be named after a value.
_CLASSES = (
    (ZeroDivisionError, "division"),
    (OverflowError, "overflow"),
    (MemoryError, "memory"),
    (SyntaxError, "syntax"),
    ((NameError, AttributeError, LookupError, ImportError), "bind"),
    ((ValueError, TypeError), "cast"),
)


class _Job:
    """What the letter says, and which relations were written."""

    def __init__(self, letter):
        self.tables = {t["input"]: t for t in letter["tables"] or ()}
        self.relations = {r["name"]: r for r in letter["relations"] or ()}
        self.files = letter["files"] or ()
        self.synthetic = letter["synthetic"]
        self.written = set()


_job = None


def tables():
    """The names of the job's inputs."""
    return list(_job.tables)


def table(name):
    """An input as a DataFrame: `_row`, the tokens of its units, and its columns, in the platform's order.

    Whole numbers are Int64, numbers float64, truths boolean, dates datetime64[ns], texts object; what is missing is
    missing. KeyError when the job has no such input.
    """
    import pandas

    spec = _job.tables[name]
    columns = {c["name"]: c["type"] for c in spec["columns"]}
    kinds = {"integer": "Int64", "number": "float64"}
    texts = [_ROW] + [u["kind"] for u in spec["units"] or ()] + [n for n, t in columns.items() if t in ("text", "boolean")]
    frame = pandas.read_csv(
        os.path.join(_IN, name + ".csv.gz"),
        dtype={**{n: "object" for n in texts}, **{n: kinds[t] for n, t in columns.items() if t in kinds}},
        keep_default_na=False, na_values=[""], float_precision="round_trip", encoding="utf-8",
    )
    for column, kind in columns.items():
        if kind == "boolean":
            frame[column] = frame[column].map({"true": True, "false": False}).astype("boolean")
        if kind == "date":
            frame[column] = pandas.to_datetime(frame[column], format="%Y-%m-%d")
    return frame


def relation(name, frame):
    """Writes a declared relation: of each row of the frame its name, its tokens and the declared labels.

    KeyError when it is not declared, or when the frame lacks one of those columns; ValueError the second time.
    """
    declared = _job.relations[name]
    if name in _job.written:
        raise ValueError("relation written twice: " + name)
    units = _job.tables[declared["of"]]["units"] or ()
    columns = [_ROW] + [u["kind"] for u in units] + list(declared["labels"] or ())
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise KeyError("relation without columns: " + ", ".join(missing))
    with open(os.path.join(_OUT, name + ".csv"), "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(columns)
        for row in zip(*(frame[c].tolist() for c in columns)):
            out.writerow([_text(v) for v in row])
    _job.written.add(name)


def _text(value):
    """The text of a label, as declared domains spell it: whole numbers without a point, truths in small letters."""
    if value is None or value != value or type(value).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return "true" if value else "false"
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral):
        return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)


def _report(member):
    """Writes report.json, without which a run has not succeeded."""
    with open(os.path.join(_OUT, "report.json"), "w", encoding="utf-8") as f:
        json.dump(member, f)


def _failure(error):
    """An error as its class and the last line of the author's own that it came through, never its words."""
    told = {"class": "other"}
    for types, name in _CLASSES:
        if isinstance(error, types):
            told["class"] = name
            break
    if isinstance(error, SyntaxError) and os.path.basename(error.filename or "") in _job.files:
        told["file"], told["line"] = os.path.basename(error.filename), error.lineno or 0
    trace = error.__traceback__
    while trace is not None:
        folder, file = os.path.split(trace.tb_frame.f_code.co_filename)
        if folder == _CODE:
            told["file"], told["line"] = file, trace.tb_lineno
        trace = trace.tb_next
    if _job.synthetic:
        told["message"] = (type(error).__name__ + ": " + str(error))[:_MESSAGE]
    return told


def _syntax():
    """What does not parse, a place a file."""
    found = []
    for file in _job.files:
        if not file.endswith(".py"):
            continue
        with open(os.path.join(_CODE, file), encoding="utf-8") as f:
            try:
                ast.parse(f.read(), file)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                found.append({"file": file, "line": getattr(error, "lineno", 0) or 0})
    return found


def _run():
    """Runs the author's main file as the main program."""
    path = os.path.join(_CODE, _MAIN)
    sys.path.insert(0, _CODE)
    sys.argv = [_MAIN]
    module = type(sys)("__main__")
    module.__file__ = path
    sys.modules["__main__"] = module
    with open(path, encoding="utf-8") as f:
        exec(compile(f.read(), path, "exec"), module.__dict__)
    for name in _job.relations:
        if name not in _job.written:
            raise LookupError("relation not written: " + name)


def _main():
    global _job
    with open(os.path.join(_IN, "task.json"), encoding="utf-8") as f:
        letter = json.load(f)["python"]
    _job = _Job(letter)
    if letter["syntax"]:
        _report({"syntax": _syntax()})
        return
    try:
        _run()
    except SystemExit as end:
        if end.code not in (None, 0):
            _report({"failure": _failure(end)})
            return
        _report({})
    except BaseException as error:  # whatever the code raises, the platform hears of it
        _report({"failure": _failure(error)})
    else:
        _report({})


if __name__ == "__main__":
    # One module under one name: what the job imports is what runs it.
    sys.modules["sluice"] = sys.modules["__main__"]
    _main()

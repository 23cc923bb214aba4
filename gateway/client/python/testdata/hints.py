"""Resolves every annotation of the client and counts what it saw; the form is that of Python 3.9."""

import ast
import inspect
import os
import py_compile
import sys
import tempfile
import typing

import sluice

with tempfile.TemporaryDirectory() as folder:
    py_compile.compile(sys.argv[1], cfile=os.path.join(folder, "sluice.pyc"), doraise=True)
with open(sys.argv[1], encoding="utf-8") as file:
    ast.parse(file.read(), feature_version=(3, 9))
classes = functions = 0
for _, thing in inspect.getmembers(sluice):
    if getattr(thing, "__module__", None) != "sluice":
        continue
    if inspect.isclass(thing):
        classes += 1
        typing.get_type_hints(thing)
        for _, method in inspect.getmembers(thing, inspect.isfunction):
            if method.__module__ == "sluice":
                functions += 1
                typing.get_type_hints(method)
    elif inspect.isfunction(thing):
        functions += 1
        typing.get_type_hints(thing)
print(f"{classes} classes, {functions} functions")

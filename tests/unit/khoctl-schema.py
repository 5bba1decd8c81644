#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""khoctl-schema.py SCHEMAS DOCUMENTS: validates what khoctl has printed.

SCHEMAS has NAME.schema.json, DOCUMENTS any number of files.  Prints a line for each fault:

    - a schema that is none, or that misses the name or version of its documents
    - a document that its schema, which it names, does not allow
    - a member that its schema does not describe.  A program has to expect new members, so
      schemas allow them, but khoctl must not print what nobody describes
    - an old name without the new one beside it

Then a line "seen NAME COUNT" for each schema.
"""
import json
import os
import sys

import jsonschema


def check_schema(name, schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    top = schema["properties"]
    if top["schema"].get("const") != name:
        yield f"{name}: its documents are not called so"
    version = top["version"].get("const")
    if not isinstance(version, int) or version < 1:
        yield f"{name}: no version"
    if schema.get("$id") != f"urn:kho:json:{name}:{version}":
        yield f"{name}: $id is {schema.get('$id')}"
    for key in ("title", "description"):
        if not schema.get(key):
            yield f"{name}: no {key}"
    yield from check_texts(name, schema)


def check_texts(where, schema):
    """Every member has a description."""
    for key, member in schema.get("properties", {}).items():
        if not member.get("description"):
            # Descriptions of items are at the array.
            yield f"{where}.{key}: no description"
        yield from check_texts(f"{where}.{key}", member)
    if "items" in schema:
        yield from check_texts(f"{where}[]", schema["items"])


def undescribed(where, schema, value):
    if isinstance(value, list):
        for one in value:
            yield from undescribed(where + "[]", schema.get("items", {}), one)
    elif isinstance(value, dict):
        properties = schema.get("properties", {})
        for key, one in value.items():
            if properties.get(key, {}).get("deprecated"):
                continue
            if key in properties:
                yield from undescribed(f"{where}.{key}", properties[key], one)
            else:
                yield f"{where}.{key}: not in the schema: describe it in docs/json/"


def main(schemas, documents):
    faults = set()
    known = {}
    for file in sorted(os.listdir(schemas)):
        if not file.endswith(".schema.json"):
            continue
        name = file[:-len(".schema.json")]
        with open(os.path.join(schemas, file), encoding="utf-8") as f:
            known[name] = json.load(f)
        faults.update(check_schema(name, known[name]))

    seen = dict.fromkeys(known, 0)
    for file in sorted(os.listdir(documents)):
        # strict: JSON is UTF-8
        with open(os.path.join(documents, file), encoding="utf-8") as f:
            try:
                document = json.load(f)
            except ValueError as error:
                faults.add(f"{file}: not JSON: {error}")
                continue
        name = document.get("schema")
        if list(document)[:2] != ["schema", "version"]:
            faults.add(f"{file}: begins with {list(document)[:2]}")
        if name not in known:
            faults.add(f"{file}: no schema '{name}'")
            continue
        seen[name] += 1
        validator = jsonschema.Draft202012Validator(known[name])
        for error in validator.iter_errors(document):
            path = ".".join(str(p) for p in error.absolute_path)
            faults.add(f"{file}: {name}: {path}: {error.message[:200]}")
        faults.update(undescribed(name, known[name], document))

    for fault in sorted(faults):
        print("fault", fault)
    for name, count in seen.items():
        print("seen", name, count)


main(*sys.argv[1:])

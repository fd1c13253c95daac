#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes docs/schema/avm-events.schema.json from the registry of kinds.

    scripts/update-schema.py [--check] [FILE]

Needs the typelib of libgstavm (build/gst-libs/gst/avm in GI_TYPELIB_PATH and
LD_LIBRARY_PATH, as `meson devenv -C build` sets them). With --check nothing
is written; exit 1 says that the file is out of date, 77 that the typelib is
missing.
"""
import json
import os
import sys

TYPES = {"d": ["number", "null"], "i": "integer", "s": "string",
         "b": "boolean"}


def field_schema(kind_type):
    if kind_type == "ad":
        return {"type": "array", "items": {"type": ["number", "null"]}}
    return {"type": TYPES[kind_type]}


def describe(field):
    name, kind_type, unit, _, text = field
    schema = field_schema(kind_type)
    schema["description"] = text + (f"; unit: {unit}" if unit else "")
    if unit:
        schema["unit"] = unit
    return schema


def kind_schema(kind):
    name, _, text, producers, _, fields = kind
    return {
        "description": f"{text} (from {producers.replace(' ', ', ')})",
        "type": "object",
        "properties": {f[0]: describe(f) for f in fields},
        "required": [f[0] for f in fields if f[3]],
    }


def nullable_ns(text):
    return {"type": ["integer", "null"], "description": text, "unit": "ns"}


def head(schema, kind_names):
    return {
        "schema": {"const": schema},
        "kind": {"type": "string", "examples": kind_names},
        "element": {
            "type": "string",
            "description": "the element that made it, where it is known",
        },
    }


def times():
    return {
        "stream_time_ns": nullable_ns("when it begins, in the recording"),
        "running_time_ns": nullable_ns(
            "when it begins, since the pipeline started playing"),
        "duration_ns": nullable_ns("how long it lasts; null: not known"),
        "utc": {
            "type": "string",
            "pattern": "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z$",
            "description": "when it begins, by the wall clock, where known",
        },
    }


def place(what):
    return {
        "type": ["integer", "null"],
        "minimum": 0,
        "description": what + "; null: none",
    }


def make_schema(kinds):
    events = [k for k in kinds if k[1] == "events"]
    series = [k for k in kinds if k[1] == "series"]
    region = place("id of the region in the picture")
    part = place("index of the part in the score")
    event = {
        "type": "object",
        "properties": {
            **head("avm-events-1", [k[0] for k in events]), **times(),
            "region": region, "part": part,
            "confidence": {"type": ["number", "null"], "minimum": 0,
                           "maximum": 1},
            "fields": {"type": "object"},
        },
        "required": ["schema", "kind", "stream_time_ns", "running_time_ns",
                     "duration_ns", "region", "part", "confidence", "fields"],
        "additionalProperties": False,
        "allOf": [{
            "if": {"properties": {"kind": {"const": k[0]}}},
            "then": {"properties": {
                "fields": {"$ref": "#/$defs/" + k[0]}}},
        } for k in events],
    }
    units = {f[0]: f"{f[4]}; unit: {f[2] or 'none'}"
             for k in series for f in k[5]}
    channels = {
        "type": "object",
        "description": "stands before the rows that it describes",
        "properties": {
            **head("avm-channels-1", [k[0] for k in series]),
            "rate_hz": {"type": ["number", "null"], "exclusiveMinimum": 0,
                        "description": "nominal; null: not known",
                        "unit": "Hz"},
            "channels": {"type": "array", "minItems": 1, "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string",
                             "description": "key in the rows' values"},
                    "quantity": {
                        "type": "string",
                        "description": "; ".join(
                            f"{name}: {text}"
                            for name, text in units.items())},
                    "unit": {"type": "string"},
                    "region": region, "part": part,
                },
                "required": ["name", "quantity", "unit", "region", "part"],
                "additionalProperties": False,
            }},
        },
        "required": ["schema", "kind", "rate_hz", "channels"],
        "additionalProperties": False,
    }
    row = {
        "type": "object",
        "properties": {
            **head("avm-series-1", [k[0] for k in series]), **times(),
            "values": {"type": "object", "additionalProperties": {
                "type": ["number", "null"]}},
        },
        "required": ["schema", "kind", "stream_time_ns", "running_time_ns",
                     "duration_ns", "values"],
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One line of avmeventenc's JSON Lines",
        "description":
            "An event, the description of a series' channels, or a row of a "
            "series. What is not known is null. Printed by "
            "scripts/update-schema.py from the registry of kinds.",
        "oneOf": [{"$ref": "#/$defs/event"}, {"$ref": "#/$defs/channels"},
                  {"$ref": "#/$defs/row"}],
        "$defs": {"event": event, "channels": channels, "row": row,
                  **{k[0]: kind_schema(k) for k in events}},
    }


def read_kinds():
    import gi
    gi.require_version("GstAvm", "1.0")
    from gi.repository import GstAvm
    return [GstAvm.avm_kind_describe(i).unpack()
            for i in range(GstAvm.avm_kind_count())]


def main():
    arguments = [a for a in sys.argv[1:] if a != "--check"]
    check = len(arguments) < len(sys.argv) - 1
    path = arguments[0] if arguments else os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", "docs", "schema",
        "avm-events.schema.json")
    try:
        kinds = read_kinds()
    except (ImportError, ValueError) as error:
        print(f"skipped: {error}", file=sys.stderr)
        return 77
    text = json.dumps(make_schema(kinds), indent=2, ensure_ascii=False) + "\n"
    if check:
        with open(path, encoding="utf-8") as stream:
            if stream.read() == text:
                return 0
        print(f"{path} is out of date: run scripts/update-schema.py",
              file=sys.stderr)
        return 1
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    return 0


sys.exit(main())

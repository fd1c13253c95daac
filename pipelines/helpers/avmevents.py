# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the helpers share that read results: events from JSON Lines, the user's
language, and tables on a terminal."""
import gettext
import json
import os
import unicodedata

translate = gettext.translation("gst-avm-1.0", os.environ.get("TEXTDOMAINDIR"),
                                fallback=True).gettext


def read(path, kind):
    """The events of a kind in a file that avmeventenc wrote"""
    with open(path, encoding="utf-8") as lines:
        events = [json.loads(line) for line in lines if line.strip()]
    return [e for e in events
            if e["schema"] == "avm-events-1" and e["kind"] == kind]


def part_names(path):
    """part -> name, "" where the score has none, of all parts that sound"""
    names = {}
    for note in read(path, "note"):
        if note["part"] is not None:
            names.setdefault(note["part"], "")
            names[note["part"]] = (note["fields"].get("part-name")
                                   or names[note["part"]])
    return names


def columns(text):
    """How many columns of a terminal it takes: Chinese signs are two wide."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def table(rows):
    """Prints rows of text, the first one as a head."""
    widths = [max(columns(r[i]) for r in rows) for i in range(len(rows[0]))]
    for i, row in enumerate(rows):
        print("  ".join(c + " " * (w - columns(c))
                        for c, w in zip(row, widths)).rstrip())
        if i == 0:
            print("-" * (sum(widths) + 2 * (len(widths) - 1)))

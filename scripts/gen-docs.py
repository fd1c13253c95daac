#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write docs/elements/ and docs/kinds.md from the built plugins.

The prose of an element's page is the SECTION comment of its source; pads,
properties and the licence come from the plugin itself.

Usage: gen-docs.py [--build DIRECTORY] [--check]
With --check nothing is written; exit 1 when a page differs.
"""
import argparse
import glob
import os
import re
import sys

parser = argparse.ArgumentParser()
parser.add_argument('--build', default='build')
parser.add_argument('--check', action='store_true')
options = parser.parse_args()

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(options.build)
LIBRARY = os.path.join(BUILD, 'gst-libs', 'gst', 'avm')
if LIBRARY not in os.environ.get('LD_LIBRARY_PATH', ''):
    # the typelib names a library that the loader must find
    os.environ['LD_LIBRARY_PATH'] = LIBRARY
    os.environ['GI_TYPELIB_PATH'] = LIBRARY
    os.environ['GST_PLUGIN_SYSTEM_PATH_1_0'] = ''
    os.environ['GST_PLUGIN_PATH_1_0'] = os.path.join(BUILD, 'gst')
    os.environ['GST_REGISTRY_1_0'] = os.path.join(BUILD, 'docs.registry')
    os.environ['LC_ALL'] = 'C.UTF-8'
    os.execv('/usr/bin/python3', ['/usr/bin/python3'] + sys.argv)

import gi  # noqa: E402
gi.require_version('Gst', '1.0')
gi.require_version('GstAvm', '1.0')
from gi.repository import GLib, GObject, Gst, GstAvm  # noqa: E402

Gst.init(None)


def section(name):
    """The SECTION comment of an element as Markdown."""
    for path in glob.glob(os.path.join(SOURCE, 'gst', '*', '*.c')):
        with open(path, encoding='utf-8') as source:
            text = source.read()
        found = re.search(
            r'/\*\*\n \* SECTION:element-%s\n(.*?)\n \*/' % name, text, re.S)
        if found:
            lines = [re.sub(r'^ \* ?', '', line)
                     for line in found.group(1).split('\n')]
            lines = [line for line in lines if not line.startswith('@')]
            text = '\n'.join(lines).strip('\n')
            text = re.sub(r'\|\[(?:<!--.*?-->)?\n', '```sh\n', text)
            text = re.sub(r'\n\s*\]\| *', '\n```\n\n', text)
            text = re.sub(r'\n{3,}', '\n\n', text).rstrip('\n')
            text = re.sub(r'[#%]G\w+:([\w-]+)', r'`\1`', text)
            text = re.sub(r'[#%](G\w+)', r'`\1`', text)
            return text
    return None


def value_text(pspec, value):
    if value is None:
        return 'none'
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, GObject.GEnum):
        return value.value_nick
    if isinstance(value, GObject.GFlags):
        return '+'.join(value.value_nicks) or 'none'
    if isinstance(value, float):
        return '%g' % value
    if isinstance(value, (int, str)):
        return str(value) if value != '' else 'empty'
    return str(value)


def type_text(pspec):
    gtype = pspec.value_type
    if gtype.is_a(GObject.TYPE_ENUM):
        nicks = [v.value_nick
                 for v in pspec.enum_class.__enum_values__.values()]
        return '%s: %s' % (gtype.name, ', '.join(nicks))
    low, high = getattr(pspec, 'minimum', None), getattr(pspec, 'maximum', None)
    if low is not None and high is not None:
        return '%s, %s to %s' % (gtype.name, value_text(pspec, low),
                                 value_text(pspec, high))
    return gtype.name


def when_text(pspec):
    flags = pspec.flags
    words = []
    if not flags & GObject.ParamFlags.WRITABLE:
        words.append('read only')
    for bit, word in ((Gst.PARAM_MUTABLE_PLAYING, 'any time'),
                      (Gst.PARAM_MUTABLE_PAUSED, 'up to PAUSED'),
                      (Gst.PARAM_MUTABLE_READY, 'up to READY'),
                      (Gst.PARAM_CONTROLLABLE, 'controllable')):
        if int(flags) & int(bit):
            words.append(word)
    return ', '.join(words)


def cell(text):
    return re.sub(r'\s+', ' ', str(text)).replace('|', '\\|')


def caps_lines(caps):
    if caps.is_any():
        return ['ANY']
    return [caps.get_structure(i).to_string().replace('(string)', '')
            .replace('(int)', '').replace('(fraction)', '').rstrip(';')
            for i in range(caps.get_size())]


def sorted_templates(factory):
    # the registry does not keep the order of the source
    return sorted(factory.get_static_pad_templates(),
                  key=lambda t: (t.direction != Gst.PadDirection.SINK,
                                 t.presence != Gst.PadPresence.ALWAYS,
                                 t.name_template))


def element_page(factory):
    name = factory.get_name()
    element = factory.create(None)
    out = ['# ' + name, '', factory.get_metadata('description'), '',
           '`%s`, plugin `%s`, licence %s' % (
               factory.get_metadata('klass'), factory.get_plugin_name(),
               factory.get_plugin().get_license()), '']
    prose = section(name)
    if prose is None:
        sys.exit('%s has no SECTION:element-%s comment' % (name, name))
    out += [prose, '', '## Pads', '']
    for template in sorted_templates(factory):
        out += ['**%s** (%s, %s)' % (
            template.name_template, template.direction.value_nick,
            template.presence.value_nick), '', '```']
        for line in caps_lines(template.get_caps()):
            out.append(line)
        out += ['```', '']
    out += ['## Properties', '', '| name | type and range | default | when '
            '| what |', '|---|---|---|---|---|']
    base = {p.name for t in (Gst.Element, Gst.Object)
            for p in GObject.list_properties(t)} | {'qos'}
    specs = [p for p in GObject.list_properties(element)
             if p.name not in base]
    for p in sorted(specs, key=lambda p: p.name):
        out.append('| `%s` | %s | %s | %s | %s |' % (
            p.name, cell(type_text(p)),
            cell(value_text(p, p.default_value)),
            cell(when_text(p)), cell(p.blurb)))
    return '\n'.join(out) + '\n'


def index_page(factories):
    out = ['# Elements', '',
           '| element | what it does | consumes | produces |',
           '|---|---|---|---|']
    for factory in factories:
        ends = {Gst.PadDirection.SINK: [], Gst.PadDirection.SRC: []}
        for template in sorted_templates(factory):
            caps = template.get_caps()
            words = []
            for i in range(0 if caps.is_any() else caps.get_size()):
                s = caps.get_structure(i)
                kind = s.get_string('kind') if s.has_field('kind') else None
                word = s.get_name() + (' ' + kind if kind else '')
                if word not in words:
                    words.append(word)
            ends[template.direction].append('%s: %s' % (
                template.name_template, ', '.join(words) or 'any'))
        name = factory.get_name()
        out.append('| [%s](%s.md) | %s | %s | %s |' % (
            name, name, cell(factory.get_metadata('description')),
            '<br>'.join(ends[Gst.PadDirection.SINK]) or '-',
            '<br>'.join(ends[Gst.PadDirection.SRC]) or '-'))
    return '\n'.join(out) + '\n'


def kinds_page():
    out = ['# Kinds', '',
           'The registry of typed streams. Series are '
           '`application/x-avm-series`, events `application/x-avm-events`; '
           'see [design.md](design.md) for their layout. Types are GVariant '
           'type strings, `f` is a channel of a series (32-bit float).']
    for i in range(GstAvm.avm_kind_count()):
        name, kind, text, producers, consumers, fields = \
            GstAvm.avm_kind_describe(i).unpack()
        out += ['', '## %s (%s)' % (name, kind), '',
                text[0].upper() + text[1:] + '.', '',
                'Produced by: %s. Consumed by: %s.' % (
                    producers.replace(' ', ', '),
                    consumers.replace(' ', ', ')), '',
                '| field | type | unit | always | meaning |',
                '|---|---|---|---|---|']
        for field, gtype, unit, required, meaning in fields:
            out.append('| `%s` | `%s` | %s | %s | %s |' % (
                field, gtype, unit or '-', 'yes' if required else 'no',
                cell(meaning)))
    return '\n'.join(out) + '\n'


plugins = [p for p in Gst.Registry.get().get_plugin_list()
           if p.get_name().startswith('avm')]
factories = sorted(
    (f for p in plugins
     for f in Gst.Registry.get().get_feature_list_by_plugin(p.get_name())
     if isinstance(f, Gst.ElementFactory)), key=lambda f: f.get_name())
if not factories:
    sys.exit('no plugins in ' + BUILD)
pages = {'docs/kinds.md': kinds_page(),
         'docs/elements/README.md': index_page(factories)}
for factory in factories:
    factory = factory.load()
    pages['docs/elements/%s.md' % factory.get_name()] = element_page(factory)

status = 0
for path, text in pages.items():
    full = os.path.join(SOURCE, path)
    old = None
    if os.path.exists(full):
        with open(full, encoding='utf-8') as page:
            old = page.read()
    if old == text:
        continue
    if options.check:
        print('%s differs: run scripts/gen-docs.py' % path)
        status = 1
    else:
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'w', encoding='utf-8') as page:
            page.write(text)
for full in glob.glob(os.path.join(SOURCE, 'docs', 'elements', '*.md')):
    if os.path.relpath(full, SOURCE) not in pages:
        print('%s is of no element' % os.path.relpath(full, SOURCE))
        status = 1
sys.exit(status)

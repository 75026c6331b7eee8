#!/usr/bin/env python3
"""Renders chat templates with Python's Jinja2 as Hugging Face transformers sets it up.

usage: template_reference.py JOB.json > RESULT.json

The job: {"now": "2026-01-31T12:34:56", "sources": ["...", ...], "cases": [{"source": 0, "context": {...}}, ...]},
where a case names its template by its place in the sources.
The result: a list, for each case {"text": "..."} or {"error": "ClassName: message"}.
"""

import datetime
import functools
import json
import sys

import jinja2
import jinja2.ext
import jinja2.sandbox


class Generation(jinja2.ext.Extension):
    """transformers' {% generation %}, as far as it affects the text: its body is rendered."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_render"), [], [], body).set_lineno(line)

    def _render(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def make_environment(now):
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = now.strftime
    return environment


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    environment = make_environment(datetime.datetime.fromisoformat(job["now"]))
    compiled = functools.lru_cache(maxsize=None)(environment.from_string)
    results = []
    for case in job["cases"]:
        try:
            text = compiled(job["sources"][case["source"]]).render(**case["context"])
            text.encode()  # a lone surrogate is no text
            results.append({"text": text})
        except Exception as error:  # a template may raise anything; kerf must then fail as well
            results.append({"error": f"{type(error).__name__}: {error}"})
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()

"""What the AWS provider says of a configuration: the part of ``terraform validate`` that needs no
Terraform. The schema is made by scripts/extract_provider_schema.py.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from parakeet_dagster_tests.infrastructure.configuration import BLOCK, Body, Module

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parent / "aws_schema.json").read_text())
META = {"count", "for_each", "depends_on", "provider", "lifecycle"}
REFERENCE = re.compile(r"(?<![\w.:/\"-])(data\.)?(aws_\w+)\.(\w+)(?:\[[^\]]*\])*(?:\.(\w+))?")


def problems(module: Module) -> list[str]:
    """Every type, argument and reference that the provider does not know, or misses."""
    found = [problem for kind in ("resource", "data") for problem in _of_kind(module, kind)]
    return found + list(_references(module))


def _of_kind(module: Module, kind: str) -> Iterator[str]:
    for type_name, name, body in module.typed(kind):
        address = f"{module.name}: {type_name}.{name}"
        schema = SCHEMA[kind].get(type_name)
        if schema is None:
            yield f"{address}: no such {kind}"
        else:
            yield from _of_block(address, {k: v for k, v in body.items() if k not in META}, schema)


def _of_block(address: str, body: Body, schema: dict[str, Any]) -> Iterator[str]:
    blocks, arguments = _split(body)
    for name in arguments:
        if name in schema["blocks"]:
            yield f"{address}: {name} is a block, not an argument"
        elif name not in schema["arguments"]:
            yield f"{address}: no argument {name}"
        elif schema["arguments"][name].split()[1] == "computed":
            yield f"{address}: {name} is the provider's to say"
    for name, how in schema["arguments"].items():
        if how.split()[1] == "required" and name not in arguments:
            yield f"{address}: {name} is missing"
    for name, inner in schema["blocks"].items():
        if inner["required"] and name not in blocks:
            yield f"{address}: the block {name} is missing"
    for name, bodies in blocks.items():
        if name not in schema["blocks"]:
            yield f"{address}: no block {name}"
            continue
        inner = schema["blocks"][name]
        if len(bodies) > 1 and not inner["many"]:
            yield f"{address}: {name} more than once"
        for inner_body in bodies:
            yield from _of_block(f"{address}.{name}", inner_body, inner["block"])


def _split(body: Body) -> tuple[dict[str, list[Body]], set[str]]:
    """Nested blocks by name, those of ``dynamic`` among them, and the names of the arguments."""
    blocks: dict[str, list[Body]] = {}
    arguments: set[str] = set()
    for name, value in body.items():
        if name == "dynamic":
            made = [item for each in value for item in each.items() if item[0] != BLOCK]
            for label, dynamic in made:
                blocks.setdefault(label, []).extend(dynamic["content"])
        elif isinstance(value, list) and value and isinstance(value[0], dict) and BLOCK in value[0]:
            blocks.setdefault(name, []).extend(value)
        elif name != BLOCK:
            arguments.add(name)
    return blocks, arguments


def _references(module: Module) -> Iterator[str]:
    declared = {kind: {(t, n) for t, n, _ in module.typed(kind)} for kind in ("resource", "data")}
    for data, type_name, name, attribute in REFERENCE.findall(module.text):
        kind = "data" if data else "resource"
        address = f"{module.name}: {data}{type_name}.{name}"
        if (type_name, name) not in declared[kind]:
            yield f"{address} is referred to, and is not there"
            continue
        schema = SCHEMA[kind][type_name]
        if attribute and attribute not in {*schema["arguments"], *schema["blocks"]}:
            yield f"{address}.{attribute}: no such attribute"

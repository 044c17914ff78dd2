"""Terraform's files as Python objects: every module with its blocks, one parse for all tests."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
from hcl2 import SerializationOptions

ROOT = Path(__file__).parents[2]
INFRASTRUCTURE = ROOT / "infrastructure"
PLAIN = SerializationOptions(with_comments=False, strip_string_quotes=True)
BLOCK = "__is_block__"

Body = dict[str, Any]


@dataclass(frozen=True)
class Module:
    """One folder of configuration.

    Attributes:
        name: ``root``, or the folder's name.
        text: the files one after the other, without comments.
        blocks: the top-level blocks of each kind, as the parser gives them.
    """

    name: str
    text: str
    blocks: dict[str, list[Body]]

    def labelled(self, kind: str) -> dict[str, Body]:
        """The blocks with one label: ``variable``, ``output``, ``module``."""
        found = self.blocks.get(kind, [])
        return {label: body for block in found for label, body in block.items() if label != BLOCK}

    def typed(self, kind: str) -> Iterator[tuple[str, str, Body]]:
        """Type, name and body of each ``resource`` or ``data`` block."""
        for type_name, named in (
            item for block in self.blocks.get(kind, []) for item in block.items()
        ):
            if type_name != BLOCK:
                yield from ((type_name, name, named[name]) for name in named if name != BLOCK)

    def resource(self, type_name: str, name: str = "this") -> Body:
        """The body of one resource."""
        return {(of, called): body for of, called, body in self.typed("resource")}[type_name, name]

    def default(self, variable: str) -> Any:
        """The default of a variable."""
        return self.labelled("variable")[variable]["default"]

    def local(self, name: str) -> Any:
        """A local value."""
        return next(block[name] for block in self.blocks["locals"] if name in block)


def parse(name: str, *texts: str) -> Module:
    """A module of the text of its files."""
    blocks: dict[str, list[Body]] = {}
    for text in texts:
        for kind, found in hcl2.loads(text, serialization_options=PLAIN).items():
            blocks.setdefault(kind, []).extend(found)
    bare = "\n".join(re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE) for text in texts)
    return Module(name, bare, blocks)


@cache
def modules() -> dict[str, Module]:
    """Every module by name, ``root`` among them."""
    folders = {"root": INFRASTRUCTURE}
    folders |= {path.name: path for path in sorted((INFRASTRUCTURE / "modules").iterdir())}
    return {
        name: parse(name, *(path.read_text() for path in sorted(folder.glob("*.tf"))))
        for name, folder in folders.items()
    }

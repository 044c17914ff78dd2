"""Write what the AWS provider takes and gives, of the types that infrastructure/ uses.

The tests hold every resource and argument against that file, without Terraform and without a
network. Run it by hand after a type is used for the first time, or for a newer provider, with npm
at hand: ``python scripts/extract_provider_schema.py``.

The schema comes from bindings generated for the provider (MPL-2.0), of which only names, kinds and
"required, optional or computed" are taken: each class says them of its own arguments, in a comment
that the generator writes. One line of the file is one resource.
"""

import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@cdktn/provider-aws@25.7.0"
ROOT = Path(__file__).parents[1]
TARGET = ROOT / "parakeet_dagster_tests" / "infrastructure" / "aws_schema.json"

# // function_name - computed: false, optional: false, required: true
#     _functionName [= new LambdaFunctionEnvironmentOutputReference(this, "environment")];
#     get functionName() { return this.getStringAttribute('function_name'); }
ARGUMENT = re.compile(
    r"// (?P<name>\w+) - computed: (?P<computed>\w+), optional: \w+, required: (?P<required>\w+)\n"
    r"\s+(?:_\w+(?: = new (?P<class>\w+)\((?P<of>[^)]*)\))?;\s+)?"
    r"get \w+\(\) \{\s+(?P<body>[^}]*?)\s+\}(?P<setter>\s+(?:set|put)\w* ?\w*\()?"
)
CLASS = re.compile(r"^class (\w+) extends cdktn\.\w+ \{$(.*?)^\}$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^\s+(\w+): \{\s+value: .*?isBlock: (true|false),", re.MULTILINE | re.DOTALL)
ITEM = re.compile(r"return new (\w+)\(this\.terraformResource")
PROVIDER = re.compile(r"providerVersion: '([\d.]+)'")
KINDS = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getStringMapAttribute": "map",
    "getBooleanMapAttribute": "map",
    "getNumberMapAttribute": "map",
    "getListAttribute": "list",
    "getNumberListAttribute": "list",
}

Schema = dict[str, dict[str, object]]


def types_used() -> tuple[list[str], list[str]]:
    """The types of the resources and of the data sources in infrastructure/."""
    text = "\n".join(path.read_text() for path in (ROOT / "infrastructure").rglob("*.tf"))
    kinds = ("resource", "data")
    found = [sorted(set(re.findall(rf'^{kind} "(aws_\w+)"', text, re.M))) for kind in kinds]
    return found[0], found[1]


def schema_of(source: str, class_name: str) -> Schema:
    """Arguments and blocks of one class of a binding, and of the blocks within."""
    classes = dict(CLASS.findall(source))
    body = classes[class_name]
    # The class, or the function beside a nested one, says which arguments are blocks.
    plain = class_name.removesuffix("OutputReference")
    start = source.find(f"function {plain[0].lower()}{plain[1:]}ToHclTerraform(struct)")
    written = source[start : source.index("\n}", start)] if start >= 0 else body
    blocks_here = {name for name, block in BLOCK.findall(written) if block == "true"}
    arguments: dict[str, object] = {}
    blocks: dict[str, object] = {}
    for found in ARGUMENT.finditer(body):
        name, required = found["name"], found["required"] == "true"
        if name in blocks_here and found["class"]:
            inner = found["class"]
            many = inner.endswith("List")
            item = ITEM.search(classes[inner])[1] if many else inner  # type: ignore[index]
            blocks[name] = {
                "many": many,
                "required": required,
                "block": schema_of(source, item),
            }
            continue
        how = "required" if required else "optional" if found["setter"] else "computed"
        also = " computed" if how == "optional" and found["computed"] == "true" else ""
        arguments[name] = f"{_kind(found)} {how}{also}"
    return {"arguments": arguments, "blocks": blocks}


def _kind(found: re.Match[str]) -> str:
    body = found["body"]
    kind = next((KINDS[name] for name in KINDS if f"this.{name}(" in body), "object")
    return "set" if "tolist(" in body else kind


def main() -> None:
    """Take the package apart, and write the file."""
    resources, sources = types_used()
    with tempfile.TemporaryDirectory() as folder:
        pack = ["npm", "pack", PACKAGE, "--silent", "--pack-destination", folder]
        subprocess.run(pack, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - of constants
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            text = {
                name: _binding(archive, ("data-" if name in sources else "") + name)
                for name in (*resources, *sources)
            }
    version = PROVIDER.search(text[resources[0]])[1]  # type: ignore[index]
    lines = [f'"provider": "{version}"', f'"package": "{PACKAGE}"']
    for title, types in (("resource", resources), ("data", sources)):
        inside = [f"{json.dumps(name)}: {json.dumps(_top(text[name]))}" for name in types]
        lines.append(f'"{title}": {{\n' + ",\n".join(inside) + "\n}")
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _binding(archive: tarfile.TarFile, name: str) -> str:
    folder = name.replace("data-aws_", "data-aws-").removeprefix("aws_").replace("_", "-")
    member = archive.extractfile(f"package/lib/{folder}/index.js")
    assert member is not None  # noqa: S101 - a file, not a folder
    return member.read().decode()


def _top(source: str) -> Schema:
    """The class of the resource itself is the last one, and the only one that is no object."""
    name = re.findall(r"^class (\w+) extends cdktn\.Terraform\w+ \{$", source, re.MULTILINE)[-1]
    return schema_of(source, name)


if __name__ == "__main__":
    main()

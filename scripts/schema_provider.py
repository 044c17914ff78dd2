"""A provider for Terraform that knows what the AWS provider takes, and does nothing.

With it `terraform validate` and `terraform test` need neither a registry nor an account: Terraform
checks types, references, conditions and the plan against the committed schema. What the provider
checks besides (the form of an ARN, a policy's syntax) stays unchecked until a real plan. See
scripts/validate_infrastructure.py.
"""

import json
import os
from pathlib import Path
from typing import Any

import tf.provider
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc
from tf.runner import run_provider

SCHEMA: dict[str, Any] = json.loads(Path(os.environ["AWS_SCHEMA"]).read_text())  # noqa: TID251 - from the script that starts it
TYPES = {
    "string": b'"string"',
    "number": b'"number"',
    "bool": b'"bool"',
    "list": b'["list","string"]',
    "set": b'["set","string"]',
    "map": b'["map","string"]',
    "object": b'"dynamic"',
}
NESTED = pb.Schema.NestedBlock


def block_of(schema: dict[str, Any]) -> pb.Schema.Block:
    """A block of the committed schema in the words of the protocol."""
    attributes = []
    for name, told in schema["arguments"].items():
        kind, *how = told.split()
        flags = dict.fromkeys(how, True)
        attributes.append(pb.Schema.Attribute(name=name, type=TYPES[kind], **flags))
    blocks = [nested(name, inner) for name, inner in schema["blocks"].items()]
    return pb.Schema.Block(attributes=attributes, block_types=blocks)


def nested(name: str, schema: dict[str, Any]) -> pb.Schema.NestedBlock:
    """A block within a block; the provider's blocks of one are lists of one, but for timeouts."""
    block = block_of(schema["block"])
    if name == "timeouts":
        return NESTED(type_name=name, block=block, nesting=NESTED.SINGLE)
    least, most = int(schema["required"]), 0 if schema["many"] else 1
    return NESTED(type_name=name, block=block, nesting=NESTED.LIST, min_items=least, max_items=most)


# The provider's own configuration, as far as infrastructure/versions.tf uses it.
CONFIGURATION = block_of(
    {
        "arguments": {"region": "string optional", "allowed_account_ids": "set optional"},
        "blocks": {
            "default_tags": {
                "many": False,
                "required": False,
                "block": {"arguments": {"tags": "map optional"}, "blocks": {}},
            }
        },
    }
)


class SchemaProvider(rpc.ProviderServicer):
    """Answers what Terraform asks before it plans; the tests mock the rest."""

    def __init__(self, provider: object) -> None:
        """As the runner calls it."""

    def GetMetadata(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802 - the protocol's
        """The names of all types."""
        answer = pb.GetMetadata
        return answer.Response(
            resources=[answer.ResourceMetadata(type_name=name) for name in SCHEMA["resource"]],
            data_sources=[answer.DataSourceMetadata(type_name=name) for name in SCHEMA["data"]],
        )

    def GetProviderSchema(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802 - the protocol's
        """The schema of all types."""
        made = {
            kind: {name: pb.Schema(block=block_of(one)) for name, one in SCHEMA[kind].items()}
            for kind in ("resource", "data")
        }
        return pb.GetProviderSchema.Response(
            provider=pb.Schema(block=CONFIGURATION),
            resource_schemas=made["resource"],
            data_source_schemas=made["data"],
        )

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802 - the protocol's
        """Nothing against it."""
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802 - the protocol's
        """Nothing against it: Terraform has held it against the schema."""
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802 - the protocol's
        """As above."""
        return pb.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802 - the protocol's
        """Nothing to configure."""
        return pb.ConfigureProvider.Response()

    def StopProvider(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802 - the protocol's
        """Nothing to stop."""
        return pb.StopProvider.Response()


class Named:
    """What the runner wants to know."""

    def full_name(self) -> str:
        """The provider that this one stands for."""
        return "hashicorp/aws"


if __name__ == "__main__":
    tf.provider.ProviderServicer = SchemaProvider
    run_provider(Named())

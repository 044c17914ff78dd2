"""Least privilege: which policy may use a star, and what the code does is what it may do."""

import re

import boto3
import botocore.session
import pytest
from botocore import xform_name

from parakeet_dagster_tests.infrastructure.configuration import ROOT, Module, modules, parse

# Actions that AWS gives no resource, by the policy that has them.
STARS = {
    "ingest.tracing": {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
    "cluster.execution": {"ecr:GetAuthorizationToken"},
    "cluster.launch": {"ecs:DescribeTaskDefinition", "ec2:DescribeNetworkInterfaces"},
    "cluster.session": {
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    },
}

# Actions that are named like no call of their service.
NOT_CALLS = {
    "iam:PassRole",
    "lambda:InvokeFunction",
    "s3:ListBucket",
    *STARS["cluster.session"],
}

# Makes the bucket of a store of one's own; on AWS Terraform does.
NOT_ON_AWS = {"bucket.py"}

# What a call needs that is not named like it.
NEEDS = {
    "HeadObject": {"s3:GetObject"},
    "ListObjectsV2": {"s3:ListBucket"},
    "ListObjects": {"s3:ListBucket"},
    "HeadBucket": {"s3:ListBucket"},
    "DeleteObjects": {"s3:DeleteObject"},
    "CopyObject": {"s3:GetObject", "s3:PutObject"},
    "CreateMultipartUpload": {"s3:PutObject"},
    "UploadPart": {"s3:PutObject"},
    "CompleteMultipartUpload": {"s3:PutObject"},
}


def statements(module: Module):
    for type_name, name, body in module.typed("data"):
        if type_name == "aws_iam_policy_document":
            blocks = [
                block for each in body.get("dynamic", []) for block in each["statement"]["content"]
            ]
            for statement in [*body.get("statement", []), *blocks]:
                yield f"{module.name}.{name}", statement


def on_everything(statement) -> bool:
    """Whether the resources are the star, alone or in a list that is computed."""
    resources = statement.get("resources", [])
    return '"*"' in resources if isinstance(resources, str) else "*" in resources


def wide(module: Module) -> list[str]:
    """What is allowed on everything, to everybody, or without a limit, and is not in ``STARS``."""
    found = []
    for policy, statement in statements(module):
        if statement.get("effect", "Allow") == "Deny":
            continue
        actions = set(statement["actions"])
        found += [f"{policy}: {action}" for action in actions if "*" in action]
        if on_everything(statement):
            found += [f"{policy}: {action} on *" for action in actions - STARS.get(policy, set())]
        identifiers = [i for one in statement.get("principals", []) for i in one["identifiers"]]
        found += [f"{policy}: everybody" for identifier in identifiers if "*" in identifier]
    return found


@pytest.mark.parametrize("name", sorted(modules()))
def test_nothing_is_wider_than_it_must_be(name):
    assert wide(modules()[name]) == []


def test_every_star_is_still_needed():
    used = {
        (policy, action)
        for module in modules().values()
        for policy, statement in statements(module)
        if on_everything(statement) and statement.get("effect") != "Deny"
        for action in statement["actions"]
    }
    assert used == {(policy, action) for policy, actions in STARS.items() for action in actions}


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ('actions = ["s3:*"]\n resources = ["arn"]', "planted.p: s3:*"),
        ('actions = ["s3:GetObject"]\n resources = ["*"]', "planted.p: s3:GetObject on *"),
        (
            'actions = ["s3:GetObject"]\n principals {\n type = "*"\n identifiers = ["*"]\n }',
            "planted.p: everybody",
        ),
    ],
)
def test_a_planted_star_is_found(statement, said):
    text = f'data "aws_iam_policy_document" "p" {{\n statement {{\n {statement}\n }}\n}}'
    assert wide(parse("planted", text)) == [said]


def test_no_action_is_written_out_in_json():
    """Policies are documents that the checks above can read, never strings."""
    for module in modules().values():
        assert not re.search(r"Action\"?\s*[=:]|<<-?\w+", module.text), module.name


def test_a_role_can_be_taken_by_one_service_only():
    trusts = {
        policy: [i for one in statement["principals"] for i in one["identifiers"]]
        for module in modules().values()
        for policy, statement in statements(module)
        if statement["actions"] == ["sts:AssumeRole"]
    }
    assert trusts == {
        "api.trust": ["lambda.amazonaws.com"],
        "ingest.trust_lambda": ["lambda.amazonaws.com"],
        "ingest.trust_scheduler": ["scheduler.amazonaws.com"],
        "cluster.trust": ["ecs-tasks.amazonaws.com"],
    }


def test_actions_are_calls_of_aws():
    """Whether there is such an action: IAM itself takes any word, and allows nothing by it."""
    session = botocore.session.get_session()
    allowed = {
        action
        for module in modules().values()
        for _, statement in statements(module)
        if statement.get("effect") != "Deny"
        for action in statement["actions"]
    }
    services = {action.split(":")[0] for action in allowed - NOT_CALLS}
    calls = {
        f"{service}:{name}"
        for service in services
        for name in session.get_service_model(service).operation_names
    }
    assert allowed >= NOT_CALLS
    assert allowed - NOT_CALLS <= calls


def test_what_the_code_asks_of_s3_is_allowed():
    allowed = {
        action
        for policy, statement in statements(modules()["root"])
        if policy == "root.data"
        for action in statement["actions"]
    }
    files = (ROOT / "parakeet_dagster").rglob("*.py")
    source = "\n".join(path.read_text() for path in files if path.name not in NOT_ON_AWS)
    operations = boto3.client("s3", region_name="us-east-1").meta.service_model.operation_names
    called = {
        operation
        for operation in operations
        if re.search(rf"\.{xform_name(operation)}\(|paginator\(\"{xform_name(operation)}\"", source)
    }
    needed = set().union(*(NEEDS.get(operation, {f"s3:{operation}"}) for operation in called))
    assert {"s3:GetObject", "s3:PutObject", "s3:ListBucket"} <= needed <= allowed


def test_the_api_reads_the_lake_and_writes_no_file():
    given = {
        (action, resource)
        for policy, statement in statements(modules()["root"])
        if policy == "root.read"
        for action in statement["actions"]
        for resource in statement["resources"]
    }
    assert given == {
        ("s3:ListBucket", "${module.storage.bucket_arn}"),
        ("s3:GetObject", "${module.storage.bucket_arn}/${module.storage.prefixes.lake}/*"),
        ("secretsmanager:GetSecretValue", "${module.secrets.database_secret_arn}"),
    }
    call = modules()["root"].labelled("module")["api"]
    assert call["data_policy"] == "${data.aws_iam_policy_document.read.json}"


def test_the_prefixes_of_the_bucket():
    prefixes = modules()["storage"].local("prefixes")
    assert prefixes == {"lake": "lake", "backups": "backups", "dagster": "dagster"}

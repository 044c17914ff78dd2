"""Every resource and argument is one that the AWS provider knows."""

import pytest

from parakeet_dagster_tests.infrastructure.configuration import modules as configuration
from parakeet_dagster_tests.infrastructure.configuration import parse
from parakeet_dagster_tests.infrastructure.provider import SCHEMA, problems


@pytest.mark.parametrize("name", sorted(configuration()))
def test_the_provider_knows_everything(name):
    assert problems(configuration()[name]) == []


def test_the_schema_is_of_the_version_that_is_asked_for():
    wanted = configuration()["root"].blocks["terraform"][0]["required_providers"][0]["aws"]
    assert wanted["version"].removeprefix("~> ").split(".")[0] == SCHEMA["provider"].split(".")[0]


def test_the_schema_holds_no_type_that_is_not_used():
    used = {
        kind: {
            type_name
            for module in configuration().values()
            for type_name, _, _ in module.typed(kind)
        }
        for kind in ("resource", "data")
    }
    assert used == {kind: set(SCHEMA[kind]) for kind in used}


GOOD = 'resource "aws_sns_topic" "a" {\n name = "a"\n}\n'
SCHEDULE = """resource "aws_scheduler_schedule" "a" {{
  schedule_expression = "cron(30 1 * * ? *)"
  {window}
  target {{
    arn      = "arn"
    role_arn = "arn"
    {more}
  }}
}}"""
WINDOW = 'flexible_time_window {\n mode = "OFF"\n}'

MISTAKES = {
    "no such resource": ('resource "aws_sns_topik" "a" {\n name = "a"\n}', "no such resource"),
    "unknown argument": ('resource "aws_sns_topic" "a" {\n nome = "a"\n}', "no argument nome"),
    "missing argument": (
        'resource "aws_sns_topic_policy" "a" {\n arn = "a"\n}',
        "policy is missing",
    ),
    "the provider's": (
        'resource "aws_sns_topic" "a" {\n arn = "a"\n}',
        "arn is the provider's to say",
    ),
    "unknown block": ('resource "aws_sns_topic" "a" {\n policies {\n }\n}', "no block policies"),
    "missing block": (SCHEDULE.format(window="", more=""), "block flexible_time_window is missing"),
    "block twice": (SCHEDULE.format(window=WINDOW * 1 + "\n" + WINDOW, more=""), "more than once"),
    "block as argument": (
        SCHEDULE.format(window='flexible_time_window = { mode = "OFF" }', more=""),
        "flexible_time_window is a block",
    ),
    "nested argument": (
        SCHEDULE.format(window=WINDOW, more='dead_letter_config {\n arm = "a"\n}'),
        "target.dead_letter_config: no argument arm",
    ),
    "nested missing": (
        SCHEDULE.format(window=WINDOW, more="dead_letter_config {\n}"),
        "target.dead_letter_config: arn is missing",
    ),
    "in a dynamic block": (
        SCHEDULE.format(
            window=WINDOW,
            more='dynamic "retry_policy" {\n for_each = [1]\n content {\n attempts = 1\n }\n}',
        ),
        "target.retry_policy: no argument attempts",
    ),
    "no such attribute": (
        GOOD + "output o {\n value = aws_sns_topic.a.amazon\n}",
        "no such attribute",
    ),
    "not there": (GOOD + "output o {\n value = aws_sns_topic.b.arn\n}", "is not there"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(mistake):
    text, said = MISTAKES[mistake]
    found = problems(parse("planted", text))
    assert any(said in problem for problem in found), found


def test_what_is_right_is_not_a_mistake():
    text = GOOD + SCHEDULE.format(window=WINDOW, more='dead_letter_config {\n arn = "a"\n}')
    assert problems(parse("right", text + "\noutput o {\n value = aws_sns_topic.a.arn\n}")) == []

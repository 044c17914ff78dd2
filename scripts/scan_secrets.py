"""Look for secrets in every file of the repository: passwords, keys, tokens, long random strings.

``make infra`` runs it. What is found and is none stands below, with the reason; a new finding is a
secret to be taken out and changed, or a line more there.
"""

import re
import subprocess
import sys
from pathlib import Path

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings

ROOT = Path(__file__).parents[1]
ASK_THE_SERVICE = "detect_secrets.filters.common.is_ignored_due_to_verification_policies"

NONE = (
    # file, what is found there, and why it is no secret
    (r".*", r"secret|password|pw|user", "stands for a password in examples"),
    (
        r"parakeet_dagster_tests/.*",
        r".{1,11}",
        "made up for a test: those that Neon, AWS and Slack make have 16 characters and more",
    ),
    (
        r"parakeet_dagster_tests/.*",
        r".*s3cret.*|.*hunter2.*|p%40s%2Fs%3A%25|\w+@example\.(org|com)",
        "made up too, and looked for in logs and errors, or an address",
    ),
    (r"benchmarks/.*", r"testing", "what moto takes for a key"),
    (
        r"parakeet_dagster_tests/test_partitions\.py",
        r"[0-9a-f]{40}",
        "the fingerprint of the sessions' definition",
    ),
    (
        r"(infrastructure|parakeet_dagster_tests)/.*",
        r"arn:aws:secretsmanager:[a-z0-9-]+:123456789012:.*",
        "the name of a secret, in an account that is nobody's",
    ),
    (r".*/aws_schema\.json", r"(string|bool) \w+( computed)?", "kinds of arguments"),
    (r"parakeet_dagster_tests/api/test_answers\.py", r"[0-9a-f]{32}", "the ETag of nothing"),
    (
        r"parakeet_dagster_tests/test_secrets_stay_secret\.py",
        r"authentication failed|there is no such secret",
        "what an error says",
    ),
    (r"parakeet_api/routers/audit\.py", r"[0-9a-f]{12}", "the id of a key, made up: its open part"),
    (r"parakeet_dagster/storage/dumps\.py", r"id", "the column that orders the table api_keys"),
    (r"parakeet_dagster/settings\.py", r"the name or ARN of a secret.*", "what is accepted"),
    (r"docs/.*", r"smtp://user:password@host.*", "what a setting looks like"),
    (r"deploy/k8s/values\.yaml", r"parakeet-postgresql|parakeet/database", "names of secrets"),
    (r"deploy/requirements[\w-]*\.txt", r"[0-9a-f]{64}", "hashes of packages"),
)


def findings() -> list[str]:
    """File, line and kind of what looks like a secret and is not known to be none."""
    listed = ["git", "ls-files", "-z"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603 - of constants
    found = []
    with default_settings() as settings:
        settings.disable_filters(ASK_THE_SERVICE)
        for name in names.rstrip("\0").split("\0"):
            for one in scan_file(str(ROOT / name)):
                value = one.secret_value or ""
                if not any(re.fullmatch(f, name) and re.fullmatch(v, value) for f, v, _ in NONE):
                    found.append(f"{name}:{one.line_number}: {one.type}")
    return sorted(set(found))


def main() -> None:
    """Print what was found; the exit code tells whether it is something."""
    found = findings()
    sys.stdout.write("".join(f"{one}\n" for one in found) or "No secret was found.\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

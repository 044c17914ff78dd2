"""The bucket of a store of one's own, as in the compose file; on AWS Terraform makes it."""

import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from parakeet_dagster.errors import LakeError, ParakeetError


def make_bucket(name: str) -> bool:
    """Make the bucket ``name`` where it is not there; returns whether it was made.

    Which store that is, and who asks, is in boto3's own variables: ``AWS_ENDPOINT_URL`` and others.

    Raises:
        LakeError: the store does not answer, or refuses.
    """
    try:
        client = boto3.client("s3")
        if any(bucket["Name"] == name for bucket in client.list_buckets()["Buckets"]):
            return False
        client.create_bucket(Bucket=name)
    except (BotoCoreError, ClientError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise LakeError(f"s3://{name}: {reason}; correct the AWS_* variables") from None
    return True


def main(arguments: list[str]) -> int:
    """``python -m parakeet_dagster.bucket NAME``."""
    if len(arguments) != 1:
        sys.stderr.write("say which bucket: python -m parakeet_dagster.bucket NAME\n")
        return 2
    (name,) = arguments
    try:
        made = make_bucket(name)
    except ParakeetError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"s3://{name}: {'made' if made else 'is there'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""dagster-aws's S3 resource with as many connections as the lake has threads.

Imported only where the lake is on S3: dagster-aws takes seconds to import.
"""

from typing import Any

import boto3
from botocore.config import Config
from dagster_aws.s3 import S3Resource
from dagster_aws.utils import construct_boto_client_retry_config


class LakeS3Resource(S3Resource):
    """See ``S3Resource``; its own client keeps 10 connections, which a window's reads outgrow."""

    max_pool_connections: int = 10

    def get_client(self) -> Any:  # noqa: ANN401 - the signature of S3Resource
        """A boto3 client, from the resource's fields and AWS's own environment variables."""
        retries: Config = construct_boto_client_retry_config(self.max_attempts)  # type: ignore[no-untyped-call]  # dagster-aws has no types
        return boto3.session.Session(profile_name=self.profile_name).client(
            "s3",
            region_name=self.region_name,
            endpoint_url=self.endpoint_url,
            use_ssl=self.use_ssl,
            verify=self.verify,
            aws_access_key_id=self.aws_access_key_id,
            aws_secret_access_key=self.aws_secret_access_key,
            aws_session_token=self.aws_session_token,
            config=retries.merge(Config(max_pool_connections=self.max_pool_connections)),
        )

"""dagster-aws's S3 resource with as many connections as the lake has threads.

Imported only where the lake is on S3: dagster-aws takes seconds to import.
"""

from typing import Any

from dagster_aws.s3 import S3Resource

from parakeet_dagster.places import s3_client
from parakeet_dagster.storage.lake import CONNECTIONS


class LakeS3Resource(S3Resource):
    """See ``S3Resource``; its own client keeps 10 connections, which a window's reads outgrow."""

    max_pool_connections: int = CONNECTIONS

    def get_client(self) -> Any:  # noqa: ANN401 - the signature of S3Resource
        """A boto3 client, from the resource's fields and AWS's own environment variables."""
        return s3_client(
            self.max_attempts,
            self.max_pool_connections,
            self.profile_name,
            region_name=self.region_name,
            endpoint_url=self.endpoint_url,
            use_ssl=self.use_ssl,
            verify=self.verify,
            aws_access_key_id=self.aws_access_key_id,
            aws_secret_access_key=self.aws_secret_access_key,
            aws_session_token=self.aws_session_token,
        )

# What whatever runs a session may do with the data: the Lambda and the cluster have the same rights. The
# API reads; what it writes, trades and holdings, is in the database.

data "aws_iam_policy_document" "data" {
  # Without a condition on the prefix: S3 answers "no such key" only to who may list, and asks that of
  # a read, which has no prefix. With one, a session that is not stored yet would be "access denied".
  statement {
    sid       = "ListTheBucket"
    actions   = ["s3:ListBucket"]
    resources = [module.storage.bucket_arn]
  }

  statement {
    sid       = "ReadAndWriteObjects"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = [for prefix in values(module.storage.prefixes) : "${module.storage.bucket_arn}/${prefix}/*"]
  }

  statement {
    sid       = "ReadTheDatabaseUrl"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [module.secrets.database_secret_arn]
  }

  statement {
    sid       = "SendAlerts"
    actions   = ["sns:Publish"]
    resources = [module.alarms.topic_arn]
  }
}

data "aws_iam_policy_document" "read" {
  statement {
    sid       = "ListTheBucket"
    actions   = ["s3:ListBucket"]
    resources = [module.storage.bucket_arn]
  }

  statement {
    sid       = "ReadTheLake"
    actions   = ["s3:GetObject"]
    resources = ["${module.storage.bucket_arn}/${module.storage.prefixes.lake}/*"]
  }

  statement {
    sid       = "ReadTheDatabaseUrl"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [module.secrets.database_secret_arn]
  }
}

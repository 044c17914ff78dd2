# One bucket for the lake, the dumps of the database and Dagster's compute logs, told apart by prefix.

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:Access logs need a second bucket and grow faster than the lake; CloudTrail's data events can be switched on for a day when needed
  #checkov:skip=CKV_AWS_144:A second region doubles the bill; every object can be had again from the source or the database (docs/operations.md)
  #checkov:skip=CKV_AWS_145:SSE-S3 encrypts for nothing; a key of one's own is US$1 a month and a charge on each of thousands of small objects
  #checkov:skip=CKV2_AWS_62:Nothing listens to events of this bucket; the job that writes it says what it wrote
  bucket        = var.bucket
  force_destroy = !var.protect_data
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  # S3 leaves out objects below this size: the cheaper classes bill 128 kB for each, so moving a
  # session's file of 30 kB would cost more than it saves.
  transition_default_minimum_object_size = "all_storage_classes_128K"

  rule {
    id     = "lake"
    status = "Enabled"

    filter {
      prefix = "${local.prefixes.lake}/"
    }

    transition {
      days          = 90
      storage_class = "STANDARD_IA"
    }
  }

  rule {
    id     = "backups"
    status = "Enabled"

    filter {
      prefix = "${local.prefixes.backups}/"
    }

    # Parakeet keeps the newest dumps and removes the others itself; by age, the last ones would go too
    # when no new ones are made. Those that are kept for longer than a month of days get cheaper.
    transition {
      days          = 45
      storage_class = "GLACIER_IR"
    }
  }

  rule {
    id     = "compute-logs"
    status = "Enabled"

    filter {
      prefix = "${local.prefixes.dagster}/"
    }

    expiration {
      days = 90
    }
  }

  rule {
    id     = "what-was-replaced-or-left-over"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 90
    }

    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  # Rules on old versions are refused before versioning is on.
  depends_on = [aws_s3_bucket_versioning.this]
}

data "aws_iam_policy_document" "this" {
  statement {
    sid       = "OnlyByTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "OnlyByRecentTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "NumericLessThan"
      variable = "s3:TlsVersion"
      values   = ["1.2"]
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = data.aws_iam_policy_document.this.json

  depends_on = [aws_s3_bucket_public_access_block.this]
}

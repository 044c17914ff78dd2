locals {
  prefixes = {
    lake    = "lake"
    backups = "backups"
    dagster = "dagster"
  }
}

output "bucket" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.this.bucket
}

output "bucket_arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}

output "prefixes" {
  description = "What lies where in the bucket: lake, backups (of the database), dagster (compute logs)."
  value       = local.prefixes
}

# The daily job as a Lambda, outside any VPC: it speaks to public addresses only (Yahoo, the database
# by TLS, AWS), and a NAT gateway would cost ten times as much as everything else together.

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts logs with its own key for nothing; no secret is logged, which a test of the project holds
  name              = "/aws/lambda/${var.function_name}"
  retention_in_days = var.log_retention_days
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.function_name}-dead-letters"
  message_retention_seconds = 14 * 24 * 3600
  sqs_managed_sse_enabled   = true
}

data "aws_iam_policy_document" "queue" {
  statement {
    sid       = "OnlyByTls"
    effect    = "Deny"
    actions   = ["sqs:SendMessage", "sqs:ReceiveMessage"]
    resources = [aws_sqs_queue.dead_letters.arn]

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
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id
  policy    = data.aws_iam_policy_document.queue.json
}

# The function

data "aws_iam_policy_document" "trust_lambda" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  name               = var.function_name
  description        = "What the daily job may do."
  assume_role_policy = data.aws_iam_policy_document.trust_lambda.json
}

resource "aws_iam_role_policy" "data" {
  name   = "data"
  role   = aws_iam_role.function.id
  policy = var.data_policy
}

data "aws_iam_policy_document" "function" {
  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }

  statement {
    sid       = "KeepFailedCalls"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead_letters.arn]
  }
}

resource "aws_iam_role_policy" "function" {
  name   = "function"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.function.json
}

data "aws_iam_policy_document" "tracing" {
  #checkov:skip=CKV_AWS_356:X-Ray's actions take no resource but the star
  #checkov:skip=CKV_AWS_111:X-Ray again; segments of a trace are all that can be written
  statement {
    sid       = "WriteTraces"
    actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "tracing" {
  count = var.tracing ? 1 : 0

  name   = "tracing"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.tracing.json
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_117:In a VPC it would need a NAT gateway (US$40 a month) to reach Yahoo and Neon
  #checkov:skip=CKV_AWS_173:No secret is in the environment, only the name of the secret; AWS's own key encrypts it for nothing
  #checkov:skip=CKV_AWS_272:Code signing is for zip packages; an image is held by its immutable tag
  #checkov:skip=CKV_AWS_50:X-Ray is on with the variable tracing; what a run did is in Dagster's event log
  function_name = var.function_name
  description   = "Parakeet's daily job: the session due, from prices to orders."
  role          = aws_iam_role.function.arn

  package_type  = "Image"
  image_uri     = var.image_uri
  architectures = [lower(var.architecture)]

  image_config {
    command = ["parakeet_dagster.serverless.daily_ingest"]
  }

  memory_size                    = var.memory_mb
  timeout                        = 900
  reserved_concurrent_executions = var.concurrency

  ephemeral_storage {
    size = var.storage_mb
  }

  environment {
    variables = var.environment
  }

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letters.arn
  }

  logging_config {
    # Parakeet writes JSON by itself; Lambda's own would wrap the metrics, which CloudWatch then
    # does not find.
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  # Lambda checks on creation that its role may write to the queue.
  depends_on = [aws_iam_role_policy.function, aws_iam_role_policy.data]
}

# A failed call is made again with the same event, and goes on where it stopped; what fails to the
# end is kept in the queue, which has an alarm.
resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = aws_lambda_function.this.function_name
  maximum_retry_attempts       = var.retries
  maximum_event_age_in_seconds = 6 * 3600
}

# The schedules

data "aws_iam_policy_document" "trust_scheduler" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_scheduler_schedule_group.this.arn]
    }
  }
}

resource "aws_iam_role" "scheduler" {
  name               = "${var.function_name}-scheduler"
  description        = "Starts the daily job."
  assume_role_policy = data.aws_iam_policy_document.trust_scheduler.json
}

data "aws_iam_policy_document" "scheduler" {
  statement {
    sid       = "StartTheJob"
    actions   = ["lambda:InvokeFunction"]
    resources = [aws_lambda_function.this.arn]
  }

  statement {
    sid       = "KeepFailedStarts"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead_letters.arn]
  }
}

resource "aws_iam_role_policy" "scheduler" {
  name   = "start"
  role   = aws_iam_role.scheduler.id
  policy = data.aws_iam_policy_document.scheduler.json
}

resource "aws_scheduler_schedule_group" "this" {
  name = var.name
}

resource "aws_scheduler_schedule" "this" {
  #checkov:skip=CKV_AWS_297:The schedule holds an event without a secret; AWS's own key encrypts it for nothing
  for_each = var.schedules

  name        = each.key
  group_name  = aws_scheduler_schedule_group.this.name
  description = each.value.description
  state       = var.enabled ? "ENABLED" : "DISABLED"

  schedule_expression          = each.value.expression
  schedule_expression_timezone = "UTC"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.this.arn
    role_arn = aws_iam_role.scheduler.arn
    input    = each.value.event

    retry_policy {
      maximum_retry_attempts       = 10
      maximum_event_age_in_seconds = 3600
    }

    dead_letter_config {
      arn = aws_sqs_queue.dead_letters.arn
    }
  }

  depends_on = [aws_iam_role_policy.scheduler]
}

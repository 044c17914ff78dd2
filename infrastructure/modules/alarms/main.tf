# What wakes someone. Alarms on Parakeet's own metrics, on the Lambda, its schedule and its queue, on the
# API, and on the server; all of them to one topic.

resource "aws_sns_topic" "this" {
  #checkov:skip=CKV_AWS_26:Alarms cannot publish to a topic that AWS's own key encrypts, and a key of one's own is US$1 a month; what is sent is the name of an alarm
  name = "${var.name}-alerts"
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.emails

  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = each.value
}

data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "AlarmsPublish"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.this.arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }

  statement {
    sid       = "OnlyByTls"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.this.arn]

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

resource "aws_sns_topic_policy" "this" {
  arn    = aws_sns_topic.this.arn
  policy = data.aws_iam_policy_document.topic.json
}

locals {
  # A metric is written once a run. "ignore" keeps the last answer until the next run gives another,
  # "notBreaching" forgets it after the hour.
  parakeet = {
    failed = {
      metric    = "Failed"
      statistic = "Maximum"
      above     = 0
      missing   = "notBreaching"
      says      = "A run of the daily job failed. The log of that hour says why; `parakeet doctor` checks the parts."
    }
    behind = {
      metric    = "SessionsBehind"
      statistic = "Minimum"
      above     = 0
      missing   = "ignore"
      says      = "The newest complete session is older than the last one that has closed: the last runs did not complete it."
    }
    coverage = {
      metric    = "Coverage"
      statistic = "Maximum"
      below     = var.coverage_threshold
      missing   = "ignore"
      says      = "Fewer of the expected tickers have a bar than the threshold of ${var.coverage_threshold}: the price source misses some."
    }
  }

  # What AWS counts by itself, where the code cannot say that it does not run.
  aws = {
    function-errors = {
      namespace  = "AWS/Lambda"
      metric     = "Errors"
      dimensions = { FunctionName = var.function_name }
      says       = "The Lambda ended with an error, ran out of time or out of memory. It is called again with the same event."
    }
    function-throttled = {
      namespace  = "AWS/Lambda"
      metric     = "Throttles"
      dimensions = { FunctionName = var.function_name }
      says       = "A call of the Lambda was refused because another was under way: two starts at a time, by hand and by schedule?"
    }
    dead-letters = {
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = var.queue_name }
      says       = "A call failed for good and is in the dead-letter queue. Mend the cause, call again, purge the queue."
    }
    schedule-errors = {
      namespace  = "AWS/Scheduler"
      metric     = "TargetErrorCount"
      dimensions = { ScheduleGroup = var.schedule_group }
      says       = "EventBridge Scheduler could not start the Lambda; it tries again for an hour."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "parakeet" {
  for_each = { for key, alarm in local.parakeet : key => alarm if var.runs }

  alarm_name        = "${var.name}-${each.key}"
  alarm_description = each.value.says
  alarm_actions     = [aws_sns_topic.this.arn]
  ok_actions        = [aws_sns_topic.this.arn]

  namespace           = "Parakeet"
  metric_name         = each.value.metric
  dimensions          = { Service = "parakeet" }
  statistic           = each.value.statistic
  period              = 3600
  evaluation_periods  = 1
  comparison_operator = can(each.value.above) ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = try(each.value.above, each.value.below)
  treat_missing_data  = each.value.missing
}

# No heartbeat for 26 hours. FILL makes each silent hour a zero: left missing, CloudWatch would look
# further back and let an older heartbeat count.
resource "aws_cloudwatch_metric_alarm" "heartbeat" {
  count = var.runs ? 1 : 0

  alarm_name        = "${var.name}-heartbeat"
  alarm_description = "The daily job has not started for 26 hours: is the schedule enabled, is the server up?"
  alarm_actions     = [aws_sns_topic.this.arn]
  ok_actions        = [aws_sns_topic.this.arn]

  evaluation_periods  = 26
  datapoints_to_alarm = 26
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"

  metric_query {
    id          = "beats"
    label       = "Starts of the daily job"
    expression  = "FILL(started, 0)"
    return_data = true
  }

  metric_query {
    id = "started"

    metric {
      namespace   = "Parakeet"
      metric_name = "Heartbeat"
      dimensions  = { Service = "parakeet" }
      stat        = "Sum"
      period      = 3600
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "aws" {
  for_each = { for key, alarm in local.aws : key => alarm if var.runs }

  alarm_name        = "${var.name}-${each.key}"
  alarm_description = each.value.says
  alarm_actions     = [aws_sns_topic.this.arn]
  ok_actions        = [aws_sns_topic.this.arn]

  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
}

# A request that fails now and then is the caller's to repeat, so an alarm takes more than one of them.
resource "aws_cloudwatch_metric_alarm" "api_errors" {
  count = var.api == null ? 0 : 1

  alarm_name        = "${var.name}-api-errors"
  alarm_description = "Five or more requests to the API in five minutes were answered by 5xx: the database cannot be reached, or the log of its Lambda says what failed."
  alarm_actions     = [aws_sns_topic.this.arn]
  ok_actions        = [aws_sns_topic.this.arn]

  namespace           = "AWS/ApiGateway"
  metric_name         = "5xx"
  dimensions          = { ApiId = var.api.id }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 5
  treat_missing_data  = "notBreaching"
}

resource "aws_cloudwatch_metric_alarm" "api_latency" {
  count = var.api == null ? 0 : 1

  alarm_name        = "${var.name}-api-latency"
  alarm_description = "For a quarter of an hour one request in twenty to the API took more than 5 seconds."
  alarm_actions     = [aws_sns_topic.this.arn]
  ok_actions        = [aws_sns_topic.this.arn]

  namespace                             = "AWS/ApiGateway"
  metric_name                           = "Latency"
  dimensions                            = { ApiId = var.api.id }
  extended_statistic                    = "p95"
  evaluate_low_sample_count_percentiles = "ignore"
  period                                = 300
  evaluation_periods                    = 3
  comparison_operator                   = "GreaterThanThreshold"
  threshold                             = 5000
  treat_missing_data                    = "notBreaching"
}

resource "aws_cloudwatch_metric_alarm" "api_throttled" {
  for_each = toset(var.api == null ? [] : var.api.functions)

  alarm_name        = "${each.key}-throttled"
  alarm_description = "Requests to the API were refused because its Lambda had no room: raise concurrency of the variable api, or the account's quota."
  alarm_actions     = [aws_sns_topic.this.arn]
  ok_actions        = [aws_sns_topic.this.arn]

  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  dimensions          = { FunctionName = each.key }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
}

# ECS writes a service's processor use for nothing, and none while no task runs.
resource "aws_cloudwatch_metric_alarm" "server" {
  count = var.server == null ? 0 : 1

  alarm_name        = "${var.name}-server"
  alarm_description = "No server task has run for a quarter of an hour: see the service's events in ECS."
  alarm_actions     = [aws_sns_topic.this.arn]
  ok_actions        = [aws_sns_topic.this.arn]

  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  dimensions          = { ClusterName = var.server.cluster, ServiceName = var.server.service }
  statistic           = "SampleCount"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
}

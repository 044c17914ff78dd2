# Three roles: what ECS itself needs to start a container (execution), what a run may do, and what the
# server may do besides: launch runs, and be reached by Session Manager.

data "aws_partition" "current" {}

locals {
  ecs         = "arn:${data.aws_partition.current.partition}:ecs:${var.region}:${var.account_id}"
  tasks       = "${local.ecs}:task/${aws_ecs_cluster.this.name}/*"
  run_tasks   = "${local.ecs}:task-definition/${local.run_family}:*"
  log_streams = "${aws_cloudwatch_log_group.this.arn}:log-stream:*"
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["${local.ecs}:*"]
    }
  }
}

# Execution

resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  description        = "What ECS needs to start a container: the image, the logs, the alerts' secret."
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "execution" {
  #checkov:skip=CKV_AWS_356:ecr:GetAuthorizationToken takes no resource but the star
  statement {
    sid       = "LogInToTheRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid       = "PullTheImage"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [var.repository_arn]
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = [local.log_streams]
  }

  dynamic "statement" {
    for_each = length(var.alert_secrets) > 0 ? [var.alerts_secret_arn] : []

    content {
      sid       = "ReadTheAlertsSecret"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}

# A run

resource "aws_iam_role" "run" {
  name               = "${var.name}-run"
  description        = "What a run may do: the data, nothing else."
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "run_data" {
  name   = "data"
  role   = aws_iam_role.run.id
  policy = var.data_policy
}

# The server

resource "aws_iam_role" "server" {
  name               = "${var.name}-server"
  description        = "What the webserver, the daemon and the code location may do: the data, and runs."
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "server_data" {
  name   = "data"
  role   = aws_iam_role.server.id
  policy = var.data_policy
}

data "aws_iam_policy_document" "launch" {
  #checkov:skip=CKV_AWS_356:The two actions that read descriptions take no resource but the star
  statement {
    sid       = "StartRuns"
    actions   = ["ecs:RunTask"]
    resources = [local.run_tasks]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.this.arn]
    }
  }

  statement {
    sid       = "TagRuns"
    actions   = ["ecs:TagResource"]
    resources = [local.tasks]

    condition {
      test     = "StringEquals"
      variable = "ecs:CreateAction"
      values   = ["RunTask"]
    }
  }

  statement {
    sid       = "WatchAndStopRuns"
    actions   = ["ecs:DescribeTasks", "ecs:StopTask"]
    resources = [local.tasks]
  }

  # The launcher reads the task definition and, for the subnets and the security group of its own
  # task, that task's network interface.
  statement {
    sid       = "ReadDescriptions"
    actions   = ["ecs:DescribeTaskDefinition", "ec2:DescribeNetworkInterfaces"]
    resources = ["*"]
  }

  statement {
    sid       = "ReadTheLogsOfFailedRuns"
    actions   = ["logs:GetLogEvents"]
    resources = [local.log_streams]
  }

  statement {
    sid       = "GiveRunsTheirRoles"
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.run.arn, aws_iam_role.execution.arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "launch" {
  name   = "launch"
  role   = aws_iam_role.server.id
  policy = data.aws_iam_policy_document.launch.json
}

data "aws_iam_policy_document" "session" {
  #checkov:skip=CKV_AWS_356:Session Manager's channels take no resource but the star
  #checkov:skip=CKV_AWS_111:Session Manager again; a channel carries a session that someone with rights on the cluster has opened
  statement {
    sid = "BeReachedBySessionManager"
    actions = [
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "session" {
  name   = "session"
  role   = aws_iam_role.server.id
  policy = data.aws_iam_policy_document.session.json
}

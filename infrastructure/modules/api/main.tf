# The API as Lambdas behind an HTTP API, outside any VPC as the daily job is. Whoever has no API key of
# Parakeet's gets no data: the code asks for it, so the gateway does not.

# The functions

resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts logs with its own key for nothing; no secret is logged, which a test of the project holds
  for_each = var.functions

  name              = "/aws/lambda/${each.key}"
  retention_in_days = var.log_retention_days
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  name               = "${var.name}-api"
  description        = "What the API may do."
  assume_role_policy = data.aws_iam_policy_document.trust.json
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
    resources = [for group in aws_cloudwatch_log_group.function : "${group.arn}:*"]
  }
}

resource "aws_iam_role_policy" "function" {
  name   = "function"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.function.json
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_116:It is called and waited for: whoever asked gets the error, and no event is left over for a queue
  #checkov:skip=CKV_AWS_117:In a VPC it would need a NAT gateway (US$40 a month) to reach Neon
  #checkov:skip=CKV_AWS_173:No secret is in the environment, only the name of the secret; AWS's own key encrypts it for nothing
  #checkov:skip=CKV_AWS_272:Code signing is for zip packages; an image is held by its immutable tag
  #checkov:skip=CKV_AWS_50:A request is one query; the logs of gateway and function say how long it took
  for_each = var.functions

  function_name = each.key
  description   = "Parakeet's API: ${each.value.description}."
  role          = aws_iam_role.function.arn

  package_type  = "Image"
  image_uri     = var.image_uri
  architectures = [lower(var.architecture)]

  image_config {
    command = [each.value.handler]
  }

  memory_size                    = var.memory_mb
  timeout                        = 29
  reserved_concurrent_executions = var.concurrency

  environment {
    variables = var.environment
  }

  logging_config {
    # Parakeet writes JSON by itself.
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }

  tracing_config {
    mode = "PassThrough"
  }

  depends_on = [aws_iam_role_policy.function, aws_iam_role_policy.data]
}

resource "aws_lambda_permission" "gateway" {
  for_each = var.functions

  statement_id  = "TheGatewayCalls"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this[each.key].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/*"
}

# The gateway. Which web pages may ask is Parakeet's setting, PARAKEET_API_ORIGINS: the gateway's own
# CORS would hide what the code answers, and say so a second time.

resource "aws_apigatewayv2_api" "this" {
  name          = "${var.name}-api"
  description   = "Parakeet: prices, signals, allocations, orders, for other programs."
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "this" {
  for_each = var.functions

  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.this[each.key].invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 30000
}

resource "aws_apigatewayv2_route" "this" {
  #checkov:skip=CKV_AWS_309:The code itself asks for an API key; only its health, its page and that page's files answer without one
  for_each = merge([for name, function in var.functions : { for key in function.routes : key => name }]...)

  api_id             = aws_apigatewayv2_api.this.id
  route_key          = each.key
  authorization_type = "NONE"
  target             = "integrations/${aws_apigatewayv2_integration.this[each.value].id}"
}

resource "aws_cloudwatch_log_group" "access" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts logs with its own key for nothing; headers and query strings are not in them
  name              = "/aws/apigateway/${var.name}-api"
  retention_in_days = var.log_retention_days
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = var.requests_per_second
    throttling_burst_limit = var.burst
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    # The path without its query string, and no header: neither holds a key then.
    format = jsonencode({
      time      = "$context.requestTime"
      requestId = "$context.requestId"
      ip        = "$context.identity.sourceIp"
      method    = "$context.httpMethod"
      path      = "$context.path"
      status    = "$context.status"
      bytes     = "$context.responseLength"
      ms        = "$context.responseLatency"
      lambdaMs  = "$context.integrationLatency"
      error     = "$context.integrationErrorMessage"
    })
  }
}

# A repository for each target of the Dockerfile.

data "aws_partition" "current" {}

locals {
  targets       = toset(["parakeet", "parakeet-lambda"])
  function_arns = [for name in var.functions : "arn:${data.aws_partition.current.partition}:lambda:${var.region}:${var.account_id}:function:${name}"]
}

resource "aws_ecr_repository" "this" {
  #checkov:skip=CKV_AWS_136:The images hold no secret and are built from a public repository; AES-256 encrypts them for nothing
  for_each = local.targets

  name                 = replace(each.key, "parakeet", var.name)
  image_tag_mutability = "IMMUTABLE"
  force_delete         = !var.protect_data

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "The last five images: the one that runs, and four to go back to."
      selection = {
        tagStatus   = "any"
        countType   = "imageCountMoreThan"
        countNumber = 5
      }
      action = { type = "expire" }
    }]
  })
}

data "aws_iam_policy_document" "lambda" {
  statement {
    sid     = "LambdaReadsItsImage"
    actions = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = concat(local.function_arns, [for arn in local.function_arns : "${arn}:*"])
    }
  }
}

resource "aws_ecr_repository_policy" "lambda" {
  repository = aws_ecr_repository.this["parakeet-lambda"].name
  policy     = data.aws_iam_policy_document.lambda.json
}

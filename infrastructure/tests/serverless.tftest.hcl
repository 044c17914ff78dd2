# `terraform test` plans without an account: the provider is mocked, its schema is the real one.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  account_id   = "123456789012"
  alert_emails = ["you@example.com"]
}

run "before_the_images_are_pushed" {
  command = plan

  assert {
    condition     = length(module.ingest) == 0 && length(module.cluster) == 0 && length(module.network) == 0
    error_message = "Nothing that needs an image is made before there is one."
  }

  assert {
    condition     = output.lake == "s3://parakeet-123456789012-ap-southeast-2/lake"
    error_message = "The lake is in the account's own bucket."
  }

  assert {
    condition     = output.function_name == null && output.cluster == null
    error_message = "There is nothing to name yet."
  }
}

run "serverless" {
  command = plan

  variables {
    image_tag = "v0.1.0"
  }

  assert {
    condition     = output.function_name == "parakeet-daily-ingest"
    error_message = "The daily job is a Lambda."
  }

  assert {
    condition     = length(module.cluster) == 0 && length(module.network) == 0
    error_message = "Always on is off unless it is asked for: no cluster, no network."
  }
}

run "in_another_region_under_another_name" {
  command = plan

  variables {
    name      = "flock"
    region    = "us-east-1"
    image_tag = "4f2d1c9"
    tracing   = true
    catch_up  = null
    backup    = null
  }

  assert {
    condition     = output.function_name == "flock-daily-ingest" && output.lake == "s3://flock-123456789012-us-east-1/lake"
    error_message = "Every name begins with var.name."
  }
}

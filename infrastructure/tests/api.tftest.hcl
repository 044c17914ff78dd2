# The API: none unless it is asked for, then one Lambda or one for each group.

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
  image_tag    = "v0.1.0"
}

run "none_by_itself" {
  command = plan

  assert {
    condition     = length(module.api) == 0 && output.api_url == null
    error_message = "The API is off unless it is asked for."
  }
}

run "none_before_the_images_are_pushed" {
  command = plan

  variables {
    image_tag = null
    api       = {}
  }

  assert {
    condition     = length(module.api) == 0 && output.api_url == null
    error_message = "Nothing that needs an image is made before there is one."
  }
}

run "one_lambda" {
  command = plan

  variables {
    api = {}
  }

  assert {
    condition     = jsonencode({ for name, function in local.api_functions : name => function.routes }) == jsonencode({ parakeet-api = ["$default"] })
    error_message = "By itself one Lambda answers everything."
  }

  assert {
    condition     = length(module.api) == 1
    error_message = "It is there."
  }
}

run "a_lambda_for_each_group" {
  command = plan

  variables {
    name = "flock"
    api  = { groups = true, concurrency = 5 }
  }

  assert {
    condition     = join(" ", keys(local.api_functions)) == "flock-api flock-api-market-data flock-api-strategies flock-api-trades"
    error_message = "Each group has a Lambda, and what is in none has one too."
  }

  assert {
    condition     = join(", ", local.api_functions["flock-api-trades"].routes) == "ANY /v1/trades, ANY /v1/trades/{proxy+}, ANY /v1/holdings, ANY /v1/holdings/{proxy+}, ANY /v1/audit, ANY /v1/audit/{proxy+}"
    error_message = "A group's resources lead to its Lambda."
  }
}

# What is refused before anything is asked of AWS.

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

run "an_account_with_hyphens" {
  command = plan
  variables { account_id = "1234-5678-9012" }
  expect_failures = [var.account_id]
}

run "nobody_to_tell" {
  command = plan
  variables { alert_emails = [] }
  expect_failures = [var.alert_emails]
}

run "the_tag_latest" {
  command = plan
  variables { image_tag = "latest" }
  expect_failures = [var.image_tag]
}

run "a_secret_among_the_settings" {
  command = plan
  variables { settings = { PARAKEET_SLACK_WEBHOOK = "https://hooks.example.com" } }
  expect_failures = [var.settings]
}

run "a_setting_that_terraform_makes" {
  command = plan
  variables { settings = { PARAKEET_LAKE = "s3://elsewhere/lake" } }
  expect_failures = [var.settings]
}

run "a_setting_of_something_else" {
  command = plan
  variables { settings = { NEON_DATABASE_URL = "postgresql://example.com/db" } }
  expect_failures = [var.settings]
}

run "a_task_with_too_little_memory" {
  command = plan
  variables { run_size = { cpu = 2048, memory = 2048 } }
  expect_failures = [var.run_size]
}

run "a_retention_that_cloudwatch_does_not_know" {
  command = plan
  variables { log_retention_days = 100 }
  expect_failures = [var.log_retention_days]
}

run "a_rate_instead_of_a_time" {
  command = plan
  variables { schedule = "rate(1 day)" }
  expect_failures = [var.schedule]
}

run "a_coverage_above_one" {
  command = plan
  variables { coverage_threshold = 98 }
  expect_failures = [var.coverage_threshold]
}

run "an_api_without_memory" {
  command = plan
  variables { api = { memory_mb = 128 } }
  expect_failures = [var.api]
}

run "an_api_that_serves_nobody" {
  command = plan
  variables { api = { concurrency = 0 } }
  expect_failures = [var.api]
}

run "an_api_without_a_limit" {
  command = plan
  variables { api = { requests_per_second = 0 } }
  expect_failures = [var.api]
}

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  mock_data "aws_availability_zones" {
    defaults = { names = ["ap-southeast-2a", "ap-southeast-2b", "ap-southeast-2c"] }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  account_id   = "123456789012"
  alert_emails = ["you@example.com", "me@example.com"]
  always_on    = true
}

run "before_the_images_are_pushed" {
  command = plan

  assert {
    condition     = length(module.network) == 1 && length(module.cluster) == 0
    error_message = "The network needs no image, the cluster does."
  }
}

run "always_on" {
  command = plan

  variables {
    image_tag = "v0.1.0"
  }

  assert {
    condition     = output.cluster == { cluster = "parakeet", service = "server" }
    error_message = "The cluster has one service."
  }

  assert {
    condition     = length(output.log_groups) == 2
    error_message = "The Lambda stays, with its schedule off."
  }
}

run "with_alerts_by_mail_and_slack" {
  command = plan

  variables {
    image_tag     = "v0.1.0"
    architecture  = "ARM64"
    smtp_port     = 587
    alert_secrets = ["PARAKEET_SLACK_WEBHOOK", "PARAKEET_SMTP_URL"]
  }
}

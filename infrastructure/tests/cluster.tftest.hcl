# The containers as ECS would get them.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/parakeet" }
  }

  mock_resource "aws_ecs_cluster" {
    defaults = { arn = "arn:aws:ecs:ap-southeast-2:123456789012:cluster/parakeet" }
  }

  mock_resource "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:ap-southeast-2:123456789012:task-definition/parakeet-run:1" }
  }
}

run "containers" {
  module {
    source = "./modules/cluster"
  }

  variables {
    name               = "parakeet"
    account_id         = "123456789012"
    region             = "ap-southeast-2"
    image_uri          = "123456789012.dkr.ecr.ap-southeast-2.amazonaws.com/parakeet:v0.1.0"
    repository_arn     = "arn:aws:ecr:ap-southeast-2:123456789012:repository/parakeet"
    architecture       = "X86_64"
    server_size        = { cpu = 1024, memory = 4096 }
    run_size           = { cpu = 2048, memory = 8192 }
    subnet_ids         = ["subnet-1", "subnet-2"]
    security_group_ids = ["sg-1"]
    environment        = { PARAKEET_LOGS = "json" }
    alert_secrets      = ["PARAKEET_SLACK_WEBHOOK"]
    alerts_secret_arn  = "arn:aws:secretsmanager:ap-southeast-2:123456789012:secret:parakeet/alerts-a1b2c3"
    data_policy        = "{}"
    log_retention_days = 365
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.server.container_definitions)[*].name == ["code", "webserver", "daemon"]
    error_message = "Three containers in one task."
  }

  assert {
    condition     = alltrue([for container in jsondecode(aws_ecs_task_definition.server.container_definitions) : contains(container.environment, { name = "PARAKEET_ECS_TASK_DEFINITION", value = "arn:aws:ecs:ap-southeast-2:123456789012:task-definition/parakeet-run:1" })])
    error_message = "The server launches the newest revision of the run's task."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.run.container_definitions)[0].secrets == [{ name = "PARAKEET_SLACK_WEBHOOK", valueFrom = "arn:aws:secretsmanager:ap-southeast-2:123456789012:secret:parakeet/alerts-a1b2c3:PARAKEET_SLACK_WEBHOOK::" }]
    error_message = "A secret comes from Secrets Manager, by its key."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.run.container_definitions)[0].logConfiguration.options.awslogs-group == "/ecs/parakeet"
    error_message = "A run logs where the server does."
  }
}
